import codecs
import json
from pathlib import Path

import numpy as np
import pytest

from limner.errors import ModelError
from limner.images import resize
from limner.models import spec
from limner.models.spec import (
    LONGEST,
    ModelSpec,
    bundled_models,
    input_size,
    model_path,
    nearest_shape,
    read_model,
    to_alpha,
    to_input,
    training_shapes,
)
from tests.conftest import random_image


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the default model with its sidecar."""
    source = model_path(spec.DEFAULT_MODEL)
    target = tmp_path / "copy.onnx"
    target.write_bytes(source.read_bytes())
    target.with_suffix(".json").write_bytes(source.with_suffix(".json").read_bytes())
    return target


def test_the_default_model_is_bundled() -> None:
    assert bundled_models()[0] == spec.DEFAULT_MODEL


@pytest.mark.parametrize("name", spec.bundled_kinds())
def test_bundled_models_are_whole_and_named(name: str) -> None:
    _, found = read_model(name)
    assert found.name == name
    assert found.licence
    assert name in (spec.MODELS.parent / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert found.sha256 in (spec.MODELS.parent / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_sidecar_out_and_back(copy: Path, tmp_path: Path) -> None:
    _, found = read_model(copy)
    found.save(tmp_path / "again.json")
    assert ModelSpec.load(tmp_path / "again.json") == found


def test_changed_model_is_refused(copy: Path) -> None:
    data = bytearray(copy.read_bytes())
    data[1000] ^= 1
    copy.write_bytes(data)
    with pytest.raises(ModelError, match="is not the model that"):
        read_model(copy)


@pytest.mark.parametrize("change", [{"size": None}, {"extra": 1}], ids=["a key less", "a key more"])
def test_sidecar_keys_are_exact(copy: Path, change: dict[str, object]) -> None:
    sidecar = copy.with_suffix(".json")
    values = {
        key: value for key, value in (json.loads(sidecar.read_text()) | change).items() if value is not None
    }
    sidecar.write_text(json.dumps(values))
    with pytest.raises(ModelError, match="must have exactly the keys"):
        read_model(copy)


def test_a_sidecar_saved_by_an_editor_of_windows_is_read(copy: Path) -> None:
    sidecar = copy.with_suffix(".json")
    sidecar.write_bytes(codecs.BOM_UTF8 + sidecar.read_bytes().replace(b"\n", b"\r\n"))
    assert read_model(copy)[1].name == spec.DEFAULT_MODEL


def test_broken_and_missing_sidecars(copy: Path) -> None:
    sidecar = copy.with_suffix(".json")
    sidecar.write_text("{")
    with pytest.raises(ModelError, match=r"cannot read the sidecar .*copy\.json"):
        read_model(copy)
    sidecar.unlink()
    with pytest.raises(ModelError, match="no sidecar"):
        read_model(copy)


def test_unknown_models(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model 'nobody': give a bundled one"):
        read_model("nobody")
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    with pytest.raises(ModelError, match="not an ONNX model"):
        read_model(text)


def test_input_and_alpha_are_a_pair(rng: np.random.Generator) -> None:
    image = random_image(rng, 45, 30)
    pixels = to_input(image, (128, 96))
    assert pixels.shape == (128, 96, 3)
    assert pixels.dtype == np.uint8
    ramp = np.linspace(0, 1, 45, dtype=np.float32)[:, None].repeat(30, axis=1)
    there_and_back = to_alpha(resize(ramp, (128, 96)), (45, 30))
    assert there_and_back.shape == (45, 30)
    np.testing.assert_allclose(there_and_back, ramp, atol=0.01)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1000, 1000), (256, 256)),
        ((800, 600), (288, 224)),
        ((600, 800), (224, 288)),
        ((1600, 900), (352, 192)),
        ((900, 3000), (160, 448)),
        ((10, 3000), (160, 448)),
    ],
)
def test_sizes_that_keep_proportions(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert input_size(size, 256, 32) == expected
    assert input_size(size, 256, 0) == (256, 256)


@pytest.mark.parametrize("side", [64, 192, 256, 320, 384])
def test_laws_of_input_sizes(side: int) -> None:
    for height in range(100, 400, 7):
        found = input_size((height, 200), side, 32)
        assert input_size(found, side, 32) == found  # what has been resized already is left alone
        assert input_size((200, height), side, 32) == found[::-1]
        assert all(length % 32 == 0 for length in found)
        if side >= 192:
            assert found[0] * found[1] == pytest.approx(side**2, rel=0.3)
            assert found[0] / found[1] == pytest.approx(height / 200, rel=0.2)
    assert max(input_size((1000, 1), side, 32)) <= LONGEST * side


def test_shapes_of_training() -> None:
    shapes = training_shapes(320, 32)
    assert len(shapes) == 7
    assert all(shape[::-1] in shapes for shape in shapes)
    assert nearest_shape((4000, 3000), shapes) == (352, 288)
    assert nearest_shape((3000, 4000), shapes) == (288, 352)
    assert training_shapes(128, 0) == [(128, 128)]
