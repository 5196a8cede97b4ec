"""Cut out the bundled portrait: the cut-out, the matte, a new background, and a sheet of before and after.

python examples/demo.py FOLDER
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

import limner
from limner.images import Alpha, Image, resize

HERE = Path(__file__).parent
PORTRAIT = HERE / "eileen-collins.jpg"
SKY = HERE / "hubble-deep-field.jpg"


def main() -> None:
    """Run the commands that a user would, then draw the sheet from Python."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    cut(folder / "cutout.png")
    cut(folder / "matte.png", "--mask")
    cut(folder / "background.jpg", "--background", str(SKY))

    image = limner.load_image(PORTRAIT)
    alpha = limner.segment(image)
    limner.save_image(folder / "before-after.jpg", sheet(image, alpha, limner.load_image(SKY)))
    print(f"Look at {folder}/: before-after.jpg, cutout.png, matte.png, background.jpg")


def cut(target: Path, *options: str) -> None:
    """Run ``limner cut`` on the portrait, showing the command."""
    arguments = ["cut", str(PORTRAIT), "-o", str(target), *options]
    print("limner", *arguments, flush=True)
    subprocess.run([sys.executable, "-m", "limner", *arguments], check=True)


def sheet(image: Image, alpha: Alpha, background: Image, *, gap: int = 12) -> Image:
    """Photograph, matte, cut-out over a checkerboard and new background side by side, on white."""
    panels = [
        image,
        np.dstack([limner.render(image, alpha, limner.Options(mask=True))] * 3),
        limner.render(image, alpha, limner.Options(background=checkerboard(alpha.shape))),
        limner.render(image, alpha, limner.Options(background=background)),
    ]
    edge = np.full((image.shape[0], gap, 3), 255, np.uint8)
    row = np.hstack([part for panel in panels for part in (panel, edge)][:-1])
    return resize(row, (row.shape[0] * 1280 // row.shape[1], 1280))


def checkerboard(size: tuple[int, ...], *, square: int = 16) -> Image:
    """The grey squares that stand for transparency, (H, W, 3) uint8."""
    rows, columns = np.indices(size) // square
    light = (rows + columns) % 2 == 0
    return np.where(light, np.uint8(255), np.uint8(204))[..., None].repeat(3, axis=2)


if __name__ == "__main__":
    main()
