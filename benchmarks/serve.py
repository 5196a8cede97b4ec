"""How much of `limner batch`'s throughput `limner serve` keeps, how long answers take, whether memory grows.

    python benchmarks/serve.py [--seconds 20] [--rounds 3] [--clients 16] [--requests 5000]

Rounds of the batch and of the server, in turn, on the same 512 x 512 JPEGs: cut-outs as PNG, on this machine.
Clients keep their connection and ask again as soon as they are answered. Then a new server, for its memory
after 500 requests of 256 x 256 and after all. Rates hold for the machine as it was; CPU time a picture, of
the server's or the batch's processes alone, depends less on what else runs there.

Prints JSON; exit code 1 if a request failed otherwise than by 429.
"""

import argparse
import http.client
import io
import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from limner._version import commit
from limner.evaluation.timing import machine

PORTRAIT = Path(__file__).resolve().parents[1] / "examples" / "eileen-collins.jpg"
PICTURES = 240
LIMNER = [sys.executable, "-m", "limner"]


def pictures(side: int) -> list[bytes]:
    """Different square JPEGs of the same portrait."""
    rng = np.random.default_rng(0)
    portrait = PIL.Image.open(PORTRAIT).resize((560, 560))
    files = []
    for number in range(PICTURES):
        left, top = rng.integers(0, 48, 2)
        part = portrait.crop((left, top, left + 512, top + 512))
        if number % 2:
            part = part.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
        file = io.BytesIO()
        part = part.resize((side, side))
        part.save(file, "JPEG", quality=90)
        files.append(file.getvalue())
    return files


@contextmanager
def server(*arguments: str) -> Iterator[tuple[int, int]]:
    """Process id and port of a server."""
    process = subprocess.Popen([*LIMNER, "serve", "--port", "0", *arguments], stderr=subprocess.PIPE)
    assert process.stderr
    try:
        line = process.stderr.readline()
        found = re.search(rb":(\d+);", line)
        if not found:
            raise SystemExit(line.decode())
        yield process.pid, int(found[1])
    finally:
        process.terminate()
        process.wait()


@dataclass
class Load:
    """What clients saw."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    wall_s: float = 0.0


def load(port: int, files: list[bytes], clients: int, *, seconds: float = 1e9, requests: int = 10**9) -> Load:
    """Keep a server busy for so long, or with so many requests."""
    done = Load()
    numbers = iter(range(requests))
    lock = threading.Lock()
    end = time.monotonic() + seconds

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while time.monotonic() < end:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            start = time.perf_counter()
            try:
                connection.request(
                    "POST", "/v1/cutout", files[number % len(files)], {"Content-Type": "image/jpeg"}
                )
                answer = connection.getresponse()
                answer.read()
                status = str(answer.status)
            except (OSError, http.client.HTTPException) as error:
                status = type(error).__name__
                connection.close()
            with lock:
                done.statuses[status] += 1
                done.seconds.append(time.perf_counter() - start)
        connection.close()

    start = time.perf_counter()
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.wall_s = time.perf_counter() - start
    return done


def cpu_s(pid: int) -> float:
    """CPU time that a running process has used."""
    values = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(values[11]) + int(values[12])) / 100


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    return (
        int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize() / 1e6
    )


def batch_round(source: Path, target: Path) -> dict[str, float]:
    """Rate of `limner batch`, and CPU time a picture."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run([*LIMNER, "batch", str(source), str(target)], check=True, capture_output=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"pictures_per_s": PICTURES / wall, "cpu_ms": 1e3 * used / PICTURES}


def serve_round(pid: int, port: int, files: list[bytes], clients: int, seconds: float) -> dict[str, Any]:
    """Rate of the server, CPU time a picture, latency."""
    before = cpu_s(pid)
    done = load(port, files, clients, seconds=seconds)
    good = done.statuses["200"]
    quantiles = statistics.quantiles(done.seconds, n=100)
    return {
        "pictures_per_s": good / done.wall_s,
        "cpu_ms": 1e3 * (cpu_s(pid) - before) / good,
        "p50_ms": 1e3 * quantiles[49],
        "p99_ms": 1e3 * quantiles[98],
        "statuses": dict(done.statuses),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--requests", type=int, default=5000)
    args = parser.parse_args()
    files, small = pictures(512), pictures(256)
    with tempfile.TemporaryDirectory() as folder, server() as (pid, port):
        source = Path(folder) / "source"
        source.mkdir()
        for number, data in enumerate(files):
            (source / f"{number:04}.jpg").write_bytes(data)
        load(port, files, args.clients, requests=32)
        batches, serves, statuses = [], [], Counter[str]()
        for number in range(args.rounds):
            batches.append(batch_round(source, Path(folder) / f"target-{number}"))
            serves.append(serve_round(pid, port, files, args.clients, args.seconds))
            statuses.update(serves[-1]["statuses"])
    memory: dict[int, float] = {}
    with server() as (pid, port):
        for upto in (min(500, args.requests), args.requests):
            missing = upto - max(memory, default=0)
            statuses.update(load(port, small, args.clients, requests=missing).statuses)
            time.sleep(1)
            memory[upto] = memory_mb(pid)
    rates = [
        serve["pictures_per_s"] / batch["pictures_per_s"]
        for serve, batch in zip(serves, batches, strict=True)
    ]
    print(
        json.dumps(
            {
                "commit": commit(),
                "machine": machine(),
                "clients": args.clients,
                "seconds": args.seconds,
                "batch": batches,
                "serve": serves,
                "ratios_of_rates": rates,
                "memory_mb_after_requests": memory,
                "statuses": dict(statuses),
            },
            indent=2,
        )
    )
    return int(bool(set(statuses) - {"200", "429"}))


if __name__ == "__main__":
    sys.exit(main())
