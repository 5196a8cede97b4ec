"""Defaults from the user's own file."""

import json
from pathlib import Path

import numpy as np
import pytest

from limner.cli import config, main, make_parser
from limner.cli.shared import parse
from tests.conftest import PORTRAIT, decode


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "limner" / "config.toml"
    path.parent.mkdir()
    monkeypatch.delenv("LIMNER_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    return path


def test_values_become_the_defaults_of_the_commands_that_have_them(file: Path) -> None:
    file.write_text(
        'model = "small"\n[cut]\nbackground = "white"\ncompress = true\nmargin = 7\n[serve]\nport = 9000\n'
        'cors = ["https://a.example"]\n[data.show]\ncount = 5\n'
    )
    parser = make_parser()
    config.apply(parser, config.read())
    args = parse(parser, ["cut", "a.jpg"])
    assert (args.model, args.background, args.compress, args.margin) == ("small", "white", True, 7.0)
    assert parse(parser, ["cut", "a.jpg", "--background", "blur", "--model", "base"]).background == "blur"
    args = parse(parser, ["serve"])
    assert (args.model, args.port, args.cors) == ("small", 9000, ["https://a.example"])
    assert parse(parser, ["batch", "a", "b"]).background == "transparent"
    assert parse(parser, ["data", "show", "a", "-o", "b.png"]).count == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bakground = 'white'", "limner has no option 'bakground': did you mean background?"),
        ("[cut]\nport = 3", "limner cut has no option 'port'"),
        ("[cutt]\nmodel = 'small'", "limner has no command 'cutt': did you mean cut?"),
        ("[cut.now]\nmodel = 'small'", "limner cut has no command 'now'"),
        ("[serve]\nport = 'x'", "port of limner serve: invalid int value: 'x'"),
        ("[serve]\nport = [1]", "port of limner serve is a text or a number, got [1]"),
        ("[serve]\ncors = 'x'", "cors of limner serve is a list, got 'x'"),
        ("[cut]\ncompress = 'yes'", "compress of limner cut is true or false, got 'yes'"),
        ("[cut]\nmetadata = 'all'", "metadata of limner cut: invalid choice: 'all'"),
        ("[cut", "line 1"),
    ],
)
def test_what_cannot_be_used_is_one_error(
    text: str, message: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(text)
    assert main(["doctor"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"limner: error: {file}: ")
    assert message in line


def test_another_file_may_be_named_and_none(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("no TOML")
    monkeypatch.setenv("LIMNER_CONFIG", "")
    assert main(["config"]) == 0
    assert capsys.readouterr().out.startswith("no file: LIMNER_CONFIG is empty")
    monkeypatch.setenv("LIMNER_CONFIG", str(file.with_name("other.toml")))
    assert main(["config"]) == 2
    assert "No such file" in capsys.readouterr().err
    file.with_name("other.toml").write_text("[cut]\nbackground = 'white'\nmargin = 3\n")
    assert main(["config"]) == 0
    assert capsys.readouterr().out.endswith('other.toml\ncut: background = "white", margin = 3.0\n')
    assert main(["config", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["defaults"] == {"cut": {"background": "white", "margin": 3.0}}


def test_a_picture_is_cut_with_them(file: Path, tmp_path: Path) -> None:
    file.write_text("[cut]\nbackground = '#ff0000'\n")
    assert main(["cut", str(PORTRAIT), "-o", str(tmp_path / "red.png")]) == 0
    assert np.array_equal(decode(tmp_path / "red.png")[0, 0], (255, 0, 0))


def test_users_without_a_home_have_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("LIMNER_CONFIG")
    for name in ("XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", home)
    assert main(["doctor"]) == 0


def test_a_home_that_is_closed_holds_no_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stat(path: object, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("os.stat", stat)
        found = config.read()
    assert found == {}
