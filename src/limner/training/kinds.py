"""The kinds of network that are trained, each with its module and its data; modules from checkpoints."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning import LightningDataModule

from limner._version import commit
from limner.errors import InputError, ModelError
from limner.training.checkpoint import read_checkpoint
from limner.training.clips import ClipData
from limner.training.config import EdgeConfig, RunConfig, TemporalConfig, TrainConfig, config_class
from limner.training.edge import EdgeModule
from limner.training.edge_data import EdgeData
from limner.training.loading import PortraitData
from limner.training.module import NetModule
from limner.training.portrait import IMAGENET, PortraitModule
from limner.training.temporal import TemporalModule

MODULES: dict[type[RunConfig], Callable[[Any], NetModule]] = {
    TrainConfig: PortraitModule,
    EdgeConfig: EdgeModule,
    TemporalConfig: TemporalModule,
}
DATA: dict[type[RunConfig], Callable[[Any], LightningDataModule]] = {
    TrainConfig: PortraitData,
    EdgeConfig: EdgeData,
    TemporalConfig: ClipData,
}


def new_module(config: RunConfig) -> NetModule:
    """A module with new weights, drawn from the configuration's seed, or with those it is to start from.

    Raises:
        InputError: If the weights to start from are of another net, or the net needs some and has none.
        ModelError: If they cannot be read.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        module = _module(config)
    module.commit = commit()
    module.begin(load_checkpoint(config.start)[0] if config.start not in ("", IMAGENET) else None)
    return module


def load_checkpoint(path: str | Path) -> tuple[NetModule, str]:
    """A trained module, in evaluation mode on the CPU, and the commit that trained it.

    Raises:
        ModelError: If the file is missing, damaged, or no checkpoint of this version.
    """
    values = read_checkpoint(path)
    settings = values["hyper_parameters"]
    try:
        module = _module(config_class(settings["net"])(**settings))
        module.load_state_dict(values["state_dict"])
    except (RuntimeError, TypeError, InputError) as error:
        raise ModelError(f"{path} is a checkpoint of another version of Limner: train it again") from error
    return module.eval(), values["commit"]


def load_portrait(path: str | Path) -> tuple[PortraitModule, str]:
    """As `load_checkpoint`, of a network that finds people.

    Raises:
        ModelError: As there, or if it is of another kind.
    """
    module, made_by = load_checkpoint(path)
    if not isinstance(module, PortraitModule):
        raise ModelError(
            f"{path} holds a network of the kind {module.config.net}, which finds no people itself"
        )
    return module, made_by


def _module(config: RunConfig) -> NetModule:
    return MODULES[type(config)](config)
