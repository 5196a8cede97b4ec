"""The bundled portrait with eight different options, on one sheet.

python examples/options.py docs/options.jpg
"""

import sys

import numpy as np

import limner
from demo import PORTRAIT, SKY, checkerboard
from limner.images import Image, resize_longest
from limner.rendering.compose import composite

VARIANTS = (
    limner.Options(),
    limner.Options(mask=True),
    limner.Options(background="blur", blur=4, lens=True),
    limner.Options(background="grey"),
    limner.Options(background="#e8b04a", shadow=60),
    limner.Options(background=SKY),
    limner.Options(background="white", crop="square", margin=10),
    limner.Options(background="#d7e3ee", crop="2x2in"),
)
SIDE, GAP = 300, 12


def main() -> None:
    """Draw the sheet."""
    photo = limner.load_photo(PORTRAIT)
    alpha = limner.segment(photo)
    panels = [_panel(limner.render(photo, alpha, options)) for options in VARIANTS]
    rows = [np.hstack(panels[start : start + 4]) for start in (0, 4)]
    limner.save_image(sys.argv[1], np.vstack(rows)[GAP:, GAP:])


def _panel(photo: limner.Photo) -> Image:
    pixels = photo.pixels if photo.pixels.ndim == 3 else np.dstack([photo.pixels] * 3)
    if photo.alpha is not None:
        pixels = composite(pixels, photo.alpha, checkerboard(photo.alpha.shape))
    seen = resize_longest(pixels, SIDE)
    panel = np.full((SIDE + GAP, SIDE + GAP, 3), 255, np.uint8)
    panel[GAP : GAP + seen.shape[0], GAP : GAP + seen.shape[1]] = seen
    return panel


if __name__ == "__main__":
    main()
