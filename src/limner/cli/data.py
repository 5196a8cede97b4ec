"""``limner data``: prepare data sets, show, summarise and pack them."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from limner.cli import prepare
from limner.cli.shared import Commands, UsageError, add_command, add_group, positive, say

if TYPE_CHECKING:
    from limner.datasets import Sample
    from limner.datasets.statistics import Statistics


def add(commands: Commands) -> None:
    """Declare the command and those below it."""
    actions = add_group(
        commands, "data", metavar="ACTION", help="prepare data sets, show, summarise and pack them"
    )
    prepare.add(actions)
    showing = add_command(actions, "show", _show, help="draw a contact sheet: pictures and their cut-outs")
    _add_data(showing)
    showing.add_argument("-o", "--output", default="contact-sheet.png", metavar="PATH", help="(%(default)s)")
    showing.add_argument("--count", type=positive, default=24, help="samples, evenly spaced (%(default)s)")
    stats = add_command(
        actions, "stats", _stats, help="summarise: subject fraction, sizes, near-duplicates across splits"
    )
    _add_data(stats)
    stats.add_argument("--jobs", type=positive, metavar="N", help="worker processes (one a core)")
    stats.add_argument("--json", action="store_true", help="print JSON")
    packing = add_command(
        actions,
        "pack",
        _pack,
        help="write a data set at network size into ZIP files, to train on another machine",
    )
    _add_data(packing)
    packing.set_defaults(split="train")
    packing.add_argument("folder", metavar="FOLDER", help="where the packs go")
    packing.add_argument("--name", help="of the packs: NAME-00.zip, ... (that of the data set)")
    packing.add_argument(
        "--side", type=int, default=320, help="of the square with as many pixels as a picture (%(default)s)"
    )
    packing.add_argument(
        "--stride",
        type=int,
        default=32,
        help="sides are multiples of this, proportions nearly kept; 0: squares (%(default)s)",
    )
    packing.add_argument(
        "--megabytes", type=float, default=34, metavar="MB", help="of a file at most (%(default)s)"
    )
    packing.add_argument("--count", type=positive, metavar="N", help="so many samples, evenly spaced (all)")
    packing.add_argument("--jobs", type=positive, metavar="N", help="worker processes (one a core)")


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data", metavar="TARGET", help="a prepared data set, or a folder with images/ and masks/ (or labels/)"
    )
    parser.add_argument("--split", help="this split only")


def _splits(args: argparse.Namespace) -> "dict[str, list[Sample]]":
    from limner.datasets import dataset_splits, read_dataset

    names = [args.split] if args.split else dataset_splits(args.data)
    if not names:
        return {"all": read_dataset(args.data)}
    return {name: read_dataset(args.data, name) for name in names}


def _show(args: argparse.Namespace) -> int:
    from limner.datasets.contact_sheet import contact_sheet
    from limner.datasets.plan import evenly_spaced
    from limner.images import check_format, save_image

    check_format(args.output, transparent=False)
    samples = [sample for split in _splits(args).values() for sample in split]
    shown = evenly_spaced(samples, args.count)
    save_image(args.output, contact_sheet(shown))
    print(*(sample.id for sample in shown))
    say(f"wrote {args.output}: {len(shown)} of {len(samples)} samples, in the order of the ids above")
    return 0


def _pack(args: argparse.Namespace) -> int:
    from limner.datasets import read_dataset
    from limner.datasets.packing import write_packs
    from limner.datasets.plan import evenly_spaced

    if args.side < 1 or args.megabytes <= 0 or args.stride < 0 or args.side < args.stride:
        raise UsageError("--side and --megabytes must be positive, --stride from 0 to --side")
    samples = read_dataset(args.data, args.split)
    if args.count is not None:
        samples = evenly_spaced(samples, args.count)
    done = write_packs(
        samples,
        args.folder,
        name=args.name or Path(args.data).resolve().stem,
        side=args.side,
        stride=args.stride,
        max_bytes=int(1e6 * args.megabytes),
        jobs=args.jobs,
    )
    for reason in done.unreadable:
        say(f"left out: {reason}")
    for path in done.paths:
        print(path)
    size = sum(path.stat().st_size for path in done.paths) / 1e6
    say(f"{done.samples} samples in {size:.1f} MB; {done.doubtful} left out, too little is known of them")
    return 3 if done.unreadable else 0


def _stats(args: argparse.Namespace) -> int:
    from limner.datasets.statistics import dataset_statistics

    statistics = dataset_statistics(_splits(args), jobs=args.jobs)
    if args.json:
        print(json.dumps(asdict(statistics), indent=2))
    else:
        _print_table(statistics)
    return 0


def _print_table(statistics: "Statistics") -> None:
    print("split     samples  subject: mean    min median    max   soft  sizes")
    for name, split in statistics.splits.items():
        mean, low, median, high = (
            f"{100 * split.subject_fraction[key]:.1f}" for key in ("mean", "min", "median", "max")
        )
        sizes = [f"{size} ({count})" for size, count in split.sizes.items()]
        more = f" and {len(sizes) - 3} more" if len(sizes) > 3 else ""
        print(
            f"{name:8} {split.samples:8}  {mean:>12}% {low:>5}% {median:>5}% {high:>5}%  "
            f"{100 * split.soft_fraction:>4.1f}%  {', '.join(sizes[:3])}{more}"
        )
    parts = {part: None for split in statistics.splits.values() for part in split.parts}
    for part in parts:
        fractions = (
            f"{name} {100 * split.parts.get(part, 0):.0f}%" for name, split in statistics.splits.items()
        )
        print(f"part {part:8} in {', '.join(fractions)}")
    pairs = statistics.near_duplicates
    across = sum(pair.splits[0] != pair.splits[1] for pair in pairs)
    print(f"near-duplicates: {len(pairs)} pairs, {across} of them across splits")
    for pair in pairs:
        print("  " + ", ".join(f"{split}/{name}" for split, name in zip(pair.splits, pair.ids, strict=True)))
