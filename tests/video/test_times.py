"""Clips whose times are odd: out of order, late, cut off."""

from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from limner.rendering.options import Options
from limner.video.decoder import Part
from limner.video.reader import Clip
from limner.video.times import InOrder
from tests.video.clips import decoded, make_clip, moved, pictures, remux, sound_packets
from tests.video.test_pipeline import cut


@dataclass
class Item:
    pts: int


def ordered(*times: int) -> list[int]:
    order: InOrder[Item] = InOrder(10)
    return [item.pts for time in times for item in order.put(Item(time))] + [item.pts for item in order.end()]


@pytest.mark.parametrize(
    ("times", "wanted"),
    [
        ((), []),
        ((7,), [7]),
        ((0, 10, 25, 30), [0, 10, 25, 30]),
        ((0, 10, 10, 30), [0, 10, 20, 30]),  # twice
        ((0, 10, 10, 10, 40), [0, 10, 20, 30, 40]),
        ((0, 0, 20), [0, 10, 20]),
        ((0, 10, 20, 4, 40), [0, 10, 20, 30, 40]),  # too early
        ((0, 10, 999, 30, 40), [0, 10, 20, 30, 40]),  # too late
        ((0, 10, 20, 20), [0, 10, 20, 25]),
        ((100, 110, 120, 0, 10, 20), [100, 110, 120, 130, 140, 150]),  # the clock was set back
        ((0, 10, 20, 5, 6, 50, 60), [0, 10, 20, 30, 31, 50, 60]),
    ],
)
def test_times_grow_and_those_in_order_stay(times: tuple[int, ...], wanted: list[int]) -> None:
    assert ordered(*times) == wanted


def test_any_times_become_times_that_grow(rng: np.random.Generator) -> None:
    for _ in range(200):
        found = ordered(*rng.integers(0, 400, 30).tolist())
        assert len(found) == 30
        assert all(before < after for before, after in pairwise(found))


def facts(path: Path) -> tuple[list[float], float]:
    """Times of the frames, and how long the container says it is, seconds."""
    with av.open(str(path)) as container:
        return [float(frame.time) for frame in decoded(path)], (container.duration or 0) / 1e6


@pytest.mark.parametrize("back", [1, 7])
@pytest.mark.parametrize("kind", ["video", "audio"])
@pytest.mark.parametrize("extension", [".mp4", ".mkv"])
def test_a_time_that_repeats_or_goes_back_costs_no_frame(
    kind: str, back: int, extension: str, tmp_path: Path
) -> None:
    def change(packet: Any, number: int, part: int) -> None:
        """Number 12 of its stream gets the time of one before it; mkv stores this time alone."""
        packet.dts = round(number / 1000 / packet.time_base)
        if (packet.stream.type, number) == (kind, 12):
            packet.pts -= round(back * (0.1 if kind == "video" else 1024 / 48000) / packet.time_base)
        packet.pts += round(0.1 / packet.time_base)  # none is shown before it is decoded

    times = [900 * number for number in range(31)]  # ten frames a second
    whole = make_clip(tmp_path / "whole.mp4", pictures(30, 48, 64), times=times, sound="aac", seconds=3)
    source = remux([whole], tmp_path / "in.mkv", change)
    outcome = cut(source, tmp_path / f"out{extension}", background="red")
    found, length = facts(tmp_path / f"out{extension}")
    assert outcome.repaired == 1
    assert len(found) == outcome.frames == 30
    assert length == pytest.approx(3, abs=0.1)
    assert outcome.seconds == pytest.approx(3, abs=0.05)
    assert found[11:14] == pytest.approx([1.1, 1.2, 1.3], abs=0.06)
    assert all(before < after for before, after in pairwise(found))
    assert sound_packets(tmp_path / f"out{extension}") == sound_packets(whole)


def test_a_file_that_is_cut_off_ends_with_its_last_frame(tmp_path: Path) -> None:
    times = [900 * number for number in range(61)]
    whole = make_clip(
        tmp_path / "whole.mp4",
        pictures(60, 48, 64),
        times=times,
        change=lambda video: setattr(video.codec_context, "gop_size", 10),
    )
    data = remux([whole], tmp_path / "front.mp4", movflags="faststart").read_bytes()
    (tmp_path / "in.mp4").write_bytes(data[: len(data) * 3 // 5])
    outcome = cut(tmp_path / "in.mp4", tmp_path / "out.mp4", background="red")
    found, length = facts(tmp_path / "out.mp4")
    assert 5 < len(found) < 55
    assert "of 6.0 s are there" in outcome.broken
    assert outcome.seconds == pytest.approx(found[-1] + 0.1, abs=0.01)
    assert length == pytest.approx(found[-1] + 0.1, abs=0.02)


def test_a_last_frame_that_stays_is_no_damage(tmp_path: Path) -> None:
    times = [0, 900, 1800, 9000 * 4]
    source = make_clip(tmp_path / "in.mp4", pictures(3, 48, 64), times=times)
    outcome = cut(source, tmp_path / "out.mp4", background="red")
    assert outcome.seconds == pytest.approx(4)
    assert not outcome.broken


@pytest.fixture
def late(tmp_path: Path) -> Path:
    """A transport stream of three seconds whose clock begins at an hour; only its first frame is whole."""
    times = [900 * number for number in range(31)]
    whole = make_clip(tmp_path / "whole.mp4", pictures(30, 48, 64), times=times, sound="aac", seconds=3)
    return remux([whole], tmp_path / "late.ts", lambda packet, number, part: moved(packet, 3600))


@pytest.mark.parametrize("extension", [".mp4", ".mkv"])
def test_a_clip_begins_at_zero_wherever_its_clock_began(late: Path, extension: str, tmp_path: Path) -> None:
    outcome = cut(late, tmp_path / f"out{extension}", background="red")
    found, length = facts(tmp_path / f"out{extension}")
    assert outcome.seconds == pytest.approx(3, abs=0.05)
    assert not outcome.broken
    assert (found[0], found[-1], length) == pytest.approx((0, 2.9, 3), abs=0.1)
    starts = []
    for path in (late, tmp_path / f"out{extension}"):
        with av.open(str(path)) as container:
            streams: list[Any] = [container.streams.video[0], container.streams.audio[0]]
            starts.append([float(stream.start_time * stream.time_base) for stream in streams])
    assert starts[0][0] - starts[0][1] == pytest.approx(starts[1][0] - starts[1][1], abs=0.03)


def test_a_part_is_counted_from_the_start_of_the_clip(late: Path, tmp_path: Path) -> None:
    outcome = cut(late, tmp_path / "out.mp4", part=Part(start=1, end=2), background="red")
    found, length = facts(tmp_path / "out.mp4")
    assert outcome.frames == len(found) == 10
    assert (found[0], length) == pytest.approx((0, 1), abs=0.06)


def test_sound_that_begins_later_stays_later(tmp_path: Path) -> None:
    def change(packet: Any, number: int, part: int) -> None:
        moved(packet, 20.5 if packet.stream.type == "audio" else 20)

    whole = make_clip(tmp_path / "whole.mp4", pictures(30, 48, 64), sound="aac", seconds=1)
    source = remux([whole], tmp_path / "in.mkv", change)
    cut(source, tmp_path / "out.mkv", background="red")
    with av.open(str(tmp_path / "out.mkv")) as container:
        sound: Any = container.streams.audio[0]
        assert float(next(container.demux(sound)).pts * sound.time_base) == pytest.approx(0.5, abs=0.03)
    assert decoded(tmp_path / "out.mkv")[0].time == pytest.approx(0, abs=0.03)


def test_a_video_behind_that_starts_late_moves(late: Path, tmp_path: Path) -> None:
    from limner.video.background import MovingBackground

    with Clip(late) as front, closing(MovingBackground(late, front, "yuv420p", Options())) as behind:
        shown = [behind.at(seconds).to_ndarray()[:48].astype(int) for seconds in (0.0, 1.0)]
    assert np.abs(shown[0] - shown[1]).max() > 50
