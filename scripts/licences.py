"""The licences of all packages that Limner and its extras install, as the packages themselves state them.

python scripts/licences.py > licences.md
"""

import re
import sys
from importlib import metadata

from packaging.requirements import Requirement

from limner.extras import extras, requirements

UNSTATED = "not stated"


def licence(package: metadata.Distribution) -> str:
    """The SPDX expression of a package, or what its classifiers or its free text say."""
    about = package.metadata
    if expression := about["License-Expression"]:
        return str(expression)
    kinds = [line.split(" :: ")[-1] for line in about.get_all("Classifier") or [] if "License ::" in line]
    text = (about["License"] or "").strip().splitlines()
    return ", ".join(kinds) or (text[0] if text else UNSTATED)


def gather(line: str, found: dict[str, metadata.Distribution]) -> None:
    """Add the package of a requirement, and those that it requires here, by name."""
    requirement = Requirement(line)
    if requirement.marker and not requirement.marker.evaluate():
        return
    name = re.sub(r"[-_.]+", "-", requirement.name).lower()
    known = name in found
    found[name] = package = metadata.distribution(name)
    if known and not requirement.extras:
        return
    for inner in package.requires or ():
        wanted = Requirement(inner)
        marks = [{"extra": extra} for extra in requirement.extras or {""}]
        if wanted.marker is None or any(wanted.marker.evaluate(mark) for mark in marks):
            wanted.marker = None
            gather(str(wanted), found)


def main() -> int:
    """Print the table; exit code 1 where a package states no licence."""
    core = [line for line in metadata.requires("limner") or () if "extra ==" not in line]
    parts = {"core": core} | {extra: requirements(extra) for extra in extras()}
    rows = dict[str, tuple[metadata.Distribution, list[str]]]()
    for part, lines in parts.items():
        found = dict[str, metadata.Distribution]()
        for line in lines:
            gather(line, found)
        for name, package in found.items():
            rows.setdefault(name, (package, []))[1].append(part)
    print("| package | version | licence | needed by |\n|---|---|---|---|")
    for name, (package, parts_of) in sorted(rows.items()):
        print(f"| {name} | {package.version} | {licence(package)} | {', '.join(parts_of)} |")
    silent = [name for name, (package, _) in rows.items() if licence(package) == UNSTATED]
    if silent:
        print(f"no licence stated: {', '.join(silent)}", file=sys.stderr)
    return bool(silent)


if __name__ == "__main__":
    sys.exit(main())
