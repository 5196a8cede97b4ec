"""The files for a public host say what the package says."""

import re

import pytest

from limner import __version__
from limner.cli import main
from tests.conftest import ROOT

PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PYTHONS = re.findall(r"Programming Language :: Python :: (3\.\d+)", PROJECT)


def test_the_citation_is_of_this_version() -> None:
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_every_python_is_tested() -> None:
    checks = (ROOT / ".github" / "workflows" / "checks.yml").read_text(encoding="utf-8")
    assert (
        re.findall(r'"([\d.]+)"', next(line for line in checks.splitlines() if "python: [" in line))
        == PYTHONS
    )
    package = (ROOT / ".github" / "workflows" / "package.yml").read_text(encoding="utf-8")
    [tried] = re.findall(r"scripts/package (.*)", package)
    assert tried.split() == [f"python{version}" for version in PYTHONS]
    assert f'requires-python = ">={PYTHONS[0]}"' in PROJECT


def test_the_changelog_has_the_form_of_keep_a_changelog() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    versions = [line for line in lines if line.startswith("## ")]
    assert versions[0] == "## [Unreleased]"
    assert all(re.fullmatch(r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", line) for line in versions[1:])
    kinds = {line[4:] for line in lines if line.startswith("### ")}
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_what_bug_reports_ask_for_is_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    form = (ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text(encoding="utf-8")
    assert "limner doctor" in form
    assert main(["doctor"]) == 0
    assert "limner" in capsys.readouterr().out
