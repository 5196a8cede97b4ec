import numpy as np
import pytest

from limner.images import resize
from limner.video.motion import SIDE, motion


def test_finds_how_a_subject_moves_before_a_still_room(rng: np.random.Generator) -> None:
    """A textured square of a third of the frame, moved by parts of a pixel, over a texture that stays."""
    subject, room = (
        resize(rng.integers(0, 255, (n, n, 3), np.uint8), (4 * SIDE, 4 * SIDE))[..., 0].astype(np.float32)
        for n in (24, 40)
    )
    alpha = np.zeros_like(room)
    alpha[128:448, 128:384] = 1

    def frame(down: int, right: int) -> tuple[np.ndarray, np.ndarray]:
        place = np.roll(alpha, (down, right), axis=(0, 1))
        picture = np.roll(subject, (down, right), axis=(0, 1)) * place + room * (1 - place)
        return resize(picture, (SIDE, SIDE)), resize(place, (SIDE, SIDE))

    before, place = frame(0, 0)
    after, _ = frame(-6, 14)
    found, behind = motion(before, after, np.stack([place, 1 - place])) * 4 * SIDE
    inside = found[:, 3:7, 3:6]
    assert inside[0] == pytest.approx(-6, abs=0.7)
    assert inside[1] == pytest.approx(14, abs=0.7)
    assert np.abs(behind[:, :, 7]).max() < 0.7
    assert np.abs(motion(before, before, place[None])).max() < 1e-6
