"""Pages of the site that lie outside docs/, and links between all of them; mkdocs calls these hooks."""

import os
import posixpath
import re
import runpy
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
ADDRESS = os.environ.get("LIMNER_REPOSITORY", "").rstrip("/")
"""Of the repository, for links to its other files; without one these lose their link."""

PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "benchmarks.md",
    "benchmarks/leaderboard/README.md": "leaderboard.md",
    "docs/README.md": "guides.md",
    "docs/reference/python.md": "reference/api.md",
    "integrations/README.md": "integrations.md",
    "src/limner/models/MODEL_CARD.md": "model-card.md",
}
"""File of the repository -> page of the site."""

LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\])\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Files, *, config: Any) -> Files:
    """Add the pages that lie elsewhere, under their places on the site."""
    for source, place in PAGES.items():
        if (known := files.get_file_from_path(source.removeprefix("docs/"))) and source.startswith("docs/"):
            files.remove(known)
        text = api_page() if place == "reference/api.md" else (ROOT / source).read_text(encoding="utf-8")
        files.append(
            File.generated(config, place, content=re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL))
        )
    return files


def on_page_markdown(markdown: str, *, page: Page, files: Files, **_: Any) -> str:
    """Let links lead to pages of the site, or to the repository."""
    sources = {place: source for source, place in PAGES.items()}
    place = page.file.src_uri
    folder = posixpath.dirname(sources.get(place, f"docs/{place}"))

    def link(found: re.Match[str]) -> str:
        text, target, anchor = found[1], found[2], found[3] or ""
        source = posixpath.normpath(posixpath.join(folder, target))
        there = PAGES.get(source, source.removeprefix("docs/"))
        if source in PAGES or files.get_file_from_path(there):
            anchor = "" if there == "reference/api.md" else anchor
            return f"{text}({posixpath.relpath(there, posixpath.dirname(place) or '.')}{anchor})"
        if not (ROOT / source).exists():
            return found[0]  # a broken one, which mkdocs reports
        return f"{text}({ADDRESS}/blob/main/{source}{anchor})" if ADDRESS else text[1:-1]

    return LINK.sub(link, markdown)


def api_page() -> str:
    """All public names, for mkdocstrings, in the groups of scripts/reference.py."""
    reference = runpy.run_path(str(ROOT / "scripts" / "reference.py"))
    lines = ["# Python reference", ""]
    lines += [
        "The [conventions](../conventions.md) say what an `Image`, an `Alpha`, a `Mask` and a `Size` are."
    ]
    for title, names in reference["GROUPS"].items():
        lines += ["", f"## {title}"]
        for name in names:
            lines += ["", f"::: limner.{name}"]
    return "\n".join(lines) + "\n"
