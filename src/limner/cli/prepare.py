"""``limner data prepare``: portraits and their masks in, Parquet shards out."""

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from limner.cli.shared import Commands, UsageError, add_command, add_group, need, positive, say
from limner.files import spelled

if TYPE_CHECKING:
    from limner.datasets.plan import Plan, SeededSplit


def add(commands: Commands) -> None:
    """Declare the command, with one below it for each kind of source."""
    kinds = add_group(
        commands, "prepare", metavar="KIND", help="turn portraits and masks into a data set that trains fast"
    )
    celebamask = _add_kind(kinds, "celebamask", _plan_celebamask, "source", help="CelebAMask-HQ, as it comes")
    celebamask.add_argument("--parts", metavar="A,B,...", help="parts that make the subject (all 18)")
    celebamask.add_argument(
        "--without", default="", metavar="A,B,...", help="parts to leave out, such as cloth"
    )
    folders = _add_kind(
        kinds,
        "folders",
        _plan_folders,
        "images",
        "masks",
        help="your own pictures and masks, matched by stem",
    )
    folders.add_argument(
        "--subject-labels",
        metavar="1,2,...",
        help="the masks hold label indices (palette or grey), and these are the subject",
    )
    folders.add_argument("--licence", default="not stated", help="terms of the pictures, to be recorded")
    synthetic = _add_kind(
        kinds, "synthetic", _plan_synthetic, help="painted portraits with exact mattes; nothing to download"
    )
    synthetic.add_argument("--count", type=int, default=1000, metavar="N", help="(%(default)s)")


def _add_kind(
    kinds: Commands, name: str, plan: Callable[[argparse.Namespace], "Plan"], *arguments: str, help: str
) -> argparse.ArgumentParser:
    parser = add_command(kinds, name, _prepare, help=help)
    parser.set_defaults(plan=plan)
    for argument in (*arguments, "target"):
        parser.add_argument(argument, metavar=argument.upper())
    parser.add_argument(
        "--size",
        type=positive,
        default=256,
        metavar="PIXELS",
        help="shorter side; proportions are kept, nothing is made larger (%(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of all that is left to chance (%(default)s)")
    parser.add_argument("--val", type=float, default=0.1, metavar="FRACTION", help="(%(default)s)")
    parser.add_argument("--test", type=float, default=0.1, metavar="FRACTION", help="(%(default)s)")
    parser.add_argument(
        "--shard", type=positive, default=500, metavar="N", help="samples a shard (%(default)s)"
    )
    parser.add_argument("--jobs", type=positive, metavar="N", help="worker processes (one a core)")
    parser.add_argument("--strict", action="store_true", help="stop at the first file that cannot be used")
    return parser


def _plan_celebamask(args: argparse.Namespace) -> "Plan":
    from limner.datasets.celebamask import PARTS, plan_celebamask

    parts = list(PARTS) if args.parts is None else _names(args.parts)
    without = _names(args.without)
    strange = [part for part in without if part not in parts]
    if strange:
        raise UsageError(f"--without {strange[0]}: it is not among {', '.join(parts)}")
    return plan_celebamask(
        args.source,
        parts=[part for part in parts if part not in without],
        short_side=args.size,
        seeded=_seeded(args),
    )


def _plan_folders(args: argparse.Namespace) -> "Plan":
    from limner.datasets.folders import plan_folders

    labels = None
    if args.subject_labels is not None:
        try:
            labels = [int(label) for label in _names(args.subject_labels)]
        except ValueError as error:
            raise UsageError(
                f"--subject-labels takes numbers such as 1,2, got {args.subject_labels}"
            ) from error
    return plan_folders(
        args.images,
        args.masks,
        name=spelled(Path(args.target).resolve().name),
        subject_labels=labels,
        short_side=args.size,
        seeded=_seeded(args),
        licence=args.licence,
    )


def _plan_synthetic(args: argparse.Namespace) -> "Plan":
    from limner.datasets.synthetic import plan_synthetic

    return plan_synthetic(args.count, seed=args.seed, side=args.size, seeded=_seeded(args))


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _seeded(args: argparse.Namespace) -> "SeededSplit":
    from limner.datasets.plan import SeededSplit

    return SeededSplit(seed=args.seed, val=args.val, test=args.test)


def _prepare(args: argparse.Namespace) -> int:
    need("train", "pyarrow")
    from limner.datasets.preparation import prepare

    plan: Plan = args.plan(args)
    say(f"{plan.name}: split {plan.split_by}")
    done = prepare(
        plan,
        args.target,
        command=shlex.join(["limner", *sys.argv[1:]]),
        shard_samples=args.shard,
        strict=args.strict,
        jobs=args.jobs,
    )
    spec = done.spec
    for file in spec.unused:
        say(f"not used, it belongs to no pair: {file}")
    for name, reason in spec.failures.items():
        say(f"left out {name}: {reason}")
    for remark in done.remarks:
        say(f"{plan.name}: {remark}")
    counts = ", ".join(f"{count} {split}" for split, count in spec.splits.items())
    if spec.failures:
        counts += f", {len(spec.failures)} left out"
    if done.made:
        rate = done.made / done.seconds
        say(f"{args.target}: {counts}; {done.made} in {done.seconds:.1f} s, {rate:.0f} images/s")
    else:
        say(f"{args.target}: {counts}; all was there already")
    return 3 if spec.failures else 0
