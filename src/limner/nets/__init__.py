"""Network architectures, one a file, by name. Needs the extra ``train``."""

from collections.abc import Callable

from torch import nn

from limner.nets.portrait import PortraitNet, portrait_small
from limner.nets.segnet import segnet, segnet_basic
from limner.nets.unet import UNet, unet_large

NETS: dict[str, Callable[[], nn.Module]] = {
    "portrait": PortraitNet,
    "portrait_small": portrait_small,
    "segnet": segnet,
    "segnet_basic": segnet_basic,
    "unet": UNet,
    "unet_large": unet_large,
}
"""Name in a recipe -> a network with new weights: images (N, 3, H, W) in [0, 1] -> logits (N, 1, H, W)."""
