from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from limner.nets import NETS
from limner.nets.edge import STRIDE, EdgeNet
from limner.nets.portrait import PortraitNet
from limner.nets.segnet import pool, unpool
from limner.nets.temporal import MOTION_MAPS, TemporalNet
from limner.training.onnx_file import to_onnx
from limner.training.portrait import PixelsToAlpha

PARAMETERS = {
    "portrait": 3_167_185,
    "portrait_small": 735_124,
    "segnet": 29_435_649,
    "segnet_basic": 1_415_425,
    "unet": 134_617,
    "unet_large": 8_633_441,
    "edge": 84_700,
    "temporal": 261_116,
}


REFINERS: dict[str, tuple[Callable[[], nn.Module], int, tuple[int, ...]]] = {
    "edge": (EdgeNet, 5, (3, 1)),
    "temporal": (TemporalNet, 5, (3, 1, 1, MOTION_MAPS)),
}
"""Name -> a network with new weights, the channels that it gives, and those that it takes."""


def test_all_nets_are_counted() -> None:
    assert set(PARAMETERS) == {*NETS, *REFINERS}


@pytest.fixture(params=NETS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def net(name: str) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = NETS[name]()
        if name.startswith("portrait"):  # its encoder's batch norms keep their statistics, even in training
            settle(net)
    return net.train()


def settle(net: nn.Module) -> None:
    """Batch norms whose running statistics are those of real activations, as in a trained network."""
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    with torch.inference_mode():
        net(torch.rand(16, 3, 64, 64))
    for norm in norms:
        norm.momentum = 0.1


@pytest.fixture(params=[*NETS, *REFINERS])
def any_net(request: pytest.FixtureRequest) -> tuple[str, nn.Module, int, tuple[int, ...]]:
    """Name, network, and the channels that it gives and takes."""
    name = str(request.param)
    build, given, taken = REFINERS.get(name) or (NETS[name], 1, (3,))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = build()
        if name.startswith("portrait"):
            settle(net)
        if name == "temporal":  # begins with layers of zeros, which let no gradient through
            for parameter in net.parameters():
                if not parameter.any():
                    nn.init.normal_(parameter, std=0.01)
    return name, net.train(), given, taken


AnyNet = tuple[str, nn.Module, int, tuple[int, ...]]


def test_parameters(any_net: AnyNet) -> None:
    name, net, _, _ = any_net
    assert sum(parameter.numel() for parameter in net.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("size", [(64, 64), (33, 47), (40, 104)])
def test_forward_and_backward_at_any_size(any_net: AnyNet, size: tuple[int, int]) -> None:
    name, net, given, taken = any_net
    if name in REFINERS and size[0] % STRIDE:
        pytest.skip("the sides of grids are multiples of a stride")
    found = net(*(torch.rand(2, channels, *size) for channels in taken))
    assert found.shape == (2, given, *size)
    found.square().sum().backward()
    for parameter in filter(lambda one: one.requires_grad, net.parameters()):
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0


def test_pictures_of_a_batch_do_not_mix(any_net: AnyNet) -> None:
    _, net, _, taken = any_net
    net.eval()
    inputs = [torch.rand(3, channels, 32, 48) for channels in taken]
    with torch.inference_mode():
        together = net(*inputs)
        alone = torch.cat([net(*(values[[index]] for values in inputs)) for index in range(3)])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_exported_graph_gives_the_same_alpha(name: str, net: nn.Module) -> None:
    pixels = torch.randint(0, 256, (16, 64, 64, 3), dtype=torch.uint8)
    settle(net)
    with torch.inference_mode():
        model = PixelsToAlpha(net).eval()
        expected = model(pixels[:3]).numpy()
    session = onnxruntime.InferenceSession(to_onnx(model, (64, 64)), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"pixels": pixels[:3].numpy()})
    assert expected.std() > 1e-3
    if name.startswith("segnet"):
        # Where two values of a pooling square are equal but for rounding, torch and ONNX Runtime may keep
        # different ones; the decoder puts the value elsewhere, and untrained layers make much of that.
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.9
    else:
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_exported_pooling_and_unpooling_are_exact() -> None:
    class ThereAndBack(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            size = images.shape[-2:]
            return (unpool(*pool(images), size) * 9 - 4).sum(dim=1, keepdim=True)

    model = PixelsToAlpha(ThereAndBack()).eval()
    pixels = torch.randint(0, 256, (3, 32, 32, 3), dtype=torch.uint8)  # many ties among so few values
    expected = model(pixels).numpy()
    session = onnxruntime.InferenceSession(to_onnx(model, (32, 32)), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"pixels": pixels.numpy()})[0], expected, atol=1e-6)


def test_learns_four_pictures_by_heart(net: nn.Module) -> None:
    images = torch.rand(4, 3, 32, 32) * 0.3
    target = torch.zeros(4, 1, 32, 32)
    for index in range(4):
        target[index, :, 4 : 20 + index, 2 + 3 * index : 20] = 1
    images = images + 0.6 * target
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(150):
        loss = nn.functional.binary_cross_entropy_with_logits(net(images), target)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if loss.item() < 0.1:
            return
    pytest.fail(f"the loss is still {loss.item():.3f}")


def test_unpool_puts_each_value_back() -> None:
    x = torch.tensor([[[[1.0, 5, 2], [3, 4, 6], [7, 0, 9]]]])
    pooled, indices = pool(x)
    assert pooled.tolist() == [[[[5, 6], [7, 9]]]]
    assert unpool(pooled * 10, indices, x.shape[-2:]).tolist() == [[[[0, 50, 0], [0, 0, 60], [70, 0, 90]]]]


def test_unpool_agrees_with_torch() -> None:
    x = torch.rand(2, 3, 8, 6)
    pooled, indices = pool(x)
    torch.testing.assert_close(
        unpool(pooled, indices, x.shape[-2:]), nn.functional.max_unpool2d(pooled, indices, [2, 2])
    )


@pytest.mark.parametrize("fixed", [0, 3])
@pytest.mark.parametrize("name", ["portrait", "portrait_small"])
def test_fixed_stages_keep_their_weights(net: nn.Module, fixed: int) -> None:
    assert isinstance(net, PortraitNet)
    net.encoder.fix(fixed)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    net(torch.rand(2, 3, 64, 64)).square().mean().backward()
    optimizer.step()
    changed = {key for key, value in net.state_dict().items() if not torch.equal(value, before[key])}
    first = tuple(f"encoder.stages.{index}." for index in range(fixed))
    assert not {key for key in changed if key.startswith(first)}
    assert bool({key for key in changed if key.startswith("encoder.stem.")}) == (fixed == 0)
    assert not {key for key in changed if key.startswith("encoder.") and "running" in key}
    assert {key for key in changed if key.startswith(f"encoder.stages.{fixed}.")}
    assert {key for key in changed if key.startswith("up.") and "running" in key}
