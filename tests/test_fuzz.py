import numpy as np
import pytest

from tests.mutations import check, damaged, specimens

CASES = 400


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return specimens()


def test_every_specimen_is_read(files: dict[str, bytes]) -> None:
    assert [name for name, data in files.items() if not check(data)] == []


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow tells of metadata that it leaves out
@pytest.mark.parametrize("part", range(4))
def test_damaged_pictures_are_read_or_refused(files: dict[str, bytes], part: int) -> None:
    read = 0
    for number in range(part, CASES, 4):
        name, data = damaged(files, 0, number)
        try:
            read += check(data)
        except Exception as error:
            raise AssertionError(f"see: python -m benchmarks.fuzz --only {number}  (from {name})") from error
    assert 0 < read < CASES / 4


def test_cases_are_always_the_same_and_differ(files: dict[str, bytes]) -> None:
    cases = [damaged(files, 0, number) for number in range(50)]
    assert cases == [damaged(files, 0, number) for number in range(50)]
    assert len({data for _, data in cases}) == 50
    assert np.mean([data in files.values() for _, data in cases]) <= 0.02  # zeros over zeros
