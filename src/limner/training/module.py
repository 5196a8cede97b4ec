"""The step of training and of scoring, the optimiser and its schedule."""

import io
import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import MeanMetric

from limner import files
from limner._version import commit
from limner.errors import InputError, ModelError
from limner.evaluation.metrics import Counts, dice
from limner.nets import NETS
from limner.nets.portrait import PortraitNet
from limner.training.augment import Examples
from limner.training.checkpoint import read_checkpoint
from limner.training.config import TrainConfig
from limner.training.losses import LOSSES, total


class PortraitModule(lightning.LightningModule):
    """A network with its losses, optimiser and scores."""

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.config = TrainConfig(**config)
        _known("net", self.config.net, NETS)
        for name in self.config.losses:
            _known("loss", name, LOSSES)
        self.net: nn.Module = NETS[self.config.net]()
        if isinstance(self.net, PortraitNet):
            self.net.encoder.fix(self.config.fixed_stages)
        self.commit = ""  # of the code that trains it
        self.elapsed = 0.0  # of the minutes that the configuration gives, as a fraction
        self.train_loss = MeanMetric()
        self.holdout_loss = MeanMetric()
        self.holdout_dice = MeanMetric()

    @classmethod
    def of(cls, config: TrainConfig) -> "PortraitModule":
        """A module with new weights, drawn from the configuration's seed, or with those it is to start from.

        Raises:
            InputError: If the weights to start from are of another net, or the net needs some and has none.
            ModelError: If they cannot be read.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            module = cls(**asdict(config))
        module.commit = commit()
        if config.start:
            begun, _ = load_checkpoint(config.start)
            if begun.config.net != config.net:
                raise InputError(f"{config.start} holds weights of {begun.config.net}, not of {config.net}")
            module.net.load_state_dict(begun.net.state_dict())
        elif isinstance(module.net, PortraitNet) and config.fixed_stages:
            raise InputError(
                f"{config.net} keeps its first layers as they are and needs trained ones: "
                "set start, as to weights/base.ckpt, or fixed_stages = 0"
            )
        return module

    def training_step(self, batch: tuple[Examples, list[int]], _: int) -> Tensor:
        """The loss of one batch.

        Raises:
            ModelError: If it is not a number any more; the message names the pictures.
        """
        (images, alphas, weights), ids = batch
        loss = total(self.net(images), alphas, weights, self.config.losses)
        if not torch.isfinite(loss):
            samples = self.trainer.datamodule.train.samples  # type: ignore[attr-defined]
            names = ", ".join(samples[index].id for index in ids)
            raise ModelError(
                f"the loss became {loss.item()} in epoch {self.current_epoch}, at the pictures {names}: "
                "look at these, or lower learning_rate"
            )
        self.train_loss.update(loss.detach(), len(ids))
        self.log("loss", loss, prog_bar=True, batch_size=len(ids))
        return loss

    def validation_step(self, batch: tuple[Examples, list[int]], _: int) -> None:
        """Loss and Dice (per picture, network size, threshold 0.5, where the mask counts) on the holdout."""
        (images, alphas, weights), ids = batch
        logits = self.net(images)
        self.holdout_loss.update(total(logits, alphas, weights, self.config.losses), len(ids))
        known = weights >= 0.5
        preds, targets = ((mask & known).cpu().numpy() for mask in (logits >= 0, alphas >= 0.5))
        for pred, target in zip(preds, targets, strict=True):
            self.holdout_dice.update(dice(Counts.of(pred[0], target[0])))

    def on_validation_epoch_end(self) -> None:
        """Log both, the means over the holdout."""
        self.log("holdout_loss", self.holdout_loss)
        self.log("holdout_dice", self.holdout_dice, prog_bar=True)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep beside the weights which code trained them and how they scored."""
        checkpoint["commit"] = self.commit
        checkpoint["scores"] = {name: float(value) for name, value in self.trainer.callback_metrics.items()}

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam or AdamW; a cosine after a warm-up, or tenfold cuts on a plateau."""
        config = self.config
        kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[config.optimizer]
        encoder = {id(value) for name, value in self.net.named_parameters() if name.startswith("encoder.")}
        rates = {False: config.learning_rate, True: config.learning_rate * config.encoder_rate}
        groups = [
            {"params": [one for one in self.net.parameters() if (id(one) in encoder) is inside], "lr": rate}
            for inside, rate in rates.items()
        ]
        optimizer = kind([group for group in groups if group["params"]], weight_decay=config.weight_decay)
        if config.schedule == "plateau":
            cuts = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=config.plateau)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cuts, "monitor": "holdout_loss"}}
        if config.minutes:
            cosine = torch.optim.lr_scheduler.LambdaLR(optimizer, self._factor_by_time)
        else:
            epoch = len(self.trainer.datamodule.train_dataloader())  # type: ignore[attr-defined]
            steps = epoch * config.epochs
            factor = partial(warm_cosine, warm=min(epoch, -(-steps // 20)), total=steps)
            cosine = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}

    def _factor_by_time(self, _: int) -> float:
        return warm_cosine(1000 * self.elapsed, warm=50, total=1000)


def save_weights(path: Path, module: PortraitModule, weights: Mapping[str, Tensor]) -> None:
    """Write a checkpoint of weights alone, the large ones in 16 bits: to keep, to send, to start from.

    Args:
        path: The file.
        module: What they are of.
        weights: Its state, or an average of several.
    """
    kept = {
        "hyper_parameters": dict(module.hparams),
        "state_dict": {
            name: (value.half() if value.is_floating_point() and value.dim() > 1 else value).cpu()
            for name, value in weights.items()
        },
        "commit": module.commit,
    }
    data = io.BytesIO()
    torch.save(kept, data)
    files.write_bytes(path, data.getvalue())


def load_checkpoint(path: str | Path) -> tuple[PortraitModule, str]:
    """A trained module, in evaluation mode on the CPU, and the commit that trained it.

    Raises:
        ModelError: If the file is missing, damaged, or no checkpoint of this version.
    """
    values = read_checkpoint(path)
    try:
        module = PortraitModule(**values["hyper_parameters"])
        module.load_state_dict(values["state_dict"])
    except (RuntimeError, TypeError, InputError) as error:
        raise ModelError(f"{path} is a checkpoint of another version of Limner: train it again") from error
    return module.eval(), values["commit"]


def warm_cosine(step: float, *, warm: int, total: int) -> float:
    """Factor of the learning rate: a line up over ``warm`` steps, then a cosine down to 0 at ``total``."""
    if step < warm:
        return (step + 1) / warm
    return 0.5 + 0.5 * math.cos(math.pi * (step - warm) / max(1, total - warm))


def _known(kind: str, name: str, table: Mapping[str, object]) -> None:
    if name not in table:
        raise InputError(f"unknown {kind} '{name}': use one of {', '.join(table)}")
