"""How large a picture may be."""

MAX_PIXELS = 178_956_970
"""Largest picture decoded by default, about 179 megapixels: Pillow refuses more, and warns at half."""


def too_large(name: str, found: str, limit: int) -> str:
    """The message for the file ``name`` of the size ``found``, where ``limit`` pixels are allowed."""
    return f"{name} is too large ({found}): the limit is {limit / 1e6:.0f} megapixels; make it smaller first"
