"""``limner camera``: what a webcam sees, cut out as it comes, into a file or a pipe."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from limner.cli.options import add_options, read_options
from limner.cli.shared import add_command, add_model, asked_to_stop, check_output, say
from limner.errors import InputError

if TYPE_CHECKING:
    from limner.cli.shared import Commands

KINDS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
"""Platform -> FFmpeg's name of its cameras."""
DEVICES = {"linux": "/dev/video0", "darwin": "0", "win32": "video=Integrated Camera"}
"""Platform -> the camera that is usually there."""


def add(commands: "Commands") -> None:
    """Declare the command."""
    parser = add_command(commands, "camera", _camera, help="cut the person out of what a webcam sees")
    parser.add_argument(
        "output", metavar="OUT", help="a file as of limner video, - for a pipe, or a v4l2 loopback device"
    )
    add_options(parser, without=("crop", "margin"))
    group = parser.add_argument_group("camera")
    group.add_argument("--camera", metavar="DEVICE", help="such as /dev/video0 (default: the first)")
    group.add_argument("--size", default="640x480", metavar="WxH", help="of the pictures (default 640x480)")
    group.add_argument("--rate", default="30", help="frames a second (default 30)")
    group.add_argument("--seconds", type=float, default=float("inf"), help="end by itself after so long")
    group.add_argument("--format", metavar="NAME", help="of a pipe: raw, mkv, webm, mov or mp4")
    group.add_argument("--codec", help="as of limner video")
    add_model(parser, "a bundled model (default small), or an .onnx file with its .json beside it")


def _camera(args: argparse.Namespace) -> int:
    from limner.allocator import keep_some
    from limner.models.segmenter import Segmenter
    from limner.models.spec import LIVE_MODEL
    from limner.video import Demuxer, Encoding, Part, cut, open_clip

    check_output(args.output, "a video")
    keep_some()
    options = read_options(args)
    device = args.camera or DEVICES.get(sys.platform, "")
    settings = {"video_size": args.size, "framerate": args.rate}
    _check_device(device)
    demuxer = Demuxer(format=KINDS[sys.platform], options=settings, live=True)
    encoding = Encoding(codec=args.codec, format=args.format)
    with open_clip(device, part=Part(end=args.seconds), demuxer=demuxer) as clip:
        segmenter = Segmenter(args.model or LIVE_MODEL, device=args.device, threads=1)
        say(f"recording {device}, {clip.size[1]} x {clip.size[0]}: Ctrl-C ends it")
        with asked_to_stop() as stop:
            outcome = cut(
                clip, args.output, options, segmenter=segmenter, encoding=encoding, stop=stop.is_set
            )
    say(f"wrote {args.output}: {outcome.frames:,} frames, {outcome.seconds:.1f} s")
    return 0


def _check_device(device: str) -> None:
    if sys.platform not in KINDS:
        raise InputError(f"no cameras are known on {sys.platform}: use {', '.join(KINDS)}, or limner video")
    if sys.platform != "linux" or Path(device).exists() or KINDS["linux"] != "v4l2":
        return
    found = ", ".join(sorted(map(str, Path("/dev").glob("video*"))))
    cure = f"give one of {found} with --camera" if found else "connect one; none is there now"
    raise InputError(f"no camera {device}: {cure}")
