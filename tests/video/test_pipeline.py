import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest

from limner import video
from limner.errors import InputError, OutputError
from limner.images import Alpha, Image, load_image
from limner.mattes.masks import remove_specks
from limner.models.segmenter import Segmenter
from limner.rendering.options import Options
from limner.video import Encoding, Outcome, Part, open_clip
from limner.video.compositor import Compositor, Matted
from limner.video.container import FileWriter
from limner.video.motion_features import MotionFeatures
from tests.conftest import decode
from tests.video.clips import BASE, STEP, decoded, make_clip, pictures, rgb, samples, sound_packets


class Disc:
    """Stands in for a model: its subject is a soft disc in the middle of every frame."""

    class spec:  # noqa: N801
        @staticmethod
        def input_size(size: tuple[int, int]) -> tuple[int, int]:
            return 32, 32

    def __init__(self) -> None:
        self.seen: list[Image] = []

    def batch(self, images: list[Image]) -> list[Alpha]:
        self.seen += images
        return [disc(32, 32) for _ in images]


def disc(height: int, width: int) -> Alpha:
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot(rows - (height - 1) / 2, columns - (width - 1) / 2) / height
    alpha: Alpha = (1.5 - 4 * distance).clip(0, 1).astype(np.float32)
    return alpha


def cut(
    source: Path, output: Path, *, segmenter: Any = None, part: Part | None = None, **settings: Any
) -> Outcome:
    options = Options(
        **{"refine": "none", **{k: v for k, v in settings.items() if k in Options.__dataclass_fields__}}
    )
    rest = {name: value for name, value in settings.items() if name not in Options.__dataclass_fields__}
    rest.setdefault("temporal", False)  # a disc does not move with the picture
    encoding = Encoding(**{name: rest.pop(name) for name in ("codec", "quality", "sound") if name in rest})
    with open_clip(source, part=part) as clip:
        model = cast(Segmenter, segmenter or Disc())
        return video.cut(clip, output, options, segmenter=model, encoding=encoding, **rest)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "in.mp4", pictures(12, 48, 64))


def test_opaque_pixels_and_background(clip: Path, tmp_path: Path) -> None:
    outcome = cut(clip, tmp_path / "out.mp4", background="rgb(20, 160, 60)", quality=1)
    frames, before = decoded(tmp_path / "out.mp4"), decoded(clip)
    assert outcome.frames == len(frames) == len(before) == 12
    for frame, original in zip(frames, before, strict=True):
        image, source = rgb(frame).astype(int), rgb(original).astype(int)
        assert np.abs(image[20:28, 28:36] - source[20:28, 28:36]).mean() < 4
        assert np.abs(image[:6, :6] - (20, 160, 60)).max() <= 4


@pytest.mark.parametrize(("matrix", "full"), [(1, False), (5, False), (1, True), (9, False)])
def test_colours_keep_their_matrix_and_range(tmp_path: Path, matrix: int, full: bool) -> None:
    def change(video: Any) -> None:
        video.codec_context.colorspace = matrix
        video.codec_context.color_range = 2 if full else 1
        video.codec_context.color_primaries = video.codec_context.color_trc = 1

    source = make_clip(tmp_path / "in.mp4", pictures(4, 48, 64), change=change)
    cut(source, tmp_path / "out.mp4", background="rgb(20, 160, 60)", quality=1)
    frame = decoded(tmp_path / "out.mp4")[-1]
    assert (frame.colorspace, frame.color_range) == (matrix, 2 if full else 1)
    assert (frame.color_primaries, frame.color_trc) == (1, 1)
    assert np.abs(rgb(frame)[:6, :6].astype(int) - (20, 160, 60)).max() <= 4


def test_ten_bits_stay_ten_bits(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", pictures(6, 48, 64), layout="yuv420p10le")
    cut(source, tmp_path / "out.mp4", background="original", quality=1)
    before, after = decoded(source), decoded(tmp_path / "out.mp4")
    assert after[0].format.name == "yuv420p10le"
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "hevc"
    luma = [frame.to_ndarray()[:48].astype(int) for frame in (before[3], after[3])]
    assert np.abs(luma[0] - luma[1]).mean() < 3  # of 1023


@pytest.mark.parametrize("forgotten", [None, 9_200_957_314_661_498_848, -9_200_957_314_661_498_848])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_short_clips_whose_order_the_encoder_forgot(
    tmp_path: Path, count: int, forgotten: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As x265 does where a clip is shorter than what it reorders: whatever lies in its memory."""
    write = FileWriter._write

    def forget(self: FileWriter, packets: Any) -> None:
        for packet in packets:
            packet.dts = forgotten
        write(self, packets)

    monkeypatch.setattr(FileWriter, "_write", forget)
    output = tmp_path / "out.mp4"
    cut(make_clip(tmp_path / "in.mp4", pictures(count, 48, 64)), output, background="red", codec="h265")
    assert [frame.time for frame in decoded(output)] == pytest.approx([n / 30 for n in range(count)])
    with av.open(str(output)) as container:
        stream: Any = container.streams.video[0]
        assert stream.duration * stream.time_base == count * STEP * BASE


def test_sound_times_and_rotation_are_kept(tmp_path: Path) -> None:
    times = [0, 300, 350, 900, 1000, 1900, 2000, 2600, 6000]
    source = make_clip(
        tmp_path / "in.mp4",
        pictures(8, 48, 64),
        times=times,
        sound="aac",
        seconds=0.7,
        change=lambda video: video.set_display_rotation(90),
    )
    model = Disc()
    outcome = cut(source, tmp_path / "out.mp4", background="original", quality=1, segmenter=model)
    before, after = decoded(source), decoded(tmp_path / "out.mp4")
    assert [float(frame.time) for frame in after] == pytest.approx([time / 9000 for time in times[:-1]])
    assert outcome.seconds == pytest.approx(6000 / 9000)
    with av.open(str(source)) as first, av.open(str(tmp_path / "out.mp4")) as second:
        streams: list[Any] = [first.streams.video[0], second.streams.video[0]]
        durations = [stream.duration * stream.time_base for stream in streams]
    assert durations == [Fraction(6000, 9000)] * 2
    assert sound_packets(tmp_path / "out.mp4") == sound_packets(source)
    assert np.array_equal(samples(tmp_path / "out.mp4"), samples(source))
    upright = rgb(before[4])
    assert upright.shape == (64, 48, 3) == rgb(after[4]).shape
    assert np.abs(rgb(after[4]).astype(int) - upright).mean() < 4
    small = model.seen[4].astype(int)
    assert np.abs(small[::8, ::8] - upright[1::16, ::12]).mean() < 20  # the network saw it upright


@pytest.mark.parametrize(
    ("angle", "hflip", "vflip"), [(180, False, False), (-90, False, False), (0, True, False)]
)
def test_every_display_matrix(tmp_path: Path, angle: int, hflip: bool, vflip: bool) -> None:
    source = make_clip(
        tmp_path / "in.mp4",
        pictures(2, 48, 64),
        change=lambda video: video.set_display_rotation(angle, hflip, vflip),
    )
    cut(source, tmp_path / "out.mp4", background="original", quality=1)
    stored = decoded(source)[1].to_ndarray(format="rgb24")
    wanted = np.rot90(stored, angle // 90)
    wanted = wanted[:, ::-1] if hflip else wanted
    assert np.abs(rgb(decoded(tmp_path / "out.mp4")[1]).astype(int) - wanted).mean() < 4


def test_sound_is_copied_or_left_out(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", pictures(3, 48, 64), sound="aac", seconds=0.1)
    assert cut(source, tmp_path / "out.webm", sound=False).frames == 3
    cut(source, tmp_path / "out.mkv")
    assert sound_packets(tmp_path / "out.mkv") == sound_packets(source)


@pytest.mark.parametrize(
    ("name", "decoder", "layout", "tolerance"),
    [("out.webm", "libvpx-vp9", "yuva420p", 6), ("out.mov", None, "yuva444p12le", 1)],
)
def test_alpha_survives(
    clip: Path, tmp_path: Path, name: str, decoder: str | None, layout: str, tolerance: int
) -> None:
    cut(clip, tmp_path / name)
    frames = decoded(tmp_path / name, decoder=decoder)
    assert len(frames) == 12
    assert frames[0].format.name == layout
    wanted = matte(tmp_path, clip)
    found = frames[5].to_ndarray(format="rgba")[..., 3].astype(int)
    assert np.abs(found - wanted).max() <= 8 * tolerance
    assert np.abs(found - wanted).mean() <= tolerance


def matte(folder: Path, clip: Path) -> Any:
    """What went in: the model's disc, less its far and faint border, stretched to the frame by Pillow."""
    import PIL.Image

    picture = PIL.Image.fromarray(remove_specks(disc(32, 32))).resize((64, 48), PIL.Image.Resampling.BILINEAR)
    return np.rint(255 * np.asarray(picture).clip(0, 1)).astype(int)


def test_pictures_have_the_exact_alpha(clip: Path, tmp_path: Path) -> None:
    cut(clip, tmp_path / "frames")
    names = sorted(path.name for path in (tmp_path / "frames").iterdir())
    assert names == [f"{number:05d}.png" for number in range(12)]
    found = decode(tmp_path / "frames" / "00005.png")
    assert np.array_equal(found[..., 3], matte(tmp_path, clip))
    assert not found[found[..., 3] == 0][:, :3].any()
    middle = found[22:26, 30:34, :3].astype(int)
    assert np.abs(middle - rgb(decoded(clip)[5])[22:26, 30:34]).mean() < 4


@pytest.mark.parametrize("name", ["out.mp4", "frames", "out.raw"])
def test_matte_alone(clip: Path, tmp_path: Path, name: str) -> None:
    cut(clip, tmp_path / name, mask=True, quality=1)
    if name == "frames":
        found = decode(tmp_path / name / "00003.png")
    elif name == "out.raw":
        found = np.frombuffer((tmp_path / name).read_bytes(), np.uint8).reshape(12, 48, 64)[3]
    else:
        found = rgb(decoded(tmp_path / name)[3])[..., 0]
    assert np.abs(found.astype(int) - matte(tmp_path, clip)).max() <= (8 if name == "out.mp4" else 0)


def test_mattes_are_filtered(tmp_path: Path) -> None:
    class Flicker(Disc):
        def batch(self, images: list[Image]) -> list[Alpha]:
            self.seen += images
            first = len(self.seen) - len(images)
            return [np.full((32, 32), (first + k) % 2, np.float32) for k in range(len(images))]

    source = make_clip(tmp_path / "in.mp4", pictures(1, 48, 64) * 12)
    steps = []
    for name, temporal in (("out.raw", True), ("alone.raw", False)):
        cut(source, tmp_path / name, mask=True, segmenter=Flicker(), temporal=temporal)
        found = np.frombuffer((tmp_path / name).read_bytes(), np.uint8).reshape(12, 48, 64)
        steps.append(np.abs(np.diff(found.astype(int), axis=0)).mean())
    assert steps[1] == 255
    assert steps[0] < 60


def test_blur_keeps_the_subject_and_blurs_the_rest(clip: Path, tmp_path: Path) -> None:
    cut(clip, tmp_path / "out.mp4", background="blur", blur=0.1, quality=1)
    before, after = (rgb(decoded(path)[2]).astype(int) for path in (clip, tmp_path / "out.mp4"))
    assert np.abs(after - before)[22:26, 30:34].mean() < 4
    edges = [np.abs(np.diff(image[:10, :20], axis=1)).max() for image in (before, after)]
    assert edges[1] < edges[0] or edges[0] < 12
    assert np.abs(after[:4].mean(axis=(0, 1)) - before[:4].mean(axis=(0, 1))).max() < 25


def test_video_behind_is_shown_at_its_own_speed_and_repeated(clip: Path, tmp_path: Path) -> None:
    greys = [np.full((48, 64, 3), 20 + 60 * number, np.uint8) for number in range(4)]
    behind = make_clip(tmp_path / "behind.mp4", greys, times=[600 * number for number in range(5)])
    cut(clip, tmp_path / "out.mp4", background="picture", behind=behind, quality=1)
    found = [int(rgb(frame)[2, 2, 1]) for frame in decoded(tmp_path / "out.mp4")]
    wanted = [20 + 60 * (number // 2 % 4) for number in range(12)]
    assert found == pytest.approx(wanted, abs=4)


def test_part_of_a_clip(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", pictures(30, 48, 64), sound="aac", seconds=1.0)
    outcome = cut(
        source, tmp_path / "out.mp4", part=Part(start=0.3, end=0.7), background="original", quality=1
    )
    frames, before = decoded(tmp_path / "out.mp4"), decoded(source)
    assert outcome.frames == len(frames) == 12
    assert frames[0].time == pytest.approx(0, abs=1e-3)
    for number in (0, 11):
        assert np.abs(rgb(frames[number]).astype(int) - rgb(before[9 + number])).mean() < 4
    assert samples(tmp_path / "out.mp4").shape[1] == pytest.approx(0.4 * 48000, abs=2100)
    with pytest.raises(InputError, match="no frames from 5 s on"):
        open_clip(source, part=Part(start=5))


@pytest.mark.parametrize(("height", "width"), [(33, 41), (48, 65)])
def test_odd_sizes(tmp_path: Path, height: int, width: int) -> None:
    source = make_clip(tmp_path / "in.mkv", pictures(3, height, width), codec="ffv1", layout="yuv444p")
    cut(source, tmp_path / "out.mp4", background="original", quality=1)
    frame = decoded(tmp_path / "out.mp4")[0]
    assert (frame.height, frame.width) == (height + height % 2, width + width % 2)
    cut(source, tmp_path / "out.webm", background="blur")
    frame = decoded(tmp_path / "out.webm")[0]
    assert (frame.height, frame.width) == (height, width)
    cut(source, tmp_path / "frames")
    assert decode(tmp_path / "frames" / "00002.png").shape == (height, width, 4)


def test_too_small(tmp_path: Path) -> None:
    source = make_clip(
        tmp_path / "in.mkv", [np.zeros((1, 1, 3), np.uint8)] * 2, codec="ffv1", layout="yuv444p"
    )
    with pytest.raises(InputError, match="1 x 1 pixels are too few"):
        cut(source, tmp_path / "out.mp4", background="red")
    assert not (tmp_path / "out.mp4").exists()


def test_truncated_file_gives_what_is_there(tmp_path: Path) -> None:
    whole = make_clip(tmp_path / "whole.mkv", pictures(60, 48, 64))
    data = whole.read_bytes()
    (tmp_path / "in.mkv").write_bytes(data[: len(data) // 2])
    outcome = cut(tmp_path / "in.mkv", tmp_path / "out.mp4", background="red")
    assert 5 < outcome.frames < 55
    assert outcome.broken
    assert len(decoded(tmp_path / "out.mp4")) == outcome.frames


def test_stopping_leaves_a_playable_file(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", pictures(40, 48, 64), sound="aac", seconds=1.3)
    asked = iter(range(100))
    outcome = cut(source, tmp_path / "out.mp4", background="red", stop=lambda: next(asked) > 14)
    assert outcome.stopped
    assert 1 <= outcome.frames < 40
    assert len(decoded(tmp_path / "out.mp4")) == outcome.frames
    assert list(tmp_path.glob(".*")) == []


def test_an_error_leaves_nothing_and_keeps_the_old_file(clip: Path, tmp_path: Path) -> None:
    class Failing(Disc):
        def batch(self, images: list[Image]) -> list[Alpha]:
            if len(self.seen) > 6:
                raise InputError("enough")
            return super().batch(images)

    output = tmp_path / "out.mp4"
    output.write_bytes(b"precious")
    with pytest.raises(InputError, match="enough"):
        cut(clip, output, background="red", segmenter=Failing())
    assert output.read_bytes() == b"precious"
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("number", [1, 3, 12])
def test_a_matte_that_fails_ends_the_clip(
    number: int, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Matted] = []
    pixels = Compositor.pixels

    def failing(compositor: Compositor, item: Matted) -> Image:
        begun.append(item)
        if len(begun) == number:
            raise InputError("enough")
        return pixels(compositor, item)

    monkeypatch.setattr(Compositor, "pixels", failing)
    with pytest.raises(InputError, match="enough"):
        cut(clip, tmp_path / "out.mp4", background="red", temporal=True)
    assert list(tmp_path.iterdir()) == [clip]


@pytest.mark.parametrize("count", [1, 2, 7])
def test_every_frame_gets_its_own_matte(count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Numbering:
        """The matte of frame n is n / 20."""

        def __init__(self, *, refine: bool) -> None:
            self.frames = 0

        def __call__(self, image: Image, seen: Image, found: Alpha, features: MotionFeatures | None) -> Alpha:
            assert (features is None) == (self.frames == 0)
            assert image.shape[:2] == (48, 64)
            self.frames += 1
            return np.full((48, 64), self.frames / 20, np.float32)

    monkeypatch.setattr("limner.video.pipeline.TemporalFilter", Numbering)
    source = make_clip(tmp_path / "in.mp4", pictures(count, 48, 64))
    outcome = cut(source, tmp_path / "out.raw", mask=True, temporal=True)
    assert outcome.frames == count
    found = np.frombuffer((tmp_path / "out.raw").read_bytes(), np.uint8).reshape(count, -1)
    assert [set(frame) for frame in found] == [{round(255 * (n + 1) / 20)} for n in range(count)]


def test_full_disk(clip: Path, tmp_path: Path) -> None:
    """The system refuses to let a file grow, as a full disk does."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000));"
        "from limner.cli import main;"
        f"sys.exit(main(['video', {str(clip)!r}, {str(tmp_path / 'out.raw')!r}, '--background', 'red']))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "cannot write" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "out.raw").exists()
    assert list(tmp_path.glob(".*")) == []


def test_a_pipe_with_a_name_is_written_to(clip: Path, tmp_path: Path) -> None:
    """And stays what it is, as devices do."""
    pipe = tmp_path / "out.mp4"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        data = pool.submit(pipe.read_bytes)
        cut(clip, pipe, background="red")
        (tmp_path / "read.mp4").write_bytes(data.result(timeout=30))
    assert pipe.is_fifo()
    assert len(decoded(tmp_path / "read.mp4")) == 12


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full here")
def test_full_device(clip: Path) -> None:
    options, model = Options(background="red", refine="none"), cast(Segmenter, Disc())
    with pytest.raises(OutputError, match="cannot write /dev/full: No space left on device"):
        video.cut(clip, "/dev/full", options, segmenter=model, encoding=Encoding(format="mp4"))
    assert Path("/dev/full").is_char_device()


def test_preview(clip: Path, tmp_path: Path) -> None:
    options, model = Options(background="red"), cast(Segmenter, Disc())
    video.preview(clip, tmp_path / "sheet.png", options, every=4, segmenter=model)
    sheet = load_image(tmp_path / "sheet.png")
    assert sheet.shape == (2 * (180 + 4) + 4, 2 * (240 + 4) + 4, 3)
    assert tuple(sheet[10, 10]) == pytest.approx((255, 0, 0), abs=3)


def test_network_sees_what_to_input_gives(clip: Path, tmp_path: Path) -> None:
    from limner.models.spec import to_input

    model = Disc()
    cut(clip, tmp_path / "out.mp4", background="red", segmenter=model)
    wanted = to_input(rgb(decoded(clip)[7]), (32, 32)).astype(int)
    assert np.abs(model.seen[7].astype(int) - wanted).mean() < 3
