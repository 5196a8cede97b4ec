"""The files of Limner's static page, as `limner web` writes them out."""
