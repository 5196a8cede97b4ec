"""``limner models``: list, locate and verify models; their licence."""

import argparse
import json
from dataclasses import asdict

from limner.cli.shared import Commands, add_command


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "models", _models, help="list, locate and verify models; their licence")
    parser.add_argument("action", nargs="?", default="list", choices=("list", "path", "verify", "licence"))
    parser.add_argument("names", nargs="*", metavar="NAME|FILE", help="default: all bundled ones")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _models(args: argparse.Namespace) -> int:
    from limner.models.spec import DEFAULT_MODEL, ModelSpec, bundled_kinds, model_path, read_model

    rows = []
    for name in args.names or bundled_kinds():
        path = model_path(name)
        spec = read_model(name)[1] if args.action == "verify" else ModelSpec.load(path.with_suffix(".json"))
        rows.append((path, spec))
    if args.json:
        print(json.dumps([{"path": str(path), **asdict(spec)} for path, spec in rows], indent=2))
        return 0
    for path, spec in rows:
        if args.action == "path":
            print(path)
        elif args.action == "verify":
            print(f"{spec.name}  whole  {spec.sha256}")
        elif args.action == "licence":
            print(f"{spec.name}  {spec.licence}")
        else:
            mark = "  (default)" if path == model_path(DEFAULT_MODEL) else ""
            height, width = spec.size
            print(f"{spec.name}{mark}\n  {spec.description}")
            print(f"  {height} x {width}, {spec.parameters:,} parameters, {path.stat().st_size / 1e6:.1f} MB")
            print(f"  licence: {spec.licence}")
    return 0
