"""``limner doctor``: what is installed, what is missing, and the command that fixes it."""

import argparse
import json
from dataclasses import asdict

from limner.cli.shared import Commands, add_command


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands, "doctor", _doctor, help="show what is installed, and the command that fixes the rest"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _doctor(args: argparse.Namespace) -> int:
    from limner.doctor import examine

    findings = examine()
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            print(f"{finding.name:{width}}  {finding.state}")
            if finding.cure:
                print(f"{'':{width}}  to fix it: {finding.cure}")
    return int(any(finding.broken for finding in findings))
