import sys
from pathlib import Path

import pytest

from limner.cli import camera, main
from tests.video.clips import decoded


@pytest.mark.skipif(sys.platform != "linux", reason="devices are files on Linux alone")
def test_missing_camera_is_named_with_its_cure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.webm"
    assert main(["camera", str(output), "--camera", "/dev/video987"]) == 1
    error = capsys.readouterr().err
    assert "no camera /dev/video987: " in error
    assert "connect one" in error or "with --camera" in error
    assert not output.exists()


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
