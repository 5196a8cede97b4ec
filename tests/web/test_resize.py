"""Bytes are resized in JavaScript exactly as in Python: a network is sensitive to a level."""

import json
import subprocess
from pathlib import Path

import numpy as np

from limner.images import resize
from tests.conftest import random_image
from tests.web.conftest import WEB

SIZES = [
    ((360, 242), (320, 224)),
    ((800, 600), (224, 160)),
    ((1500, 400), (192, 256)),
    ((100, 80), (256, 192)),
    ((500, 300), (256, 288)),
    ((333, 200), (333, 192)),
    ((333, 200), (150, 200)),
    ((900, 700), (1200, 1000)),
]
CODE = """
import {{ readFileSync, writeFileSync }} from "node:fs";
import {{ resizeImage }} from "{module}";
for (const [index, [[height, width], after]] of {sizes}.entries()) {{
  const image = {{ height, width, data: readFileSync(`{folder}/${{index}}`) }};
  writeFileSync(`{folder}/${{index}}.made`, resizeImage(image, ...after).data);
}}
"""


def test_bytes_are_resized_as_in_python(node: str, tmp_path: Path, rng: np.random.Generator) -> None:
    images = [random_image(rng, *before) for before, _ in SIZES]
    for index, image in enumerate(images):
        (tmp_path / str(index)).write_bytes(image.tobytes())
    module = (WEB / "src" / "resize.js").as_uri()
    (tmp_path / "run.mjs").write_text(CODE.format(module=module, sizes=json.dumps(SIZES), folder=tmp_path))
    subprocess.run([node, tmp_path / "run.mjs"], check=True)
    for index, (image, (_, after)) in enumerate(zip(images, SIZES, strict=True)):
        made = np.fromfile(tmp_path / f"{index}.made", np.uint8).reshape(*after, 3)
        np.testing.assert_array_equal(made, resize(image, after))
