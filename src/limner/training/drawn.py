"""Batches that are drawn by chance, without end: each depends on the seed and its number alone."""

from abc import abstractmethod
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset

from limner.training.config import DrawnConfig
from limner.training.sampling import EpochSampler, ProcessData, ResumableLoader

HOLDOUT_STEPS = 8
"""Batches of the holdout, the same after every epoch."""


class DrawnData(ProcessData):
    """A data module whose batches are drawn; `draw` says how."""

    config: DrawnConfig

    @abstractmethod
    def draw(self, rng: np.random.Generator, *, holdout: bool) -> Any:
        """A batch for one process: a tuple that ends in the names of its pictures."""

    def train_dataloader(self) -> DataLoader[Any]:
        """The batches of an epoch."""
        sampler = StepSampler(self.config.epoch_steps, replicas=self.replicas, rank=self.rank)
        batches = DrawnBatches(self, self.config.seed, step=self.replicas)
        return ResumableLoader(batches, batch_size=None, sampler=sampler)

    def val_dataloader(self) -> DataLoader[Any]:
        """The batches of the holdout."""
        return DataLoader(DrawnBatches(self, self.config.seed, holdout=True), batch_size=None)


class DrawnBatches(Dataset[Any]):
    """Batches by their numbers; while one is used the next is drawn in a thread."""

    def __init__(self, data: DrawnData, seed: int, *, step: int = 1, holdout: bool = False) -> None:
        self._data, self._seed, self._step, self._holdout = data, seed, step, holdout
        self._pool = ThreadPoolExecutor(1)
        self._ahead: dict[int, Future[Any]] = {}

    def __len__(self) -> int:
        return HOLDOUT_STEPS  # in training the sampler says how many

    def __getitem__(self, number: int) -> Any:
        batch = self._ahead.pop(number, None) or self._pool.submit(self._draw, number)
        self._ahead = {number + self._step: self._pool.submit(self._draw, number + self._step)}
        return batch.result()

    def _draw(self, number: int) -> Any:
        rng = np.random.default_rng((self._seed, int(self._holdout), number))
        return self._data.draw(rng, holdout=self._holdout)


class StepSampler(EpochSampler):
    """Numbers of batches, other ones in every epoch and in each of ``replicas`` processes."""

    def __init__(self, steps: int, *, replicas: int = 1, rank: int = 0) -> None:
        self.steps, self.replicas, self.rank = steps, replicas, rank

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[int]:
        numbers = range(self.epoch * self.steps + self.skip, (self.epoch + 1) * self.steps)
        self.skip = 0
        return iter([number * self.replicas + self.rank for number in numbers])
