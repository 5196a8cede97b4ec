"""The settings of one training run, read from a TOML recipe; no torch here."""

import difflib
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from limner import files
from limner.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def _limited(default: Any, values: str, *, multiple: int = 0) -> Any:
    """A setting whose values lie in an interval such as ``[0, 1)``, and may have to be multiples."""
    return field(default=default, metadata={"values": values, "multiple": multiple})


def _count(default: int) -> Any:
    return _limited(default, "(0, inf)")


def _fraction() -> Any:
    return _limited(0.0, "[0, 1]")


def _choice(*names: str) -> Any:
    """A setting that is one of some names, the first by default."""
    return field(default=names[0], metadata={"names": names})


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What every training needs to know; a recipe's keys are the fields of the class for its ``net``."""

    name: str  # of the run, its folder and its model
    net: str  # a key of limner.nets.NETS, or edge or temporal
    description: str = ""  # of the model, for its sidecar
    licence: str = "not stated"  # of the weights, for the sidecar: it follows from the data
    output: str = "runs"  # the run is kept in output/name

    data: tuple[str, ...]  # data sets below data_root, with training lists, or patterns (packs/a-*.zip)
    data_root: str = "."
    backgrounds: str = ""  # below it, without people: a data set, a pattern, or a folder (3 of 4 pictures)
    start: str = ""  # checkpoint of a run whose weights are the first ones, as at a smaller size
    holdout: float = _limited(0.05, "(0, 1)")  # fraction of the lists that chooses the epoch, not trained on
    batch_size: int = _count(32)  # over all devices

    epochs: int = _count(60)
    minutes: float = _limited(0, "[0, inf)")  # above 0, train for so long; the rate is zero at the end
    patience: int = _count(15)  # epochs without a better score on the holdout before stopping
    optimizer: str = _choice("adamw", "adam")
    learning_rate: float = _limited(3e-3, "(0, inf)")  # peak
    weight_decay: float = 1e-4
    schedule: str = _choice("cosine", "plateau")  # after a warm-up of one epoch, at most 5 %, down to zero
    plateau: int = _count(3)  # epochs without a better loss on the holdout before the other cuts the rate
    gradient_norm: float = _limited(0.0, "[0, inf)")  # above 0, longer gradients are clipped to it
    ema_decay: float = _limited(0.998, "[0, 1)")  # per step, of the averaged weights; 0: the last are kept
    precision: str = "32-true"  # Lightning's name; "bf16-mixed" is twice as fast where the CPU has it
    devices: int = _count(1)  # GPUs, or processes on a CPU; under torchrun, those it starts
    seed: int = 0

    def __post_init__(self) -> None:
        for one in fields(self):
            _check(one.name, getattr(self, one.name), one.metadata)
        _require(
            not self.minutes or self.schedule == "cosine",
            "minutes needs the schedule cosine, which they lay out",
        )
        _require(
            self.batch_size % self.devices == 0, f"batch_size must be a multiple of devices, {self.devices}"
        )


@dataclass(frozen=True, kw_only=True)
class TrainConfig(RunConfig):
    """Settings of a network that finds people; ``start`` may be ``imagenet``, see `PortraitModule.begin`."""

    weights: tuple[float, ...] = ()  # how often each of data is drawn, against its number of images; all 1
    teacher: str = ""  # name or .onnx file of a better model to distil: its alphas are mixed into the masks
    distillation_weight: float = _limited(
        0.4, "[0, 0.5)"
    )  # of its alphas; under 0.5, no mask is turned round
    input_size: int = _limited(128, "[16, inf)", multiple=16)  # side of a square that is seen, see stride
    stride: int = _limited(
        0, "[0, inf)", multiple=8
    )  # 0: squares are seen; else as many pixels, in multiples
    encoder_rate: float = _limited(1.0, "(0, 1]")  # of the encoder, as a fraction of learning_rate
    fixed_stages: int = _limited(3, "[0, inf)")  # of an encoder that knows ImageNet: these keep their weights
    losses: Mapping[str, float] = field(default_factory=lambda: {"bce": 1.0, "dice": 1.0})  # name -> weight

    flip: bool = True  # left and right, every other picture
    scale: float = _limited(1.3, "[1, inf)")  # largest zoom, in and out
    rotation: float = 15.0  # largest angle, degrees
    shift: float = 0.12  # largest shift, as a fraction of the picture
    colour: float = 0.3  # largest relative change of brightness, contrast, saturation and colour balance
    grey: float = _fraction()  # fraction of the pictures without colour
    blur: float = _fraction()  # fraction that is out of focus
    noise: float = _fraction()  # fraction with sensor noise
    jpeg: float = _fraction()  # fraction with the blocks of a strong JPEG compression
    bars: float = _fraction()  # fraction with bars on two sides, as phones and films have
    background_swap: float = _fraction()  # fraction that gets a new background from backgrounds
    no_subject: float = _fraction()  # fraction that is replaced by such a background
    min_scale: float = _limited(1.0, "(0, 1]")  # of subjects on new backgrounds
    second_subject: float = _fraction()  # fraction of new backgrounds with a second subject behind the first
    colour_match: float = _fraction()  # how far mean colours may move to those of new backgrounds

    def __post_init__(self) -> None:
        super().__post_init__()
        replaced = self.background_swap + self.no_subject
        _require(replaced <= 1, f"background_swap and no_subject are {replaced} together, more than 1")
        _require(not replaced or self.backgrounds != "", "background_swap and no_subject need backgrounds")
        _require(len(self.weights) in (0, len(self.data)), "weights needs one number for each of data")
        _require(all(weight > 0 for weight in self.weights), f"weights must be positive, got {self.weights}")


@dataclass(frozen=True, kw_only=True)
class DrawnConfig(RunConfig):
    """Settings of a network that refines alphas: its batches are drawn, before backgrounds."""

    networks: tuple[str, ...]  # whose alphas it refines: names of models, files of FORMS (peers.py)
    epoch_steps: int = _count(100)

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.backgrounds != "", f"{self.net} needs backgrounds")


@dataclass(frozen=True, kw_only=True)
class EdgeConfig(DrawnConfig):
    """Settings of the network of `limner.mattes.refine`."""

    networks: tuple[str, ...] = ("base",)
    epoch_steps: int = _count(200)
    pictures: int = _count(1000)  # of each of data, at most
    painted: int = _count(220)  # portraits of which the exact alpha is known
    composites: int = 330  # subjects of data before backgrounds
    grid: int = _limited(144, "[8, inf)", multiple=8)  # height and width of the network's input, pixels


@dataclass(frozen=True, kw_only=True)
class TemporalConfig(DrawnConfig):
    """Settings of the network of `limner.video.temporal`; each clip has its alphas from one of networks."""

    networks: tuple[str, ...] = ("base", "base", "small")
    clips: int = _count(1100)  # drawn once, kept in output/name/clips
    frames: int = _count(9)  # of a clip that are seen in one step
    flicker: float = 10.0  # weight of dtSSD in the loss, against the mean absolute error


def config_class(net: str) -> type[RunConfig]:
    """The settings of a network, by its name in a recipe."""
    kinds: dict[str, type[RunConfig]] = {"edge": EdgeConfig, "temporal": TemporalConfig}
    return kinds.get(net, TrainConfig)


def read_recipe(path: str | Path, changes: Sequence[str] = ()) -> RunConfig:
    """Read a TOML recipe, some settings of which are replaced: ``key=value``, as TOML or with bare text.

    Raises:
        InputError: If it cannot be read, a key is unknown or a value has the wrong type.
    """
    try:
        values = tomllib.loads(files.read_text(Path(path), f"the recipe {path}"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not a TOML recipe: {error}") from error
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise InputError(f"'{change}' is not a setting: write key=value")
        values[key] = _parse(text)
    return _checked(values)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(message)


def _check(name: str, value: Any, limits: Mapping[str, Any]) -> None:
    """Whether a value is what `_limited` or `_choice` says."""
    if names := limits.get("names"):
        _require(value in names, f"{name} is one of {', '.join(names)}, got {value}")
    if values := limits.get("values"):
        low, high = map(float, values[1:-1].split(","))
        inside = low < value < high or (value == low and "[" in values) or (value == high and "]" in values)
        lower = f"at least {low:g}" if "[" in values else "positive" if low == 0 else f"above {low:g}"
        _require(inside, f"{name} must be {lower if high == math.inf else f'in {values}'}, got {value}")
        multiple = limits["multiple"]
        _require(
            not multiple or value % multiple == 0, f"{name} must be a multiple of {multiple}, got {value}"
        )


def _parse(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _checked(values: dict[str, Any]) -> RunConfig:
    kind = config_class(str(values.get("net")))
    types = {one.name: get_type_hints(kind)[one.name] for one in fields(kind)}
    for key in values:
        if key not in types:
            near = difflib.get_close_matches(key, types, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(types)}"
            raise InputError(f"unknown setting '{key}': {hint}")
    needed = [one.name for one in fields(kind) if MISSING is one.default is one.default_factory]
    if missing := [name for name in needed if name not in values]:
        raise InputError(f"the recipe lacks {', '.join(missing)}")
    return kind(**{key: _typed(key, value, types[key]) for key, value in values.items()})


def _typed(key: str, value: Any, wanted: Any) -> Any:
    """A value as the setting has it: TOML has lists for tuples, and whole numbers for floats."""
    kind, items = get_origin(wanted), get_args(wanted)
    if kind is tuple and isinstance(value, list):
        return tuple(_typed(f"each of {key}", item, items[0]) for item in value)
    if kind is Mapping and isinstance(value, dict):
        return {name: _typed(f"{key}.{name}", item, items[1]) for name, item in value.items()}
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        name = wanted.__name__ if isinstance(wanted, type) else wanted
        raise InputError(f"{key} must be of type {name}, got {value!r}")
    return value
