"""The bundled portrait, finished in eight ways, on one sheet.

python examples/finishes.py docs/finishes.jpg
"""

import sys

import numpy as np

import limner
from demo import PORTRAIT, SKY, checkerboard
from limner.images import Image, fit, load_image

WAYS = (
    limner.Finish(),
    limner.Finish(mask=True),
    limner.Finish(background="blur", blur=0.04, lens=True),
    limner.Finish(background="grey"),
    limner.Finish(background="#e8b04a", shadow=0.6),
    limner.Finish(background="picture"),
    limner.Finish(background="white", crop="square", margin=0.1),
    limner.Finish(background="#d7e3ee", crop="2x2in"),
)
SIDE, GAP = 300, 12


def main() -> None:
    """Draw the sheet."""
    photo = limner.load_photo(PORTRAIT)
    alpha = limner.Segmenter()(photo.image)
    sky = load_image(SKY)
    panels = [_panel(limner.finish(photo, alpha, way, picture=sky)) for way in WAYS]
    rows = [np.hstack(panels[start : start + 4]) for start in (0, 4)]
    limner.save_image(sys.argv[1], np.vstack(rows)[GAP:, GAP:])


def _panel(photo: limner.Photo) -> Image:
    pixels = photo.pixels if photo.pixels.ndim == 3 else np.dstack([photo.pixels] * 3)
    if photo.alpha is not None:
        pixels = limner.composite(pixels, photo.alpha, checkerboard(photo.alpha.shape))
    seen = fit(pixels, SIDE)
    panel = np.full((SIDE + GAP, SIDE + GAP, 3), 255, np.uint8)
    panel[GAP : GAP + seen.shape[0], GAP : GAP + seen.shape[1]] = seen
    return panel


if __name__ == "__main__":
    main()
