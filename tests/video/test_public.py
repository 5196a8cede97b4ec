"""The names of `limner.video`, as a Python program uses them."""

import io
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import PIL.Image
import pytest

import limner
from limner.errors import InputError, OutputError
from limner.images import Image
from limner.video import Encoding, Frame, Part, cut, map_frames, open_clip, write_clip
from tests.video.clips import decoded, make_clip, pictures, rgb, samples, sound_packets

TIMES = [0, 300, 350, 900, 1000, 1900, 2400]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Six frames of 64 x 48 at odd times, with sound."""
    images = pictures(6, 48, 64)
    return make_clip(tmp_path / "in.mp4", images, times=TIMES, sound="aac", seconds=0.3)


def test_names_are_loaded_when_used() -> None:
    code = (
        "import sys, limner; limner.video.__all__; assert 'av' not in sys.modules;"
        "limner.video.open_clip; assert 'av' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_pyav_the_cure_is_named() -> None:
    code = "import sys; sys.modules['av'] = None; import limner; limner.video.open_clip"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "this needs av: pip install 'av>=" in run.stderr


def test_every_public_name_is_documented() -> None:
    for name in limner.video.__all__:
        assert getattr(limner.video, name).__doc__


def test_a_clip_says_what_it_is_and_gives_its_frames(clip: Path) -> None:
    with open_clip(clip) as opened:
        assert opened.size == (48, 64)
        assert opened.rate > 0
        assert opened.duration_s == pytest.approx(2400 / 9000)
        frames = list(opened)
        with pytest.raises(InputError, match="have been read: open it again"):
            next(iter(opened))
    assert [frame.time_s for frame in frames] == pytest.approx([time / 9000 for time in TIMES[:-1]])
    assert [frame.duration_s for frame in frames] == pytest.approx(np.diff(TIMES) / 9000)
    for (image, _, _), before in zip(frames, decoded(clip), strict=True):
        assert image.shape == (48, 64, 3)
        assert image.dtype == np.uint8
        assert np.abs(image.astype(int) - rgb(before)).mean() < 3


def test_a_part_counts_from_its_start(clip: Path) -> None:
    with open_clip(clip, part=Part(start=0.1, end=0.2)) as opened:
        assert opened.duration_s == pytest.approx(0.1)
        assert [frame.time_s for frame in opened] == pytest.approx([0, 1000 / 9000 - 0.1], abs=1e-4)


def test_map_frames_keeps_times_and_sound(clip: Path, tmp_path: Path) -> None:
    seen: list[Image] = []

    def mirrored(image: Image) -> Image:
        seen.append(image)
        return image[:, ::-1]

    outcome = map_frames(clip, tmp_path / "out.mp4", mirrored, encoding=Encoding(quality=1))
    before, after = decoded(clip), decoded(tmp_path / "out.mp4")
    assert outcome.frames == len(seen) == len(after) == 6
    assert outcome.seconds == pytest.approx(2400 / 9000)
    assert [frame.time for frame in after] == pytest.approx([frame.time for frame in before])
    assert sound_packets(tmp_path / "out.mp4") == sound_packets(clip)
    assert np.array_equal(samples(tmp_path / "out.mp4"), samples(clip))
    for frame, original in zip(after, before, strict=True):
        assert np.abs(rgb(frame)[:, ::-1].astype(int) - rgb(original)).mean() < 4
    map_frames(clip, tmp_path / "silent.mp4", mirrored, encoding=Encoding(sound=False))
    with av.open(str(tmp_path / "silent.mp4")) as container:
        assert not container.streams.audio


def test_an_unchanged_clip_in_rgb_stays_as_it_is(tmp_path: Path) -> None:
    """Through FFmpeg's conversions and back, in full chroma."""
    source = make_clip(tmp_path / "in.mkv", pictures(3, 48, 64), codec="ffv1", layout="yuv444p")
    map_frames(source, tmp_path / "frames", lambda image: image)
    with open_clip(source) as opened:
        for number, frame in enumerate(opened):
            found = np.asarray(PIL.Image.open(tmp_path / "frames" / f"{number:05d}.png"))
            np.testing.assert_array_equal(found, frame.image)


def test_what_the_function_gives_may_have_another_size_and_opacity(clip: Path, tmp_path: Path) -> None:
    opacity = np.linspace(0, 255, 32 * 24).reshape(24, 32, 1).astype(np.uint8)

    def small(image: Image) -> Any:
        return np.dstack([image[::2, ::2], opacity])

    map_frames(clip, tmp_path / "frames", small)
    picture = np.asarray(PIL.Image.open(tmp_path / "frames" / "00005.png"))
    np.testing.assert_array_equal(picture[..., 3], opacity[..., 0])
    map_frames(clip, tmp_path / "out.webm", small)
    found = decoded(tmp_path / "out.webm", decoder="libvpx-vp9")[5].to_ndarray(format="rgba")
    assert found.shape == (24, 32, 4)
    assert np.abs(found[..., 3].astype(int) - opacity[..., 0]).mean() < 4
    with pytest.raises(InputError, match=r"\.mp4 has no transparency"):
        map_frames(clip, tmp_path / "out.mp4", small)


def test_a_function_that_changes_its_mind_is_refused(clip: Path, tmp_path: Path) -> None:
    heights = iter([48, 48, 40])
    with pytest.raises(InputError, match=r"differ at 0\.0388889 s: 64 x 40 pixels without .*64 x 48 pixels"):
        map_frames(clip, tmp_path / "out.mp4", lambda image: image[: next(heights)])
    with pytest.raises(InputError, match="a picture is a path"):
        map_frames(clip, tmp_path / "out.mp4", lambda image: None)
    assert list(tmp_path.iterdir()) == [clip]


def test_frames_are_written_at_a_rate(tmp_path: Path) -> None:
    images = pictures(5, 48, 64)
    outcome = write_clip(
        tmp_path / "out.mp4", images, rate=Fraction(30000, 1001), encoding=Encoding(quality=1)
    )
    frames = decoded(tmp_path / "out.mp4")
    assert outcome.frames == 5
    assert [frame.time for frame in frames] == pytest.approx(
        [number * 1001 / 30000 for number in range(5)], abs=1e-4
    )
    for frame, image in zip(frames, images, strict=True):
        assert np.abs(rgb(frame).astype(int) - image).mean() < 4
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream: Any = container.streams.video[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(5 * 1001 / 30000, abs=1e-4)
        assert stream.codec_context.colorspace == 1


def test_frames_of_a_clip_keep_their_times(clip: Path, tmp_path: Path) -> None:
    with open_clip(clip) as opened:
        brighter = (frame._replace(image=frame.image // 2 + 100) for frame in opened)
        write_clip(tmp_path / "out.mp4", brighter, like=opened)
    before, after = decoded(clip), decoded(tmp_path / "out.mp4")
    assert [frame.time for frame in after] == pytest.approx([frame.time for frame in before], abs=1e-4)
    assert rgb(after[0]).mean() == pytest.approx(rgb(before[0]).mean() / 2 + 100, abs=3)


def test_files_and_pillow_pictures_are_frames_too(tmp_path: Path) -> None:
    files = []
    for number, image in enumerate(pictures(3, 48, 64)):
        PIL.Image.fromarray(image).save(tmp_path / f"{number}.png")
        files.append(tmp_path / f"{number}.png")
    assert write_clip(tmp_path / "out.mkv", files, rate=10).frames == 3
    write_clip(tmp_path / "pillow", [PIL.Image.open(path) for path in files], rate=10)
    assert (tmp_path / "pillow" / "00002.png").exists()
    assert write_clip(tmp_path / "one.mp4", [Frame(pictures(1, 48, 64)[0], 0, 2)], rate=1).seconds == 2


def test_what_cannot_be_written_is_refused(clip: Path, tmp_path: Path) -> None:
    images = pictures(2, 48, 64)
    with pytest.raises(InputError, match="Give rate, or like"):
        write_clip(tmp_path / "out.mp4", images)
    with pytest.raises(InputError, match="above 0, got 0"):
        write_clip(tmp_path / "out.mp4", images, rate=0)
    with pytest.raises(InputError, match="no frame to write"):
        write_clip(tmp_path / "out.mp4", [], rate=25)
    with pytest.raises(OutputError, match="its folder does not exist"):
        write_clip(tmp_path / "none" / "out.mp4", images, rate=25)
    with pytest.raises(InputError, match="png cannot go to standard output"):
        write_clip("-", images, rate=25, encoding=Encoding(format="png"))
    with pytest.raises(InputError, match="no such file"):
        open_clip(tmp_path / "none.mp4")
    assert list(tmp_path.iterdir()) == [clip]


def test_an_open_file_is_a_clip(clip: Path, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", pictures(4, 48, 64))
    with open_clip(io.BytesIO(source.read_bytes())) as opened:
        assert len(list(opened)) == 4


def test_cut_is_what_the_command_does(clip: Path, tmp_path: Path) -> None:
    options = limner.Options(background="white", shadow=40)
    cut(clip, tmp_path / "python.raw", options, segmenter=limner.Segmenter("small", threads=1))
    command = [sys.executable, "-m", "limner", "video", str(clip), str(tmp_path / "command.raw")]
    settings = ["--background", "white", "--shadow", "40", "--model", "small"]
    subprocess.run([*command, *settings], check=True, capture_output=True)
    assert (tmp_path / "python.raw").read_bytes() == (tmp_path / "command.raw").read_bytes()


def test_a_background_without_its_picture_is_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give the path of the picture"):
        cut(clip, tmp_path / "out.mp4", limner.Options(background="picture"))
    make_clip(
        tmp_path / "red.mkv", [np.full((48, 64, 3), (250, 0, 0), np.uint8)], codec="ffv1", layout="yuv444p"
    )
    cut(clip, tmp_path / "frames", behind=tmp_path / "red.mkv")
    found = np.asarray(PIL.Image.open(tmp_path / "frames" / "00005.png"))
    assert found[2, 2] == pytest.approx((250, 0, 0), abs=3)
