import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import limner
from limner.errors import InputError
from limner.images import Alpha
from limner.rendering.layout import Layout, Length, Place, at_most
from limner.rendering.outline import Frame, NoSubjectError, find_subject

BOX = Frame(20, 30, 40, 60)  # of the subject below


def block(box: Frame = BOX, size: tuple[int, int] = (100, 200)) -> Alpha:
    alpha = np.zeros(size, np.float32)
    alpha[box.top : box.top + box.height, box.left : box.left + box.width] = 1
    return alpha


def laid(layout: Layout, alpha: Alpha | None = None) -> Alpha:
    """An alpha as it is on the canvas."""
    alpha = block() if alpha is None else alpha
    return layout.place(alpha).apply(alpha)


def test_a_crop_is_the_box() -> None:
    assert laid(Layout(crop=True)).shape == (40, 60)
    assert laid(Layout(crop=True)).all()


def test_margins_go_top_right_bottom_left_and_may_reach_beyond_the_picture() -> None:
    margins = (Length(25), Length(fraction=0.5), Length(fraction=0.1), Length(1))
    found = laid(Layout(crop=True, margins=margins))
    assert found.shape == (25 + 40 + 4, 1 + 60 + 30)
    assert find_subject(found) == Frame(25, 1, 40, 60)


@pytest.mark.parametrize(
    ("scale", "position", "box"),
    [
        (None, (0.0, 0.0), Frame(0, 0, 40, 60)),
        (None, (1.0, 1.0), Frame(60, 140, 40, 60)),
        (None, (0.5, 0.5), Frame(30, 70, 40, 60)),
        (None, (0.0, 1.0), Frame(0, 140, 40, 60)),
        (0.8, (0.5, 0.5), Frame(10, 40, 80, 120)),
        (1.0, (0.0, 1.0), Frame(0, 50, 100, 150)),
        (0.2, (1.0, 0.0), Frame(80, 0, 20, 30)),
        (0.2, None, Frame(30, 45, 20, 30)),  # its middle stays where it was: 40, 60
    ],
)
def test_scale_and_position(scale: float | None, position: tuple[float, float] | None, box: Frame) -> None:
    found = laid(Layout(scale=scale, position=position))
    assert found.shape == (100, 200)
    assert find_subject(found) == box


def test_a_scale_after_a_crop_is_of_what_is_left() -> None:
    found = laid(Layout(crop=True, margins=(Length(20),) * 4, scale=0.5, position=(0.5, 0.5)))
    assert found.shape == (80, 100)
    box = find_subject(found)
    assert box
    assert box.width == 50
    assert 32 <= box.height <= 34


def test_a_canvas_is_kept_small() -> None:
    found = laid(Layout(crop=True, margins=(Length(fraction=0.5),) * 4, max_pixels=2400))
    assert found.shape == (40, 60)
    assert find_subject(found) == Frame(10, 15, 20, 30)
    assert at_most((40, 60), 600) == (20, 30)
    assert at_most((40, 60), None) == (40, 60)
    assert at_most((1, 10_000), 100)[0] == 1


def test_a_small_subject_that_is_enlarged_needs_no_large_picture() -> None:
    alpha = block(Frame(500, 500, 10, 10), (1000, 1000))
    found = laid(Layout(scale=1.0, position=(0.5, 0.5)), alpha)
    assert found.shape == (1000, 1000)
    assert found[100:900, 100:900].min() > 0.9


def test_what_is_outside_the_region_is_background() -> None:
    region = (Length(fraction=0.5), Length(), Length(150), Length(fraction=1))
    kept = Layout(region=region).keep_region(np.ones((10, 200), np.float32))
    assert kept[:, 100:150].all()
    assert kept.sum() == 500
    beyond = (Length(190), Length(5), Length(9999), Length(9999))
    assert Layout(region=beyond).keep_region(np.ones((10, 200), np.float32)).sum() == 50
    assert Layout().keep_region(kept) is kept


def test_a_region_in_pixels_follows_the_size_of_the_picture() -> None:
    layout = Layout(region=(Length(10), Length(20), Length(fraction=1), Length(40)))
    smaller = layout.resized((100, 200), (50, 20))
    assert smaller.region == (Length(1), Length(10), Length(fraction=1), Length(20))


def test_there_must_be_a_subject() -> None:
    with pytest.raises(NoSubjectError):
        Layout(crop=True).place(np.zeros((5, 5), np.float32))


@given(
    st.floats(0.01, 50),
    st.integers(-300, 300),
    st.integers(-300, 300),
    st.integers(1, 60),
    st.integers(1, 60),
)
def test_any_place_gives_the_canvas(scale: float, top: int, left: int, height: int, width: int) -> None:
    place = Place(scale, top, left, (height, width))
    made = place.apply(np.ones((20, 30), np.float32))
    assert made.shape == (height, width)
    extended = place.extend(np.full((20, 30, 3), 7, np.uint8))
    assert extended.shape == (height, width, 3)
    assert (extended == 7).all()
    rows = np.arange(height)
    inside = (rows >= top) & (rows <= top + round(20 * scale))
    assert not made[~inside].any()


def test_a_layout_is_rendered() -> None:
    image = np.full((100, 200, 3), 90, np.uint8)
    layout = Layout(crop=True, margins=(Length(2),) * 4)
    cutout = limner.render(image, block(), limner.Options(layout=layout))
    assert cutout.shape == (44, 64, 4)
    assert cutout[22, 32].tolist() == [90, 90, 90, 255]
    assert not cutout[0].any()
    before = limner.render(image, block(), limner.Options(layout=layout, background="red"))
    assert before[0, 0].tolist() == [255, 0, 0]
    mask = limner.render(image, block(), limner.Options(layout=layout, mask=True))
    assert mask.shape == (44, 64)
    right = Layout(region=(Length(60), Length(), Length(fraction=1), Length(fraction=1)))
    half = limner.render(image, block(), limner.Options(layout=right))
    assert np.flatnonzero(half[..., 3].any(axis=0)).tolist() == list(range(60, 90))


@pytest.mark.parametrize("more", [{"crop": "square"}, {"background": "blur"}, {"background": "original"}])
def test_what_a_layout_does_not_go_with(more: dict[str, str]) -> None:
    with pytest.raises(InputError, match="a layout goes with"):
        limner.Options.of({"layout": Layout(crop=True), **more})
