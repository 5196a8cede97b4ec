import pytest
import torch

from limner.training.composite import place, put_before


def draws(*values: float) -> list[torch.Tensor]:
    return [torch.tensor([value]) for value in values]


def block(rows: slice, columns: slice) -> tuple[torch.Tensor, torch.Tensor]:
    """A picture of 64 x 64 with a subject of colour 0.8 on some rows and columns, 0.2 elsewhere."""
    alpha = torch.zeros(1, 1, 64, 64)
    alpha[:, :, rows, columns] = 1
    return (0.2 + 0.6 * alpha).repeat(1, 3, 1, 1), alpha


def extent(alpha: torch.Tensor) -> tuple[int, int, int, int]:
    """First and last row, first and last column of the subject."""
    rows, columns = (alpha[0, 0] > 0.5).nonzero().unbind(dim=1)
    return int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        # shrunk to a half, the frame of 32 pixels at a quarter of the free way across and three quarters down
        (slice(16, 48), slice(16, 48), (24 + 8, 24 + 23, 8 + 8, 8 + 23)),
        (slice(16, 64), slice(16, 48), (32 + 8, 63, 8 + 8, 8 + 23)),  # cut off below: still is
        (slice(0, 48), slice(16, 48), (0, 23, 8 + 8, 8 + 23)),
        (slice(16, 48), slice(0, 48), (24 + 8, 24 + 23, 0, 23)),
        (slice(16, 64), slice(16, 64), (32 + 8, 63, 32 + 8, 63)),  # below and on the right
        (slice(16, 64), slice(0, 64), (16, 63, 0, 63)),  # on both sides: stays as it is
        (slice(0, 64), slice(16, 48), (0, 63, 16, 47)),
    ],
)
def test_where_a_subject_is_placed(rows: slice, columns: slice, expected: tuple[int, ...]) -> None:
    image, alpha = block(rows, columns)
    placed, placed_alpha, _ = place(image, alpha, torch.ones_like(alpha), 0.25, iter(draws(0.5, 0.25, 0.75)))
    assert extent(placed_alpha) == expected
    inside = (placed_alpha > 0.99).expand_as(placed)
    torch.testing.assert_close(placed[inside], torch.full_like(placed[inside], 0.8), atol=0.02, rtol=0)
    kept = 1 if expected == extent(alpha) else 4
    assert float(placed_alpha.sum()) == pytest.approx(float(alpha.sum()) / kept, rel=0.02)


def test_strong_shrinking_does_not_alias() -> None:
    stripes = torch.zeros(1, 1, 64, 64)
    stripes[..., 16:48, 16:48:2] = 1
    _, placed, _ = place(
        stripes.repeat(1, 3, 1, 1), stripes, torch.ones_like(stripes), 0.25, iter(draws(1.0, 0.0, 0.0))
    )
    inside = placed[0, 0, 5:11, 5:11]
    assert inside.std() < 0.1
    assert float(inside.mean()) == pytest.approx(0.5, abs=0.05)


def test_subjects_are_lit_like_what_is_behind() -> None:
    image, alpha = block(slice(16, 48), slice(16, 48))
    behind = torch.full((1, 3, 64, 64), 0.4)
    for colour_match, expected in ((0.0, 0.8), (0.5, 0.8 - 0.5 * 0.5 * 0.4)):
        put = put_before(image, alpha, behind, colour_match, iter(draws(0.5)))
        torch.testing.assert_close(put[..., 32, 32], torch.full((1, 3), expected))
        torch.testing.assert_close(put[..., 5, 5], torch.full((1, 3), 0.4))


def test_what_is_unknown_moves_with_its_subject_and_the_rest_is_known() -> None:
    image, alpha = block(slice(16, 48), slice(16, 48))
    weight = torch.ones_like(alpha)
    weight[..., 16:32, 16:48] = 0  # the upper half of the subject
    _, placed, placed_weight = place(image, alpha, weight, 0.25, iter(draws(0.5, 0.25, 0.75)))
    first, last, left, right = extent(placed)
    middle = (first + last + 1) // 2
    unknown = placed_weight < 0.5
    assert unknown[..., first:middle, left : right + 1].all()
    assert unknown.sum() == (middle - first) * (right + 1 - left)
