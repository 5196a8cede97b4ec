"""The functions of the npm package, in Node."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import limner
from limner.images import Image, load_image, resize_longest
from limner.mattes.masks import keep_largest
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
console.log(JSON.stringify(said ?? null));
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


RENDERED: list[tuple[str, dict[str, Any]]] = [
    ('{ output: "mask" }', {"mask": True}),
    ('{ background: "#2f5d8a" }', {"background": "#2f5d8a"}),
    ('{ background: "#ffffff", shadow: 60 }', {"background": "white", "shadow": 60}),
    ("{ shadow: 40 }", {"shadow": 40}),
    ('{ background: "blur", blur: 3 }', {"background": "blur", "blur": 3}),
    ('{ background: "blur", blur: 2, lens: true }', {"background": "blur", "lens": True}),
    ('{ background: "grey" }', {"background": "grey"}),
    ('{ background: "original", shadow: 50 }', {"background": "original", "shadow": 50}),
    ("{ shift: 2.5 }", {"shift": 2.5}),
    ("{ shift: -9, feather: 3 }", {"shift": -9, "feather": 3}),
    ("{ feather: 12 }", {"feather": 12}),
    ('{ crop: "subject", margin: 0 }', {"crop": "subject", "margin": 0}),
    ('{ crop: "square", margin: 20 }', {"crop": "square", "margin": 20}),
    ('{ crop: "4:5", background: "blur" }', {"crop": "4:5", "background": "blur"}),
    ('{ crop: "1200:628", output: "mask" }', {"crop": "1200:628", "mask": True}),
]


def test_options_do_what_they_do_in_python(run: Node, photo: Image) -> None:
    calls = ", ".join(f"() => cutout(photo, {options})" for options, _ in RENDERED)
    run(
        f"""let index = 0;
        for (const call of [{calls}]) {{
          const {{ blob }} = await call();
          writeFileSync(`{run.folder}/${{index++}}.png`, new Uint8Array(await blob.arrayBuffer()));
        }}"""
    )
    alpha = python_cut(photo, "small").alpha
    for index, (options, same) in enumerate(RENDERED):
        ours = limner.render(photo, alpha, limner.Options(**same)).astype(int)
        check(decode(run.folder / f"{index}.png").astype(int), ours, options)


def check(made: np.ndarray[Any, Any], ours: np.ndarray[Any, Any], message: str) -> None:
    assert made.shape == ours.shape, message
    difference = np.abs(made - ours)
    if ours.ndim == 3 and ours.shape[2] == 4:
        difference *= (made[..., 3:] > 0) & (ours[..., 3:] > 0)
    assert (difference > 1).mean() < 0.001, message


def test_people_are_kept_by_their_size(run: Node, photo: Image) -> None:
    alpha = np.zeros(photo.shape[:2], np.uint8)
    alpha[10:100, 10:60], alpha[120:180, 100:140], alpha[20:60, 150:200] = 255, 200, 255
    run.give("alpha", alpha)
    height, width = photo.shape[:2]
    given = f'alpha: pixels("alpha", {width}, {height}), output: "mask"'
    run(f"return cutout(photo, {{ {given}, subjects: 2 }})")
    np.testing.assert_array_equal(run.made, 255 * keep_largest(alpha.astype(np.float32) / np.float32(255), 2))


@pytest.mark.parametrize("crop", ["35x45mm", "2x2in"])
def test_identity_photos_are_those_of_python(run: Node, crop: str) -> None:
    portrait = load_image(PORTRAIT)
    run.give("large", np.dstack((portrait, np.full(portrait.shape[:2], 255, np.uint8))))
    height, width = portrait.shape[:2]
    large = f'pixels("large", {width}, {height})'
    run(f'return cutout({large}, {{ crop: "{crop}", background: "#ffffff" }})')
    options = limner.Options(crop=crop, background="white")
    ours = limner.render(portrait, python_cut(portrait, "small").alpha, options)
    check(run.made, ours.astype(int), crop)


def test_a_picture_goes_behind(run: Node, photo: Image) -> None:
    behind = np.random.default_rng(0).integers(0, 256, (40, 90, 3), dtype=np.uint8)
    run.give("behind", np.dstack((behind, np.full(behind.shape[:2], 255, np.uint8))))
    alpha = python_cut(photo, "small").alpha
    for fit in ("cover", "contain", "tile"):
        run(
            f'return cutout(photo, {{ background: pixels("behind", 90, 40), fit: "{fit}", align: [0.2, 1] }})'
        )
        options = limner.Options(background="picture", picture=behind, fit=fit, align=(0.2, 1))
        check(run.made, limner.render(photo, alpha, options).astype(int), fit)


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
