"""``limner cut``: pictures in, cut-outs, mattes or composites out."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from limner import files
from limner.cli.shared import UsageError, add_command, add_json, add_model, say
from limner.errors import InputError, LimnerError

if TYPE_CHECKING:
    from limner.cli.shared import Commands
    from limner.images import Colour, Image
    from limner.segmenter import Segmenter


def add(commands: "Commands") -> None:
    """Declare the command."""
    parser = add_command(commands, "cut", _cut, help="cut the person out of pictures")
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="files; - reads one from a pipe")
    parser.add_argument("-o", "--output", metavar="PATH", help="file or folder; - writes a PNG to a pipe")
    parser.add_argument("--mask", action="store_true", help="write the matte, in grey, instead")
    parser.add_argument(
        "--background",
        default="transparent",
        metavar="COLOUR|FILE",
        help="transparent (default), a colour, or a picture",
    )
    add_model(parser)
    add_json(parser, "print one JSON line a picture")


def _cut(args: argparse.Namespace) -> int:
    from limner.segmenter import Segmenter
    from limner.spec import DEFAULT_MODEL

    targets = _targets(args)
    background = _background(args)
    segmenter = Segmenter(args.model or DEFAULT_MODEL, device=args.device)
    failed = 0
    for source, target in zip(args.pictures, targets, strict=True):
        try:
            row = _cut_one(source, target, segmenter, background, mask=args.mask)
        except LimnerError as error:
            if args.debug:
                raise
            say(f"error: {error}")
            failed += 1
            row = {"input": source, "error": str(error)}
        if args.json:
            print(json.dumps(row))
    if not failed:
        return 0
    return 1 if failed == len(targets) else 3


def _cut_one(
    source: str, target: str, segmenter: "Segmenter", background: "Colour | Image | None", *, mask: bool
) -> dict[str, object]:
    from limner.compose import composite, cutout
    from limner.images import encode_image, load_image, save_image
    from limner.masks import to_uint8

    image = load_image(sys.stdin.buffer if source == "-" else source)
    try:
        alpha = segmenter(image)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    if mask:
        picture = to_uint8(alpha)
    elif background is None:
        picture = cutout(image, alpha)
    else:
        picture = composite(image, alpha, background)
    if target == "-":
        sys.stdout.buffer.write(encode_image(picture, ".png"))
    else:
        save_image(target, picture)
        say(f"wrote {target}")
    if alpha.max() < 0.5:
        say(f"no person found in {source}: the result is empty")
    height, width = alpha.shape
    return {
        "input": source,
        "output": target,
        "width": width,
        "height": height,
        "subject_fraction": round(float(alpha.mean()), 4),
        "model": segmenter.spec.name,
        "device": segmenter.device,
    }


def _targets(args: argparse.Namespace) -> list[str]:
    """Where each picture goes; refused before any work when two would meet, or one cannot be written."""
    from limner.images import check_format

    kind = "matte" if args.mask else "cutout" if args.background == "transparent" else "composite"
    output = args.output
    if output is None:
        targets = ["-" if name == "-" else _beside(name, Path(name).parent, kind) for name in args.pictures]
    elif output == "-" or (
        len(args.pictures) == 1 and not output.endswith("/") and not Path(output).is_dir()
    ):
        targets = [output] * len(args.pictures)
    else:
        targets = [_beside(name, Path(output), kind) for name in args.pictures]
    if len(set(targets)) < len(targets):
        twice = next(target for target in targets if targets.count(target) > 1)
        raise UsageError(
            f"several pictures would be written to {twice}: cut them one by one, each with its own -o"
        )
    if args.json and "-" in targets:
        raise UsageError("--json and a picture cannot both go to standard output: choose another -o")
    if "-" in targets and sys.stdout.isatty():
        raise UsageError("a picture would fill the terminal: add > FILE.png, or choose another -o")
    for source, target in zip(args.pictures, targets, strict=True):
        if target != "-":
            check_format(target, transparent=kind == "cutout")
        if (
            target != "-"
            and Path(target).exists()
            and Path(source).exists()
            and Path(target).samefile(source)
        ):
            raise UsageError(f"{target} is the input itself: choose another -o")
    if output is not None and output != "-" and targets[0] != output:
        files.make_folder(Path(output))
    return targets


def _beside(source: str, folder: Path, kind: str) -> str:
    stem = "stdin" if source == "-" else Path(source).stem
    return str(folder / f"{stem}-{kind}.png")


def _background(args: argparse.Namespace) -> "Colour | Image | None":
    from limner.images import load_image, parse_colour

    if args.mask and args.background != "transparent":
        raise UsageError("--mask writes the matte alone: leave out --background")
    if args.background == "transparent":
        return None
    if Path(args.background).suffix or Path(args.background).exists():
        return load_image(args.background)
    return parse_colour(args.background)[:3]
