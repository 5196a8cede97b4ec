"""Samples -> batches: every picture is decoded and resized once, then kept in memory at network size."""

import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler
from tqdm import tqdm

from limner.datasets import Sample, read_folder
from limner.errors import DatasetError
from limner.images import Size, load_image
from limner.spec import to_input
from limner.training.config import TrainConfig

Batch = tuple[Tensor, Tensor]  # pixels (N, h, w, 3) uint8, alphas (N, h, w) uint8


def normalise(pixels: Tensor) -> Tensor:
    """Pixels (N, h, w, 3) uint8 -> images (N, 3, h, w) float32 in [0, 1], in an exported model too."""
    return pixels.permute(0, 3, 1, 2).float() / 255


class PackedPortraits(Dataset[Batch]):
    """Samples at network size, in memory: 64 KiB each at 128 x 128."""

    def __init__(self, samples: Sequence[Sample], size: Size, *, title: str) -> None:
        context = get_context("spawn")
        with ProcessPoolExecutor(mp_context=context) as pool:
            chunk = max(1, len(samples) // 64)
            loaded = pool.map(Sample.load_at, samples, repeat(size), chunksize=chunk)
            pairs = list(tqdm(loaded, total=len(samples), desc=title, unit="image"))
        self.images = torch.from_numpy(np.stack([image for image, _ in pairs]))
        self.alphas = torch.from_numpy(np.stack([alpha for _, alpha in pairs]))

    def __len__(self) -> int:
        return len(self.images)

    def __getitems__(self, indices: list[int]) -> Batch:
        """Pixels (N, h, w, 3) and alphas (N, h, w) of several samples at once, uint8."""
        return self.images[indices], self.alphas[indices]


class PortraitData(lightning.LightningDataModule):
    """The training lists of the folders that a configuration names, less a holdout to choose the epoch by.

    The validation lists are not read: they are kept for the scores that are reported.
    """

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.config = config

    def setup(self, stage: str) -> None:  # noqa: ARG002
        """Decode all samples, once."""
        size = (self.config.input_size, self.config.input_size)
        roots = [f"{self.config.data_root}/{name}" for name in self.config.data]
        samples = [sample for root in roots for sample in read_folder(root, "train")]
        order = np.random.default_rng(self.config.seed).permutation(len(samples))
        held = math.ceil(self.config.holdout * len(samples))
        holdout, train = ([samples[i] for i in part] for part in (order[:held], order[held:]))
        self.train = PackedPortraits(train, size, title="reading the training samples")
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

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches in an order that depends on the seed and the epoch alone."""
        return self._loader(self.train, shuffle=True)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The holdout, always in the same order."""
        return self._loader(self.holdout, shuffle=False)

    def _loader(self, data: PackedPortraits, *, shuffle: bool) -> DataLoader[Batch]:
        trainer = self.trainer
        replicas, rank = (trainer.world_size, trainer.global_rank) if trainer else (1, 0)
        sampler = DistributedSampler[Batch](
            data, replicas, rank, shuffle=shuffle, seed=self.config.seed, drop_last=shuffle
        )
        return DataLoader(
            data, self.config.batch_size, sampler=sampler, collate_fn=_as_it_is, drop_last=shuffle
        )


def _as_it_is(batch: Any) -> Any:
    return batch
