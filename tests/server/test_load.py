"""A short load; `benchmarks/serve.py` is the long one."""

import http.client
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

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


PATIENT = 200


def ask_until_served(port: int) -> int:
    """One picture, asked for anew after the time that a 429 names; how many there were."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    refused = -1
    status = 429
    while status == 429:
        refused += 1
        connection.request(
            "POST", "/v1/cutout?output=mask&refine=none", PHOTO, {"Content-Type": "image/jpeg"}
        )
        answer = connection.getresponse()
        answer.read()
        status = answer.status
        time.sleep(int(answer.headers.get("retry-after", "0")))
    connection.close()
    assert status == 200
    return refused


@pytest.mark.slow
def test_200_clients_that_wait_as_told_are_all_served(segmenter: Segmenter) -> None:
    with served(segmenter, Settings()) as port:
        with ThreadPoolExecutor(PATIENT) as pool:
            refused = list(pool.map(ask_until_served, [port] * PATIENT))
        assert any(refused)
        assert number(port, "limner_batch_images_sum") == PATIENT
        assert number(port, "limner_queue_requests") == 0


@pytest.mark.slow
def test_200_clients_find_a_place_in_a_long_queue(segmenter: Segmenter) -> None:
    with served(segmenter, Settings(queue=PATIENT, time_limit_s=300)) as port:
        with ThreadPoolExecutor(PATIENT) as pool:
            assert not any(pool.map(ask_until_served, [port] * PATIENT))
        assert number(port, "limner_batch_images_sum") == PATIENT
