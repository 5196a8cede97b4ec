import json
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from limner.cli import main
from limner.images import Image, resize
from tests.video.clips import decoded, make_clip, pictures

LIMNER = [sys.executable, "-m", "limner"]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "in.mp4", pictures(8, 48, 64))


def refused(capsys: pytest.CaptureFixture[str], *argv: str | Path, code: int = 1) -> str:
    """The message with which a command refuses."""
    assert main(["video", *map(str, argv)]) == code
    error = capsys.readouterr().err
    assert error.startswith("limner: error: ")
    return error


def test_person_before_a_colour(tmp_path: Path, portrait: Image, capsys: pytest.CaptureFixture[str]) -> None:
    source = make_clip(tmp_path / "in.mp4", [resize(portrait, (128, 96))] * 6)
    output = tmp_path / "out.mp4"
    assert main(["video", str(source), str(output), "--background", "rgb(0, 255, 0)", "--json"]) == 0
    said = capsys.readouterr()
    row = json.loads(said.out)
    assert (row["frames"], row["stopped"], row["broken"]) == (6, False, "")
    assert "6 frames, 0.2 s" in said.err
    image = decoded(output)[3].to_ndarray(format="rgb24").astype(int)
    green = np.abs(image - (0, 255, 0)).max(axis=2) < 60
    assert 0.02 < green.mean() < 0.9
    assert np.median(np.abs(image - resize(portrait, (128, 96)))[50:80, 40:60]) < 8


def test_errors_name_the_thing_and_the_cure(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.mp4"
    (tmp_path / "text.mp4").write_text("not a video at all")
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[:2000])
    assert "no such file: missing.mp4" in refused(capsys, "missing.mp4", output)
    assert "text.mp4 is no video that FFmpeg reads" in refused(capsys, tmp_path / "text.mp4", output)
    assert "cut.mp4 is no video" in refused(capsys, tmp_path / "cut.mp4", output, "--background", "red")
    assert "is a directory" in refused(capsys, tmp_path, output)
    assert "no transparency here: write .webm" in refused(capsys, clip, output)
    assert "unknown kind of video '.xyz'" in refused(capsys, clip, tmp_path / "out.xyz")
    assert ".mp4 holds no 'vp9'" in refused(capsys, clip, output, "--codec", "vp9")
    assert "h264 has no transparency" in refused(capsys, clip, tmp_path / "out.mov", "--codec", "h264")
    assert "its folder does not exist" in refused(capsys, clip, tmp_path / "no" / "out.webm")
    assert "the input itself" in refused(capsys, clip, clip, "--background", "red", code=2)
    assert "--raw: wants width x height" in refused(capsys, clip, output, "--raw", "64x", code=2)
    assert "--from: wants seconds" in refused(capsys, clip, output, "--from", "soon", code=2)
    assert "ends after that" in refused(capsys, clip, output, "--from", "3", "--to", "0:02")
    assert "no such file: b.mp4" in refused(capsys, clip, output, "--background", "b.mp4")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    assert "is not empty" in refused(capsys, clip, tmp_path / "full")
    assert not output.exists()
    assert list(tmp_path.glob(".*")) == []


def test_no_video_and_no_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        part = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.int16), format="s16", layout="stereo")
        part.sample_rate = 8000
        container.mux(stream.encode(part))
    assert "has no video in it" in refused(capsys, tmp_path / "sound.wav", tmp_path / "out.webm")
    (tmp_path / "empty.y4m").write_bytes(b"YUV4MPEG2 W64 H48 F30:1 Ip A1:1 C420jpeg\n")
    assert "has no frames" in refused(capsys, tmp_path / "empty.y4m", tmp_path / "out.webm")


def test_codec_that_the_build_lacks(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(av, "codecs_available", av.codecs_available - {"libx265"})
    error = refused(capsys, clip, tmp_path / "out.mp4", "--background", "red", "--codec", "h265")
    assert "cannot write h265 (libx265 is missing): choose another --codec" in error


def test_damaged_input_is_told_and_the_rest_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make_clip(tmp_path / "whole.mkv", pictures(60, 48, 64)).read_bytes()
    (tmp_path / "in.mkv").write_bytes(data[: len(data) // 2])
    assert main(["video", str(tmp_path / "in.mkv"), str(tmp_path / "out.mp4"), "--background", "red"]) == 1
    error = capsys.readouterr().err
    assert "in.mkv is damaged: it is cut off" in error
    assert "out.mp4 holds what could be read" in error
    assert len(decoded(tmp_path / "out.mp4")) > 5


def test_raw_frames_through_a_pipe() -> None:
    frames = np.stack(pictures(5, 48, 64))
    command = [*LIMNER, "video", "-", "-", "--raw", "64x48@30", "--format", "raw"]
    run = subprocess.run(
        [*command, "--background", "blue"], input=frames.tobytes(), capture_output=True, check=True
    )
    found = np.frombuffer(run.stdout, np.uint8).reshape(5, 48, 64, 3)
    assert np.abs(found[:, 0, 0].astype(int) - (0, 0, 255)).max() < 120
    run = subprocess.run(command, input=frames.tobytes(), capture_output=True, check=True)
    assert len(run.stdout) == 5 * 48 * 64 * 4


@pytest.mark.parametrize(("form", "options"), [("mkv", []), ("mp4", ["--background", "red"])])
def test_encoded_frames_through_a_pipe(tmp_path: Path, form: str, options: list[str]) -> None:
    source = make_clip(tmp_path / "in.mkv", pictures(5, 48, 64), sound="aac", seconds=0.2)
    command = [*LIMNER, "video", "-", "-", "--format", form, *options]
    with source.open("rb") as file:
        run = subprocess.run(command, stdin=file, capture_output=True, check=True)
    (tmp_path / "out").write_bytes(run.stdout)
    assert len(decoded(tmp_path / "out")) == 5


def test_a_pipe_that_holds_no_video() -> None:
    command = [*LIMNER, "video", "-", "-", "--format", "mkv"]
    run = subprocess.run(command, input=b"no video " * 9999, capture_output=True, check=False)
    assert run.returncode == 1
    assert b"give the file itself, as many MP4 files hold their header at the end" in run.stderr


def test_pipe_needs_a_format(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "say what goes to standard output: --format" in refused(capsys, clip, "-")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_leaves_a_playable_file(tmp_path: Path, number: signal.Signals) -> None:
    source = make_clip(tmp_path / "in.mp4", pictures(20, 48, 64) * 30)
    output = tmp_path / "out.mp4"
    process = subprocess.Popen(
        [*LIMNER, "video", str(source), str(output), "--background", "red", "--refine", "none"],
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list(tmp_path.glob(".out.mp4.*")):  # it has begun
        assert process.poll() is None
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in error
    assert 0 < len(decoded(output)) < 600
    assert list(tmp_path.glob(".out.mp4.*")) == []
