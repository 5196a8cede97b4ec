"""What happens around the loop: the progress bar, and stopping in an orderly way."""

import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback, TQDMProgressBar


class Progress(TQDMProgressBar):
    """The bar of an epoch with images/s, the share of a step that waits for data, and the time left in all.

    Data is what happens before the network sees a batch: fetching, moving to the device, augmenting.
    """

    def on_train_epoch_start(self, trainer: lightning.Trainer, *args: Any) -> None:
        """Start counting anew."""
        super().on_train_epoch_start(trainer, *args)
        self.images = self.steps = 0
        self.waited_s = 0.0
        self.started = self.ended = time.perf_counter()

    def on_train_batch_start(self, *args: Any) -> None:
        """A batch is there."""
        super().on_train_batch_start(*args)
        self.waited_s += time.perf_counter() - self.ended

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: Any, outputs: Any, batch: Any, index: int
    ) -> None:
        """A step is done."""
        self.ended = time.perf_counter()
        self.steps += 1
        self.images += len(batch[0]) * trainer.world_size
        super().on_train_batch_end(trainer, module, outputs, batch, index)

    def get_metrics(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> dict[str, Any]:
        """What stands behind the bar."""
        metrics = super().get_metrics(trainer, module)
        metrics.pop("v_num", None)
        if not self.images:
            return metrics
        elapsed_s = self.ended - self.started
        steps = (trainer.max_epochs or 0) * int(trainer.num_training_batches) - trainer.global_step
        return {
            "images/s": f"{self.images / elapsed_s:.0f}",
            "data": f"{self.waited_s / elapsed_s:.0%}",
            "left": f"{steps * elapsed_s / self.steps / 60:.0f} min",
            **metrics,
        }


class StopInOrder(Callback):
    """On Ctrl-C, or SIGTERM from a scheduler: finish the step, save the checkpoint, then stop.

    A second one stops at once.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint
        self.asked = False

    def on_train_start(self, *_: Any) -> None:
        """Listen."""
        self.before = {name: signal.signal(name, self._ask) for name in (signal.SIGINT, signal.SIGTERM)}

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Stop if asked to."""
        if self.asked:
            trainer.save_checkpoint(self.checkpoint)
            raise KeyboardInterrupt

    def teardown(self, *_: Any) -> None:
        """Listen no more."""
        for name, handler in getattr(self, "before", {}).items():
            signal.signal(name, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            signal.default_int_handler(number, frame)
        self.asked = True
