import numpy as np
import pytest
import torch

from limner.mattes.refine import run_on_grid
from limner.nets.edge import STRIDE
from limner.nets.temporal import MOTION_MAPS, ExportedTemporalNet, TemporalNet
from limner.video.motion_features import no_motion
from limner.video.temporal import MODEL


def fields(height: int, width: int) -> list[torch.Tensor]:
    """A picture, two alphas and features."""
    return [torch.rand(2, channels, height, width) for channels in (3, 1, 1, MOTION_MAPS)]


@pytest.mark.parametrize("size", [(STRIDE, STRIDE), (48, 24)])
def test_begins_as_an_edge_and_a_plain_filter(size: tuple[int, int]) -> None:
    net = TemporalNet().eval()
    image, alpha, last, features = fields(*size)
    with torch.inference_mode():
        found = net(image, alpha, last, features)
        coefficients = net.edge(image, alpha)
    torch.testing.assert_close(found[:, :4], coefficients)
    torch.testing.assert_close(found[:, 4:], features[:, :1].clamp(1e-4, 1 - 1e-4))


def test_grey_levels_are_taken_as_such() -> None:
    net = TemporalNet().eval()
    image, alpha, last, features = (field[:1] for field in fields(16, 16))
    with torch.inference_mode():
        found = net(image, alpha, last, features)[0]
        coefficients, fraction = ExportedTemporalNet(net)(
            255 * image[0], alpha[0, 0], last[0, 0], features[0]
        )
    torch.testing.assert_close(coefficients[:3] * 255, found[:3])
    torch.testing.assert_close(coefficients[3:], found[3:4])
    torch.testing.assert_close(fraction, found[4:])


def test_the_bundled_network_fits_the_grid() -> None:
    assert len(no_motion((2, 3))) == MOTION_MAPS
    half = np.full((37, 50), 0.5, np.float32)
    coefficients, fraction = run_on_grid(
        MODEL, pixels=np.zeros((3, 37, 50), np.float32), alpha=half, last=half, features=no_motion((37, 50))
    )
    assert coefficients.shape == (4, 37, 50)
    assert fraction.shape == (1, 37, 50)
    assert 0 <= fraction.min() <= fraction.max() <= 1
