"""``limner data``: prepare data sets, look at them, sum them up."""

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from limner.cli import prepare
from limner.cli.shared import UsageError, add_command, add_group, add_json, say

if TYPE_CHECKING:
    from limner.cli.shared import Commands
    from limner.datasets import Sample
    from limner.datasets.statistics import Statistics


def add(commands: "Commands") -> None:
    """Declare the command and those below it."""
    actions = add_group(
        commands, "data", metavar="ACTION", help="prepare data sets, look at them, sum them up"
    )
    prepare.add(actions)
    showing = add_command(actions, "show", _show, help="draw a contact sheet: pictures and their cut-outs")
    _add_data(showing)
    showing.add_argument("-o", "--output", default="contact-sheet.png", metavar="PATH", help="(%(default)s)")
    showing.add_argument("--count", type=int, default=24, help="samples, evenly spaced (%(default)s)")
    stats = add_command(
        actions, "stats", _stats, help="sum up: subject fraction, sizes, near-duplicates across splits"
    )
    _add_data(stats)
    stats.add_argument("--jobs", type=int, metavar="N", help="worker processes (one a core)")
    add_json(stats, "print JSON")


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
    import numpy as np

    from limner.datasets.sheet import contact_sheet
    from limner.images import check_format, save_image

    if args.count < 1:
        raise UsageError(f"--count must be at least 1, got {args.count}")
    check_format(args.output, transparent=False)
    samples = [sample for split in _splits(args).values() for sample in split]
    chosen = np.linspace(0, len(samples) - 1, min(args.count, len(samples))).round().astype(int)
    shown = [samples[index] for index in chosen]
    save_image(args.output, contact_sheet(shown))
    print(*(sample.id for sample in shown))
    say(f"wrote {args.output}: {len(shown)} of {len(samples)} samples, in the order of the ids above")
    return 0


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
        shares = (
            f"{name} {100 * split.parts.get(part, 0):.0f}%" for name, split in statistics.splits.items()
        )
        print(f"part {part:8} in {', '.join(shares)}")
    pairs = statistics.near_duplicates
    across = sum(pair.splits[0] != pair.splits[1] for pair in pairs)
    print(f"near-duplicates: {len(pairs)} pairs, {across} of them across splits")
    for pair in pairs:
        print("  " + ", ".join(f"{split}/{name}" for split, name in zip(pair.splits, pair.ids, strict=True)))
