"""The command as a process: where it listens, what it needs, how it stops."""

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from limner.cli import main
from tests.server.conftest import PHOTO

JPEG = {"Content-Type": "image/jpeg"}
QUICK = "/v1/cutout?output=mask&refine=none"
READY = re.compile(rb"ready on http://127\.0\.0\.1:(\d+)")


@contextmanager
def process(*arguments: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """``limner serve`` and its port."""
    command = [sys.executable, "-m", "limner", "serve", "--port", "0", *arguments]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, "LIMNER_API_KEY": ""})
    assert server.stderr
    try:
        line = server.stderr.readline()
        found = READY.search(line)
        assert found, line
        yield server, int(found[1])
    finally:
        server.kill()
        server.wait()
        server.stderr.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_that_was_accepted_is_answered_when_it_stops(number: signal.Signals) -> None:
    answers: Counter[str] = Counter()
    with process("--queue", "12") as (server, port):
        stop = threading.Event()

        def client() -> None:
            while not stop.is_set():
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                try:
                    connection.request("POST", QUICK, PHOTO, JPEG)
                    answer = connection.getresponse()
                    whole = len(answer.read()) == int(answer.headers["content-length"])
                    answers[str(answer.status) if whole else "broken"] += 1
                except (OSError, http.client.HTTPException):
                    answers["not accepted"] += 1
                    time.sleep(0.01)
                finally:
                    connection.close()

        threads = [threading.Thread(target=client) for _ in range(16)]
        for thread in threads:
            thread.start()
        while answers["200"] < 8:
            time.sleep(0.01)
        server.send_signal(number)
        assert server.stderr
        told = server.stderr.read()
        code = server.wait(30)
        stop.set()
        for thread in threads:
            thread.join()
    found = re.search(rb"accepted (\d+) requests, answered (\d+)", told)
    assert found, told
    assert int(found[1]) == int(found[2]) == answers["200"]
    assert set(answers) <= {"200", "429", "not accepted"}
    assert b"Traceback" not in told
    assert code == (0 if number == signal.SIGTERM else 130)


def test_other_machines_only_with_a_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("LIMNER_API_KEY", raising=False)
    assert main(["serve", "--host", "0.0.0.0"]) == 2
    assert "--insecure" in capsys.readouterr().err
    empty = tmp_path / "key"
    empty.write_text("\n")
    assert main(["serve", "--key-file", str(empty)]) == 1
    assert "is empty" in capsys.readouterr().err
    assert main(["serve", "--key-file", str(tmp_path / "none")]) == 1
    assert "cannot read the API key" in capsys.readouterr().err


def test_a_taken_port_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with process() as (_, port):
        assert main(["serve", "--port", str(port)]) == 1
    assert "choose another --port" in capsys.readouterr().err


def test_the_key_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("secret\n")
    with process("--key-file", str(file)) as (_, port):
        statuses = []
        for headers in ({}, {"X-Api-Key": "secret"}):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/v1/models", headers=headers)
            statuses.append(connection.getresponse().status)
            connection.close()
    assert statuses == [401, 200]
