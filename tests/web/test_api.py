"""The functions of the npm package, in Node."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import limner
from limner.images import Image, load_image, resize_longest
from tests.conftest import PORTRAIT, decode
from tests.web.conftest import WEB
from tests.web.pictures import python_cut

CALL = """
import {{ readFileSync, writeFileSync }} from "node:fs";
const {{ cutout, preload, engine }} = await import("{package}");
const pixels = (name, width, height) => ({{ width, height, data: readFileSync(`{folder}/${{name}}`) }});
const photo = pixels("photo", {width}, {height});
let said = null;
try {{
  said = await (async () => {{ {code} }})();
}} catch (error) {{
  said = `${{error.name}}: ${{error.message}}`;
}}
if (said?.blob) {{
  writeFileSync("{folder}/made.png", new Uint8Array(await said.blob.arrayBuffer()));
  said = null;
}}
console.log(JSON.stringify(said));
"""


@pytest.fixture(scope="module")
def photo() -> Image:
    return resize_longest(load_image(PORTRAIT), 240)


class Node:
    """Runs JavaScript that may use `photo`, `pixels`, `cutout`, `preload` and `engine`."""

    def __init__(self, command: str, folder: Path, photo: Image) -> None:
        self.command, self.folder, self.photo = command, folder, photo
        self.give("photo", np.dstack((photo, np.full(photo.shape[:2], 255, np.uint8))))

    def give(self, name: str, rgba: np.ndarray[Any, Any]) -> None:
        (self.folder / name).write_bytes(rgba.tobytes())

    def __call__(self, code: str) -> Any:
        height, width = self.photo.shape[:2]
        text = CALL.format(
            package=(WEB / "src" / "index.js").as_uri(),
            folder=self.folder,
            width=width,
            height=height,
            code=code,
        )
        (self.folder / "call.mjs").write_text(text)
        run = subprocess.run([self.command, self.folder / "call.mjs"], check=True, stdout=subprocess.PIPE)
        return json.loads(run.stdout)

    @property
    def made(self) -> np.ndarray[Any, Any]:
        return decode(self.folder / "made.png").astype(int)


@pytest.fixture
def run(node: str, tmp_path: Path, photo: Image) -> Node:
    return Node(node, tmp_path, photo)


def rendered(photo: Image, **options: Any) -> np.ndarray[Any, Any]:
    return limner.render(photo, python_cut(photo, "small").alpha, limner.Options(**options)).astype(int)


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ('{ output: "mask" }', {"mask": True}),
        ('{ background: "#2f5d8a" }', {"background": "#2f5d8a"}),
        ('{ background: "blur", blur: 3 }', {"background": "blur", "blur": 3}),
    ],
)
def test_outputs_are_those_of_python(run: Node, photo: Image, options: str, same: dict[str, Any]) -> None:
    run(f"return cutout(photo, {options})")
    difference = np.abs(run.made - rendered(photo, **same))
    assert (difference > 1).mean() < 0.001


def test_its_own_transparency_is_kept(run: Node, photo: Image) -> None:
    opacity = np.full(photo.shape[:2], 255, np.uint8)
    opacity[: len(opacity) // 2] = 100
    opacity[:, :40] = 0
    rgba = np.dstack((photo, opacity))
    run.give("photo", rgba)
    run("return cutout(photo)")
    ours = limner.cut(rgba, model=WEB / "models" / "small.onnx").rgba
    difference = np.abs(run.made - ours) * ((run.made[..., 3:] > 0) & (ours[..., 3:] > 0))
    assert (difference > 1).mean() < 0.001


def test_an_alpha_can_be_given(run: Node, photo: Image) -> None:
    half = np.zeros(photo.shape[:2], np.uint8)
    half[:, 100:] = 255
    run.give("alpha", half)
    height, width = photo.shape[:2]
    run(f'return cutout(photo, {{ output: "mask", alpha: pixels("alpha", {width}, {height}) }})')
    np.testing.assert_array_equal(run.made, half)


def test_progress_ends_at_one(run: Node) -> None:
    fractions = run(
        "const seen = []; await cutout(photo, { onProgress: (part) => seen.push(part) }); return seen"
    )
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_the_page_calls_it_in_the_same_way(run: Node) -> None:
    assert run('await preload(); return engine.cutout(photo, { output: "mask" }, {})') is None


REFUSED = [
    ('cutout(photo, { model: "huge" })', "TypeError: unknown model 'huge': use small or base"),
    ("cutout(photo, { colour: 1 })", "TypeError: unknown option 'colour'"),
    ('cutout(photo, { output: "gif" })', "TypeError: unknown output 'gif': use cutout, mask, composite"),
    ('cutout(photo, { format: "gif" })', "TypeError: unknown format 'gif': use png, webp, jpg"),
    ('cutout(photo, { background: "red" })', "TypeError: a colour is #rrggbb, got 'red'"),
    ('cutout(photo, { format: "jpg" })', "TypeError: jpg has no transparency"),
    ('cutout(photo, { output: "composite" })', "TypeError: a background goes with output 'composite'"),
    ("cutout({ width: 8, height: 9, data: new Uint8Array(288) })", "RangeError: 8 x 9 pixels are too few"),
    ("cutout({ width: 20, height: 20, data: new Uint8Array(7) })", "TypeError: 20 x 20 pixels"),
    ("cutout({ width: 20000, height: 20000, data: [] })", "RangeError: the picture is too large (400"),
    ("cutout(new Blob())", "TypeError: a picture is { width, height, data }"),
    ('cutout(photo, { signal: AbortSignal.abort("no") })', "undefined: undefined"),
    ("cutout(photo, { signal: AbortSignal.timeout(1) })", "TimeoutError: "),
]


def test_refusals_name_the_cure(run: Node) -> None:
    calls = ", ".join(f"() => {code}" for code, _ in REFUSED)
    told = run(
        f"""const told = [];
        const tell = ({{ name, message }}) => told.push(`${{name}}: ${{message}}`);
        for (const call of [{calls}]) await call().catch(tell);
        return told"""
    )
    for found, (code, message) in zip(told, REFUSED, strict=True):
        assert found.startswith(message), code
