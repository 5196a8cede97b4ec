"""One word, one form: names for which the glossary (docs/conventions.md) has another word are not used."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

NOT_USED = {
    *("fg", "bg", "pha", "fgr", "bgr", "src", "img", "im", "gt", "thresh", "process", "handle", "utils"),
    *("helpers", "manager"),
}
"""Instead: foreground, background, alpha, image, target, threshold, or what a thing really does."""

ALLOWED = {("training/peers.py", "bgr")}  # an order of channels
MODULES = sorted((ROOT / "src" / "limner").rglob("*.py"))


def names(path: Path) -> Iterator[str]:
    """All that a module names: itself, functions, classes, arguments, variables, attributes that it sets."""
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "src" / "limner")))
def test_names_are_those_of_the_glossary(path: Path) -> None:
    room = path.relative_to(ROOT / "src" / "limner").as_posix()
    found = {name for name in names(path) if name.strip("_") in NOT_USED and (room, name) not in ALLOWED}
    assert not found
