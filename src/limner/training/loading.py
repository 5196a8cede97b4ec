"""Samples -> batches: every picture is decoded and resized once, then kept in memory at network size."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler
from tqdm import tqdm

from limner.datasets import Sample, read_dataset
from limner.errors import DatasetError
from limner.images import Image, Size, load_image, resize
from limner.masks import to_uint8
from limner.parallel import cores, parallel_map
from limner.segmenter import segment
from limner.spec import to_input
from limner.training.augment import Scenery, augment, draw
from limner.training.config import TrainConfig

HOLDOUT_SEED = 0
"""Not the run's: one that goes on from another must not train on what the other chose its epoch by."""

Load = Callable[..., tuple[Image, NDArray[np.uint8]]]
"""A sample and a size -> image (h, w, 3) and alpha (h, w), uint8."""


class Batch(NamedTuple):
    """Some pictures at network size."""

    pixels: Tensor  # (N, h, w, 3) uint8
    alphas: Tensor  # (N, h, w) uint8
    ids: list[int]  # places in the data set


class Examples(NamedTuple):
    """A batch as a network is trained on it."""

    images: Tensor  # (N, 3, h, w) float32 in [0, 1]
    alphas: Tensor  # (N, 1, h, w) float32 in [0, 1]
    ids: list[int]  # places in the data set


def normalise(pixels: Tensor) -> Tensor:
    """Pixels (N, h, w, 3) uint8 -> images (N, 3, h, w) float32 in [0, 1], in an exported model too."""
    return pixels.permute(0, 3, 1, 2).float() / 255


def load_taught(
    sample: Sample, size: Size, *, teacher: str, teaching: float
) -> tuple[Image, NDArray[np.uint8]]:
    """As `Sample.load_at`, the mask moved towards what a better model says of the whole picture.

    Where masks are a matter of taste the model doubts, and what is learnt there counts less.

    Reference:
        Hinton et al., "Distilling the Knowledge in a Neural Network", 2015.
    """
    image, mask = sample.load()
    alpha = mask + teaching * (segment(image, model=teacher, refine=False) - mask)
    return to_input(image, size), to_uint8(resize(alpha, size))


class PackedPortraits(Dataset[Batch]):
    """Samples at network size, in memory: 64 KiB each at 128 x 128.

    Processes that train together each read and decode a share of them, and send it to the others.
    """

    def __init__(
        self, samples: Sequence[Sample], size: Size, load: Load = Sample.load_at, *, title: str
    ) -> None:
        self.samples = samples
        self.pixels = torch.empty((len(samples), *size, 3), dtype=torch.uint8)
        self.alphas = torch.empty((len(samples), *size), dtype=torch.uint8)
        rank, processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        places = range(rank, len(samples), processes)
        loaded = parallel_map(partial(load, size=size), [samples[place] for place in places], jobs=_jobs())
        bar = tqdm(loaded, total=len(places), desc=title, unit="image", disable=rank > 0)
        for place, (image, alpha) in zip(places, bar, strict=True):
            self.pixels[place] = torch.from_numpy(image)
            self.alphas[place] = torch.from_numpy(alpha)
        if processes > 1:
            _share_out(self.pixels, self.alphas)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitems__(self, ids: list[int]) -> Batch:
        """Several samples at once."""
        return Batch(self.pixels[ids], self.alphas[ids], ids)


class MixedSampler(Sampler[int]):
    """An epoch over several data sets, each drawn as often as its weight says, cut into global batches.

    The order depends on seed and epoch alone. Each of ``replicas`` processes takes its slice of every global
    batch, so that any number of processes sees the same batches.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        weights: Sequence[float],
        *,
        seed: int,
        batch_size: int,
        replicas: int = 1,
        rank: int = 0,
    ) -> None:
        wanted = [size * weight for size, weight in zip(sizes, weights, strict=True)]
        length = max(sum(sizes), batch_size)  # fewer pictures than a batch are drawn again
        self.counts = [math.ceil(length * part / sum(wanted)) for part in wanted]
        self.sizes = sizes
        self.seed = seed
        self.shape = (length // batch_size, replicas, batch_size // replicas)
        self.rank = rank
        self.epoch = 0
        self.skip = 0  # batches of this epoch that are done

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.shape[0] * self.shape[2]

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng((self.seed, self.epoch))
        starts = np.cumsum([0, *self.sizes])
        drawn = [
            start + np.concatenate([rng.permutation(size) for _ in range(math.ceil(count / size))])[:count]
            for start, size, count in zip(starts, self.sizes, self.counts, strict=False)
        ]
        order = rng.permutation(np.concatenate(drawn))[: math.prod(self.shape)]
        mine = order.reshape(self.shape)[self.skip :, self.rank]
        self.skip = 0
        return iter(mine.ravel().tolist())


class ResumableLoader(DataLoader[Batch]):
    """A loader that can go on within an epoch: Lightning keeps its state in the checkpoint."""

    sampler: MixedSampler

    def state_dict(self) -> dict[str, int]:
        """Batches of the epoch that were given out."""
        return {"batches": self.given}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Leave these out of the next epoch."""
        self.sampler.skip = state["batches"] % len(self)

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        self.given = self.sampler.skip
        for batch in super().__iter__():
            self.given += 1
            yield batch


class PortraitData(lightning.LightningDataModule):
    """The training lists of the data sets that a configuration names, less a holdout.

    The validation lists are not read: they are kept for the scores that are reported.
    """

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.config = config

    def setup(self, stage: str) -> None:  # noqa: ARG002
        """Decode all samples, once."""
        config = self.config
        size = (config.input_size, config.input_size)
        rng = np.random.default_rng(HOLDOUT_SEED)
        train: list[Sample] = []
        holdout: list[Sample] = []
        self.sizes = []
        for name in config.data:
            samples = read_dataset(Path(config.data_root) / name, "train")
            order = rng.permutation(len(samples))
            held = math.ceil(config.holdout * len(samples))
            if held == len(samples):
                raise DatasetError(
                    f"{name} has only {held} training pictures: none is left beside the holdout"
                )
            holdout += [samples[i] for i in order[:held]]
            train += [samples[i] for i in order[held:]]
            self.sizes.append(len(samples) - held)
        load: Load = Sample.load_at
        if config.teacher:
            load = partial(load_taught, teacher=config.teacher, teaching=config.teaching)
        self.train = PackedPortraits(train, size, load, title="reading the training samples")
        self.holdout = PackedPortraits(holdout, size, title="reading the holdout")
        self.backgrounds = self._read_backgrounds(size)

    def _read_backgrounds(self, size: Size) -> Tensor | None:
        """Pictures without people, (M, 3, h, w) in [0, 1], less every fourth by name."""
        if not self.config.backgrounds:
            return None
        folder = Path(self.config.data_root) / self.config.backgrounds
        paths = [path for index, path in enumerate(sorted(folder.glob("*"))) if index % 4]
        if not paths:
            raise DatasetError(f"no backgrounds in {folder}: it needs at least two pictures")
        pictures = [
            to_input(load_image(path), size) for path in tqdm(paths, "reading backgrounds", unit="image")
        ]
        return normalise(torch.from_numpy(np.stack(pictures)))

    def _scenery(self, numbers: Tensor) -> Scenery | None:
        """The backgrounds and, by the last of each picture's random numbers, a second picture for each."""
        if self.backgrounds is None:
            return None
        ids = (numbers[:, -1] * len(self.train)).long().tolist()
        others = self.train.__getitems__(ids)
        alphas = others.alphas[:, None].float() / 255
        return Scenery(self.backgrounds, normalise(others.pixels), alphas)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches in an order that depends on the seed and the epoch alone."""
        config = self.config
        sampler = MixedSampler(
            self.sizes,
            config.weights or [1.0] * len(self.sizes),
            seed=config.seed,
            batch_size=config.batch_size,
            replicas=self._replicas,
            rank=self._rank,
        )
        return ResumableLoader(
            self.train, config.batch_size // self._replicas, sampler=sampler, collate_fn=_as_it_is
        )

    def val_dataloader(self) -> DataLoader[Batch]:
        """The holdout, always in the same order, shared out among the processes."""
        mine = range(self._rank, len(self.holdout), self._replicas)
        size = self.config.batch_size // self._replicas
        return DataLoader(self.holdout, size, sampler=mine, collate_fn=_as_it_is)

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Examples:  # noqa: ARG002
        """Batch -> examples, on the device; augmented in training by seed, epoch and id."""
        images, alphas = normalise(batch.pixels), batch.alphas[:, None].float() / 255
        if self.trainer and self.trainer.training:
            numbers = draw(self.config.seed, self.trainer.current_epoch, batch.ids)
            images, alphas = augment(images, alphas, numbers, self.config, self._scenery(numbers))
        return Examples(images.contiguous(memory_format=torch.channels_last), alphas, batch.ids)

    @property
    def _replicas(self) -> int:
        return self.trainer.world_size if self.trainer else 1

    @property
    def _rank(self) -> int:
        return self.trainer.global_rank if self.trainer else 0


def _jobs() -> int:
    """Cores for each of the processes on this machine."""
    return max(1, cores() // int(os.environ.get("LOCAL_WORLD_SIZE", 1)))


def _share_out(*tensors: Tensor) -> None:
    """Every process has the rows of its rank, and of each further round of ranks; give them to all others."""
    group = dist.new_group(backend="gloo")  # works in main memory, beside GPUs too
    processes = dist.get_world_size()
    for tensor in tensors:
        for rank in range(min(processes, len(tensor))):
            rows = tensor[rank::processes].contiguous()
            dist.broadcast(rows, rank, group=group)
            tensor[rank::processes] = rows
    dist.destroy_process_group(group)


def _as_it_is(batch: Any) -> Any:
    return batch
