"""The subject of a synthetic portrait: what it looks like, and how it is painted.

Coordinates are in units of the shorter side of a picture without zoom: x to the right from the middle of the
head, y down.
"""

from dataclasses import dataclass

import numpy as np

from limner.datasets.drawing import Field, Layer, clouds, coverage, ellipse, strands
from limner.images import Colour, Size

SKIN = ((255, 224, 196), (241, 194, 155), (224, 172, 125), (190, 132, 92), (141, 85, 52), (92, 56, 38))
HAIR = (
    (28, 22, 20),
    (62, 40, 28),
    (104, 66, 38),
    (164, 116, 64),
    (214, 178, 112),
    (142, 58, 30),
    (168, 164, 160),
)
CLOTH = (
    (40, 56, 92),
    (148, 36, 44),
    (224, 222, 214),
    (38, 38, 42),
    (58, 104, 84),
    (222, 168, 60),
    (120, 98, 148),
)
IRIS = ((84, 54, 34), (60, 92, 120), (70, 104, 66), (40, 30, 26))
STYLES = ("cropped", "bob", "long", "curls", "bun", "bald")


@dataclass(frozen=True, kw_only=True)
class Look:
    """Proportions, in units of the shorter side, and colours."""

    zoom: float  # 1 shows the shoulders, more shows the head alone
    middle: tuple[float, float]  # of the head in the picture: x from its middle, y from its upper edge
    y: float  # of the middle of the head, before the zoom
    width: float  # half of the head's
    height: float
    style: str  # one of STYLES
    volume: float  # of the hair, beyond the head
    fall: float  # y where the hair ends
    shoulders: float  # half of their width
    parting: float  # where the hair parts, in half widths of the head from its middle
    light: float  # -1 from the left, 1 from the right
    smile: float  # of the mouth's half width that its corners rise
    skin: Colour
    hair: Colour
    cloth: Colour
    iris: Colour
    glasses: bool
    beard: bool
    stripes: bool

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Look":
        """A look by chance."""
        style = STYLES[rng.choice(len(STYLES), p=(0.22, 0.22, 0.24, 0.14, 0.12, 0.06))]
        y = rng.uniform(0.40, 0.46)
        fall = {"bob": y + rng.uniform(0.12, 0.22), "long": y + rng.uniform(0.32, 0.62)}
        return cls(
            zoom=rng.uniform(1, 1.6),
            middle=(rng.uniform(-0.06, 0.06), rng.uniform(0.44, 0.52)),
            y=y,
            width=rng.uniform(0.135, 0.155),
            height=rng.uniform(0.19, 0.215),
            style=style,
            volume={"cropped": 0.018, "bob": 0.045, "long": 0.04, "curls": 0.085, "bun": 0.02, "bald": 0.0}[
                style
            ]
            * rng.uniform(0.8, 1.3),
            fall=fall.get(style, y),
            shoulders=rng.uniform(0.30, 0.42),
            parting=rng.uniform(-0.7, 0.7),
            light=rng.choice((-1.0, 1.0)) * rng.uniform(0.4, 1),
            smile=rng.uniform(0.05, 0.35),
            skin=_pick(rng, SKIN),
            hair=_pick(rng, HAIR),
            cloth=_pick(rng, CLOTH),
            iris=_pick(rng, IRIS),
            glasses=bool(rng.random() < 0.2),
            beard=bool(style in {"cropped", "bald"} and rng.random() < 0.5),
            stripes=bool(rng.random() < 0.25),
        )


def paint_subject(rng: np.random.Generator, look: Look, size: Size) -> Layer:
    """The person, from the hair behind the head to the hair before the face."""
    height, width = size
    unit = min(size) * look.zoom
    rows, columns = np.mgrid[:height, :width] + 0.5
    left = width / 2 + look.middle[0] * min(size)
    top = height - (1 - look.middle[1]) * min(size) - look.y * unit
    x: Field = (columns - left) / unit
    y: Field = (rows - top) / unit
    layer = Layer(size)
    shine = _shine(rng, look, x, y)
    mass = _hair_mass(rng, look, x, y)
    if look.style != "bald":
        _paint_hair(rng, layer, look, mass, shine, unit)
    _paint_body(layer, look, x, y)
    _paint_head(rng, layer, look, x, y)
    _paint_face(layer, look, x, y)
    if look.style != "bald":
        front = np.maximum(mass, _hairline(rng, look, x, y))
        _paint_hair(rng, layer, look, front, shine, unit)
    return layer


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    """One of the colours, slightly changed."""
    red, green, blue = np.clip(np.array(colours[rng.integers(len(colours))]) + rng.integers(-8, 9, 3), 0, 255)
    return int(red), int(green), int(blue)


def _head(look: Look, x: Field, y: Field) -> Field:
    """An ellipse that narrows towards the chin."""
    down = np.clip((y - look.y) / look.height, 0, 1)
    return ellipse(x / (1 - 0.2 * down**2), y, (0, look.y), (look.width, look.height))


def _hair_mass(rng: np.random.Generator, look: Look, x: Field, y: Field) -> Field:
    """All that the hair covers, the face with it."""
    wide, tall = look.width + look.volume, look.height + look.volume
    crown = ellipse(x, y, (0, look.y - 0.02), (wide, tall))
    if look.style == "curls":
        return crown + 0.07 * clouds(rng, x.shape, coarse=14, octaves=2)
    if look.style == "bun":
        crown = np.maximum(crown, (y - look.y - 0.02) / tall)
        knot = ellipse(x, y, (look.parting * 0.03, look.y - look.height - 0.035), (0.07, 0.055))
        return np.minimum(crown, knot)
    if look.style == "cropped":
        return np.maximum(crown, (y - look.y) / tall)
    spread = wide * (1 + 0.25 * np.clip((y - look.y) / 0.4, 0, 1))
    wave = 0.008 * np.sin(y * 40 + look.parting * 9)
    half = (look.fall - look.y + 0.02) / 2
    curtain = np.maximum((np.abs(x + wave) - spread) / wide, (np.abs(y - look.y - half) - half) / tall)
    return np.minimum(crown, curtain)


def _hairline(rng: np.random.Generator, look: Look, x: Field, y: Field) -> Field:
    """Negative above the line where the hair ends on the forehead and at the temples."""
    across = x / look.width
    from_parting = across - look.parting
    line = look.y - look.height * (0.72 - 0.34 * np.abs(from_parting) ** 1.5)
    jag = 0.006 * clouds(rng, x.shape, coarse=30, octaves=2)
    return (y - line) / look.height + jag


def _shine(rng: np.random.Generator, look: Look, x: Field, y: Field) -> Field:
    """Light and dark along hairs that run from the crown, (H, W), about 1."""
    angle = np.arctan2(x - look.parting * look.width * 0.5, y - (look.y - look.height * 1.05))
    factor = np.ones_like(x)
    for pitch in (9, 23, 51, 97):
        factor += 0.07 * np.sin(angle * pitch + rng.uniform(0, 6.3) + 6 * y)
    band = np.exp(-(((y - (look.y - look.height * 0.75)) / 0.04) ** 2))
    return factor + 0.22 * band + 0.10 * look.light * x / look.width


def _paint_hair(
    rng: np.random.Generator, layer: Layer, look: Look, field: Field, shine: Field, unit: float
) -> None:
    colours = np.array(look.hair) * np.clip(shine, 0.4, 1.8)[..., None]
    layer.paint(colours, coverage(field, softness=2.0))
    curly = look.style == "curls"
    short = look.style in {"cropped", "bun"}
    hairs = strands(
        rng,
        field,
        count=500 if curly else 160 if short else 320,
        length=unit * (0.03 if short else 0.06 if curly else 0.11),
        curl=5.0 if curly else 1.2,
        width=max(1.0, unit / 220),
    )
    layer.paint(colours, hairs)


def _paint_body(layer: Layer, look: Look, x: Field, y: Field) -> None:
    top = look.y + look.height * 1.12
    skin = np.array(look.skin)
    neck = np.maximum(np.abs(x) - 0.62 * look.width, look.y - y)
    body = np.abs(x) - look.shoulders * (1 - np.exp(-np.maximum(y - top, 0) / 0.055)) - 0.6 * look.width
    body = np.maximum(body, top - 0.02 - y)
    fold = (
        1
        - 0.25 * np.clip(np.abs(x) / look.shoulders, 0, 1) ** 2
        + 0.08 * look.light * np.sign(x) * np.abs(x) * 3
    )
    cloth = np.array(look.cloth) * fold[..., None]
    if look.stripes:
        cloth = cloth * (1 - 0.25 * (np.sin(y * 120) > 0.3))[..., None]
    collar = ellipse(x, y, (0, top - 0.01), (0.66 * look.width, 0.06))
    layer.paint(cloth, coverage(body))
    throat = np.minimum(np.maximum(neck, y - top - 0.01), collar)
    shadow = 1 - 0.35 * np.clip(1.25 - (y - look.y) / look.height, 0, 1) ** 0.5
    layer.paint(skin * np.clip(shadow, 0.6, 1)[..., None], coverage(throat))


def _paint_head(rng: np.random.Generator, layer: Layer, look: Look, x: Field, y: Field) -> None:
    skin = np.array(look.skin)
    for side in (-1, 1):
        ear = ellipse(x, y, (side * look.width * 0.99, look.y + 0.015), (0.024, 0.045))
        layer.paint(skin * 0.86, coverage(ear))
    across, down = x / look.width, (y - look.y) / look.height
    glow = 1.02 - 0.16 * across**2 - 0.10 * np.clip(down, -1, 1) ** 2 + 0.10 * look.light * across
    glow += 0.015 * clouds(rng, x.shape, coarse=6)
    head = _head(look, x, y)
    layer.paint(skin * np.clip(glow, 0.5, 1.2)[..., None], coverage(head))
    for side in (-1, 1):
        cheek = np.exp(-(((across - side * 0.5) / 0.28) ** 2) - ((down - 0.28) / 0.17) ** 2)
        layer.paint(skin * np.array((1.0, 0.72, 0.70)), (0.28 * cheek * (head < 0)))
    if look.beard:
        jaw = coverage(np.maximum(head, 0.32 + 0.5 * (1 - np.abs(across)) ** 2 * (down < 0.6) - down))
        layer.paint(look.hair, (0.75 * jaw))


def _paint_face(layer: Layer, look: Look, x: Field, y: Field) -> None:
    skin = np.array(look.skin)
    wide, tall = look.width, look.height
    for side in (-1, 1):
        middle = (side * 0.42 * wide, look.y - 0.03 * tall)
        eye = ellipse(x, y, middle, (0.2 * wide, 0.075 * tall))
        shape = coverage(eye)
        layer.paint((246, 244, 240), shape)
        iris = ellipse(x, y, middle, (0.095 * wide, 0.095 * wide))
        layer.paint(look.iris, np.minimum(coverage(iris), shape))
        pupil = ellipse(x, y, middle, (0.045 * wide, 0.045 * wide))
        layer.paint((16, 12, 12), np.minimum(coverage(pupil), shape))
        glint = ellipse(
            x, y, (middle[0] + 0.035 * wide, middle[1] - 0.02 * tall), (0.022 * wide, 0.022 * wide)
        )
        layer.paint((255, 255, 255), coverage(glint))
        lid = np.maximum(np.abs(eye) - 0.10, y - middle[1] + 0.015 * tall)
        layer.paint(skin * 0.35, (0.85 * coverage(lid)))
        arch = y - 0.9 * (x - middle[0]) ** 2 / wide
        brow = ellipse(x, arch, (middle[0], middle[1] - 0.2 * tall), (0.27 * wide, 0.028 * tall))
        layer.paint(np.array(look.hair) * 0.75, (0.8 * coverage(brow, softness=2)))
        if look.glasses:
            rim = np.abs(ellipse(x, y, middle, (0.34 * wide, 0.2 * tall))) - 0.07
            bridge = np.maximum(np.abs(y - middle[1] + 0.03 * tall) - 0.008, np.abs(x) - 0.1 * wide)
            layer.paint((34, 30, 30), coverage(np.minimum(rim, bridge / wide)))
        nostril = ellipse(x, y, (side * 0.10 * wide, look.y + 0.33 * tall), (0.055 * wide, 0.02 * tall))
        layer.paint(skin * 0.45, (0.7 * coverage(nostril, softness=2)))
    ridge = np.exp(
        -(((x + look.light * 0.10 * wide) / (0.07 * wide)) ** 2)
        - ((y - look.y - 0.15 * tall) / (0.2 * tall)) ** 2
    )
    layer.paint(skin * 0.72, (0.45 * ridge))
    _paint_mouth(layer, look, x, y)


def _paint_mouth(layer: Layer, look: Look, x: Field, y: Field) -> None:
    wide, tall = look.width, look.height
    lips = np.array(look.skin) * np.array((0.84, 0.52, 0.50))
    curve = y + look.smile * x**2 / (0.4 * wide)
    middle = look.y + 0.56 * tall
    mouth = ellipse(x, curve, (0, middle), (0.34 * wide, 0.062 * tall))
    layer.paint(lips, coverage(mouth))
    teeth = ellipse(x, curve, (0, middle), (0.25 * wide, 0.022 * tall))
    layer.paint((250, 246, 240) if look.smile > 0.2 else lips * 0.5, coverage(teeth))
