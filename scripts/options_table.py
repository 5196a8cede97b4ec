"""Write the table of all options in docs/cutting.md anew, from the one place that states them.

python scripts/options_table.py
"""

from pathlib import Path

from limner.rendering.options import DEFAULTS, SCHEMA

PAGE = Path(__file__).parents[1] / "docs" / "cutting.md"
BEGIN, END = "<!-- options: made by scripts/options_table.py -->\n", "<!-- end of options -->\n"


def table() -> str:
    """A row for each option, as Markdown."""
    rows = [
        "| option | default | values | what it does | needs |",
        "|---|---|---|---|---|",
    ]
    for name, option in SCHEMA.items():
        default = DEFAULTS[name]
        values = ", ".join(option.choices) or option.range
        if isinstance(default, bool):
            values = "on or off"
        elif isinstance(default, tuple):
            values = "two numbers from 0 to 1"
        shown = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
        shown = {"False": "off", "": "none"}.get(shown, shown)
        rows.append(f"| `{name}` | {shown} | {values} | {option.help} | {option.needs} |")
    return "\n".join(rows) + "\n"


def page() -> str:
    """The page with the table as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    return text.split(BEGIN)[0] + BEGIN + "\n" + table() + "\n" + END + text.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
