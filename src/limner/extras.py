"""What each extra needs, and the command that installs it."""

import re


def extras() -> list[str]:
    """Names of the extras that users install."""
    from importlib import metadata

    names = metadata.metadata("limner").get_all("Provides-Extra") or []
    return [name for name in names if name != "dev"]


def requirements(extra: str) -> list[str]:
    """What pip is given for an extra, such as ``scipy>=1.13``; with the extras of ours that it holds."""
    from importlib import metadata  # not above: takes 10 ms, and every command loads this

    found = list[str]()
    for line in metadata.requires("limner") or ():
        package, _, marker = (part.strip() for part in line.partition(";"))
        rest, count = re.subn(rf"(\s*and\s+)?\bextra == ['\"]{extra}['\"]", "", marker)
        if not count:
            continue
        if inner := re.fullmatch(r"limner\[(.+)\]", package):
            found += requirements(inner[1])
        else:
            found.append(f"{package}; {rest.replace(chr(39), chr(34))}" if rest else package)
    return found


def install_command(extra: str) -> str:
    """How to install an extra beside this Limner, wherever it came from."""
    if extra == "web":  # its wheel is on no index
        return "make web in a clone of Limner, then pip install web/dist/limner_web-*.whl"
    return " ".join(["pip install", *(f"'{requirement}'" for requirement in requirements(extra))])
