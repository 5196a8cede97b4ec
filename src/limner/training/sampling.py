"""The order of an epoch: several data sets mixed, batches of one shape, split among processes."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import lightning
import numpy as np
from torch.utils.data import DataLoader, Sampler

from limner.training.config import RunConfig


class EpochSampler(Sampler[int]):
    """A sampler whose order depends on the epoch, and which can leave out what is done of it."""

    epoch = 0
    skip = 0  # batches of this epoch that are done

    def set_epoch(self, epoch: int) -> None:
        """Choose an epoch."""
        self.epoch = epoch


class MixedSampler(EpochSampler):
    """An epoch over several data sets, each drawn as often as its weight says, cut into global batches.

    A batch holds pictures of one shape. The order depends on seed and epoch alone. Each of ``replicas``
    processes takes its slice of every global batch, so that any number of processes sees the same batches.

    Args:
        places: Of the pictures: shape -> data set -> places.
        weights: Of the data sets.
        seed: Of the order.
        batch_size: Over all processes.
        replicas: Processes.
        rank: Of this one.
    """

    def __init__(
        self,
        places: Sequence[Sequence[Sequence[int]]],
        weights: Sequence[float],
        *,
        seed: int,
        batch_size: int,
        replicas: int = 1,
        rank: int = 0,
    ) -> None:
        sizes = [sum(map(len, sets)) for sets in zip(*places, strict=True)]
        wanted = sum(size * weight for size, weight in zip(sizes, weights, strict=True))
        length = max(sum(sizes), batch_size)  # fewer pictures than a batch are drawn again
        self.places = places
        self.draws = [length * weight / wanted for weight in weights]  # of each picture, in an epoch
        self.batches = [max(1, round(self._wanted(sets) / batch_size)) for sets in places]
        self.seed = seed
        self.shape = (replicas, batch_size // replicas)
        self.rank = rank

    def _wanted(self, sets: Sequence[Sequence[int]]) -> float:
        return sum(len(places) * draws for places, draws in zip(sets, self.draws, strict=True))

    def __len__(self) -> int:
        return sum(self.batches) * self.shape[1]

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng((self.seed, self.epoch))
        size = math.prod(self.shape)
        batches = []
        for sets, count in zip(self.places, self.batches, strict=True):
            more = count * size / self._wanted(sets)  # whole batches
            drawn = [
                np.concatenate([rng.permutation(places) for _ in range(math.ceil(draws * more))])[
                    : math.ceil(len(places) * draws * more - 1e-9)
                ]
                for places, draws in zip(sets, self.draws, strict=True)
                if len(places)
            ]
            batches.append(rng.permutation(np.concatenate(drawn))[: count * size].reshape(count, *self.shape))
        mine = rng.permutation(np.concatenate(batches))[self.skip :, self.rank]
        self.skip = 0
        return iter(mine.ravel().tolist())


class ResumableLoader(DataLoader[Any]):
    """A loader that can resume within an epoch: Lightning keeps its state in the checkpoint."""

    sampler: EpochSampler

    def state_dict(self) -> dict[str, int]:
        """Batches of the epoch that were given out."""
        return {"batches": self.given}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Leave these out of the next epoch."""
        self.sampler.skip = state["batches"] % len(self)

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        self.given = self.sampler.skip
        for batch in super().__iter__():
            self.given += 1
            yield batch


class ProcessData(lightning.LightningDataModule):
    """A data module that knows which of the processes that train together it serves."""

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self.config = config

    @property
    def replicas(self) -> int:
        """Processes."""
        return self.trainer.world_size if self.trainer else 1

    @property
    def rank(self) -> int:
        """Of this one."""
        return self.trainer.global_rank if self.trainer else 0

    @property
    def batch_size(self) -> int:
        """Pictures of a batch in this process."""
        return self.config.batch_size // self.replicas
