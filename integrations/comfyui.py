"""ComfyUI: a node that cuts people out.

Put this file into ComfyUI/custom_nodes/, and install Limner into the Python of ComfyUI.

The mask is 1 on people and 0 behind them, as nodes that segment give it. `LoadImage` gives the opposite: 1
where a picture is transparent. `JoinImageWithAlpha` wants the opposite, too: put `InvertMask` before it, or
take the output `cutout`, whose fourth channel is the mask. Colours at the edge are the people's own.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

import limner

MODELS = ["base", "small", "unet"]
REFINE = ["fast", "none", "fine"]


class LimnerCut:
    """From an IMAGE to a cut-out with opacity, an image over a colour, and a MASK.

    IMAGE is (B, H, W, C) float32 in [0, 1], MASK (B, H, W) float32 in [0, 1].
    """

    CATEGORY = "mask"
    DESCRIPTION = "Finds people and cuts them out, on the CPU. The mask is 1 on people."
    FUNCTION = "cut"
    RETURN_TYPES: ClassVar = ("IMAGE", "IMAGE", "MASK")
    RETURN_NAMES: ClassVar = ("cutout", "image", "mask")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802  # ComfyUI's name
        """What the node takes."""
        return {
            "required": {
                "image": ("IMAGE",),
                "model": (MODELS,),
                "refine": (REFINE, {"tooltip": "of the edge; fine needs SciPy"}),
                "background": ("STRING", {"default": "white", "tooltip": "colour of the output image"}),
            }
        }

    def cut(self, image: Tensor, model: str, refine: str, background: str) -> tuple[Tensor, Tensor, Tensor]:
        """Every picture of the batch alone."""
        levels = np.rint(255 * image[..., :3].cpu().numpy().clip(0, 1)).astype(np.uint8)
        cutouts, images, masks = [], [], []
        for pixels in levels:
            alpha = limner.segment(pixels, model=model, refine=refine)
            cutout = limner.render(pixels, alpha)
            cutouts.append(np.dstack((cutout[..., :3] / np.float32(255), alpha)))
            images.append(
                limner.render(pixels, alpha, limner.Options(background=background)) / np.float32(255)
            )
            masks.append(alpha)
        return _tensor(cutouts), _tensor(images), _tensor(masks)


def _tensor(arrays: list[Any]) -> Tensor:
    return torch.from_numpy(np.stack(arrays).astype(np.float32))


NODE_CLASS_MAPPINGS = {"LimnerCut": LimnerCut}
NODE_DISPLAY_NAME_MAPPINGS = {"LimnerCut": "Cut out people (Limner)"}
