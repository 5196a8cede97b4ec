"""The networks of the npm package."""

from types import ModuleType

import numpy as np
import pytest

from limner.images import load_image
from limner.models.segmenter import Segmenter
from limner.models.spec import read_model
from tests.conftest import PORTRAIT, ROOT
from tests.web.conftest import WEB


def test_models_js_says_what_the_sidecars_say(build: ModuleType) -> None:
    text = (WEB / "src" / "models.js").read_text()
    for name in ("small", "base"):
        _, spec = read_model(WEB / "models" / f"{name}.onnx")
        assert f"{name}: {{ side: {spec.size[0]}, stride: {spec.stride}, url" in text


@pytest.mark.slow
def test_small_is_of_the_committed_checkpoint() -> None:
    import torch

    from limner.models.spec import to_input
    from limner.training.kinds import load_checkpoint

    segmenter = Segmenter(WEB / "models" / "small.onnx", device="cpu")
    image = to_input(load_image(PORTRAIT), segmenter.spec.size)
    module = load_checkpoint(ROOT / "weights" / "small.ckpt")
    with torch.inference_mode():
        expected = module.exported().eval()(torch.from_numpy(image.copy())[None])[0].numpy()
    assert np.abs(segmenter(image) - expected).max() < 0.01  # weights are rounded to 16 bits
