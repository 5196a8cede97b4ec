"""Limner finds the person in a portrait photo and gives back a matte: its public names, loaded when used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from limner._version import __version__ as __version__

if TYPE_CHECKING:
    from limner import video as video
    from limner.errors import (
        DatasetError,
        InputError,
        LimnerError,
        MissingExtraError,
        ModelError,
        OutputError,
    )
    from limner.evaluation.evaluate import Evaluation, evaluate
    from limner.evaluation.mattes import sad
    from limner.evaluation.metrics import Counts, accuracy, boundary_iou, dice, iou
    from limner.images import Photo, load_image, load_photo, save_image, save_photo
    from limner.mattes.foreground import estimate_foreground
    from limner.mattes.refine import refine_alpha
    from limner.models.segmenter import Segmenter
    from limner.rendering.cut import Result, cut, segment
    from limner.rendering.options import Options
    from limner.rendering.render import render

__all__ = [
    "Counts", "DatasetError", "Evaluation", "InputError", "LimnerError", "MissingExtraError",
    "ModelError", "Options", "OutputError", "Photo", "Result", "Segmenter", "accuracy", "boundary_iou",
    "cut", "dice", "estimate_foreground", "evaluate", "iou", "load_image", "load_photo", "refine_alpha",
    "render", "sad", "save_image", "save_photo", "segment",
]  # fmt: skip

_HOMES = {
    "errors": tuple(name for name in __all__ if name.endswith("Error")),
    "evaluation.evaluate": ("Evaluation", "evaluate"),
    "evaluation.mattes": ("sad",),
    "evaluation.metrics": ("Counts", "accuracy", "boundary_iou", "dice", "iou"),
    "images": ("Photo", "load_image", "load_photo", "save_image", "save_photo"),
    "mattes.foreground": ("estimate_foreground",),
    "mattes.refine": ("refine_alpha",),
    "models.segmenter": ("Segmenter",),
    "rendering.cut": ("Result", "cut", "segment"),
    "rendering.options": ("Options",),
    "rendering.render": ("render",),
}


def __getattr__(name: str) -> Any:
    if name == "video":
        return import_module("limner.video")
    for module, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f"limner.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'limner' has no attribute '{name}'")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
