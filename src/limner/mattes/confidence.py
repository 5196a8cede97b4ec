"""How good a matte probably is, told by the network's own alpha."""

from limner.images import Alpha
from limner.mattes.masks import on_grid, threshold

EXPONENT = 1.1
"""Networks are surer than they should be: fitted on pictures with masks, see docs/notebook/models.md."""


def expected_iou(alpha: Alpha) -> float:
    """The IoU that the mask of at least 0.5 probably has, in [0, 1]; 0 where there is no subject.

    If each pixel is the subject with the probability p, the mask M holds ``sum(p in M)`` pixels of the
    subject and misses ``sum(p outside M)``. The ratio of the expected intersection to the expected union is
    ``sum(p in M) / (|M| + sum(p outside M))``; that to the power `EXPONENT` is the result.

    Args:
        alpha: (H, W), a network's, before its edge is refined: refinement makes it sharp, not right.
    """
    alpha = on_grid(alpha)
    mask = threshold(alpha)
    if not mask.any():
        return 0.0
    inside = float(alpha[mask].sum(dtype=float))
    union = mask.sum() + float(alpha.sum(dtype=float)) - inside
    return float((inside / union) ** EXPONENT)
