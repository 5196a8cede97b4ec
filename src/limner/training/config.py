"""The settings of one training run, read from a TOML recipe; no torch here."""

import difflib
import sys
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from limner.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """What `limner.training.train.train` needs to know; a recipe's keys are these fields."""

    name: str  # of the run, its folder and its model
    net: str  # a key of limner.nets.NETS
    data: tuple[str, ...]  # folders under data_root, each with train.txt and, to report on, val.txt
    data_root: str = "."
    description: str = ""  # of the model, for its sidecar
    licence: str = "not stated"  # of the weights, for the sidecar: it follows from the data
    output: str = "runs"  # the run is kept in output/name
    input_size: int = 128  # height and width of the network's input, pixels
    epochs: int = 60
    holdout: float = 0.05  # share of the training lists that is not trained on but chooses the epoch
    patience: int = 15  # epochs without a better Dice on the holdout before stopping
    batch_size: int = 32
    learning_rate: float = 3e-3  # peak, after one epoch of warm-up; then a cosine down to zero
    weight_decay: float = 1e-4
    ema_decay: float = 0.998  # per step, of the averaged weights that are scored and kept
    precision: str = "32-true"  # Lightning's name; "bf16-mixed" is twice as fast where the CPU has it
    scale: float = 1.3  # largest zoom in or out
    rotation: float = 15.0  # largest angle, degrees
    shift: float = 0.12  # largest shift, as a fraction of the picture
    colour: float = 0.3  # largest relative change of brightness, contrast, saturation and colour balance
    backgrounds: str = ""  # folder under data_root of pictures without people; every 4th is kept to report on
    swap: float = 0.0  # share of the pictures that get a new background from there
    empty: float = 0.0  # share of the pictures that are replaced by such a background, nobody in it
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("input_size", "epochs", "patience", "batch_size", "learning_rate"):
            if getattr(self, name) <= 0:
                raise InputError(f"{name} must be positive, got {getattr(self, name)}")
        if self.input_size % 32:
            raise InputError(f"input_size must be a multiple of 32, got {self.input_size}")
        if not 0 < self.holdout < 1:
            raise InputError(f"holdout must be between 0 and 1, got {self.holdout}")
        if (self.swap or self.empty) and not self.backgrounds:
            raise InputError("swap and empty need a folder of backgrounds: set backgrounds")
        if self.swap < 0 or self.empty < 0 or self.swap + self.empty > 1:
            raise InputError(f"swap and empty are shares of the pictures, got {self.swap} and {self.empty}")
        if self.scale < 1:
            raise InputError(f"scale must be at least 1, got {self.scale}")


def read_recipe(path: str | Path, changes: list[str] | None = None) -> TrainConfig:
    """Read a TOML recipe.

    Args:
        path: The recipe.
        changes: ``key=value`` pairs that replace its settings, the value as TOML or as bare text.

    Raises:
        InputError: If it cannot be read, a key is unknown or a value has the wrong type.
    """
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the recipe {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a TOML recipe: {error}") from error
    for change in changes or []:
        key, equals, text = change.partition("=")
        if not equals:
            raise InputError(f"'{change}' is not a setting: write key=value")
        values[key] = _parse(text)
    return _checked(values)


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
    missing = [
        field.name for field in fields(TrainConfig) if field.default is MISSING and field.name not in values
    ]
    if missing:
        raise InputError(f"the recipe lacks {', '.join(missing)}")
    return TrainConfig(**{key: _typed(key, value, types[key]) for key, value in values.items()})


def _typed(key: str, value: Any, wanted: Any) -> Any:
    if wanted is float and type(value) is int:
        return float(value)
    if wanted == tuple[str, ...] and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if type(value) is not wanted:
        raise InputError(f"{key} must be of type {getattr(wanted, '__name__', wanted)}, got {value!r}")
    return value
