"""How long the sentences of the docs are: median and longest, in words, for each page.

python scripts/sentences.py
"""

import re
import statistics
from pathlib import Path

ROOT = Path(__file__).parents[1]


def sentences(text: str) -> list[str]:
    """Of a page's prose, without code, tables, headings and pictures."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->|^---\n.*?\n---\n", "", text, flags=re.DOTALL)
    prose = [line for line in text.splitlines() if not re.match(r"\s*(\||#|!\[|\*!\[)", line)]
    paragraphs = re.split(r"\n\s*\n|\n\s*[-*] ", "\n".join(prose))
    found: list[str] = []
    for paragraph in paragraphs:
        plain = re.sub(r"\]\([^)]*\)|[\[\]*]", "", " ".join(paragraph.split()))
        parts = re.split(r"(?<=[.!?:])\s+(?=[A-Z0-9(\"'`])|(?<=[.!?]\))\s+", plain)
        found += [part for part in parts if len(part.split()) > 2]
    return found


def main() -> None:
    """Print a line for each page."""
    card = ROOT / "src" / "limner" / "models" / "MODEL_CARD.md"
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), card]:
        lengths = [len(one.split()) for one in sentences(path.read_text(encoding="utf-8"))]
        print(
            f"{path.relative_to(ROOT)!s:26} {statistics.median(lengths):5.1f} median {max(lengths):4} longest"
        )


if __name__ == "__main__":
    main()
