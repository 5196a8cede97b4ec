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

KINDS: dict[type[RunConfig], tuple[Callable[[Any], NetModule], Callable[[Any], LightningDataModule]]] = {
    TrainConfig: (PortraitModule, PortraitData),
    EdgeConfig: (EdgeModule, EdgeData),
    TemporalConfig: (TemporalModule, ClipData),
}
"""Settings of a kind of network -> its module and its data."""


def new_module(config: RunConfig) -> NetModule:
    """A module with new weights, drawn from the configuration's seed, or with those it is to start from.

    Raises:
        InputError: If the weights to start from are of another net, or the net needs some and has none.
        ModelError: If they cannot be read.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        module = KINDS[type(config)][0](config)
    module.commit = commit()
    module.begin(load_checkpoint(config.start) if config.start not in ("", IMAGENET) else None)
    return module


def load_checkpoint(path: str | Path) -> NetModule:
    """A trained module, in evaluation mode on the CPU.

    Raises:
        ModelError: If the file is missing, damaged, or no checkpoint of this version.
    """
    values = read_checkpoint(path)
    settings = values["hyper_parameters"]
    try:
        config = config_class(settings["net"])(**settings)
        module = KINDS[type(config)][0](config)
        module.load_state_dict(values["state_dict"])
    except (RuntimeError, TypeError, InputError) as error:
        raise ModelError(f"{path} is a checkpoint of another version of Limner: train it again") from error
    module.commit = values["commit"]
    return module.eval()


def load_portrait(path: str | Path) -> PortraitModule:
    """As `load_checkpoint`; a `ModelError` too where the network does not find people."""
    module = load_checkpoint(path)
    if not isinstance(module, PortraitModule):
        raise ModelError(
            f"{path} holds a network of the kind {module.config.net}, which finds no people itself"
        )
    return module
