"""Checkpoint files: read, and compared with the recipe that is to resume them."""

import pickle
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import torch

from limner.errors import InputError, ModelError
from limner.training.config import RunConfig

ZIP = b"PK\x03\x04"
"""How torch's files begin."""
MAY_CHANGE = (
    *("epochs", "minutes"),
    *("name", "description", "licence", "output", "data_root"),
    *("devices", "precision"),
)
"""Settings that may differ when a run is resumed: how long, where, and by what machine."""


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """What a checkpoint of `limner train` holds, on the CPU; at least weights, settings and commit.

    Raises:
        ModelError: If the file is missing, damaged, or something else.
    """
    try:
        with Path(path).open("rb") as file:
            start = file.read(4)
    except FileNotFoundError as error:
        raise ModelError(f"no such checkpoint: {path}") from error
    except OSError as error:
        raise ModelError(f"cannot read the checkpoint {path}: {error.strerror}") from error
    if start not in (ZIP, b""):
        raise ModelError(f"{path} is not a checkpoint of limner train")
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # objects that are not of a checkpoint
        raise ModelError(f"{path} is not a checkpoint of limner train") from error
    except Exception as error:  # what is damaged fails in any way
        raise ModelError(
            f"{path} is cut off or damaged: take another checkpoint of the run, as best.ckpt, or begin anew"
        ) from error
    if not isinstance(values, dict) or not {"hyper_parameters", "state_dict", "commit"} <= values.keys():
        raise ModelError(f"{path} is not a checkpoint of limner train")
    return values


def check_resume(config: RunConfig, path: str | Path) -> None:
    """Refuse a checkpoint that a run of these settings cannot resume.

    Raises:
        ModelError: If it cannot be read, or holds weights alone.
        InputError: If a setting differs that may not change (see `MAY_CHANGE`), or all is done already.
    """
    values = read_checkpoint(path)
    if not {"loops", "optimizer_states", "callbacks"} <= values.keys():
        raise ModelError(f"{path} holds weights alone: begin a new run from them with start={path}")
    made_by: Mapping[str, Any] = values["hyper_parameters"]
    for field in fields(config):
        default = field.default if field.default_factory is MISSING else field.default_factory()
        here, there = getattr(config, field.name), made_by.get(field.name, default)
        if here != there and field.name not in MAY_CHANGE:
            raise InputError(
                f"{field.name} is {_shown(here)} here and {_shown(there)} in {path}: resume with the same, "
                f"or begin a new run with start={path}; only these may change: {', '.join(MAY_CHANGE)}"
            )
    _check_length(config, path, values)


def _check_length(config: RunConfig, path: str | Path, values: Mapping[str, Any]) -> None:
    """Epochs and minutes may change, but not what counts, nor to less than is done."""
    minutes = values["hyper_parameters"].get("minutes", 0)
    if bool(config.minutes) != bool(minutes):
        raise InputError(
            f"minutes is {config.minutes:g} here and {minutes:g} in {path}: a run by the clock stays one, "
            "and one by epochs too"
        )
    epochs = values["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"]
    if not minutes and epochs > config.epochs:
        raise InputError(
            f"epochs is {config.epochs} here, and {epochs} are done in {path}: give at least as many"
        )
    done_s = values["callbacks"].get("Deadline", {}).get("elapsed_s", 0.0)
    if minutes and config.minutes < minutes and done_s > 60 * config.minutes:
        raise InputError(
            f"minutes is {config.minutes:g} here, and {done_s / 60:.1f} are done in {path}: give more"
        )


def _shown(value: Any) -> str:
    return repr(value) if value == "" else str(value)
