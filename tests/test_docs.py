"""README and guides: their Python runs, their links hold, their sentences are short."""

import importlib.util
import re
import shutil
import statistics
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from limner.images import save_image
from tests.conftest import PORTRAIT, ROOT
from tests.video.clips import make_clip, pictures

PAGES = ("README.md", "docs/python.md", "docs/cutting.md")
SNIPPETS = [
    pytest.param(code, id=f"{page}-{number}")
    for page in PAGES
    for number, code in enumerate(
        re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    )
]


@pytest.mark.parametrize("code", SNIPPETS)
def test_snippets_run(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(PORTRAIT, "photo.jpg")
    save_image("sky.jpg", np.full((30, 40, 3), (90, 120, 200), np.uint8))
    make_clip(Path("call.mp4"), pictures(4, 48, 64))
    exec(compile(code, "snippet", "exec"), {})


def script(name: str) -> ModuleType:
    return load_script(ROOT / "scripts" / f"{name}.py")


def load_script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_options_is_current() -> None:
    table = script("options_table")
    assert table.page() == table.PAGE.read_text(encoding="utf-8"), "run scripts/options_table.py"


def test_the_reference_is_current() -> None:
    reference = script("reference")
    for name, text in (("python", reference.python_page()), ("commands", reference.commands_page())):
        written = (reference.PAGES / f"{name}.md").read_text(encoding="utf-8")
        assert text == written, "run scripts/reference.py"


GUIDES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: str(page.relative_to(ROOT)))
def test_sentences_are_short(page: Path) -> None:
    found = script("sentences").sentences(page.read_text(encoding="utf-8"))
    lengths = sorted(len(sentence.split()) for sentence in found)
    assert statistics.median(lengths) < 18, f"words a sentence: {lengths}"


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: str(page.relative_to(ROOT)))
def test_limner_is_installed_from_a_clone(page: Path) -> None:
    """It is not on PyPI, where another package may take the name."""
    assert not re.findall(r"""pip install (?:-\S+ )*['"]?limner\b""", page.read_text(encoding="utf-8"))


LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


LINKED = [
    page
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "benchmarks/**/*.md",
        "weights/*.md",
        "integrations/*.md",
        "src/limner/models/*.md",
    )
    for page in sorted(ROOT.glob(pattern))
]


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
