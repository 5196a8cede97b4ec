"""What is built: its content, and what it says of itself."""

import email
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import pytest

from limner import extras
from tests.conftest import ROOT


def build(target: Path, **environ: str) -> tuple[Path, Path]:
    """The wheel and the sdist."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), str(ROOT)]
    env = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000", **environ}
    subprocess.run(command, check=True, capture_output=True, env=env)
    return next(target.glob("*.whl")), next(target.glob("*.tar.gz"))


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


@pytest.mark.slow
def test_two_builds_give_the_same_bytes_and_all_that_is_needed(tmp_path: Path) -> None:
    first, second = build(tmp_path / "first"), build(tmp_path / "second")
    for one, other in zip(first, second, strict=True):
        assert hashlib.sha256(one.read_bytes()).digest() == hashlib.sha256(other.read_bytes()).digest()
    wheel = set(zipfile.ZipFile(first[0]).namelist())
    source = ROOT / "src"
    files = {
        str(path.relative_to(source))
        for path in (source / "limner").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files == {name for name in wheel if ".dist-info/" not in name}
    with tarfile.open(first[1]) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert {"tests/conftest.py", "constraints.txt", "docs/README.md", "hatch_build.py"} <= packed
    assert not [name for name in packed if name.startswith((".ci", ".venv"))]


@pytest.mark.slow
def test_the_address_of_the_repository_is_told_where_there_is_one(tmp_path: Path) -> None:
    without = metadata(build(tmp_path / "without")[0])
    assert not without.get_all("Project-URL")
    given = metadata(build(tmp_path / "with", LIMNER_REPOSITORY="https://example.org/limner")[0])
    assert "Source, https://example.org/limner" in given.get_all("Project-URL", [])
    links = re.findall(r"\]\(([^)]+)\)", str(given.get_payload()))
    assert "https://example.org/limner/blob/main/docs/cutting.md" in links
    assert "https://example.org/limner/raw/main/docs/before-after.jpg" in links
    assert "https://github.com/danielgatis/rembg" in links
    assert all(link.startswith(("https://", "http://", "#")) for link in links)


def test_the_command_that_installs_an_extra_names_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "numpy>=1.26",
        "scipy>=1.13; extra == 'fine'",
        'limner[fine]; extra == "all"',
        "ray[data]<3; (sys_platform != 'darwin' or platform_machine == 'arm64') and extra == 'all'",
        "tomli>=2; python_version < '3.11' and extra == 'all'",
    ]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: lines)
    assert extras.install_command("fine") == "pip install 'scipy>=1.13'"
    assert extras.requirements("all") == [
        "scipy>=1.13",
        'ray[data]<3; (sys_platform != "darwin" or platform_machine == "arm64")',
        'tomli>=2; python_version < "3.11"',
    ]


@pytest.mark.parametrize("path", sorted((ROOT / "src").rglob("*.py")), ids=lambda path: str(path.name))
def test_no_message_installs_limner_from_pypi(path: Path) -> None:
    """It is not there, where another package may take the name."""
    assert not re.findall(r"pip install (?:-\S+ )*['\"]?limner\b", path.read_text(encoding="utf-8"))
