"""The step of training and of validation, the optimiser and its schedule."""

import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

import limner
from limner.errors import InputError
from limner.metrics import Counts, dice
from limner.nets import NETS
from limner.training.augment import augment
from limner.training.config import TrainConfig
from limner.training.loading import Batch, PortraitData, normalise
from limner.training.losses import bce_dice


class PortraitModule(lightning.LightningModule):
    """A network with its loss, optimiser and scores."""

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.config = TrainConfig(**config)
        if self.config.net not in NETS:
            raise InputError(f"unknown net '{self.config.net}': use one of {', '.join(NETS)}")
        self.net: nn.Module = NETS[self.config.net]()
        self.commit = ""  # of the code that trains it

    @classmethod
    def of(cls, config: TrainConfig) -> "PortraitModule":
        """A module with new weights, drawn from the configuration's seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            module = cls(**asdict(config))
        module.commit = commit()
        return module

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Loss of one augmented batch; its randomness depends on seed, epoch, batch and process alone."""
        key = hash((self.config.seed, self.current_epoch, index, self.global_rank))
        data: PortraitData = self.trainer.datamodule  # type: ignore[attr-defined]
        generator = torch.Generator().manual_seed(key)
        images, alphas = augment(
            normalise(batch[0]), _targets(batch[1]), self.config, generator, data.backgrounds
        )
        loss = bce_dice(self.net(images.contiguous(memory_format=torch.channels_last)), alphas)
        self.log("loss", loss, prog_bar=True, on_step=False, on_epoch=True, batch_size=len(images))
        return loss

    def on_validation_epoch_start(self) -> None:
        """Start counting anew."""
        self.counts = Counts()
        self.dices: list[float] = []

    def validation_step(self, batch: Batch, _: int) -> None:
        """Count the pixels of each picture at network size, threshold 0.5."""
        logits = self.net(normalise(batch[0]))
        self.log("holdout_loss", bce_dice(logits, _targets(batch[1])), batch_size=len(logits))
        preds = (logits[:, 0] >= 0).cpu().numpy()
        targets = (batch[1] >= 128).cpu().numpy()
        for pred, target in zip(preds, targets, strict=True):
            counts = Counts.of(pred, target)
            self.counts += counts
            self.dices.append(dice(counts))

    def on_validation_epoch_end(self) -> None:
        """Log Dice: pooled, and the mean over pictures."""
        self.log("holdout_dice", sum(self.dices) / len(self.dices), prog_bar=True)
        self.log("holdout_dice_pooled", dice(self.counts))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep beside the weights which code trained them."""
        checkpoint["commit"] = self.commit

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW; one epoch of linear warm-up, then a cosine to zero over the rest."""
        config = self.config
        optimizer = torch.optim.AdamW(
            self.net.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            config.learning_rate,
            total_steps=steps,
            pct_start=min(0.3, 1 / config.epochs),
            cycle_momentum=False,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def commit() -> str:
    """The commit of the code that runs, or its version where it is not a git checkout."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--abbrev=40", "--dirty"]
    try:
        return subprocess.run(git, capture_output=True, check=True, text=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return f"version {limner.__version__}"


def _targets(alphas: Tensor) -> Tensor:
    """Alphas (N, h, w) uint8 -> (N, 1, h, w) float32 in [0, 1]."""
    return alphas[:, None].float() / 255
