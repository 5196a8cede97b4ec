import numpy as np
import pytest
import torch

from limner.mattes import refine
from limner.nets.edge import STRIDE, EdgeNet, ExportedEdgeNet, colour_model


def two_colours() -> tuple[torch.Tensor, torch.Tensor]:
    """A subject of (0.8, 0.4, 0.2) on the right of a background of (0.1, 0.4, 0.6), and its alpha."""
    right = torch.arange(32).expand(32, 32) >= 16
    colours = torch.tensor([[0.1, 0.4, 0.6], [0.8, 0.4, 0.2]])
    return colours[right.long()].permute(2, 0, 1)[None], right.float()[None, None]


def test_the_model_of_two_colours() -> None:
    image, alpha = two_colours()
    model = colour_model(image, alpha, 4, 0.9)
    middle = slice(12, 20)  # both colours lie in the windows there
    distance = 0.7**2 + 0.4**2
    confidence = distance / (distance + (20 / 255) ** 2)
    assert model.confidence[..., middle].numpy() == pytest.approx(confidence, abs=0.01)
    mixed = 0.25 * image[..., -1:] + 0.75 * image[..., :1]
    opacity = (model.slope * mixed).sum(1, keepdim=True) - model.offset
    assert opacity[..., middle].numpy() == pytest.approx(0.25 * confidence, abs=0.01)
    assert (model.confidence[..., :6] < 0.01).all()  # no subject near


def test_one_colour_gives_no_confidence() -> None:
    image, alpha = two_colours()
    model = colour_model(torch.full_like(image, 0.5), alpha, 4, 0.9)
    assert model.confidence.max() < 0.01
    assert model.vote(image).abs().max() < 0.01


def test_grey_levels_are_taken_as_such() -> None:
    net = EdgeNet().eval()
    image, alpha = torch.rand(3, 16, 16), torch.rand(16, 16)
    with torch.inference_mode():
        coefficients = net(image[None], alpha[None, None])[0]
        found = ExportedEdgeNet(net)(255 * image, alpha)
    torch.testing.assert_close(found[:3] * 255, coefficients[:3])
    torch.testing.assert_close(found[3:], coefficients[3:])
    assert 0 < found[4].min() <= found[4].max() < 1


def test_the_bundled_network_fits_the_grid() -> None:
    assert refine.STRIDE == STRIDE
    image, alpha = np.zeros((3, 37, 50), np.float32), np.full((37, 50), 0.5, np.float32)
    assert refine.run_on_grid(refine.MODEL, pixels=image, alpha=alpha)[0].shape == (5, 37, 50)
