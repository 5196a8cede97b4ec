"""Samples -> batches: every picture is decoded and resized once, then kept in memory at network size."""

import math
import os
from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from limner import files
from limner.datasets import Sample, Seen, is_prepared, matching_datasets, read_dataset
from limner.datasets.plausible import check_fractions
from limner.datasets.sample import Load, load_image_at, load_planes
from limner.errors import DatasetError
from limner.images import Size
from limner.models.spec import training_shapes
from limner.parallel import thread_count
from limner.processes import parallel_map
from limner.rendering.cut import segment
from limner.training.augment import Examples, Scenery, augment, draw
from limner.training.config import RunConfig, TrainConfig
from limner.training.sampling import MixedSampler, ProcessData, ResumableLoader

HOLDOUT_SEED = 0
"""Not the run's: one that starts from another must not train on what the other chose its epoch by."""


class Batch(NamedTuple):
    """Some pictures of one shape, at network size."""

    planes: Tensor  # (N, 5, h, w) uint8: red, green, blue, alpha, weight
    places: list[int]  # in the data set


def normalise(pixels: Tensor) -> Tensor:
    """Pixels (N, h, w, 3) uint8 -> images (N, 3, h, w) float32 in [0, 1], in an exported model too."""
    return pixels.permute(0, 3, 1, 2).float() / 255


def unpack(planes: Tensor) -> Examples:
    """Planes of a `Batch` as a network is trained on them."""
    values = planes.float() / 255
    return Examples(
        values[:, :3].contiguous(memory_format=torch.channels_last), values[:, 3:4], values[:, 4:]
    )


def load_distilled(sample: Sample, size: Size, *, teacher: str, weight: float) -> Seen:
    """As `Sample.load_at`, the mask moved towards a better model's alpha of the whole picture.

    Where masks are a matter of taste the model doubts, and what is learnt there counts less.

    Reference:
        Hinton et al., "Distilling the Knowledge in a Neural Network", 2015.
    """
    image, mask = sample.load()
    alpha = mask + weight * (segment(image, model=teacher, refine="none") - mask)
    return Seen.of(image, alpha, sample.load_weight(mask.shape), size)


class PackedPortraits(Dataset[Batch]):
    """Samples at network size, in memory: 80 KiB each at 128 x 128; each in the shape nearest to its own.

    Processes that train together each read and decode a part of them, and send it to the others.

    Attributes:
        samples: As given.
        by_shape: Shape -> places of the samples that have it.
    """

    def __init__(
        self, samples: Sequence[Sample], shapes: Sequence[Size], load: Load = Sample.load_at, *, title: str
    ) -> None:
        self.samples = samples
        rank, processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        mine = samples[rank::processes]
        packed = parallel_map(partial(load_planes, shapes=shapes, load=load), mine, jobs=_jobs())
        bar = tqdm(packed, total=len(mine), desc=title, unit="image", disable=rank > 0)
        self._planes = [torch.from_numpy(planes) for planes in bar]
        if processes > 1:
            self._planes = _gather(self._planes, len(samples))
        self.by_shape: dict[Size, list[int]] = {}
        for place, planes in enumerate(self._planes):
            height, width = planes.shape[1:]
            self.by_shape.setdefault((height, width), []).append(place)

    def to(self, device: torch.device) -> None:
        """Keep the pictures on a GPU, if they take less than half of the memory that is free there."""
        if device.type == "cuda":
            needed = sum(planes.nbytes for planes in self._planes)
            if needed < torch.cuda.mem_get_info(device)[0] / 2:
                self._planes = [planes.to(device) for planes in self._planes]

    def subject_fractions(self) -> list[float]:
        """Of each picture the fraction that the subject covers."""
        return [float(planes[3].float().mean()) / 255 for planes in self._planes]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitems__(self, places: list[int]) -> Batch:
        """Several samples of one shape at once."""
        return Batch(torch.stack([self._planes[place] for place in places]), places)

    def batches(self, size: int, *, replicas: int = 1, rank: int = 0) -> list[list[int]]:
        """Every ``replicas``-th place from ``rank`` on, in batches of at most ``size``, each of one shape."""
        mine = ([place for place in places if place % replicas == rank] for places in self.by_shape.values())
        return [places[start : start + size] for places in mine for start in range(0, len(places), size)]


class PortraitData(ProcessData):
    """The training lists of the data sets that a configuration names, less a holdout.

    On a GPU with room for them, all pictures are kept there. The validation lists are not read: they are kept
    for the scores that are reported.
    """

    config: TrainConfig

    def setup(self, stage: str) -> None:  # noqa: ARG002
        """Decode all samples, once."""
        config = self.config
        shapes = training_shapes(config.input_size, config.stride)
        lists, holdout = read_lists(config)
        train = list(chain(*lists))
        self.sizes = [len(samples) for samples in lists]
        load: Load = Sample.load_at
        if config.teacher:
            load = partial(load_distilled, teacher=config.teacher, weight=config.distillation_weight)
        self.train = PackedPortraits(train, shapes, load, title="reading the training samples")
        check_fractions(self.train.subject_fractions(), ", ".join(config.data))
        self.holdout = PackedPortraits(holdout, shapes, title="reading the holdout")
        self.backgrounds = self._read_backgrounds()
        if self.trainer:
            device = self.trainer.strategy.root_device
            self.train.to(device)
            self.backgrounds = self.backgrounds if self.backgrounds is None else self.backgrounds.to(device)

    def _read_backgrounds(self) -> Tensor | None:
        """Pictures without people, stretched to (M, 3, input_size, input_size) uint8."""
        if not self.config.backgrounds:
            return None
        sources = read_backgrounds(self.config)
        size = (self.config.input_size, self.config.input_size)
        pictures = parallel_map(partial(load_image_at, size=size), sources, jobs=_jobs())
        bar = tqdm(
            pictures, total=len(sources), desc="reading backgrounds", unit="image", disable=self.rank > 0
        )
        return torch.from_numpy(np.stack(list(bar))).permute(0, 3, 1, 2).contiguous()

    def _scenery(self, numbers: Tensor, images: Tensor) -> Scenery | None:
        """The backgrounds and, by the last of each image's random numbers, a second picture of its shape."""
        if self.backgrounds is None:
            return None
        height, width = images.shape[2:]
        places = self.train.by_shape[height, width]
        ids = [places[int(number * len(places))] for number in numbers[:, -1].tolist()]
        return Scenery(self.backgrounds, unpack(self.train.__getitems__(ids).planes.to(images.device)))

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches in an order that depends on the seed and the epoch alone."""
        config = self.config
        ends = np.cumsum(self.sizes)
        sampler = MixedSampler(
            [
                [part.tolist() for part in np.split(places, np.searchsorted(places, ends[:-1]))]
                for places in map(np.array, self.train.by_shape.values())
            ],
            config.weights or [1.0] * len(self.sizes),
            seed=config.seed,
            batch_size=config.batch_size,
            replicas=self.replicas,
            rank=self.rank,
        )
        return ResumableLoader(self.train, self.batch_size, sampler=sampler, collate_fn=_as_it_is)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The holdout, always in the same order, split among the processes."""
        batches = self.holdout.batches(self.batch_size, replicas=self.replicas, rank=self.rank)
        return DataLoader(self.holdout, batch_sampler=batches, collate_fn=_as_it_is)

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> tuple[Examples, list[str]]:  # noqa: ARG002
        """Batch -> examples on its device, and their ids; augmented in training by seed, epoch, place."""
        examples, samples = unpack(batch.planes), self.holdout.samples
        if self.trainer and self.trainer.training:
            samples = self.train.samples
            numbers = draw(self.config.seed, self.trainer.current_epoch, batch.places)
            examples = augment(examples, numbers, self.config, self._scenery(numbers, examples.images))
            examples = examples._replace(images=examples.images.contiguous(memory_format=torch.channels_last))
        return examples, [samples[place].id for place in batch.places]


def _jobs() -> int:
    """Cores for each of the processes on this machine."""
    return max(1, thread_count() // int(os.environ.get("LOCAL_WORLD_SIZE", 1)))


def _gather(mine: list[Tensor], count: int) -> list[Tensor]:
    """Every process has what belongs to its rank, and to each further round of ranks; all get all of it."""
    group: Any = dist.new_group(backend="gloo")  # works in main memory, beside GPUs too
    processes = dist.get_world_size()
    shapes: list[list[tuple[int, ...]]] = [[] for _ in range(processes)]
    dist.all_gather_object(shapes, [tuple(planes.shape) for planes in mine], group=group)
    everything = []
    for place in range(count):
        turn, rank = divmod(place, processes)
        planes = mine[turn] if rank == dist.get_rank() else torch.empty(shapes[rank][turn], dtype=torch.uint8)
        dist.broadcast(planes, rank, group=group)
        everything.append(planes)
    dist.destroy_process_group(group)
    return everything


def read_lists(config: RunConfig) -> tuple[list[list[Sample]], list[Sample]]:
    """What is trained on, of each of the data, and what is held out, of all.

    Raises:
        DatasetError: If a data set cannot be read, or nothing is left to train on.
    """
    rng = np.random.default_rng(HOLDOUT_SEED)
    lists: list[list[Sample]] = []
    holdout: list[Sample] = []
    for name in config.data:
        samples = _read_all(matching_datasets(config.data_root, name))
        order = rng.permutation(len(samples))
        held = math.ceil(config.holdout * len(samples))
        if held == len(samples):
            raise DatasetError(f"{name} has only {held} training pictures: none is left beside the holdout")
        holdout += [samples[i] for i in order[:held]]
        lists.append([samples[i] for i in order[held:]])
    return lists, holdout


def read_backgrounds(config: RunConfig) -> list[Path | bytes]:
    """The pictures that a configuration names as backgrounds, less what is kept to report on.

    Raises:
        DatasetError: If there are none.
    """
    sets = matching_datasets(config.data_root, config.backgrounds)
    if all(root.is_dir() and not (root / "images").is_dir() and not is_prepared(root) for root in sets):
        folders = [sorted(path for path in root.iterdir() if files.is_picture(path.name)) for root in sets]
        sources: list[Path | bytes] = [
            path for paths in folders for index, path in enumerate(paths) if index % 4
        ]
        if not sources:
            raise DatasetError(f"no backgrounds in {sets[0]}: it needs at least two pictures")
        return sources
    return [sample.image for sample in _read_all(sets)]


def _read_all(roots: Sequence[Path]) -> list[Sample]:
    return [sample for root in roots for sample in read_dataset(root, "train")]


def _as_it_is(batch: Any) -> Any:
    return batch
