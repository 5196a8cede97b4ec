import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limner.cli import camera, main
from limner.models.segmenter import Segmenter
from limner.rendering.options import Options
from limner.video import cut, outputs
from tests.video.clips import decoded, make_clip, pictures


@pytest.mark.skipif(sys.platform != "linux", reason="devices are files on Linux alone")
def test_missing_camera_is_named_with_its_cure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.webm"
    assert main(["camera", str(output), "--camera", "/dev/video987"]) == 1
    error = capsys.readouterr().err
    assert "no camera /dev/video987: " in error
    assert "connect one" in error or "with --camera" in error
    assert not output.exists()


def test_missing_loopback_is_named_with_its_cure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(camera, "KINDS", {sys.platform: "lavfi"})
    source = "testsrc=size=64x48:rate=30"
    assert main(["camera", "/dev/video986", "--camera", source, "--background", "red"]) == 1
    assert "sudo modprobe v4l2loopback video_nr=986 exclusive_caps=1" in capsys.readouterr().err


def test_frames_for_a_loopback_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg's plain file stands in for the device: its driver takes the same bytes."""
    monkeypatch.setitem(outputs.CONTAINERS, ".raw", ("rawvideo", ("camera",)))
    source, device = make_clip(tmp_path / "in.mp4", pictures(5, 48, 64)), tmp_path / "device.raw"
    cut(source, device, Options(background="rgb(255, 0, 0)", refine="none"))
    found = np.frombuffer(device.read_bytes(), np.uint8).reshape(5, 72, 64)
    assert found[:, 0, 0] == pytest.approx(81, abs=2)  # the luma of red by BT.601, in limited range


def test_the_light_model_is_what_a_camera_gets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def loaded(model: str, **options: Any) -> Segmenter:
        asked.append(model)
        return Segmenter(model, **options)

    monkeypatch.setattr(camera, "KINDS", {sys.platform: "lavfi"})
    monkeypatch.setattr("limner.models.segmenter.Segmenter", loaded)
    argv = ["camera", str(tmp_path / "out.mp4"), "--camera", "testsrc=size=64x48:rate=30", "--seconds", "0.1"]
    for model in ([], ["--model", "unet"]):
        assert main([*argv, "--background", "red", *model]) == 0
    assert asked == ["small", "unet"]


def test_unknown_platform(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(camera, "KINDS", {})
    assert main(["camera", "out.mp4", "--background", "red"]) == 1
    assert "no cameras are known" in capsys.readouterr().err


def test_records_what_a_device_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """FFmpeg's test picture stands in for a camera."""
    monkeypatch.setattr(camera, "KINDS", {sys.platform: "lavfi"})
    output = tmp_path / "out.mp4"
    source = "testsrc=size=64x48:rate=30"
    argv = [
        "camera",
        str(output),
        "--camera",
        source,
        "--background",
        "red",
        "--seconds",
        "0.3",
        "--refine",
        "none",
    ]
    assert main(argv) == 0
    assert len(decoded(output)) == 9
    assert "recording testsrc" in capsys.readouterr().err
