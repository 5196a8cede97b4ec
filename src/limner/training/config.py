"""The settings of one training run, read from a TOML recipe; no torch here."""

import difflib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from limner import files
from limner.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CHOICES = {"optimizer": ("adamw", "adam"), "schedule": ("cosine", "plateau")}
FRACTIONS = (
    *("background_swap", "no_subject", "second_subject", "colour_match"),
    *("grey", "blur", "noise", "jpeg"),
)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """What `limner.training.train.train` needs to know; a recipe's keys are these fields."""

    name: str  # of the run, its folder and its model
    net: str  # a key of limner.nets.NETS
    description: str = ""  # of the model, for its sidecar
    licence: str = "not stated"  # of the weights, for the sidecar: it follows from the data
    output: str = "runs"  # the run is kept in output/name

    data: tuple[
        str, ...
    ]  # data sets under data_root with training lists, or patterns of such (packs/a-*.zip)
    data_root: str = "."
    weights: tuple[
        float, ...
    ] = ()  # how often each is drawn, against its fraction of the images; by default 1
    start: str = ""  # checkpoint of a run whose weights are the first ones, as at a smaller size
    teacher: str = ""  # name or .onnx file of a better model to distil: its alphas are mixed into the masks
    distillation_weight: float = 0.4  # of its alphas; less than half, so that no mask is turned round
    holdout: float = 0.05  # fraction of the training lists that is not trained on but chooses the epoch
    input_size: int = 128  # side of the square that the network sees, or that has as many pixels, see stride
    stride: int = (
        0  # 0: pictures are stretched to a square; else their proportions are kept, in multiples of it
    )
    batch_size: int = 32  # over all devices

    epochs: int = 60
    minutes: float = 0  # above 0, train for so long, whatever the epochs; the rate is zero at the end
    patience: int = 15  # epochs without a better Dice on the holdout before stopping
    optimizer: str = "adamw"  # or adam
    learning_rate: float = 3e-3  # peak
    encoder_rate: float = 1.0  # of the encoder, as a fraction of learning_rate
    fixed_stages: int = 3  # of an encoder that knows ImageNet: so many first ones keep their weights
    weight_decay: float = 1e-4
    schedule: str = "cosine"  # after a warm-up of one epoch (at most 5 %), down to zero; or plateau: cuts
    plateau: int = 3  # epochs without a better loss on the holdout before a cut
    losses: Mapping[str, float] = field(default_factory=lambda: {"bce": 1.0, "dice": 1.0})  # name -> weight
    ema_decay: float = 0.998  # per step, of the averaged weights that are scored and kept; 0 keeps the last
    precision: str = "32-true"  # Lightning's name; "bf16-mixed" is twice as fast where the CPU has it
    devices: int = 1  # GPUs, or processes on a CPU; under torchrun, those that it starts
    seed: int = 0

    flip: bool = True  # left and right, every other picture
    scale: float = 1.3  # largest zoom, in and out
    rotation: float = 15.0  # largest angle, degrees
    shift: float = 0.12  # largest shift, as a fraction of the picture
    colour: float = 0.3  # largest relative change of brightness, contrast, saturation and colour balance
    grey: float = 0.0  # fraction of the pictures without colour
    blur: float = 0.0  # fraction that is out of focus
    noise: float = 0.0  # fraction with sensor noise
    jpeg: float = 0.0  # fraction with the blocks of a strong JPEG compression
    backgrounds: str = (
        ""  # under data_root, without people: a data set, a pattern of such, or a folder of pictures,
    )
    # of which every 4th is kept to report on
    background_swap: float = 0.0  # fraction that gets a new background from there
    no_subject: float = 0.0  # fraction that is replaced by such a background
    min_scale: float = 1.0  # of subjects on new backgrounds, where they are cut off on one side at most
    second_subject: float = 0.0  # fraction of new backgrounds with a second subject behind the first
    colour_match: float = 0.0  # how far a subject's mean colour may move to that of its new background

    def __post_init__(self) -> None:
        for name in ("input_size", "epochs", "patience", "batch_size", "learning_rate", "plateau", "devices"):
            _require(getattr(self, name) > 0, f"{name} must be positive, got {getattr(self, name)}")
        for name in FRACTIONS:
            _require(
                0 <= getattr(self, name) <= 1, f"{name} is a fraction in [0, 1], got {getattr(self, name)}"
            )
        for name, known in CHOICES.items():
            _require(
                getattr(self, name) in known,
                f"{name} is one of {', '.join(known)}, got {getattr(self, name)}",
            )
        _require(
            self.stride % 8 == 0 and self.stride >= 0,
            f"stride must be 0 or a multiple of 8, got {self.stride}",
        )
        _require(self.minutes >= 0, f"minutes must be at least 0, got {self.minutes}")
        _require(
            not self.minutes or self.schedule == "cosine",
            "minutes needs the schedule cosine, which they lay out",
        )
        _require(self.input_size % 16 == 0, f"input_size must be a multiple of 16, got {self.input_size}")
        _require(
            self.batch_size % self.devices == 0, f"batch_size must be a multiple of devices, {self.devices}"
        )
        _require(0 < self.holdout < 1, f"holdout must be between 0 and 1, got {self.holdout}")
        _require(
            0 <= self.distillation_weight < 0.5,
            f"distillation_weight must be in [0, 0.5), got {self.distillation_weight}",
        )
        _require(0 < self.encoder_rate <= 1, f"encoder_rate must be in (0, 1], got {self.encoder_rate}")
        _require(self.fixed_stages >= 0, f"fixed_stages must be at least 0, got {self.fixed_stages}")
        _require(0 <= self.ema_decay < 1, f"ema_decay must be in [0, 1), got {self.ema_decay}")
        _require(0 < self.min_scale <= 1, f"min_scale must be in (0, 1], got {self.min_scale}")
        replaced = self.background_swap + self.no_subject
        _require(self.scale >= 1, f"scale must be at least 1, got {self.scale}")
        _require(replaced <= 1, f"background_swap and no_subject are {replaced} together, more than 1")
        _require(not replaced or self.backgrounds != "", "background_swap and no_subject need backgrounds")
        _require(len(self.weights) in (0, len(self.data)), "weights needs one number for each of data")
        _require(all(weight > 0 for weight in self.weights), f"weights must be positive, got {self.weights}")


def read_recipe(path: str | Path, changes: Sequence[str] = ()) -> TrainConfig:
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


def _checked(values: dict[str, Any]) -> TrainConfig:
    types = get_type_hints(TrainConfig)
    for key in values:
        if key not in types:
            near = difflib.get_close_matches(key, types, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(types)}"
            raise InputError(f"unknown setting '{key}': {hint}")
    needed = [
        one.name for one in fields(TrainConfig) if one.default is MISSING and one.default_factory is MISSING
    ]
    missing = [name for name in needed if name not in values]
    if missing:
        raise InputError(f"the recipe lacks {', '.join(missing)}")
    return TrainConfig(**{key: _typed(key, value, types[key]) for key, value in values.items()})


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
        and _holds(list(value.values()), list, (int, float))
    ):
        return {name: float(weight) for name, weight in value.items()}
    if type(value) is not wanted:
        name = str(getattr(wanted, "__name__", wanted)) if isinstance(wanted, type) else str(wanted)
        raise InputError(f"{key} must be of type {name}, got {value!r}")
    return value


def _holds(value: Any, kind: type, items: Any) -> bool:
    return isinstance(value, kind) and all(isinstance(item, items) for item in value)  # type: ignore[attr-defined]
