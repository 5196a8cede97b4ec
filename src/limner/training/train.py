"""The training run, from a configuration to the best checkpoint."""

import importlib.util
import os
from pathlib import Path

import lightning
import torch
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint

from limner import allocator, files
from limner.errors import InputError
from limner.training import batchnorm
from limner.training.callbacks import Averaging, Deadline, History, Progress, StopInOrder, Stopped
from limner.training.checkpoint import check_resume
from limner.training.config import RunConfig
from limner.training.kinds import KINDS, new_module


def train(config: RunConfig, *, resume: str | Path | None = None) -> Path:
    """Train until the epochs, or the minutes, are over or the score on the holdout stops improving.

    Several processes split every batch and learn what one does: `devices` of them, that this one starts
    beside itself, or those that torchrun has started, on any number of machines that see the same folder.

    Args:
        config: The settings.
        resume: A ``last.ckpt`` of the same settings to resume, as if the run had never stopped; those of
            `limner.training.checkpoint.MAY_CHANGE` may differ.

    Returns:
        The checkpoint of the epoch with the best score on the holdout (`NetModule.MONITOR`), ``best.ckpt`` in
        ``output/name``; with ``minutes`` that of the last step, ``weights.ckpt``. ``last.ckpt``,
        ``metrics.csv`` and ``curves.png`` lie beside it.

    Raises:
        InputError: If the folder holds a run already that ``resume`` does not continue, the checkpoint
            is of other settings, or a batch cannot be split.
        DatasetError: If a data set cannot be read.
        ModelError: If the checkpoint cannot be read, or the loss stops being a number.
        KeyboardInterrupt: After Ctrl-C, once ``last.ckpt`` is written.
    """
    folder = Path(config.output) / config.name
    if resume is None and (folder / "last.ckpt").exists():
        raise InputError(
            f"{folder} holds a run already: use --resume {folder}/last.ckpt, or choose another name"
        )
    if resume is not None:
        check_resume(config, resume)
    devices, nodes = _processes(config)
    several = devices * nodes > 1
    if config.batch_size % (devices * nodes):
        raise InputError(
            f"batch_size, {config.batch_size}, must be a multiple of the {devices * nodes} processes"
        )
    files.make_folder(folder)
    allocator.keep_all()
    averaging = Averaging(config.ema_decay) if config.ema_decay else None
    module = new_module(config).to(memory_format=torch.channels_last)
    score, mode = module.MONITOR
    best = ModelCheckpoint(folder, "best", monitor=score, mode=mode, enable_version_counter=False)
    progress = Progress()
    callbacks: list[Callback] = [
        progress,
        History(folder / "metrics.csv", progress),
        best,
        ModelCheckpoint(folder, "last", enable_version_counter=False),  # after every epoch
    ]
    if averaging:
        callbacks.append(averaging)
    if config.minutes:
        callbacks.append(Deadline(config.minutes, folder / "weights.ckpt", averaging))
    else:
        callbacks.append(EarlyStopping(score, mode=mode, patience=config.patience))
    callbacks.append(StopInOrder(folder / "last.ckpt"))  # after the average weights of the step are there
    trainer = lightning.Trainer(
        max_epochs=-1 if config.minutes else config.epochs,
        devices=devices,
        num_nodes=nodes,
        strategy="ddp" if several else "auto",
        sync_batchnorm=several and torch.cuda.is_available(),
        precision=config.precision,  # type: ignore[arg-type]  # Lightning checks the name itself
        gradient_clip_val=config.gradient_norm or None,
        callbacks=callbacks,
        logger=False,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    if several and not torch.cuda.is_available():
        batchnorm.convert(module.net)
    try:
        data = KINDS[type(config)][1](config)
        trainer.fit(module, data, ckpt_path=resume, weights_only=True if resume else None)
    except Stopped as stopped:
        raise KeyboardInterrupt from stopped
    if trainer.is_global_zero and importlib.util.find_spec("matplotlib"):  # a borrowed machine may lack it
        from limner.evaluation.drawing import to_png
        from limner.evaluation.figures import curves_figure

        files.write_bytes(folder / "curves.png", to_png(curves_figure(folder / "metrics.csv")))
    return folder / "weights.ckpt" if config.minutes else Path(best.best_model_path)


def leads() -> bool:
    """Whether this is the process that writes and speaks for all that train together."""
    return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0"))) == 0


def _processes(config: RunConfig) -> tuple[int, int]:
    """Processes on each machine, and machines."""
    if not TorchElasticEnvironment.detect():
        return config.devices, 1
    here = int(os.environ["LOCAL_WORLD_SIZE"])
    return here, int(os.environ["WORLD_SIZE"]) // here
