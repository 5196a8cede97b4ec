"""Every so many frames of a clip, finished, on one picture: a quick look before the whole clip is made."""

import math
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from limner.images import Image, blend, check_format, resize_longest, save_image
from limner.models.segmenter import Segmenter
from limner.models.spec import DEFAULT_MODEL
from limner.rendering.options import Options
from limner.video.background import MovingBackground
from limner.video.compositor import Compositor
from limner.video.frames import picture_of
from limner.video.pipeline import with_mattes, with_video
from limner.video.reader import Clip, opened

FRAMES = 100
"""On a sheet, at most."""
CELL, GAP, PAPER = 240, 4, 24
"""Longer side of a frame on a sheet, pixels; what is between them; its grey."""


def preview(
    source: str | Path | BinaryIO | Clip,
    target: str | Path,
    options: Options,
    *,
    every: int,
    segmenter: Segmenter | None = None,
    behind: str | Path | None = None,
) -> None:
    """Write every ``every``-th frame, finished, on one contact sheet; at most `FRAMES` of them.

    Args:
        source: A clip, or its path.
        target: A picture, such as "sheet.png".
        options: As of `limner.video.cut`.
        every: 1 for every frame, 30 for one a second of most clips.
        segmenter: As of `limner.video.cut`.
        behind: The same.

    Raises:
        InputError: As `limner.video.cut`.
        OutputError: If the target cannot be written.
    """
    check_format(target, transparent=False)
    cells: list[Image] = []
    with ExitStack() as stack:
        clip = stack.enter_context(opened(source))
        backdrop = None
        options = with_video(options, behind)
        if behind is not None:
            backdrop = stack.enter_context(closing(MovingBackground(behind, clip, "gbrp", options)))
        layout = "gray" if options.mask else "gbrap" if options.transparent else "gbrp"
        compositor = Compositor(options, clip.scaler, clip.size, formats=("gbrp", layout))
        segmenter = segmenter or Segmenter(DEFAULT_MODEL, threads=1)
        items = islice(clip.frames("gbrp"), 0, FRAMES * every, every)
        for item in with_mattes(items, clip, segmenter, backdrop):
            cells.append(_cell(picture_of(compositor(compositor.refined(item)))))
    columns = math.ceil(math.sqrt(len(cells)))
    height, width = (length + GAP for length in cells[0].shape[:2])
    sheet = np.full((-(-len(cells) // columns) * height + GAP, columns * width + GAP, 3), PAPER, np.uint8)
    for number, cell in enumerate(cells):
        top, left = GAP + number // columns * height, GAP + number % columns * width
        sheet[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    save_image(target, sheet)


def _cell(found: NDArray[np.uint8]) -> Image:
    """A finished frame as it is shown on a sheet: small, in colours, on a check where it is transparent."""
    image = np.repeat(found[..., None], 3, axis=2) if found.ndim == 2 else found[..., :3]
    cell = resize_longest(np.ascontiguousarray(image), CELL)
    if found.ndim == 2 or found.shape[2] == 3:
        return cell
    alpha = resize_longest(found[..., 3].astype(np.float32) / np.float32(255), CELL)
    rows, columns = np.indices(alpha.shape) // 8
    check = np.where((rows + columns) % 2, 192, 240).astype(np.uint8)
    return blend(cell, alpha, np.repeat(check[..., None], 3, axis=2))
