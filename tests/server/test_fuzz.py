from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from limner.models.segmenter import Segmenter
from limner.server import Settings, create_app
from tests.server.conftest import served
from tests.server.fuzzing import EXPECTED, Fuzz, send

CASES = 250


@pytest.fixture(scope="module")
def port(segmenter: Segmenter) -> Iterator[int]:
    with served(segmenter, Settings(max_pixels=1_000_000)) as port:
        yield port


@pytest.mark.filterwarnings("ignore")  # Pillow's, of damaged pictures
def test_fuzzed_uploads_are_answered_and_never_by_500(port: int, caplog: pytest.LogCaptureFixture) -> None:
    fuzz = Fuzz()
    statuses = Counter(send(port, fuzz.request(number)) for number in range(CASES))
    assert set(statuses) <= EXPECTED
    assert statuses[200] > CASES / 20  # the requests are not all refused at the door
    assert statuses[422] > CASES / 20
    assert "Traceback" not in caplog.text


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "path",
    [
        "/v1/cutout",
        "/v1.0/removebg",
        "/v1.0/account",
        "/v1.0/improve",
        "/api/remove",
        "/v1/models",
        "/metrics",
        "/healthz",
        "/readyz",
    ],
)
def test_answers_are_as_described(segmenter: Segmenter, path: str) -> None:
    app = create_app(segmenter, Settings(max_pixels=1_000_000))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    for operation in schema[path].values():
        _check(operation)


def _check(operation: Any) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        case.call_and_validate(excluded_checks=[positive_data_acceptance])  # no schema describes a picture

    check()
