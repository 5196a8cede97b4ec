"""The node of ComfyUI, called as ComfyUI calls it, with its tensors."""

from typing import Any

import numpy as np
import pytest
import torch

import limner
from limner.images import Image
from tests.conftest import ROOT
from tests.test_docs import load_script

node = load_script(ROOT / "integrations" / "comfyui.py")


def call(image: torch.Tensor, **inputs: str) -> Any:
    """As ComfyUI does: by the name in FUNCTION, with one argument for each declared input."""
    kind = node.NODE_CLASS_MAPPINGS["LimnerCut"]
    declared = kind.INPUT_TYPES()["required"]
    chosen = {
        name: inputs.get(name, form[0][0] if isinstance(form[0], list) else form[1]["default"])
        for name, form in declared.items()
        if name != "image"
    }
    results = getattr(kind(), kind.FUNCTION)(image=image, **chosen)
    assert len(results) == len(kind.RETURN_TYPES) == len(kind.RETURN_NAMES)
    return results


def test_a_batch_gives_images_and_masks_in_the_forms_of_comfyui(portrait: Image) -> None:
    small = portrait[::2, ::2]
    batch = torch.from_numpy(np.stack([small, small[:, ::-1]]).astype(np.float32) / 255)
    cutout, image, mask = call(batch, model="small", background="#ff0000")
    height, width = small.shape[:2]
    assert (tuple(cutout.shape), tuple(image.shape)) == ((2, height, width, 4), (2, height, width, 3))
    assert tuple(mask.shape) == (2, height, width)
    assert {one.dtype for one in (cutout, image, mask)} == {torch.float32}
    assert all(one.min() >= 0 and one.max() <= 1 for one in (cutout, image, mask))
    expected = limner.segment(small, model="small")
    assert np.array_equal(mask[0].numpy(), expected)
    assert mask[0][60, width // 2] > 0.9  # 1 on the person
    assert mask[0][5, -5] < 0.1
    assert torch.equal(cutout[..., 3], mask)
    assert torch.equal(image[0][5, -5], torch.tensor([1.0, 0.0, 0.0]))


def test_joining_needs_the_inverse(portrait: Image) -> None:
    """ComfyUI's JoinImageWithAlpha makes opacity of 1 - mask."""
    batch = torch.from_numpy(portrait[None, ::4, ::4].astype(np.float32) / 255)
    cutout, _, mask = call(batch, model="unet", refine="none")
    joined = torch.cat((cutout[..., :3], 1 - (1 - mask).unsqueeze(-1)), dim=-1)
    assert torch.allclose(joined, cutout, atol=1e-6)


def test_the_models_are_those_that_there_are() -> None:
    from limner.models.spec import bundled_models

    assert bundled_models() == node.MODELS


@pytest.mark.parametrize("channels", [3, 4])
def test_opacity_of_the_input_is_ignored(channels: int) -> None:
    cutout, _, _ = call(torch.zeros(1, 40, 30, channels), model="unet")
    assert tuple(cutout.shape) == (1, 40, 30, 4)
