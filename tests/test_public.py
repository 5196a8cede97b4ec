import importlib
import subprocess
import sys

import pytest

import limner


@pytest.mark.parametrize("name", limner.__all__)
def test_public_names_resolve_and_are_documented(name: str) -> None:
    assert getattr(limner, name).__doc__


def test_all_agrees_with_dir() -> None:
    assert set(dir(limner)) == {*limner.__all__, "__version__"}


def test_submodules_do_not_hide_public_functions() -> None:
    importlib.import_module("limner.evaluation.evaluate")
    assert callable(limner.evaluate)


def test_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        limner.nothing  # noqa: B018


def test_version_of_the_command() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "limner", "--version"], capture_output=True, text=True, check=True
    )
    assert run.stdout == f"limner {limner.__version__}\n"
