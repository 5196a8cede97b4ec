"""Write docs/reference/ anew: the Python API from its docstrings, the commands from their parsers.

python scripts/reference.py
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import griffe

from limner import __all__ as names
from limner.cli import make_parser
from limner.video import __all__ as video_names

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "reference"
GROUPS = {
    "Cut out": ("cut", "Result", "segment", "Segmenter", "render", "Options"),
    "Mattes": ("refine_alpha", "estimate_foreground"),
    "Files": ("load_photo", "save_photo", "Photo", "load_image", "save_image"),
    "Evaluation": ("evaluate", "Evaluation", "Counts", "iou", "boundary_iou", "dice", "accuracy", "sad"),
    "Video": tuple(f"video.{name}" for name in video_names),
    "Errors": ("LimnerError", "InputError", "OutputError", "ModelError", "DatasetError", "MissingExtraError"),
}
TITLES = {"parameters": "Arguments", "attributes": "Attributes", "raises": "Raises"}
INTRODUCTION = (
    "Made from the docstrings by `python scripts/reference.py`. The [conventions](../conventions.md) say "
    "what an `Image`, an `Alpha`, a `Mask` and a `Size` are. A `Picture` is whatever `limner.cut` takes."
)
WIDTH = 100
EVERYWHERE = ("help", "debug")


def python_page() -> str:
    """All public names, with signatures and docstrings."""
    package = griffe.load("limner", docstring_parser="google", search_paths=[ROOT / "src"])
    listed = {name for group in GROUPS.values() for name in group}
    if listed != {*names, *(f"video.{name}" for name in video_names)}:
        raise ValueError("GROUPS in scripts/reference.py does not hold the public names")
    lines = ["# Python reference", "", INTRODUCTION, ""]
    lines += [f"- {title}: {', '.join(map(_link, group))}" for title, group in GROUPS.items()]
    for title, group in GROUPS.items():
        lines += ["", f"## {title}"]
        for name in group:
            lines += ["", *_entry(f"limner.{name}", package[name].final_target)]
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """All commands, with their arguments."""
    lines = [
        "# Commands",
        "",
        "Made from the parsers by `python scripts/reference.py`. Each command also takes",
    ]
    lines += ["`--help`, and `--debug`, which shows the traceback of an error."]
    for parser, summary in _commands(make_parser(), ""):
        lines += ["", f"## {parser.prog}", "", f"{summary[:1].upper()}{summary[1:]}.", ""]
        lines += ["| argument | |", "|---|---|"]
        lines += [_row(parser, action) for action in parser._actions if action.dest not in EVERYWHERE]
        if parser.epilog:
            examples = [line.strip() for line in parser.epilog.splitlines()[1:]]
            lines += ["", "```", *examples, "```"]
    return "\n".join(lines) + "\n"


def _link(name: str) -> str:
    return f"[`{name}`](#limner{name.replace('.', '').lower()})"


def _entry(name: str, what: griffe.Object) -> Iterator[str]:
    yield from (f"### {name}", "", "```python", *_signature(name, what), "```", *_prose(what))
    if isinstance(what, griffe.Class):
        if "__init__" in what.members:
            yield from _prose(what.members["__init__"])
        for member in what.members.values():
            shown = member.is_function or (member.is_attribute and "property" in member.labels)
            public = member.is_public and member.name != "__init__"
            if shown and member.has_docstring and (public or member.name in ("__call__", "__iter__")):
                yield from ("", f"#### {name}.{member.name}", "", "```python")
                yield from (*_signature(member.name, member), "```", *_prose(member))


def _signature(name: str, what: griffe.Object) -> list[str]:
    """Lines of code that say how it is called."""
    if isinstance(what, griffe.Attribute):
        return [f"{name}: {what.annotation}"]
    if what.name.endswith("Error"):
        return [f"class {name}({', '.join(map(str, what.bases))})"]
    parameters = [one for one in what.parameters if one.name not in ("self", "cls")]
    if any(one.name.startswith("_") for one in parameters):  # made by the library alone
        return [f"class {name}"]
    shown = list[str]()
    for one in parameters:
        if one.kind is griffe.ParameterKind.keyword_only and "*" not in shown:
            shown.append("*")
        stars = {"variadic positional": "*", "variadic keyword": "**"}.get(str(one.kind.value), "")
        default = "" if one.default is None or stars else f" = {_default(one.default)}"
        shown.append(f"{stars}{one.name}: {one.annotation}{default}")
    if isinstance(what, griffe.Class) and not parameters:  # a named tuple
        shown = [f"{one.name}: {one.annotation}" for one in what.members.values() if one.is_attribute]
    returns = getattr(what, "returns", None)
    end = f") -> {returns}" if returns is not None else ")"
    line = f"{name}({', '.join(shown)}{end}"
    return [line] if len(line) <= WIDTH else [f"{name}(", *(f"    {one}," for one in shown), end]


def _default(value: str | griffe.Expr) -> str:
    """A default as code; that of an option is the first argument of its description."""
    if isinstance(value, griffe.ExprCall) and str(value.function) == "_option":
        value = value.arguments[0]
    return str(value).replace("'", '"')


def _prose(what: griffe.Object) -> Iterator[str]:
    for section in what.docstring.parsed if what.docstring else ():
        kind, value = section.kind.value, section.value
        if kind == "text":
            yield from ("", _markdown(value))
        elif kind in TITLES:
            yield from ("", f"**{TITLES[kind]}**", "")
            for one in value:
                title = one.annotation if kind == "raises" else one.name
                yield f"- `{title}`: {_markdown(' '.join(one.description.split()))}"
        elif kind in ("returns", "yields"):
            yield from ("", f"**{kind.title()}**", "")
            yield from (_markdown(" ".join(one.description.split())) for one in value)
        elif kind == "admonition":
            yield from ("", f"**{section.title or value.kind.title()}**", "")
            yield from (
                ("```python", value.description, "```")
                if ">>>" in value.description
                else (_markdown(value.description),)
            )
        elif kind == "examples":
            yield from ("", "**Example**", "", "```python", *(text for _, text in value), "```")
        else:
            raise ValueError(f"{what.path}: no form for a section '{kind}'")


def _markdown(text: str) -> str:
    return re.sub(r"``(.+?)``", r"`\1`", text)


def _commands(parser: argparse.ArgumentParser, summary: str) -> Iterator[tuple[argparse.ArgumentParser, str]]:
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield parser, summary
    for action in inner:
        helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for name, child in action.choices.items():
            yield from _commands(child, helps[name])


def _row(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    formatter = parser._get_formatter()
    values = formatter._metavar_formatter(action, action.dest)(1)[0] if action.nargs != 0 else ""
    title = " ".join(filter(None, (", ".join(action.option_strings), values.replace("|", "\\|"))))
    text = formatter._expand_help(action).strip() if action.help else ""
    return f"| `{title}` | {text} |"


def main() -> None:
    """Write both pages."""
    PAGES.mkdir(exist_ok=True)
    (PAGES / "python.md").write_text(python_page(), encoding="utf-8")
    (PAGES / "commands.md").write_text(commands_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
