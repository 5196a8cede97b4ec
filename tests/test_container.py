"""The files of the container say what the command understands and what the build needs."""

import json
import re

import pytest

from limner.cli import main
from tests.conftest import ROOT

CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")


def image_command() -> list[str]:
    [found] = re.findall(r"^CMD (\[.*\])", CONTAINERFILE, re.MULTILINE)
    return list(json.loads(found))


def compose_command() -> list[str]:
    [found] = re.findall(
        r"^    command: \[(.*)\]", (ROOT / "deploy" / "compose.yaml").read_text(), re.MULTILINE
    )
    return [word.strip() for word in found.split(",")]


@pytest.mark.parametrize("command", [image_command(), compose_command()])
def test_the_command_of_the_container_is_one(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--help"])
    assert {word for word in command if word.startswith("--")} <= set(capsys.readouterr().out.split())


def test_what_the_build_copies_is_there_and_let_in() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    copied = {
        name
        for line in re.findall(r"^COPY (?!--)(.*) \S+$", CONTAINERFILE, re.MULTILINE)
        for name in line.split()
    }
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)
