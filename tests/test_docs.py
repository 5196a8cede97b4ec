"""The Python of README and guides runs as it stands."""

import importlib.util
import re
import shutil
from pathlib import Path

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


def test_the_table_of_options_is_current() -> None:
    spec = importlib.util.spec_from_file_location("options_table", ROOT / "scripts" / "options_table.py")
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.page() == script.PAGE.read_text(encoding="utf-8"), "run scripts/options_table.py"


LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


LINKED = [
    page
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md", "weights/*.md", "src/limner/models/*.md")
    for page in sorted(ROOT.glob(pattern))
]


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
