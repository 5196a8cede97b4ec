"""How large a picture may be."""

MAX_PIXELS = 178_956_970
"""Largest picture decoded by default, about 179 megapixels: Pillow refuses more, and warns at half."""


def too_large(name: str, found: str, limit: int) -> str:
    """What is said of a larger one.

    Args:
        name: The file's.
        found: How large it is.
        limit: How large it may be, pixels.
    """
    return f"{name} is too large ({found}): the limit is {limit / 1e6:.0f} megapixels; make it smaller first"
