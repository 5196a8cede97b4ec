"""``limner cut``: pictures in, cut-outs, mattes or composites out."""

import argparse
import json
import sys
from collections import defaultdict
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner import files
from limner.cli.options import add_encoding, add_options, read_options
from limner.cli.shared import Commands, UsageError, add_command, add_model, check_output, say
from limner.errors import InputError, LimnerError, ModelError
from limner.notices import gather, named

if TYPE_CHECKING:
    from limner.images import Alpha, Image
    from limner.models.segmenter import Segmenter
    from limner.rendering.options import Options


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "cut", _cut, help="cut the person out of pictures")
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="files; - reads one from a pipe")
    parser.add_argument("-o", "--output", metavar="PATH", help="file or folder; - writes a PNG to a pipe")
    add_encoding(parser)
    parser.add_argument("--timing", action="store_true", help="say how long each stage took")
    add_options(parser)
    add_model(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON line a picture")


def _cut(args: argparse.Namespace) -> int:
    from limner.mattes.refine import load_edge
    from limner.models.segmenter import Segmenter
    from limner.models.spec import DEFAULT_MODEL

    options = read_options(args)
    targets = _targets(args, options)
    with ThreadPoolExecutor(1) as pool:  # the networks are loaded while the first picture is decoded
        segmenter = pool.submit(Segmenter, args.model or DEFAULT_MODEL, device=args.device)
        if options.refine != "none":
            pool.submit(load_edge)
        return _cut_all(args, targets, segmenter, options)


def _cut_all(
    args: argparse.Namespace, targets: list[str], segmenter: "Future[Segmenter]", options: "Options"
) -> int:
    encoding = {"compress": args.compress, "metadata": args.metadata}
    failed = 0
    for source, target in zip(args.pictures, targets, strict=True):
        try:
            row = _cut_one(source, target, segmenter, options, encoding)
        except ModelError:
            raise
        except LimnerError as error:
            if args.debug:
                raise
            say(f"error: {error}")
            failed += 1
            row = {"input": source, "error": str(error)}
        if args.timing and "seconds" in row:
            stages = ", ".join(f"{stage} {1e3 * value:.0f} ms" for stage, value in row["seconds"].items())
            say(f"{source}: {stages}")
        if args.json:
            print(json.dumps(row))
    if not failed:
        return 0
    return 1 if failed == len(targets) else 3


def _cut_one(
    source: str, target: str, segmenter: "Future[Segmenter]", options: "Options", encoding: dict[str, Any]
) -> dict[str, Any]:
    from limner.rendering.pipeline import run, stage_clock

    seconds: dict[str, float] = defaultdict(float)
    fractions: list[float] = []
    highest: list[float] = []  # opacity of each frame

    def record(stage: str, taken: float) -> None:
        seconds[stage] += taken

    def segment(image: "Image") -> "Alpha":
        alpha = segmenter.result()(image)
        fractions.append(float(alpha.mean()))
        highest.append(float(alpha.max()))
        return alpha

    extension = ".png" if target == "-" else Path(target).suffix.lower()
    file = sys.stdin.buffer if source == "-" else source
    warned: list[str] = []
    with gather(warned):
        try:
            clock = stage_clock(record)
            made = run(file, segment, options, extension=extension, on_stage=clock, **encoding)
        except InputError as error:
            raise error if source in str(error) else InputError(f"{source}: {error}") from error
        finally:
            for text in warned:
                say(named("<stdin>" if source == "-" else source, text))
    if target == "-":
        sys.stdout.buffer.write(made.data)
    else:
        files.write_bytes(target, made.data)
        say(f"wrote {target}")
    if max(highest) < 0.5:
        say(f"no person found in {source}: the result is empty")
    return {
        "input": source,
        "output": target,
        "width": made.size[1],
        "height": made.size[0],
        "frames": len(fractions),
        "subject_fraction": round(sum(fractions) / len(fractions), 4),
        "confidence": round(made.confidence, 4),
        "model": segmenter.result().spec.name,
        "device": segmenter.result().device,
        "seconds": {stage: round(taken, 4) for stage, taken in seconds.items()},
    }


def _targets(args: argparse.Namespace, options: "Options") -> list[str]:
    """Where each picture goes; refused before any work when two would meet, or one cannot be written."""
    from limner.rendering.pipeline import check_target

    kind = "matte" if options.mask else "cutout" if options.transparent else "composite"
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
    for source, target in zip(args.pictures, targets, strict=True):
        check_output(target, "a picture", source=source, json=args.json)
        if target != "-":
            check_target(target, options)
    if output is not None and output != "-" and targets[0] != output:
        files.make_folder(Path(output))
    return targets


def _beside(source: str, folder: Path, kind: str) -> str:
    stem = "stdin" if source == "-" else Path(source).stem
    return str(folder / f"{stem}-{kind}.png")
