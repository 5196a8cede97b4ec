import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limner.cli import main, make_parser
from limner.cli.examples import EXAMPLES
from limner.images import load_image, save_image
from limner.models.spec import DEFAULT_MODEL, bundled_kinds, model_path, read_model


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "cut" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "words",
    ["", "--version", "models verify", "data show --help"],
)
def test_a_full_output_is_one_line(words: str, unbuffered: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = limner(words, stdout=full, env=os.environ | {"PYTHONUNBUFFERED": unbuffered})
    assert done.stderr == b"limner: error: cannot write to standard output: No space left on device\n"
    assert done.returncode == 1


@pytest.mark.parametrize("words", ["cut - -o a.png", "video - a.mp4 --background red"])
def test_a_closed_input_is_as_good_as_an_empty_one(words: str, tmp_path: Path) -> None:
    done = limner(words, cwd=tmp_path, preexec_fn=lambda: os.close(0))
    assert done.returncode == 1
    assert done.stderr.startswith(b"limner: error: ")
    assert done.stderr.count(b"\n") == 1


def test_a_name_that_the_locale_cannot_spell_is_written(tmp_path: Path) -> None:
    save_image(tmp_path / "jos\u00e9.png", np.zeros((32, 32, 3), np.uint8))
    ascii_only = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    done = limner("cut jos\u00e9.png -o \u5199\u00e9.png", cwd=tmp_path, env=ascii_only)
    assert (done.returncode, load_image(tmp_path / "\u5199\u00e9.png").shape) == (0, (32, 32, 3))
    done = limner("batch . out", cwd=tmp_path, env=ascii_only)
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in (tmp_path / "out").glob("*.png")} == {"jos\u00e9", "\u5199\u00e9"}


def test_a_deleted_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    save_image(tmp_path / "in" / "a.png", np.zeros((32, 32, 3), np.uint8))
    (tmp_path / "gone").mkdir()
    done = limner(f"batch {tmp_path}/in out", cwd=tmp_path / "gone", preexec_fn=(tmp_path / "gone").rmdir)
    assert done.returncode == 1
    assert done.stderr == b"limner: error: the current folder has been deleted: change to another one\n"


@pytest.mark.parametrize("words", ["--help", "models"])
def test_a_closed_output_is_one_line_where_something_is_printed(words: str) -> None:
    done = limner(words, preexec_fn=lambda: os.close(1))
    assert done.stderr == b"limner: error: cannot write to standard output: Bad file descriptor\n"
    assert done.returncode == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_picture_is_cut_whatever_becomes_of_both_outputs(unbuffered: str, tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", np.zeros((32, 32, 3), np.uint8))
    with Path("/dev/full").open("wb") as full:
        done = limner(
            f"cut {tmp_path}/a.png -o {tmp_path}/b.png",
            stderr=full,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
            preexec_fn=lambda: os.close(1),
        )
    assert done.returncode == 0
    assert load_image(tmp_path / "b.png").shape == (32, 32, 3)


def limner(words: str, **more: Any) -> "subprocess.CompletedProcess[Any]":
    """What came of a command in a process of its own."""
    command = [sys.executable, "-m", "limner", *words.split()]
    return subprocess.run(command, timeout=60, **({"stderr": subprocess.PIPE} | more))


def test_usage_errors_are_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cut"]) == 2
    wanted = "limner: error: the following arguments are required: PICTURE; see limner cut --help\n"
    assert capsys.readouterr().err == wanted


def test_models_list_path_verify_and_licence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    listing = capsys.readouterr().out
    assert f"{DEFAULT_MODEL}  (default)" in listing
    assert read_model(DEFAULT_MODEL)[1].licence in listing
    assert main(["models", "path", DEFAULT_MODEL]) == 0
    assert Path(capsys.readouterr().out.strip()) == model_path(DEFAULT_MODEL)
    assert main(["models", "verify"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(bundled_kinds())
    assert main(["models", "licence", DEFAULT_MODEL]) == 0
    assert "non-commercial" in capsys.readouterr().out
    assert main(["models", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(bundled_kinds())


def test_models_refuses_a_changed_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = model_path(DEFAULT_MODEL)
    (tmp_path / "m.onnx").write_bytes(source.read_bytes()[:-1])
    (tmp_path / "m.json").write_bytes(source.with_suffix(".json").read_bytes())
    assert main(["models", "verify", str(tmp_path / "m.onnx")]) == 1
    assert "get both files again" in capsys.readouterr().err


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    assert f"model {DEFAULT_MODEL}" in capsys.readouterr().out
    assert main(["doctor", "--json"]) == 0
    states = {row["name"]: row["state"] for row in json.loads(capsys.readouterr().out)}
    assert "cpu" in states["devices"]


def test_doctor_names_what_fixes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    assert main(["doctor"]) == 0
    assert "pip install onnxruntime-gpu" in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert main(["doctor"]) == 1
    assert "pip install --force-reinstall onnxruntime" in capsys.readouterr().out


def test_missing_extra_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["export", "a.ckpt", str(tmp_path / "a.onnx")]) == 1
    assert "pip install 'lightning>=" in capsys.readouterr().err


@pytest.mark.slow
def test_bench_prints_a_table_or_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("limner.evaluation.timing.MOST_RUNS", 3)
    assert main(["bench", "--megapixels", "0.02", "0.05", "--threads", "1"]) == 0
    table = capsys.readouterr().out
    assert "0.02 MP     0.05 MP" in table
    for name in ("decode", "network", "encode", "total, p90", "images/s", "peak memory"):
        assert name in table
    assert main(["bench", "--megapixels", "0.02", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sizes"][0]["network"]["p50_ms"] > 0
    assert main(["bench", "--threads", "0"]) == 2


def test_the_nearest_option_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cut", "a.jpg", "--backgroud", "white"]) == 2
    assert "unrecognized argument --backgroud: did you mean --background?" in capsys.readouterr().err
    assert main(["video", "a.mp4", "b.mp4", "--crop", "square"]) == 2
    assert "unrecognized argument --crop" in capsys.readouterr().err


@pytest.mark.parametrize("command", EXAMPLES)
def test_examples_can_be_typed(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is parsed, not run; and the help shows it."""
    for line in EXAMPLES[command]:
        words = shlex.split(line.partition("|")[2].partition(">")[0] or line)
        assert make_parser().parse_args(words[1:]).run
    names = ["data", command] if command in ("pack", "show") else [command]
    with pytest.raises(SystemExit) as caught:
        main([*names, "--help"])
    assert caught.value.code == 0
    assert EXAMPLES[command][0] in capsys.readouterr().out
