"""Draw the pictures of docs/gallery.md anew: a portrait in the public domain, and a drawn person.

python scripts/gallery.py
"""

from pathlib import Path

import numpy as np
import PIL.Image

import limner
from limner.datasets.synthetic import synthetic_portrait

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "gallery"
PORTRAIT = ROOT / "examples" / "eileen-collins.jpg"
QUALITY = 85
CHANGES = {
    "cutout": {},
    "white": {"background": "white"},
    "blur": {"background": "blur", "lens": True},
    "grey": {"background": "grey"},
    "sky": {"background": ROOT / "examples" / "hubble-deep-field.jpg"},
    "shadow": {"background": "#f2e9dc", "shadow": 60.0},
}
"""Name of a picture -> the options that make it."""


def save(name: str, image: np.ndarray) -> None:
    """Write a picture: with opacity as WebP, else as JPEG."""
    suffix = "webp" if image.shape[-1] == 4 else "jpg"
    PIL.Image.fromarray(image).save(FOLDER / f"{name}.{suffix}", quality=QUALITY)


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    save("photo", limner.load_image(PORTRAIT))
    for name, options in CHANGES.items():
        result = limner.cut(PORTRAIT, **options)
        save(name, result.rgba if name == "cutout" else result.image)
    alpha = limner.segment(PORTRAIT)
    save("matte", np.repeat(np.rint(255 * alpha).astype(np.uint8)[..., None], 3, axis=2))
    image, _ = synthetic_portrait(np.random.default_rng(7), (512, 512))
    save("drawn", image)
    save("drawn-blue", limner.cut(image, background="#3377cc").image)


if __name__ == "__main__":
    main()
