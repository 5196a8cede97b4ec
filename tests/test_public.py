import doctest
import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import limner
from tests.conftest import PORTRAIT


@pytest.mark.parametrize("name", limner.__all__)
def test_public_names_resolve_and_are_documented(name: str) -> None:
    assert getattr(limner, name).__doc__


@pytest.mark.parametrize("name", limner.__all__)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(PORTRAIT, "photo.jpg")
    value = getattr(limner, name)
    module = sys.modules[value.__module__]
    names = {**vars(module), "limner": limner, "np": np, "Path": Path}
    runner = doctest.DocTestRunner()
    for example in doctest.DocTestFinder(recurse=False).find(value, name, module, names):
        assert example.examples or name.endswith("Error"), f"{name} has no example"
        runner.run(example)
    assert not runner.summarize(verbose=False).failed


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
