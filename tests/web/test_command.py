from pathlib import Path

import pytest

from limner.cli import main
from limner.cli import web as command


def test_the_page_is_written(
    assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_assets", lambda: assets)
    assert main(["web", str(tmp_path / "page")]) == 0
    assert (tmp_path / "page" / "index.html").exists()
    assert "show it with any web server" in capsys.readouterr().err


def test_without_its_files_the_command_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert main(["web", str(tmp_path / "page")]) == 1
    assert "limner_web: make web in a clone" in capsys.readouterr().err
    assert not (tmp_path / "page").exists()


def test_files_of_another_version_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "need", lambda *_: None)
    monkeypatch.setattr("importlib.metadata.version", lambda _: "0.0.1")
    assert main(["web", str(tmp_path / "page")]) == 1
    assert "not 0.0.1" in capsys.readouterr().err
