"""Masks that cannot be meant as they are: label indices taken for opacity, sets without a subject."""

from collections.abc import Collection, Mapping

import numpy as np

from limner.errors import DatasetError
from limner.images import Alpha, to_uint8

LARGEST_LABEL = 31
"""Grey levels up to this one are black to the eye: they are label indices, not opacity."""
LEAST_DARK = 0.01
"""Labels cover more than this fraction of a picture; less is what is left of a faint edge."""
VOID = 255
"""PASCAL VOC's label of pixels that were left unlabelled."""
FRACTIONS = (0.002, 0.98)
"""Mean fraction of the pictures that subjects cover, beyond which no network learns to find them."""


def check_opacity(alpha: Alpha, name: str) -> None:
    """Refuse a mask whose grey levels are label indices: 0 and 1, or 0, 15 and 255.

    Most of what is not 0 is then black to the eye, and nothing is in between.

    Raises:
        DatasetError: If so.
    """
    counts = np.bincount(to_uint8(alpha).ravel(), minlength=256)
    dark, between, bright = np.split(counts[1:], [LARGEST_LABEL, 254])
    if dark.sum() > max(bright[0], LEAST_DARK * alpha.size) and not between.any():
        levels = [int(level) for level in np.flatnonzero(counts)]
        label = 1 + int(dark.argmax())
        raise DatasetError(
            f"{name} holds the values {_listed(levels)} only and is nearly black to the eye. If these are "
            f"labels, and {label} is the subject: limner data prepare folders --subject-labels {label}; else "
            "write 255 on the subject"
        )


def check_fractions(fractions: Collection[float], name: str) -> None:
    """Refuse a set of masks that hardly show a subject, or hardly anything else.

    Raises:
        DatasetError: If the mean of the masks' mean opacities is beyond `FRACTIONS`.
    """
    mean = float(np.mean(list(fractions)))
    if not FRACTIONS[0] <= mean <= FRACTIONS[1]:
        covers = f"the masks cover {100 * mean:.2g} % of the pictures" if mean else "no mask holds a subject"
        raise DatasetError(
            f"{name}: {covers}; a mask is white on the subject and black elsewhere: look at them with limner "
            "data show"
        )


def label_remarks(named: Collection[int], seen: Mapping[int, tuple[int, float]], masks: int) -> list[str]:
    """What became of labels that were named and are nowhere, and of those that are there and were not named.

    ``seen`` has for each label in how many masks it is, and the mean fraction that it covers of these.

    Raises:
        DatasetError: If no mask holds a label that was named.
    """
    nowhere = sorted(set(named) - set(seen))
    if len(nowhere) == len(set(named)):
        raise DatasetError(f"no mask holds the labels {_listed(nowhere)}: there are {_listed(sorted(seen))}")
    remarks = [f"no mask holds the label {label}" for label in nowhere]
    for label in sorted(set(seen) - {0, *named}):
        count, fraction = seen[label]
        void = ' ("void")' if label == VOID else ""
        remarks.append(
            f"{count} of {masks} masks hold the label {label}{void} in {100 * fraction:.2g} % of their "
            "pixels: it was not named and counts as background"
        )
    return remarks


def _listed(numbers: list[int]) -> str:
    """At most eight of them."""
    more = f" and {len(numbers) - 8} more" if len(numbers) > 8 else ""
    return ", ".join(map(str, numbers[:8])) + more
