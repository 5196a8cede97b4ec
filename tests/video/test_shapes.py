"""Clips whose pixels are not square, whose size changes, whose sound or name is unusual; and true causes."""

import errno
import io
import os
import socket
import sys
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
import pytest

from limner.errors import InputError, OutputError
from limner.images import Image
from limner.video.decoder import Part
from limner.video.frames import squared
from limner.video.reader import Clip
from limner.video.target import named_errors
from tests.conftest import decode
from tests.video.clips import decoded, make_clip, moved, pictures, remux, rgb, samples
from tests.video.test_pipeline import Disc, cut


def anamorphic(path: Path, aspect: Fraction, *, turned: int = 0, count: int = 3) -> Path:
    def change(video: Any) -> None:
        video.codec_context.sample_aspect_ratio = aspect
        if turned:
            video.set_display_rotation(turned)

    return make_clip(path, pictures(count, 48, 64), change=change)


@pytest.mark.parametrize(
    ("size", "aspect", "wanted"),
    [
        ((576, 720), Fraction(16, 15), (576, 768)),
        ((480, 720), Fraction(8, 9), (540, 720)),
        ((480, 853), Fraction(2560, 2559), (480, 853)),
        ((480, 640), Fraction(1), (480, 640)),
        ((480, 640), Fraction(1, 1000), (480, 640)),
    ],
)
def test_square_pixels(size: tuple[int, int], aspect: Fraction, wanted: tuple[int, int]) -> None:
    assert squared(size, aspect) == wanted


@pytest.mark.parametrize(("aspect", "wanted"), [(Fraction(4, 3), (48, 86)), (Fraction(3, 4), (64, 64))])
@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.webm", "frames"])
def test_what_is_seen_keeps_its_shape(
    name: str, aspect: Fraction, wanted: tuple[int, int], tmp_path: Path
) -> None:
    source = anamorphic(tmp_path / "in.mp4", aspect)
    model = Disc()
    cut(source, tmp_path / name, segmenter=model, background="white" if name == "out.mp4" else "transparent")
    if name == "frames":
        found: Image = decode(tmp_path / name / "00000.png")
    else:
        found = rgb(decoded(tmp_path / name)[0])
        with av.open(str(tmp_path / name)) as container:
            assert container.streams.video[0].sample_aspect_ratio in (None, 0, 1)
    assert found.shape[:2] == wanted


def test_a_turned_clip_grows_to_its_own_side(tmp_path: Path) -> None:
    source = anamorphic(tmp_path / "in.mp4", Fraction(4, 3), turned=90)
    cut(source, tmp_path / "out.mp4", background="original", quality=1)
    after = rgb(decoded(tmp_path / "out.mp4")[1]).astype(int)
    assert after.shape == (86, 48, 3)
    before = rgb(decoded(source)[1]).astype(int)  # 64 x 48
    assert np.abs(after[:: 86 // 8][:8] - before[np.arange(8) * (86 // 8) * 64 // 86]).mean() < 6


def test_a_picture_behind_is_not_stretched(tmp_path: Path) -> None:
    source = anamorphic(tmp_path / "in.mp4", Fraction(2), count=1)  # 128 x 48 once its pixels are square
    board = np.zeros((48, 128, 3), np.uint8)
    board[:, 64:] = 255
    cut(source, tmp_path / "frames", background=board, fit="contain")
    found = decode(tmp_path / "frames" / "00000.png")
    assert found.shape[:2] == (48, 128)
    assert found[2, :60].max() < 10
    assert found[2, 68:].min() > 245


def changing(folder: Path, second: tuple[int, int]) -> Path:
    """Half a second of 64 x 48 pixels, then three frames of another size."""
    parts = [
        make_clip(folder / f"{number}.mkv", pictures(count, *size), codec="mjpeg", layout="yuvj420p")
        for number, (count, size) in enumerate(((15, (48, 64)), (3, second)))
    ]
    return remux(parts, folder / "in.mkv", lambda packet, number, part: moved(packet, 0.5 * part))


def test_a_clip_that_changes_its_size_keeps_the_first(tmp_path: Path) -> None:
    cut(changing(tmp_path, (96, 128)), tmp_path / "out.mp4", background="original", quality=1)
    frames = decoded(tmp_path / "out.mp4")
    assert [(frame.height, frame.width) for frame in frames] == [(48, 64)] * 18
    assert np.abs(rgb(frames[15]).astype(int) - pictures(1, 48, 64)[0]).mean() < 8


def test_a_clip_that_changes_its_shape_is_letterboxed_which_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = changing(tmp_path, (64, 48))
    cut(source, tmp_path / "out.mp4", background="original", quality=1)
    assert caplog.text.count("changes its shape at 0.5 s, from 64 x 48 to 48 x 64: black bars") == 1
    frames = [rgb(frame).astype(int) for frame in decoded(tmp_path / "out.mp4")]
    assert len(frames) == 18
    assert np.abs(frames[14] - pictures(15, 48, 64)[14]).mean() < 8
    assert frames[15][:, :13].max() < 20  # 36 of 64 columns are the picture
    assert frames[15][:, -13:].max() < 20
    shown = pictures(1, 64, 48)[0][np.arange(48) * 64 // 48][:, np.arange(36) * 48 // 36]
    assert np.abs(frames[15][:, 14:50] - shown).mean() < 10
    assert cut(source, tmp_path / "a.mp4", background="red", part=Part(end=0.5)).frames == 15
    assert cut(source, tmp_path / "b.mp4", background="red", part=Part(start=0.5)).frames == 3


@pytest.mark.parametrize(
    ("source", "extension", "codec"),
    [("aac", ".webm", "opus"), ("pcm_s16le", ".webm", "opus"), ("pcm_mulaw", ".mp4", "aac")],
)
def test_sound_that_the_container_cannot_hold_is_encoded_anew(
    source: str, extension: str, codec: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = make_clip(tmp_path / "in.mov", pictures(30, 48, 64), sound=source, seconds=1)
    cut(clip, tmp_path / f"out{extension}", background="red")
    assert f"{extension} cannot hold this sound ({source}): it is encoded anew as {codec.upper()}" in (
        caplog.text.replace("Opus", "OPUS")
    )
    with av.open(str(tmp_path / f"out{extension}")) as container:
        assert container.streams.audio[0].codec_context.name.removeprefix("lib") == codec
    after = samples(tmp_path / f"out{extension}")
    assert after.shape[1] == pytest.approx(48000, abs=3000)
    assert after.std() == pytest.approx(0.1, abs=0.03)


NAMES = [
    "talk:part1.mkv",
    "12:30.mkv",
    "http:notes.mkv",
    "50%d.mkv",
    "a?b#c.mkv",
    "pipe:0.mkv",
    "concat:a|b.mkv",
]


@pytest.mark.parametrize("name", [*NAMES, "\u5199" * 83 + ".mkv", os.fsdecode(b"jos\xe9.mkv")])
@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse some of these names")
def test_a_path_is_a_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_clip(tmp_path / "plain.mkv", pictures(2, 48, 64)).replace(name)
    assert cut(Path(name), Path("out.mp4"), background="red").frames == 2
    Path(name).rename("plain.mkv")
    assert cut(Path("plain.mkv"), Path(name), background="red").frames == 2
    assert cut(Path("plain.mkv"), Path(name.removesuffix(".mkv").replace("mkv", "") + "/")).frames == 2


def test_no_playlist_reaches_the_network(tmp_path: Path) -> None:
    """Neither as a file nor through a pipe: FFmpeg's own rules say so too, and this sees that it stays so."""
    asked: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def listen() -> None:
            while not done.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                asked.append(connection.recv(100))
                connection.close()

        done = threading.Event()
        thread = threading.Thread(target=listen)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        text = f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{address}\n#EXT-X-ENDLIST\n"
        (tmp_path / "a.m3u8").write_text(text)
        sources: list[Any] = [tmp_path / "a.m3u8", io.BytesIO(text.encode())]
        for source in sources:
            with pytest.raises(InputError):
                Clip(source)
        done.set()
        thread.join()
    assert asked == []


def test_each_failure_of_writing_tells_its_own_cause() -> None:
    with pytest.raises(OutputError, match=r"No space left on device; make room"), named_errors(Path("a.mp4")):
        raise OSError(errno.ENOSPC, "No space left on device")
    refused = r"^cannot write a\.mp4: FFmpeg refuses what was to go into it \(Invalid argument\); write \.mkv"
    with pytest.raises(OutputError, match=refused), named_errors(Path("a.mp4")):
        raise av.error.ArgumentError(errno.EINVAL, "Invalid argument")
