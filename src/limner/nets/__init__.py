"""Network architectures, one a file, by name. Needs the extra ``train``."""

from limner.nets.unet import UNet

NETS = {"unet": UNet}
