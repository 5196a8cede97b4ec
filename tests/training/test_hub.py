"""The form of the Hugging Face hub: the same answers, by ONNX Runtime and by transformers.js itself."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from limner.cli import main
from limner.images import Image
from limner.models.segmenter import Segmenter
from limner.models.session import start_session
from limner.models.spec import bundled_models, read_model, to_input
from tests.conftest import PORTRAIT, ROOT, decode

PACKAGE = "@huggingface/transformers@4.3.2"
SCRIPT = """
import { env, pipeline } from '@huggingface/transformers';
env.allowRemoteModels = false;
const [folder, photo] = process.argv.slice(2);
env.localModelPath = folder;
for (const name of process.argv.slice(4)) {
  const [model, dtype] = name.split(':');
  const remove = await pipeline('background-removal', model, dtype ? { dtype } : {});
  await (await remove(photo)).save(`${folder}/${model}${dtype ?? ''}.png`);
}
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    for name in bundled_models():
        assert main(["export", name, str(folder / name), "--format", "hub"]) == 0
    return folder


@pytest.mark.parametrize("name", bundled_models())
def test_the_network_gives_the_same_alpha(name: str, hub: Path, portrait: Image) -> None:
    data, spec = read_model(name)
    size = (288, 224) if spec.stride else spec.size
    pixels = to_input(portrait, size)
    [alpha] = start_session(data, name=name).run(None, {"pixels": pixels[None]})
    floats = pixels.transpose(2, 0, 1)[None] / np.float32(255)
    networks = sorted((hub / name / "onnx").iterdir())
    assert networks
    for path in networks:
        session = onnxruntime.InferenceSession(path)
        assert [one.name for one in session.get_inputs()] == ["pixel_values"]
        [found] = session.run(None, {"pixel_values": floats})
        assert found.shape == (1, 1, *size)
        rounded = name == "unet" and path.stem == "model_fp16"  # those of base are stored in 16 bits anyway
        assert np.abs(found[:, 0] - alpha).max() < (0.01 if rounded else 1e-5), path.name


def test_the_files_say_how_pictures_are_prepared(hub: Path) -> None:
    base = json.loads((hub / "base" / "preprocessor_config.json").read_text())
    assert (base["size"], base["size_divisibility"]) == ({"shortest_edge": 256}, 32)
    unet = json.loads((hub / "unet" / "preprocessor_config.json").read_text())
    assert unet["size"] == {"height": 128, "width": 128}
    assert "size_divisibility" not in unet
    names = {path.name for path in (hub / "base" / "onnx").iterdir()}
    assert names == {"model.onnx", "model_fp16.onnx"}
    assert [path.name for path in (hub / "small" / "onnx").iterdir()] == ["model_quantized.onnx"]
    for name in bundled_models():
        card = (hub / name / "README.md").read_text(encoding="utf-8")
        assert read_model(name)[1].licence in card


def test_what_the_hub_has_no_form_for_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "edge", str(tmp_path / "hub"), "--format", "hub"]) == 1
    assert "edge finds no people" in capsys.readouterr().err
    assert main(["export", "base", str(tmp_path / "hub"), "--format", "hub", "--weights", "int8"]) == 2
    assert not (tmp_path / "hub").exists()


def transformers_js() -> Path:
    """A folder with the npm package, installed once."""
    folder = ROOT / "build" / "transformers.js"
    if not (folder / "node_modules" / "@huggingface").exists():
        npm = shutil.which("npm")
        command = [str(npm), "install", "--ignore-scripts", "--no-audit", "--prefix", str(folder), PACKAGE]
        if npm is None or subprocess.run(command, capture_output=True).returncode:
            if os.environ.get("CI"):
                pytest.fail(f"npm cannot install {PACKAGE}")
            pytest.skip(f"needs npm and {PACKAGE}")
    return folder


@pytest.mark.slow
def test_transformers_js_removes_the_background(hub: Path, portrait: Image) -> None:
    folder = transformers_js()
    script = folder / "remove.mjs"
    script.write_text(SCRIPT)
    names = {"base": "base", "base:fp16": "base", "small": "small", "unet": "unet"}
    subprocess.run(["node", str(script), str(hub), str(PORTRAIT), *names], check=True)
    for name, model in names.items():
        cutout = decode(hub / f"{name.replace(':', '')}.png")
        assert np.abs(cutout[..., :3].astype(int) - portrait).max() <= 4  # another JPEG decoder
        alpha = Segmenter(model, device="cpu")(portrait)
        agreement = np.mean((cutout[..., 3] >= 128) == (alpha >= 0.5))  # it resizes otherwise
        assert agreement > (0.99 if model == "base" else 0.9), name
