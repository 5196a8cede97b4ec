"""A short load; `benchmarks/serve.py` is the long one."""

import http.client
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from limner.models.segmenter import Segmenter
from limner.server import Settings
from tests.server.conftest import PHOTO, served

CLIENTS = 16


def ask(port: int) -> Counter[int]:
    """Three requests over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    statuses: Counter[int] = Counter()
    for _ in range(3):
        connection.request(
            "POST", "/v1/cutout?output=mask&refine=none", PHOTO, {"Content-Type": "image/jpeg"}
        )
        answer = connection.getresponse()
        assert len(answer.read()) == int(answer.headers["content-length"])
        statuses[answer.status] += 1
    connection.close()
    return statuses


def load(port: int) -> Counter[int]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        return sum(pool.map(ask, [port] * CLIENTS), Counter())


def number(port: int, name: str) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def test_many_clients_share_runs_of_the_network(segmenter: Segmenter) -> None:
    with served(segmenter, Settings(workers=4)) as port:
        assert load(port) == {200: 3 * CLIENTS}
        assert number(port, "limner_batch_images_sum") == 3 * CLIENTS
        assert number(port, "limner_batch_images_count") < 2.5 * CLIENTS
        assert number(port, "limner_queue_requests") == 0


def test_more_than_the_queue_holds_is_refused_at_once(segmenter: Segmenter) -> None:
    with served(segmenter, Settings(queue=2)) as port:
        statuses = load(port)
    assert set(statuses) == {200, 429}
