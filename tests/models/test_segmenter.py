import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import PIL.Image
import pytest

from limner import files
from limner.errors import InputError, ModelError
from limner.evaluation.metrics import Counts, iou
from limner.images import Image, load_image
from limner.models import session
from limner.models.segmenter import Segmenter
from limner.models.spec import bundled_models, model_path
from limner.rendering.cut import segment
from tests.conftest import PORTRAIT, random_image, shared_data


@pytest.fixture(scope="module", params=bundled_models())
def model(request: pytest.FixtureRequest) -> Segmenter:
    return Segmenter(request.param)


def test_finds_the_person(model: Segmenter, portrait: Image) -> None:
    alpha = model(portrait)
    assert alpha.shape == (512, 512)
    assert alpha.dtype == np.float32
    assert alpha[50:140, 190:260].min() > 0.9  # the face
    assert (alpha[280:420, 110:250] >= 0.5).mean() > 0.95  # the suit
    assert alpha[20:140, 330:370].mean() < 0.1  # the wall


@pytest.mark.parametrize("size", [(16, 16), (17, 301), (400, 33)])
def test_output_has_the_size_of_the_input(
    model: Segmenter, size: tuple[int, int], rng: np.random.Generator
) -> None:
    alpha = model(random_image(rng, *size))
    assert alpha.shape == size
    assert alpha.min() >= 0
    assert alpha.max() <= 1


def test_batch_equals_one_by_one(model: Segmenter, portrait: Image, rng: np.random.Generator) -> None:
    images = [portrait, random_image(rng, 100, 60), portrait[:, ::-1]]
    for together, alone in zip(model.batch(images), map(model, images), strict=True):
        np.testing.assert_allclose(together, alone, atol=1e-5)
    assert model.batch([]) == []


def test_threads_agree(model: Segmenter, portrait: Image) -> None:
    images = [np.roll(portrait, shift, axis=1) for shift in range(0, 80, 10)]
    expected = [model(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        for found, alone in zip(pool.map(model, images), expected, strict=True):
            np.testing.assert_allclose(found, alone, atol=1e-5)


def test_segment_takes_what_people_have(portrait: Image) -> None:
    expected = segment(portrait)
    np.testing.assert_array_equal(segment(PORTRAIT), expected)
    np.testing.assert_array_equal(segment(PORTRAIT.read_bytes()), expected)
    with PIL.Image.open(PORTRAIT) as picture:
        np.testing.assert_array_equal(segment(picture), expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (15, 200)])
def test_too_few_pixels(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=f"{size[1]} x {size[0]} pixels are too few"):
        segment(np.zeros((*size, 3), np.uint8))


def test_nothing_is_stretched_by_extremes(model: Segmenter) -> None:
    flat = np.full((300, 200, 3), 128, np.uint8)
    assert model(flat).max() < 0.9  # a min-max stretch would give 1 somewhere


def test_device_is_used_or_refused() -> None:
    assert Segmenter(device="cpu").device == "cpu"
    with pytest.raises(ModelError, match="unknown device 'gpu'"):
        Segmenter(device="gpu")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        with pytest.raises(ModelError, match="onnxruntime-gpu"):
            Segmenter(device="cuda")


def test_a_device_that_does_not_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # ONNX Runtime itself goes on with the CPU here.
    monkeypatch.setitem(session.DEVICES, "cuda", "AzureExecutionProvider")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["AzureExecutionProvider"])
    monkeypatch.setattr(onnxruntime.InferenceSession, "get_providers", lambda self: ["CPUExecutionProvider"])
    with pytest.raises(ModelError, match="could not start 'cuda'"):
        Segmenter(device="cuda")


def test_files_that_are_no_model(tmp_path: Path) -> None:
    sidecar = json.loads(model_path(bundled_models()[0]).with_suffix(".json").read_text())
    fake = tmp_path / "fake.onnx"
    fake.write_bytes(b"this is not a graph")
    sidecar["sha256"] = files.sha256(b"this is not a graph")
    fake.with_suffix(".json").write_text(json.dumps(sidecar))
    with pytest.raises(ModelError, match="cannot load the model"):
        Segmenter(fake)


def test_a_sidecar_of_another_size_is_refused(tmp_path: Path) -> None:
    source = model_path("unet")  # takes one size only
    sidecar = json.loads(source.with_suffix(".json").read_text()) | {"size": [64, 64]}
    (tmp_path / "m.onnx").write_bytes(source.read_bytes())
    (tmp_path / "m.json").write_text(json.dumps(sidecar))
    with pytest.raises(ModelError, match="export it again"):
        Segmenter(tmp_path / "m.onnx")


def test_real_portraits(model: Segmenter) -> None:
    root = shared_data("eg1800")
    scores = []
    for name in (root / "val.txt").read_text().split()[:20]:
        mask = load_image(root / "masks" / f"{name}.png")[..., 0] >= 128
        scores.append(iou(Counts.of(model(load_image(root / "images" / f"{name}.jpg")) >= 0.5, mask)))
    assert np.mean(scores) > 0.85


def test_threads_are_those_of_the_session() -> None:
    assert Segmenter("unet", threads=1)._session.get_session_options().intra_op_num_threads == 1
    assert Segmenter("unet", threads=3)._session.get_session_options().intra_op_num_threads == 3


@pytest.mark.parametrize("name", ["edge", "temporal"])
def test_a_network_that_finds_nobody_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match=f"'{name}' finds no people"):
        Segmenter(name)
