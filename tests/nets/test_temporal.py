import numpy as np
import pytest
import torch

from limner.mattes.refine import run_on_grid
from limner.nets.edge import STRIDE
from limner.nets.temporal import CLUES, PixelsToShares, SteadyNet
from limner.video.motion_features import no_clues
from limner.video.temporal import MODEL


def fields(height: int, width: int) -> list[torch.Tensor]:
    """A picture, two alphas and clues."""
    return [torch.rand(2, channels, height, width) for channels in (3, 1, 1, CLUES)]


@pytest.mark.parametrize("size", [(STRIDE, STRIDE), (48, 24)])
def test_begins_as_an_edge_and_a_plain_filter(size: tuple[int, int]) -> None:
    net = SteadyNet().eval()
    image, alpha, last, clues = fields(*size)
    with torch.inference_mode():
        found = net(image, alpha, last, clues)
        lines = net.edge(image, alpha)
    torch.testing.assert_close(found[:, :4], lines)
    torch.testing.assert_close(found[:, 4:], clues[:, :1].clamp(1e-4, 1 - 1e-4))


def test_grey_levels_are_taken_as_such() -> None:
    net = SteadyNet().eval()
    image, alpha, last, clues = (field[:1] for field in fields(16, 16))
    with torch.inference_mode():
        found = net(image, alpha, last, clues)[0]
        lines, share = PixelsToShares(net)(255 * image[0], alpha[0, 0], last[0, 0], clues[0])
    torch.testing.assert_close(lines[:3] * 255, found[:3])
    torch.testing.assert_close(lines[3:], found[3:4])
    torch.testing.assert_close(share, found[4:])


def test_the_bundled_network_fits_the_grid() -> None:
    assert len(no_clues((2, 3))) == CLUES
    half = np.full((37, 50), 0.5, np.float32)
    lines, share = run_on_grid(
        MODEL, pixels=np.zeros((3, 37, 50), np.float32), alpha=half, last=half, clues=no_clues((37, 50))
    )
    assert lines.shape == (4, 37, 50)
    assert share.shape == (1, 37, 50)
    assert 0 <= share.min() <= share.max() <= 1
