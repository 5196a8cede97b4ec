"""``limner video``: a clip in, the same clip with another background, without one, or its matte out."""

import argparse
import json
import math
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from limner.cli.options import add_options, read_options
from limner.cli.shared import add_command, add_model, asked_to_stop, check_output, positive, say
from limner.errors import LimnerError

if TYPE_CHECKING:
    from limner.cli.shared import Commands
    from limner.video import Demuxer, Outcome

CLIPS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".ogv", ".wmv", ".gif")
"""Extensions by which a background is taken for a video."""


def add(commands: "Commands") -> None:
    """Declare the command."""
    parser = add_command(commands, "video", _video, help="cut the person out of a video")
    parser.add_argument("input", metavar="IN", help="a video; - reads one from a pipe")
    parser.add_argument(
        "output", metavar="OUT", help="file.mp4 .mov .webm .mkv .raw, a folder/ of PNG files, or -"
    )
    add_options(parser, without=("crop", "margin"))
    group = parser.add_argument_group("video")
    group.add_argument(
        "--codec", help="h264, h265, vp9 or prores (default: what the container usually holds)"
    )
    group.add_argument(
        "--quality", type=int, metavar="N", help="of the codec, on its own scale (CRF: less is better)"
    )
    group.add_argument("--no-sound", action="store_true", help="leave the sound out instead of copying it")
    group.add_argument(
        "--no-temporal-filter",
        action="store_true",
        help="cut each frame by itself: quicker, but the mattes flicker",
    )
    for option, name, default in (("--from", "start", 0), ("--to", "end", math.inf)):
        group.add_argument(
            option, dest=name, type=_seconds, default=default, metavar="TIME", help="seconds, or h:m:s"
        )
    group.add_argument(
        "--preview", type=positive, metavar="N", help="write every N-th frame on one sheet, OUT, a picture"
    )
    group.add_argument("--raw", type=_raw, metavar="WxH[@RATE]", help="IN is RGB pixels without a header")
    group.add_argument(
        "--format", metavar="NAME", help="of OUT, where its name does not say: raw, mkv, webm, mov, mp4"
    )
    add_model(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")


def _video(args: argparse.Namespace) -> int:
    from limner.allocator import keep_some
    from limner.models.segmenter import Segmenter
    from limner.models.spec import DEFAULT_MODEL
    from limner.video import Encoding, Part, cut, open_clip, preview

    check_output(args.output, "a video", source=args.input, json=args.json)
    keep_some()
    behind = None
    if Path(args.background).suffix.lower() in CLIPS:
        behind, args.background = Path(args.background), "picture"
    options = read_options(args)
    encoding = Encoding(codec=args.codec, quality=args.quality, format=args.format, sound=not args.no_sound)
    source = sys.stdin.buffer if args.input == "-" else args.input
    with open_clip(source, part=Part(start=args.start, end=args.end), demuxer=args.raw) as clip:
        segmenter = Segmenter(args.model or DEFAULT_MODEL, device=args.device, threads=1)
        if args.preview:
            preview(clip, args.output, options, every=args.preview, segmenter=segmenter, behind=behind)
            say(f"wrote {args.output}")
            return 0
        with asked_to_stop() as stop:
            outcome = cut(
                clip,
                args.output,
                options,
                segmenter=segmenter,
                behind=behind,
                temporal=not args.no_temporal_filter,
                encoding=encoding,
                stop=stop.is_set,
            )
    return _report(outcome, args)


def _report(outcome: "Outcome", args: argparse.Namespace) -> int:
    if args.json:
        print(json.dumps({"input": args.input, "output": args.output, **asdict(outcome)}))
    rate = outcome.frames / max(outcome.wall_s, 1e-9)
    say(
        f"wrote {args.output}: {outcome.frames:,} frames, {outcome.seconds:.1f} s, in {outcome.wall_s:.1f} s "
        f"({rate:.1f} frames/s)"
    )
    if outcome.repaired:
        say(
            f"{args.input}: times out of order, of frames or packets of sound, were put between those beside "
            f"them: {outcome.repaired:,}"
        )
    if outcome.stopped:
        say(f"interrupted: {args.output} holds the first {outcome.seconds:.1f} s")
        return 130
    if outcome.broken:
        raise LimnerError(
            f"{args.input} is damaged: {outcome.broken}; {args.output} holds what could be read; get a whole "
            "copy of the input for the rest"
        )
    return 0


def _raw(text: str) -> "Demuxer":
    """How to read pixels, from their width, height and rate."""
    from limner.video import Demuxer

    found = re.fullmatch(r"(\d+)x(\d+)(?:@(\d+(?:[./]\d+)?))?", text)
    if found is None or "0" in found.groups():
        raise argparse.ArgumentTypeError(f"wants width x height and the rate, such as 640x480@30, got {text}")
    width, height, rate = found.groups()
    return Demuxer.raw((int(height), int(width)), rate or "25")


def _seconds(text: str) -> float:
    """Seconds, from a number of them or from h:m:s."""
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        parts = []
    if not 1 <= len(parts) <= 3 or min(parts) < 0:
        raise argparse.ArgumentTypeError(f"wants seconds or h:m:s, got {text}")
    return sum(part * 60.0**place for place, part in enumerate(reversed(parts)))
