"""Signals that were ignored at the start, as `nohup`, cron and some CI runners do it."""

import signal
import subprocess
import sys

import pytest

from limner.cli.shared import asked_to_stop
from tests.conftest import ROOT


def test_the_tests_do_not_depend_on_how_they_are_started() -> None:
    code = (
        "import signal, tests.conftest; assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        check=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_ignored_stays_ignored(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with asked_to_stop() as event:
            signal.raise_signal(number)
            assert not event.is_set()
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, before)
    signal.signal(number, lambda *_: None)
    try:
        with asked_to_stop() as event:
            signal.raise_signal(number)
            assert event.is_set()
    finally:
        signal.signal(number, before)
