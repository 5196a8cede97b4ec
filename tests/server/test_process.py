"""The command as a process: where it listens, what it needs, how it stops."""

import http.client
import json
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
    pipe = subprocess.PIPE
    server = subprocess.Popen(command, stdout=pipe, stderr=pipe, env={**os.environ, "LIMNER_API_KEY": ""})
    assert server.stdout
    assert server.stderr
    try:
        lines = [server.stderr.readline()]
        if "--sandbox" in arguments:
            lines.append(server.stderr.readline())
        found = READY.search(lines[-1])
        assert found, lines
        yield server, int(found[1])
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
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
    assert "there is no API key" in capsys.readouterr().err
    assert main(["serve", "--key-file", str(tmp_path / "none")]) == 1
    assert "cannot read" in capsys.readouterr().err


def test_a_taken_port_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with process() as (_, port):
        assert main(["serve", "--port", str(port)]) == 1
    assert "choose another --port" in capsys.readouterr().err


def test_the_key_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("secret\n")
    with process("--key-file", str(file)) as (_, port):
        assert [status(port, key) for key in ("", "secret")] == [401, 200]


def status(port: int, key: str) -> int:
    """What a client with this key is told."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/v1/models", headers={"X-Api-Key": key})
    found = connection.getresponse().status
    connection.close()
    return found


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")
def test_a_hangup_reads_the_keys_again(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("old\n")
    with process("--key-file", str(file)) as (server, port):
        assert server.stderr
        for text, told, statuses in (
            ("new\nother 5/minute\n", b"read 2 API keys", [401, 200, 200]),
            ("new 5\n", b"stay as they were: --key-file", [401, 200, 200]),
            ("old\n", b"read 1 API key ", [200, 401, 401]),
        ):
            file.write_text(text)
            server.send_signal(signal.SIGHUP)
            assert told in server.stderr.readline()
            assert [status(port, key) for key in ("old", "new", "other")] == statuses


def test_requests_are_printed_as_json(tmp_path: Path) -> None:
    with process("--access-log") as (server, port):
        status(port, "")
        assert server.stdout
        record = json.loads(server.stdout.readline())
    assert (record["route"], record["status"]) == ("/v1/models", 200)


def test_a_sandbox_loads_no_model(capsys: pytest.CaptureFixture[str]) -> None:
    with process("--sandbox") as (server, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/v1/cutout", PHOTO, JPEG)
        answer = connection.getresponse()
        assert (answer.status, answer.read()[:4]) == (200, b"\x89PNG")
        connection.close()
        if Path("/proc/self/maps").exists():
            assert "onnxruntime" not in Path(f"/proc/{server.pid}/maps").read_text()
    assert main(["serve", "--sandbox", "--model", "small"]) == 2
    assert "leave out --model" in capsys.readouterr().err


def test_the_page_is_opened_in_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}.part; mv {opened}.part {opened}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    with process("--sandbox", "--open") as (_, port):
        while not opened.exists():
            time.sleep(0.01)
    assert opened.read_text() == f"http://127.0.0.1:{port}\n"
