"""The settings of one training run, read from a TOML recipe; no torch here."""

import difflib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

from limner import files
from limner.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CHOICES = {"optimizer": ("adamw", "adam"), "schedule": ("cosine", "plateau")}


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
    backgrounds: str = (
        ""  # below it, without people: a data set, a pattern, or a folder, less every 4th picture
    )
    start: str = ""  # checkpoint of a run whose weights are the first ones, as at a smaller size
    holdout: float = 0.05  # fraction of the training lists that is not trained on but chooses the epoch
    batch_size: int = 32  # over all devices

    epochs: int = 60
    minutes: float = 0  # above 0, train for so long, whatever the epochs; the rate is zero at the end
    patience: int = 15  # epochs without a better score on the holdout before stopping
    optimizer: str = "adamw"  # or adam
    learning_rate: float = 3e-3  # peak
    weight_decay: float = 1e-4
    schedule: str = "cosine"  # after a warm-up of one epoch (at most 5 %), down to zero; or plateau: cuts
    plateau: int = 3  # epochs without a better loss on the holdout before a cut
    gradient_norm: float = 0.0  # above 0, longer gradients are clipped to it
    ema_decay: float = 0.998  # per step, of the averaged weights that are scored and kept; 0 keeps the last
    precision: str = "32-true"  # Lightning's name; "bf16-mixed" is twice as fast where the CPU has it
    devices: int = 1  # GPUs, or processes on a CPU; under torchrun, those that it starts
    seed: int = 0

    POSITIVE: ClassVar[tuple[str, ...]] = (
        *("epochs", "patience", "batch_size", "learning_rate", "plateau", "devices"),
    )

    def __post_init__(self) -> None:
        for name in self.POSITIVE:
            _require(getattr(self, name) > 0, f"{name} must be positive, got {getattr(self, name)}")
        for name in ("minutes", "gradient_norm"):
            _require(getattr(self, name) >= 0, f"{name} must be at least 0, got {getattr(self, name)}")
        for name, known in CHOICES.items():
            value = getattr(self, name)
            _require(value in known, f"{name} is one of {', '.join(known)}, got {value}")
        _require(
            not self.minutes or self.schedule == "cosine",
            "minutes needs the schedule cosine, which they lay out",
        )
        _require(
            self.batch_size % self.devices == 0, f"batch_size must be a multiple of devices, {self.devices}"
        )
        _require(0 < self.holdout < 1, f"holdout must be between 0 and 1, got {self.holdout}")
        _require(0 <= self.ema_decay < 1, f"ema_decay must be in [0, 1), got {self.ema_decay}")


@dataclass(frozen=True, kw_only=True)
class TrainConfig(RunConfig):
    """Settings of a network that finds people; ``start`` may be ``imagenet``, see `PortraitModule.begin`."""

    weights: tuple[float, ...] = ()  # how often each of data is drawn, against its number of images; all 1
    teacher: str = ""  # name or .onnx file of a better model to distil: its alphas are mixed into the masks
    distillation_weight: float = 0.4  # of its alphas; less than half, so that no mask is turned round
    input_size: int = 128  # side of the square that the network sees, or that has as many pixels, see stride
    stride: int = 0  # 0: pictures are stretched to a square; else proportions are kept, in multiples of it
    encoder_rate: float = 1.0  # of the encoder, as a fraction of learning_rate
    fixed_stages: int = 3  # of an encoder that knows ImageNet: so many first ones keep their weights
    losses: Mapping[str, float] = field(default_factory=lambda: {"bce": 1.0, "dice": 1.0})  # name -> weight

    flip: bool = True  # left and right, every other picture
    scale: float = 1.3  # largest zoom, in and out
    rotation: float = 15.0  # largest angle, degrees
    shift: float = 0.12  # largest shift, as a fraction of the picture
    colour: float = 0.3  # largest relative change of brightness, contrast, saturation and colour balance
    grey: float = 0.0  # fraction of the pictures without colour
    blur: float = 0.0  # fraction that is out of focus
    noise: float = 0.0  # fraction with sensor noise
    jpeg: float = 0.0  # fraction with the blocks of a strong JPEG compression
    bars: float = 0.0  # fraction with bars on two sides, as phones and films have
    background_swap: float = 0.0  # fraction that gets a new background from backgrounds
    no_subject: float = 0.0  # fraction that is replaced by such a background
    min_scale: float = 1.0  # of subjects on new backgrounds, where they are cut off on one side at most
    second_subject: float = 0.0  # fraction of new backgrounds with a second subject behind the first
    colour_match: float = 0.0  # how far a subject's mean colour may move to that of its new background

    POSITIVE: ClassVar[tuple[str, ...]] = ("input_size", *RunConfig.POSITIVE)
    FRACTIONS: ClassVar[tuple[str, ...]] = (
        *("background_swap", "no_subject", "second_subject", "colour_match"),
        *("grey", "blur", "noise", "jpeg", "bars"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.FRACTIONS:
            value = getattr(self, name)
            _require(0 <= value <= 1, f"{name} is a fraction in [0, 1], got {value}")
        for name in ("encoder_rate", "min_scale"):
            value = getattr(self, name)
            _require(0 < value <= 1, f"{name} must be in (0, 1], got {value}")
        _require(
            self.stride % 8 == 0 and self.stride >= 0,
            f"stride must be 0 or a multiple of 8, got {self.stride}",
        )
        _require(self.input_size % 16 == 0, f"input_size must be a multiple of 16, got {self.input_size}")
        _require(
            0 <= self.distillation_weight < 0.5,
            f"distillation_weight must be in [0, 0.5), got {self.distillation_weight}",
        )
        _require(self.fixed_stages >= 0, f"fixed_stages must be at least 0, got {self.fixed_stages}")
        _require(self.scale >= 1, f"scale must be at least 1, got {self.scale}")
        replaced = self.background_swap + self.no_subject
        _require(replaced <= 1, f"background_swap and no_subject are {replaced} together, more than 1")
        _require(not replaced or self.backgrounds != "", "background_swap and no_subject need backgrounds")
        _require(len(self.weights) in (0, len(self.data)), "weights needs one number for each of data")
        _require(all(weight > 0 for weight in self.weights), f"weights must be positive, got {self.weights}")


@dataclass(frozen=True, kw_only=True)
class EdgeConfig(RunConfig):
    """Settings of the network of `limner.mattes.refine`."""

    networks: tuple[str, ...] = (
        "base",
    )  # whose alphas it refines: names of models, files of FORMS (peers.py)
    epoch_steps: int = 200
    painted: int = 220  # portraits of which the exact alpha is known
    composites: int = 330  # subjects of data before backgrounds
    grid: int = 144  # height and width of the network's input, pixels, a multiple of 8

    POSITIVE: ClassVar[tuple[str, ...]] = ("epoch_steps", "painted", "grid", *RunConfig.POSITIVE)

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.grid % 8 == 0, f"grid must be a multiple of 8, got {self.grid}")
        _require(self.backgrounds != "", "edge needs backgrounds")


@dataclass(frozen=True, kw_only=True)
class TemporalConfig(RunConfig):
    """Settings of the network of `limner.video.temporal`."""

    networks: tuple[str, ...] = ("base", "base", "small")  # models of which each clip's alphas come from one
    epoch_steps: int = 100
    clips: int = 1100  # drawn once, kept in output/name/clips
    frames: int = 9  # of a clip that are seen in one step
    flicker: float = 10.0  # weight of dtSSD in the loss, against the mean absolute error

    POSITIVE: ClassVar[tuple[str, ...]] = ("epoch_steps", "clips", "frames", *RunConfig.POSITIVE)

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.backgrounds != "", "temporal needs backgrounds")


def config_class(net: str) -> type[RunConfig]:
    """The settings of a network, by its name in a recipe."""
    kinds: dict[str, type[RunConfig]] = {"edge": EdgeConfig, "temporal": TemporalConfig}
    return kinds.get(net, TrainConfig)


def read_recipe(path: str | Path, changes: Sequence[str] = ()) -> RunConfig:
    """Read a TOML recipe.

    Args:
        path: The recipe.
        changes: ``key=value`` pairs that replace its settings, the value as TOML or as bare text.

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
    missing = [
        one.name
        for one in fields(kind)
        if one.default is MISSING and one.default_factory is MISSING and one.name not in values
    ]
    if missing:
        raise InputError(f"the recipe lacks {', '.join(missing)}")
    return kind(**{key: _typed(key, value, types[key]) for key, value in values.items()})


def _typed(key: str, value: Any, wanted: Any) -> Any:
    if wanted is float and type(value) is int:
        return float(value)
    if wanted == tuple[str, ...] and _holds(value, list, str):
        return tuple(value)
    if wanted == tuple[float, ...] and _holds(value, list, (int, float)):
        return tuple(map(float, value))
    if (
        wanted == Mapping[str, float]
        and isinstance(value, dict)
        and _holds([*value.values()], list, (int, float))
    ):
        return {name: float(weight) for name, weight in value.items()}
    if type(value) is not wanted:
        name = wanted.__name__ if isinstance(wanted, type) else wanted
        raise InputError(f"{key} must be of type {name}, got {value!r}")
    return value


def _holds(value: Any, kind: type, items: Any) -> bool:
    return isinstance(value, kind) and all(isinstance(item, items) for item in value)  # type: ignore[attr-defined]
