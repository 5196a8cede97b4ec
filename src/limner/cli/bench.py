"""``limner bench``: how long a model takes on this machine."""

import argparse
import json
from typing import Any

from limner.cli.shared import Commands, add_command, add_model, positive


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "bench", _bench, help="measure how long a model takes on this machine")
    add_model(parser)
    parser.add_argument("--threads", type=positive, help="of the network (default: one a core)")
    parser.add_argument(
        "--megapixels", type=float, nargs="+", metavar="SIZE", help="of the pictures (default: 0.25 to 50)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _bench(args: argparse.Namespace) -> int:
    from limner.evaluation.timing import MEGAPIXELS, bench
    from limner.models.spec import DEFAULT_MODEL

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
        print("\n".join(_lines(name, value)), flush=True)
    return 0


def _lines(part: str, value: Any) -> list[str]:
    """A part of the benchmark for a person."""
    match part:
        case "model":
            height, width = value["input"]
            network = f"{height} x {width}, {value['parameters']:,} parameters, {value['file_mb']:.1f} MB"
            return [f"{value['name']}: {network}; {value['device']}, {value['threads']} threads"]
        case "machine":
            return [f"{value['cpu']}, {value['cores']} cores; onnxruntime {value['onnxruntime']}"]
        case "start":
            memory = value["peak_memory_mb"]
            peak = "" if memory is None else f", peak memory {memory:.0f} MB"
            return [f"first result of a new process, 1 megapixel: {value['total_s']:.2f} s{peak}"]
        case "sizes":
            stages = [name for name in value[0] if name != "megapixels"]
            times = {name: [f"{row[name]['p50_ms']:.2f}" for row in value] for name in stages}
            times["total, p90"] = [f"{row['total']['p90_ms']:.2f}" for row in value]
            return _table("median ms", [f"{row['megapixels']:g} MP" for row in value], times)
        case "batches":
            rates = [f"{row['images_per_s']:.1f}" for row in value]
            return _table("batch", [row["images"] for row in value], {"images/s": rates})
        case _:
            network_ms = [f"{row['p50_ms']:.2f}" for row in value]
            return _table("threads", [row["threads"] for row in value], {"network ms": network_ms})


def _table(title: str, head: list[Any], lines: dict[str, list[str]]) -> list[str]:
    """An empty line, the head, and a line for each name."""
    cells = {title: head, **lines}
    return ["", *(f"{name:14}" + "".join(f"{cell:>12}" for cell in row) for name, row in cells.items())]
