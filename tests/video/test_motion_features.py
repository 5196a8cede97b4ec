import numpy as np
import pytest

from limner.images import Image
from limner.video.motion_features import SLOW, MotionTracker


def texture(rng: np.random.Generator, height: int, width: int) -> Image:
    """Coarse enough for a motion to be found in."""
    cells = rng.integers(20, 230, (height // 8, width // 8, 3), np.uint8)
    return cells.repeat(8, axis=0).repeat(8, axis=1)


@pytest.fixture
def room(rng: np.random.Generator) -> Image:
    return texture(rng, 128, 128)


def test_nothing_is_known_of_a_first_frame_and_after_a_cut(room: Image) -> None:
    tracker = MotionTracker((16, 24))
    alpha = np.ones((128, 128), np.float32)
    assert tracker(room, alpha) is None
    known = tracker(room, alpha)
    assert known is not None
    assert known.maps.shape == (7, 16, 24)
    assert tracker(255 - room, alpha) is None
    assert tracker(255 - room, alpha) is not None


def test_all_is_explained_where_nothing_moves(room: Image) -> None:
    tracker = MotionTracker((16, 16))
    alpha = np.zeros((128, 128), np.float32)
    alpha[40:] = 1
    tracker(room, alpha)
    features = tracker(room, alpha)
    assert features is not None
    assert np.abs(features.shifts).max() < 1e-6
    assert features.maps[0] == pytest.approx(SLOW)
    assert np.abs(features.maps[1:]).max() < 1e-3


def test_tells_what_goes_along_with_the_subject_from_what_stays(
    rng: np.random.Generator, room: Image
) -> None:
    subject = texture(rng, 80, 48)
    tracker = MotionTracker((32, 32))
    for left in range(20, 40, 2):
        image, alpha = room.copy(), np.zeros((128, 128), np.float32)
        image[40:120, left : left + 48] = subject
        alpha[40:120, left : left + 48] = 1
        features = tracker(image, alpha)
    assert features is not None
    inside, outside = np.s_[12:28, 12:18], np.s_[:8, :]
    assert 128 * features.shifts[1][3:7, 3:5].mean() == pytest.approx(2, rel=0.2)
    fraction, last_subject, last_scene, mean_subject, mean_scene, last, mean = features.maps
    assert fraction[inside].mean() < 0.3
    for subject_field, scene_field, compared in (
        (last_subject, last_scene, last),
        (mean_subject, mean_scene, mean),
    ):
        assert subject_field[inside].mean() < 0.5 * scene_field[inside].mean()
        assert subject_field[outside].mean() > 2 * scene_field[outside].mean()
        assert compared[inside].mean() < -0.2
        assert compared[outside].mean() > 0.2
