"""What cameras and the web do to pictures (N, 3, H, W) in [0, 1], each by its own strength (N,) in [0, 1)."""

import torch
from torch import Tensor
from torch.nn import functional as F

# ITU-T T.81 (JPEG), tables K.1 and K.2: quantisation of luminance and chrominance at quality 50.
_LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99, 99, 99, 99, 99, 99, 99, 99),) * 4,
)
# ITU-T T.871 (JFIF): RGB to YCbCr, without the offsets.
_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def to_grey(images: Tensor, strength: Tensor) -> Tensor:  # noqa: ARG001
    """Luminance ``0.299 R + 0.587 G + 0.114 B`` in all three channels, whatever the strength."""
    weights = images.new_tensor(_YCBCR[0]).view(1, 3, 1, 1)
    return (images * weights).sum(dim=1, keepdim=True).expand_as(images)


def blur(images: Tensor, strength: Tensor) -> Tensor:
    """Gaussian blur, standard deviation from 0.4 pixels to 2.4 at full strength."""
    sigma = (0.4 + 2 * strength).view(-1, 1)
    offsets = torch.arange(-7, 8, device=images.device)
    weights = torch.softmax(-(offsets**2) / (2 * sigma**2), dim=1).repeat_interleave(3, dim=0)  # (3N, 15)
    flat = F.pad(images.flatten(0, 1)[None], (7, 7, 7, 7), mode="replicate")
    flat = F.conv2d(flat, weights[:, None, :, None], groups=len(weights))
    flat = F.conv2d(flat, weights[:, None, None, :], groups=len(weights))
    return flat.view_as(images)


def add_noise(images: Tensor, strength: Tensor) -> Tensor:
    """Gaussian noise of standard deviation up to 0.12, drawn anew for each strength."""
    seeded = (torch.Generator(images.device).manual_seed(int(value * 2**24)) for value in strength.tolist())
    noise = torch.stack(
        [torch.randn(images.shape[1:], generator=one, device=images.device) for one in seeded]
    )
    return (images + noise * 0.12 * strength.view(-1, 1, 1, 1)).clamp(0, 1)


def compress(images: Tensor, strength: Tensor) -> Tensor:
    """What JPEG loses at quality 70 down to 10: 8 x 8 cosine coefficients, rounded by a table."""
    quality = 70 - 60 * strength
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50).view(-1, 1, 1, 1)
    tables = images.new_tensor((_LUMINANCE, _CHROMINANCE, _CHROMINANCE)) / 255
    steps = (tables[None] * scale)[:, :, None, None]  # (N, 3, 1, 1, 8, 8)
    to_ycbcr = images.new_tensor(_YCBCR)
    cosines = _cosines().to(images)
    middle = 128 / 255  # JPEG codes what differs from it
    colours = torch.einsum("ck,nkhw->nchw", to_ycbcr, images - middle)
    blocks = colours.unfold(2, 8, 8).unfold(3, 8, 8)  # (N, 3, H / 8, W / 8, 8, 8)
    coefficients = cosines @ blocks @ cosines.T
    blocks = cosines.T @ (torch.round(coefficients / steps) * steps) @ cosines
    colours = blocks.transpose(3, 4).reshape(images.shape)
    return (torch.einsum("ck,nkhw->nchw", torch.linalg.inv(to_ycbcr), colours) + middle).clamp(0, 1)


def _cosines() -> Tensor:
    """The orthonormal discrete cosine transform of length 8, (8, 8)."""
    place = torch.arange(8.0)
    matrix = torch.cos(torch.pi * (place + 0.5) * place[:, None] / 8) / 2
    matrix[0] /= 2**0.5
    return matrix
