"""A contact sheet: samples side by side, each with its cut-out, to see at a glance whether masks fit."""

from collections.abc import Sequence

import numpy as np

from limner.datasets.sample import Sample
from limner.images import Colour, Image, resize_longest
from limner.rendering.backgrounds import composite

BACKDROP: Colour = (255, 0, 255)
"""Behind the cut-outs: a colour that people do not have."""
PAPER = 24
"""Grey around the pictures."""


def contact_sheet(samples: Sequence[Sample], *, cell: int = 128, columns: int = 6) -> Image:
    """Draw samples in rows: each the picture, then the subject alone on `BACKDROP`.

    A picture has a place of ``cell`` pixels in height and width; a `DatasetError` names one that is damaged.
    """
    columns = min(columns, len(samples))
    rows = -(-len(samples) // columns)
    gap = max(2, cell // 32)
    width = 2 * cell + gap
    sheet = np.full((rows * (cell + gap) + gap, columns * (width + gap) + gap, 3), PAPER, np.uint8)
    for number, sample in enumerate(samples):
        top = gap + number // columns * (cell + gap)
        left = gap + number % columns * (width + gap)
        image, alpha = sample.load()
        small, subject = resize_longest(image, cell), resize_longest(alpha, cell)
        height, across = subject.shape
        sheet[top : top + height, left : left + across] = small
        sheet[top : top + height, left + cell : left + cell + across] = composite(small, subject, BACKDROP)
    return sheet
