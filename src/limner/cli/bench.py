"""``limner bench``: how long a model takes on this machine."""

import argparse
import json
from collections.abc import Callable
from typing import Any

from limner.cli.shared import Commands, UsageError, add_command, add_model


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "bench", _bench, help="measure how long a model takes on this machine")
    add_model(parser)
    parser.add_argument("--threads", type=int, help="of the network (default: one a core)")
    parser.add_argument(
        "--megapixels", type=float, nargs="+", metavar="SIZE", help="of the pictures (default: 0.25 to 50)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _bench(args: argparse.Namespace) -> int:
    from limner.evaluation.timing import MEGAPIXELS, bench
    from limner.models.spec import DEFAULT_MODEL

    if args.threads is not None and args.threads < 1:
        raise UsageError(f"--threads must be at least 1, got {args.threads}")
    parts = bench(
        args.model or DEFAULT_MODEL,
        device=args.device,
        threads=args.threads,
        megapixels=args.megapixels or MEGAPIXELS,
    )
    if args.json:
        print(json.dumps(dict(parts), indent=2))
        return 0
    for name, value in parts:
        print("\n".join(PRINT[name](value)), flush=True)
    return 0


def _model(row: dict[str, Any]) -> list[str]:
    height, width = row["input"]
    return [
        f"{row['name']}: {height} x {width}, {row['parameters']:,} parameters, {row['file_mb']:.1f} MB; "
        f"{row['device']}, {row['threads']} threads"
    ]


def _machine(row: dict[str, Any]) -> list[str]:
    return [f"{row['cpu']}, {row['cores']} cores; onnxruntime {row['onnxruntime']}"]


def _start(row: dict[str, Any]) -> list[str]:
    memory = row["peak_memory_mb"]
    peak = "" if memory is None else f", peak memory {memory:.0f} MB"
    return [f"first result of a new process, 1 megapixel: {row['total_s']:.2f} s{peak}"]


def _sizes(rows: list[dict[str, Any]]) -> list[str]:
    stages = [name for name in rows[0] if name != "megapixels"]
    columns = {name: [f"{row[name]['p50_ms']:.2f}" for row in rows] for name in stages}
    columns["total, p90"] = [f"{row['total']['p90_ms']:.2f}" for row in rows]
    return _table("median ms", [f"{row['megapixels']:g} MP" for row in rows], columns)


def _batches(rows: list[dict[str, Any]]) -> list[str]:
    rates = {"images/s": [f"{row['images_per_s']:.1f}" for row in rows]}
    return _table("batch", [row["images"] for row in rows], rates)


def _threads(rows: list[dict[str, Any]]) -> list[str]:
    times = {"network ms": [f"{row['p50_ms']:.2f}" for row in rows]}
    return _table("threads", [row["threads"] for row in rows], times)


def _table(title: str, head: list[Any], lines: dict[str, list[str]]) -> list[str]:
    """An empty line, the head, and a line for each name."""
    cells = {title: head, **lines}
    return ["", *(f"{name:14}" + "".join(f"{cell:>12}" for cell in row) for name, row in cells.items())]


PRINT: dict[str, Callable[[Any], list[str]]] = {
    "model": _model,
    "machine": _machine,
    "start": _start,
    "sizes": _sizes,
    "batches": _batches,
    "threads": _threads,
}
"""Part of a benchmark -> the lines that show it."""
