import numpy as np

from limner.datasets import Sample
from limner.datasets.contact_sheet import BACKDROP, PAPER, contact_sheet
from limner.images import encode_image


def test_each_picture_stands_beside_its_cut_out() -> None:
    image = np.full((40, 80, 3), (10, 200, 30), np.uint8)
    mask = np.zeros((40, 80), np.uint8)
    mask[:, :40] = 255
    one = Sample(
        id="a",
        image=encode_image(image, ".png"),
        mask=encode_image(mask, ".png"),
        source="test",
        labelled=False,
    )
    sheet = contact_sheet([one] * 5, cell=64, columns=2)
    assert sheet.shape == (3 * 66 + 2, 2 * 132 + 2, 3)
    assert tuple(sheet[2, 2]) == (10, 200, 30)
    assert tuple(sheet[2, 2 + 64]) == (10, 200, 30)
    assert tuple(sheet[2, 2 + 64 + 63]) == BACKDROP
    assert (sheet[2 + 32 :, 2 : 2 + 64][:32] == PAPER).all()
    assert (sheet[2 + 2 * 66 :, 2 + 132 :] == PAPER).all()
