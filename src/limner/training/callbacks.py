"""What happens around the loop: the progress bar, the record of epochs, stopping in order."""

import csv
import io
import signal
import time
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.callbacks.progress.tqdm_progress import Tqdm
from lightning.pytorch.callbacks.weight_averaging import WeightAveraging
from torch import Tensor

from limner import files
from limner.training.module import NetModule, save_weights

COLUMNS = ("epoch", "loss", "holdout_loss", "holdout_dice", "learning_rate", "images_per_s", "data_fraction")


class Progress(TQDMProgressBar):
    """The bar of an epoch with images/s, the fraction of the time that data takes, and the time left in all.

    Data is what happens before the network sees a batch: fetching, moving to the device, augmenting.
    """

    images: int  # seen in this epoch, by all processes
    elapsed_s: float  # time that they took
    waited_s: float  # the part of it that went to data

    def init_validation_tqdm(self) -> Tqdm:
        """No bar of its own: the holdout is small."""
        return Tqdm(disable=True)

    def on_train_start(self, *args: Any) -> None:
        """Start counting; a run resumed within an epoch has no start of an epoch."""
        super().on_train_start(*args)
        self._reset()

    def on_train_epoch_start(self, *args: Any) -> None:
        """Start counting anew."""
        super().on_train_epoch_start(*args)
        self._reset()

    def _reset(self) -> None:
        self.images = self.steps = 0
        self.elapsed_s = self.waited_s = 0.0
        self.started = time.perf_counter()

    def on_train_batch_start(self, *args: Any) -> None:
        """A batch is there."""
        super().on_train_batch_start(*args)
        self.waited_s += time.perf_counter() - self.started - self.elapsed_s

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: Any, outputs: Any, batch: Any, index: int
    ) -> None:
        """A step is done."""
        self.elapsed_s = time.perf_counter() - self.started
        self.steps += 1
        self.images += len(batch[-1]) * trainer.world_size
        super().on_train_batch_end(trainer, module, outputs, batch, index)

    def get_metrics(self, trainer: lightning.Trainer, module: Any) -> dict[str, Any]:
        """What stands behind the bar."""
        metrics = super().get_metrics(trainer, module)
        if not self.steps:
            return metrics
        if module.config.minutes:
            left = module.config.minutes * (1 - module.elapsed)
        else:
            steps = (trainer.max_epochs or 0) * int(trainer.num_training_batches) - trainer.global_step
            left = steps * self.elapsed_s / self.steps / 60
        return {
            "images/s": f"{self.images / self.elapsed_s:.0f}",
            "data": f"{self.waited_s / self.elapsed_s:.0%}",
            "left": f"{left:.0f} min",
            **metrics,
        }


class History(Callback):
    """One row an epoch in ``metrics.csv``; kept in the checkpoint, so that a resumed run continues it.

    In an epoch that was resumed halfway, loss and speed are those of its second part.
    """

    def __init__(self, path: Path, progress: Progress) -> None:
        self.path = path
        self.progress = progress
        self.rows: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: Any) -> None:
        """Add a row."""
        progress, scores = self.progress, trainer.callback_metrics
        values = (
            trainer.current_epoch + 1,
            float(module.train_loss.compute()),
            float(scores["holdout_loss"]),
            float(scores["holdout_dice"]),
            trainer.optimizers[0].param_groups[0]["lr"],
            progress.images / progress.elapsed_s,
            progress.waited_s / progress.elapsed_s,
        )
        module.train_loss.reset()
        self.rows.append(dict(zip(COLUMNS, values, strict=True)))
        if trainer.is_global_zero:
            text = io.StringIO(newline="")
            writer = csv.DictWriter(text, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows)
            files.write_bytes(self.path, text.getvalue().encode())

    def state_dict(self) -> dict[str, Any]:
        """The rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue after these rows."""
        self.rows = state_dict["rows"]


class Averaging(WeightAveraging):
    """An exponential moving average of the weights that forgets the first ones fast.

    The weight of what was is at most ``decay``, and ``(1 + n) / (10 + n)`` after ``n`` steps.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(multi_avg_fn=partial(_average, decay))

    def weights(self, module: NetModule) -> dict[str, Tensor]:
        """The state of a module with its average weights."""
        return (self._average_model.module if self._average_model else module).state_dict()


def _average(decay: float, averaged: list[Tensor], current: list[Tensor], updates: Tensor | int) -> None:
    """All tensors of one type at once: one by one they would take a GPU as long as a step does."""
    keep = min(decay, (1 + int(updates)) / (10 + int(updates)))
    if averaged[0].is_floating_point():
        torch._foreach_lerp_(averaged, current, 1 - keep)
    else:
        torch._foreach_copy_(averaged, current)


class Deadline(Callback):
    """Ends a run after so many minutes of training, those before it was resumed included.

    Every minute, and at the end, the weights are written: little is lost where a machine is taken away.
    """

    def __init__(self, minutes: float, path: Path, averaging: Averaging | None) -> None:
        self.minutes = minutes
        self.path = path
        self.averaging = averaging
        self.before_s = 0.0  # before it was resumed

    def on_train_start(self, trainer: lightning.Trainer, module: Any) -> None:  # noqa: ARG002
        """Start the clock."""
        self.started = time.perf_counter()
        self.written = self.elapsed_s
        module.elapsed = self.elapsed_s / (60 * self.minutes)

    @property
    def elapsed_s(self) -> float:
        """Time trained so far."""
        return self.before_s + time.perf_counter() - self.started

    def on_train_batch_end(self, trainer: lightning.Trainer, module: Any, *_: Any) -> None:
        """Look at the clock."""
        elapsed = self.elapsed_s
        module.elapsed = min(1.0, elapsed / (60 * self.minutes))
        trainer.should_stop = trainer.strategy.reduce_boolean_decision(module.elapsed >= 1, all=False)
        if trainer.is_global_zero and (trainer.should_stop or elapsed - self.written >= 60):
            self.written = elapsed
            weights = self.averaging.weights(module) if self.averaging else module.state_dict()
            save_weights(self.path, module, weights)

    def state_dict(self) -> dict[str, Any]:
        """The time so far."""
        return {"elapsed_s": self.elapsed_s}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from this time."""
        self.before_s = state_dict["elapsed_s"]


class Stopped(Exception):  # noqa: N818
    """The run was stopped by Ctrl-C or SIGTERM, and its checkpoint is written."""


class StopInOrder(Callback):
    """On Ctrl-C, or SIGTERM from a scheduler: finish the step, save the checkpoint, then stop.

    A second one stops at once. A signal that was ignored at the start stays ignored.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint
        self.asked = False

    def on_train_start(self, *_: Any) -> None:
        """Listen."""
        heard = [one for one in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(one) != signal.SIG_IGN]
        self.before = {one: signal.signal(one, self._ask) for one in heard}

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Stop if asked to; after the last step of an epoch its scores come first."""
        if not trainer.is_last_batch:
            self._stop_if_asked(trainer)

    def on_train_epoch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Stop if asked to."""
        self._stop_if_asked(trainer)

    def _stop_if_asked(self, trainer: lightning.Trainer) -> None:
        if trainer.strategy.reduce_boolean_decision(self.asked, all=False):  # all stop after the same step
            trainer.save_checkpoint(self.checkpoint)
            raise Stopped

    def teardown(self, *_: Any, **__: Any) -> None:
        """Listen no more."""
        for name, handler in getattr(self, "before", {}).items():
            signal.signal(name, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            signal.default_int_handler(number, frame)
        self.asked = True
