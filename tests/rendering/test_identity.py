"""The head in the outline, and the frame of identity photos."""

import numpy as np
import pytest

from limner.errors import InputError
from limner.images import Alpha
from limner.rendering.cut import cut
from limner.rendering.framing import crop_to, frame_of
from limner.rendering.identity import ID_PHOTOS
from limner.rendering.outline import find_subject, head_of, subject_box
from tests.conftest import shared_data

CROWN = 200


def person(
    *, height: int = 900, width: int = 700, scale: float = 1, face: int = 220, neck: int = 80, hair: int = 0
) -> Alpha:
    """A head 176 wide and `face` high with its crown in row 200, a neck, and shoulders cut off below.

    The neck is `neck` wide; the hair, if any, as wide as the head and a fifth, and falls to row `hair`.
    """
    rows, columns = np.mgrid[:height, :width]
    rows, columns = rows / scale, abs(columns / scale - 350)
    chin, middle = CROWN + face, CROWN + face / 2
    head = ((rows - middle) / (face / 2)) ** 2 + (columns / 88) ** 2 <= 1
    below = (rows >= chin - 40) & (rows < chin + 10) & (columns <= neck / 2)
    shoulders = (rows >= chin + 5) & (columns <= 180)
    sides = (rows >= middle - 30) & (rows < hair) & (columns <= 105)
    alpha: Alpha = (head | below | shoulders | sides).astype(np.float32)
    return alpha


@pytest.mark.parametrize(
    ("face", "neck", "hair"), [(220, 80, 0), (280, 140, 0), (260, 60, 0), (230, 100, 700)]
)
def test_the_photo_shows_the_whole_face_as_large_as_it_should_be(face: int, neck: int, hair: int) -> None:
    alpha = person(face=face, neck=neck, hair=hair)
    frame = frame_of(alpha, "35x45mm")
    assert 0.6 < face / frame.height < 0.83
    assert frame.top + frame.height - (CROWN + face) > 0.1 * frame.height


@pytest.mark.parametrize("place", [(20, 60), (0, 0), (500, 0), (899, 699)])
@pytest.mark.parametrize("side", [1, 9])
def test_specks_change_neither_box_nor_head_nor_frame(place: tuple[int, int], side: int) -> None:
    alpha = person()
    alpha[place[0] : place[0] + side, place[1] : place[1] + side] = 0.7
    for clean, found in zip(_all(person()), _all(alpha), strict=True):
        assert found == clean


def _all(alpha: Alpha) -> list[object]:
    return [subject_box(alpha), head_of(alpha), *(frame_of(alpha, crop) for crop in ("35x45mm", "square"))]


def test_a_strand_of_hair_is_not_the_crown() -> None:
    alpha = person()
    alpha[150:210, 345:352] = 1
    assert abs(head_of(alpha).top - head_of(person()).top) <= 1
    alpha[60:210, 340:360] = 1  # a raised finger behind
    assert head_of(alpha).height == pytest.approx(head_of(person()).height, rel=0.08)


def test_a_second_person_stays_in_the_box() -> None:
    alpha = person(width=1400)
    alpha[300:900, 1100:1300] = 1
    box = subject_box(alpha)
    assert (box.left, box.left + box.width) == (170, 1300)


def test_an_empty_room_has_no_subject() -> None:
    alpha = np.zeros((900, 700), np.float32)
    alpha[400, 300] = 1
    assert find_subject(alpha) is None
    for crop in ("subject", "square", "35x45mm"):
        with pytest.raises(InputError, match="no person found"):
            frame_of(alpha, crop)


def test_what_is_no_head_is_refused() -> None:
    lying = np.zeros((900, 700), np.float32)
    lying[800:850] = 1
    arch = np.zeros((900, 700), np.float32)
    arch[200:, 100:600] = 1
    arch[230:, 130:570] = 0
    for alpha in (lying, arch):
        with pytest.raises(InputError, match="no head stands out"):
            frame_of(alpha, "35x45mm")


def test_few_pixels_are_said_and_too_few_refused(caplog: pytest.LogCaptureFixture) -> None:
    large = person(height=3600, width=2800, scale=4)
    frame_of(large, "35x45mm")
    assert not caplog.messages
    frame = frame_of(person(), "35x45mm")
    (message,) = caplog.messages
    dpi = head_of(person()).height / 0.75 / 1063 * 600
    assert f"the picture has {dpi:.0f} dots an inch, and 300 are asked for" in message
    assert f"enlarged {1063 / frame.height:.1f} times" in message
    small = person(height=225, width=175, scale=0.25)
    with pytest.raises(InputError, match=r"the head is \d\d pixels high.* shows it at 797: give a larger"):
        frame_of(small, "35x45mm")


def test_a_head_near_a_border_is_larger_or_beside_the_middle() -> None:
    """Of a picture that ends at the left shoulder, with no more of it than the format allows."""
    photo, alpha = ID_PHOTOS["35x45mm"], person()
    ideal = frame_of(alpha, "35x45mm")
    closer = alpha[:, ideal.left + round(0.04 * ideal.width) :]
    frame, head = frame_of(closer, "35x45mm"), head_of(closer)
    assert frame.left == 0
    assert photo.head - 0.01 <= head.height / frame.height <= photo.largest_head + 0.01
    assert abs(head.left + head.width / 2 - frame.width / 2) <= 0.06 * frame.width


def test_a_shoulder_a_little_cut_off_is_said_and_a_half_one_refused(caplog: pytest.LogCaptureFixture) -> None:
    ideal = frame_of(person(), "35x45mm")
    caplog.clear()
    frame_of(person()[:, ideal.left + round(0.12 * ideal.width) :], "35x45mm")
    assert any("shoulder is cut off on the left" in message for message in caplog.messages)
    narrow = person()[:, ideal.left + round(0.28 * ideal.width) :]
    with pytest.raises(InputError, match=r"\d+ pixels too little on the left") as refused:
        frame_of(narrow, "35x45mm")
    assert "colour" not in str(refused.value)
    with pytest.raises(InputError, match=r"on the left.*put a colour behind"):
        frame_of(narrow, "35x45mm", inside=True)


def test_a_head_that_is_larger_than_allowed_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """Of a picture that ends below the head."""
    photo, height = ID_PHOTOS["35x45mm"], head_of(person()).height
    for fraction in (0.83, 0.9):
        space = photo.above * (1 - fraction) / (1 - photo.head)  # above the head
        low = person()[: CROWN + round((1 - space) * height / fraction) - round(0.05 * height / fraction)]
        if fraction > photo.largest_head + 0.06:
            with pytest.raises(InputError, match="too little below the head"):
                frame_of(low, "35x45mm")
        else:
            frame = frame_of(low, "35x45mm")
            assert frame.top + frame.height == len(low)
            assert head_of(low).height / frame.height == pytest.approx(fraction, abs=0.02)
            assert any("80 are allowed: measure it" in message for message in caplog.messages)


def test_shoulders_cut_off_below_the_frame_do_no_harm() -> None:
    alpha = person()
    alpha[700:, :180] = 1  # an arm
    frame, head = frame_of(alpha, "35x45mm"), head_of(alpha)
    assert abs(head.left + head.width / 2 - frame.left - frame.width / 2) <= 1
    assert head.height / frame.height == pytest.approx(0.75, abs=0.01)


def test_a_crown_that_is_cut_off_is_drawn_on_as_an_ellipse(caplog: pytest.LogCaptureFixture) -> None:
    whole = head_of(person())
    cut = person()[215:]
    head = head_of(cut)
    assert head.top == pytest.approx(-15, abs=4)
    assert head.height == pytest.approx(whole.height, abs=8)
    frame = frame_of(cut, "35x45mm")
    assert any("the crown is cut off" in message for message in caplog.messages)
    assert crop_to(cut, frame)[: round(0.06 * frame.height)].max() == 0
    with pytest.raises(InputError, match="cut off by the upper border"):
        frame_of(person()[280:], "35x45mm")
    with pytest.raises(InputError, match="too little above the head"):
        frame_of(cut, "35x45mm", inside=True)


@pytest.mark.slow
def test_nine_tenths_of_real_portraits_become_identity_photos(caplog: pytest.LogCaptureFixture) -> None:
    root, made = shared_data("eg1800"), 0
    caplog.set_level("ERROR")
    names = (root / "val.txt").read_text().split()
    for name in names:
        try:
            alpha = cut(root / "images" / f"{name}.jpg", background="white", crop="35x45mm").alpha
        except InputError:
            continue
        made += 1
        shown = crop_to(alpha, frame_of(alpha, "35x45mm"))
        height, width = shown.shape
        assert (shown[: round(0.03 * height)] < 0.5).mean() > 0.95
        assert shown[round(0.2 * height) : round(0.7 * height), width // 3 : -width // 3].mean() > 0.9
    assert made >= 0.9 * len(names)
