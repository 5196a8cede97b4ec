"""Shells complete the command: the scripts are those of the parsers, and real shells use them."""

import shutil
import subprocess

import pytest

from limner.cli import main
from limner.cli.completion import SHELLS, completion
from tests.test_docs import script

QUESTIONS = {
    "bash": 'source {file}; COMP_WORDS=(limner {words}); COMP_CWORD={last}; COMP_LINE="limner {words}"; '
    'COMP_POINT=${{#COMP_LINE}}; $(complete -p limner | sed "s/.*-F \\([^ ]*\\).*/\\1/"); '
    'printf "%s\\n" "${{COMPREPLY[@]}}"',
    "fish": "source {file}; complete -C 'limner {words}'",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_scripts_are_current(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert capsys.readouterr().out == script("completions").script(shell), "run scripts/completions.py"


@pytest.mark.parametrize("shell", sorted(QUESTIONS))
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("ser",), {"serve"}),
        (("cut", "--backg"), {"--background"}),
        (("cut", "--refine", "f"), {"fast", "fine"}),
        (("data", "pre"), {"prepare"}),
    ],
)
def test_a_real_shell_completes(shell: str, words: tuple[str, ...], expected: set[str]) -> None:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"needs {shell}")
    question = QUESTIONS[shell].format(file=completion(shell), words=" ".join(words), last=len(words))
    run = subprocess.run([path, "-c", question], capture_output=True, text=True, check=True)
    assert {line.split("\t")[0] for line in run.stdout.split("\n") if line} == expected, run.stderr


def test_zsh_reads_its_script() -> None:
    path = shutil.which("zsh")
    if path is None:
        pytest.skip("needs zsh")
    subprocess.run([path, "-n", str(completion("zsh"))], check=True)
