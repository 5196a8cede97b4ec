import numpy as np
import pytest

from limner.errors import InputError
from limner.images import Alpha
from limner.rendering.framing import crop_name, crop_to, extend_to, frame_of
from limner.rendering.identity import ID_PHOTOS
from limner.rendering.options import Options
from limner.rendering.outline import Frame, head_of, subject_box


def alpha_with(height: int, width: int, *boxes: tuple[int, int, int, int]) -> Alpha:
    alpha = np.zeros((height, width), np.float32)
    for top, left, bottom, right in boxes:
        alpha[top:bottom, left:right] = 1
    return alpha


def bust(*, height: int = 400, width: int = 300) -> Alpha:
    """A head 100 wide with its chin 125 below the crown at row 60, a neck, and shoulders cut off below."""
    return alpha_with(height, width, (60, 100, 180, 200), (180, 130, 200, 170), (200, 40, height, 260))


def test_box_holds_what_is_at_least_half_opaque() -> None:
    alpha = alpha_with(20, 30, (5, 7, 11, 13))
    alpha[15, 20] = 0.4
    assert subject_box(alpha) == Frame(5, 7, 6, 6)
    with pytest.raises(InputError, match="no person found"):
        subject_box(np.zeros((5, 5), np.float32))


def test_subject_with_margin_stays_in_the_picture() -> None:
    alpha = alpha_with(100, 100, (2, 40, 42, 60))
    assert frame_of(alpha, "subject", margin=0.1) == Frame(0, 36, 46, 28)


@pytest.mark.parametrize(("crop", "aspect"), [("square", 1.0), ("3:4", 0.75), ("16:9", 16 / 9)])
@pytest.mark.parametrize("inside", [False, True])
def test_shape_is_met_and_the_subject_is_in_it(crop: str, aspect: float, inside: bool) -> None:
    alpha = alpha_with(200, 300, (60, 130, 120, 180))
    frame = frame_of(alpha, crop, inside=inside)
    assert frame.width / frame.height == pytest.approx(aspect, rel=0.02)
    assert frame.top <= 60
    assert frame.top + frame.height >= 120
    assert frame.left <= 130
    assert frame.left + frame.width >= 180


def test_frame_may_leave_the_picture_only_where_there_is_background() -> None:
    free = alpha_with(100, 60, (10, 5, 90, 55))
    frame = frame_of(free, "square")
    assert frame.left < 0
    assert frame_of(free, "square", inside=True) == Frame(6, 0, 60, 60)
    at_the_sides = alpha_with(100, 60, (20, 0, 100, 60))
    frame = frame_of(at_the_sides, "square")
    assert (frame.left, frame.width, frame.height) == (0, 60, 60)
    at_the_bottom = alpha_with(100, 60, (50, 5, 100, 55))
    frame = frame_of(at_the_bottom, "1:3")
    assert frame.top + frame.height == 100  # nothing below a body that is cut off there
    assert frame.top < 0


@pytest.mark.parametrize("crop", ["35x45mm", "2x2in"])
def test_identity_photo_has_the_head_where_it_belongs(crop: str) -> None:
    photo, alpha = ID_PHOTOS[crop], bust()
    frame, head = frame_of(alpha, crop), head_of(alpha)
    assert head.height / frame.height == pytest.approx(photo.head, abs=0.01)
    assert (head.top - frame.top) / frame.height == pytest.approx(photo.above, abs=0.01)
    assert frame.left + frame.width / 2 == pytest.approx(150, abs=1)
    assert frame.width / frame.height == pytest.approx(photo.size_mm[1] / photo.size_mm[0], abs=0.01)
    assert photo.dpi == pytest.approx(600, rel=0.001)


def test_head_is_measured_by_neck_and_forehead() -> None:
    head = head_of(bust())
    assert head == Frame(60, 100, round(0.6 * 120 + 0.4 * 1.75 * 100), 100)
    round_head = alpha_with(300, 300, (50, 100, 300, 200))  # long hair: no neck
    assert head_of(round_head).height == 131


def test_identity_photo_that_cannot_be_made_says_what_is_missing() -> None:
    with pytest.raises(InputError, match="cut off by the upper border"):
        frame_of(bust()[60:], "35x45mm")
    with pytest.raises(InputError, match=r"\d+ pixels too little below the head"):
        frame_of(bust()[:180], "35x45mm")
    narrow = bust()[:, 99:]
    with pytest.raises(InputError, match="on the left"):
        frame_of(narrow, "2x2in", inside=True)


@pytest.mark.parametrize("crop", ["circle", "4:", "0:3", "1:100"])
def test_unknown_crop_is_refused(crop: str) -> None:
    with pytest.raises(InputError, match="unknown crop"):
        frame_of(bust(), crop)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *(
            (text, "35x45mm")
            for text in ("35 x 45 mm", "35X45MM", "3.5x4.5cm", "3,5 \u00d7 4,5 cm", "35mm*45mm")
        ),
        *(
            (text, "2x2in")
            for text in ("2x2", "2 x 2 inches", '2"x2"', "2″ \u00d7 2″", "51x51 mm", "2inch x 2inch")
        ),
        *(("35x45", "35x45mm"), ("Square", "square"), (" 4 : 5 ", "4:5"), ("", "")),
    ],
)
def test_a_crop_may_be_spelled_as_people_do(text: str, name: str) -> None:
    assert crop_name(text) == Options(crop=text).crop == name


@pytest.mark.parametrize(
    "text", ["45x35mm", "35x45in", "2x2cm", "50x70mm", "35x45x55mm", "x45mm", "1.2.3x2in"]
)
def test_a_size_that_is_no_identity_photo_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"unknown crop .*: use subject, square, 35x45mm, 2x2in, or"):
        crop_name(text)


def test_crop_pads_with_nothing() -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(crop_to(array, Frame(1, 1, 2, 2)), array[1:, 1:3])
    padded = crop_to(array, Frame(-1, 2, 3, 4))
    np.testing.assert_array_equal(padded, [[0, 0, 0, 0], [2, 3, 0, 0], [6, 7, 0, 0]])
    assert not crop_to(array, Frame(5, 5, 2, 2)).any()
    repeated = extend_to(array, Frame(-1, 2, 3, 4))
    np.testing.assert_array_equal(repeated, [[2, 3, 3, 3], [2, 3, 3, 3], [6, 7, 7, 7]])
