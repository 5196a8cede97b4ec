"""What all trainings have in common: the step, the scores on the holdout, optimiser, schedule, weights."""

import io
import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import MeanMetric

from limner import files
from limner.errors import InputError, ModelError
from limner.evaluation.metrics import Counts, dice
from limner.training.config import RunConfig


class NetModule(lightning.LightningModule):
    """A network with its loss, optimiser and scores; each kind of network has a class of its own.

    Attributes:
        MONITOR: The score on the holdout that chooses the epoch, and whether the best is the "max" or "min".
        commit: Of the code that trains it.
        elapsed: Of the minutes that the configuration gives, as a fraction.
    """

    MONITOR: ClassVar[tuple[str, str]] = ("holdout_loss", "min")

    def __init__(self, config: RunConfig, net: nn.Module) -> None:
        super().__init__()
        self.save_hyperparameters(asdict(config))
        self.config = config
        self.net = net
        self.commit = ""
        self.elapsed = 0.0
        self.train_loss, self.holdout_loss, self.holdout_dice = (MeanMetric() for _ in range(3))

    def begin(self, begun: "NetModule | None") -> None:
        """Take the first weights from a module of the same net, if there is one to start from.

        Raises:
            InputError: If it is of another net.
        """
        if begun:
            if begun.config.net != self.config.net:
                raise InputError(
                    f"{self.config.start} holds weights of {begun.config.net}, not of {self.config.net}"
                )
            self.net.load_state_dict(begun.net.state_dict())

    @abstractmethod
    def measure(self, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Loss, predicted and true masks (..., H, W) bool of a batch, which ends in its pictures' ids."""

    @abstractmethod
    def exported(self) -> nn.Module:
        """The network as it is used, with what stands before and behind it."""

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Parameters with learning rates of their own; here all of them with one."""
        return [{"params": list(self.net.parameters()), "lr": self.config.learning_rate}]

    def training_step(self, batch: Any, _: int) -> Tensor:
        """The loss of one batch.

        Raises:
            ModelError: If it is not a number any more; the message names the pictures.
        """
        loss, ids = self.measure(batch)[0], batch[-1]
        if not torch.isfinite(loss):
            raise ModelError(
                f"the loss became {loss.item()} in epoch {self.current_epoch}, at the pictures "
                f"{', '.join(ids)}: look at these, or lower learning_rate"
            )
        self.train_loss.update(loss.detach(), len(ids))
        self.log("loss", loss, prog_bar=True, batch_size=len(ids))
        return loss

    def validation_step(self, batch: Any, _: int) -> None:
        """Loss and Dice (per picture, network size, threshold 0.5) on the holdout."""
        loss, preds, targets = self.measure(batch)
        self.holdout_loss.update(loss, len(batch[-1]))
        for pred, target in zip(
            *(masks.flatten(0, -3).cpu().numpy() for masks in (preds, targets)), strict=True
        ):
            self.holdout_dice.update(dice(Counts.of(pred, target)))

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
        optimizer = kind(self.parameter_groups(), weight_decay=config.weight_decay)
        if config.schedule == "plateau":
            cuts = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=config.plateau)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cuts, "monitor": "holdout_loss"}}
        if config.minutes:
            cosine = torch.optim.lr_scheduler.LambdaLR(
                optimizer, lambda _: warm_cosine(1000 * self.elapsed, warm=50, total=1000)
            )
        else:
            epoch = len(self.trainer.datamodule.train_dataloader())  # type: ignore[attr-defined]
            steps = epoch * config.epochs
            factor = partial(warm_cosine, warm=min(epoch, -(-steps // 20)), total=steps)
            cosine = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}


def save_weights(path: Path, module: NetModule, weights: Mapping[str, Tensor]) -> None:
    """Write a checkpoint of weights alone, the large ones in 16 bits: to keep, to send, to start from.

    The weights are the state of the module, or an average of several.
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


def warm_cosine(step: float, *, warm: int, total: int) -> float:
    """Factor of the learning rate: a line up over ``warm`` steps, then a cosine down to 0 at ``total``."""
    if step < warm:
        return (step + 1) / warm
    return 0.5 + 0.5 * math.cos(math.pi * (step - warm) / max(1, total - warm))
