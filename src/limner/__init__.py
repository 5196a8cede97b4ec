"""Limner finds the person in a portrait photo and gives back a matte: its public names, loaded when used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from limner._version import __version__ as __version__

if TYPE_CHECKING:
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
    from limner.render.compose import blur_background, composite, cutout
    from limner.render.render import Finish, finish
    from limner.render.segment import segment

__all__ = [
    "Counts",
    "DatasetError",
    "Evaluation",
    "Finish",
    "InputError",
    "LimnerError",
    "MissingExtraError",
    "ModelError",
    "OutputError",
    "Photo",
    "Segmenter",
    "accuracy",
    "blur_background",
    "boundary_iou",
    "composite",
    "cutout",
    "dice",
    "estimate_foreground",
    "evaluate",
    "finish",
    "iou",
    "load_image",
    "load_photo",
    "refine_alpha",
    "sad",
    "save_image",
    "save_photo",
    "segment",
]

_HOMES = {
    "errors": (
        "DatasetError",
        "InputError",
        "LimnerError",
        "MissingExtraError",
        "ModelError",
        "OutputError",
    ),
    "evaluation.evaluate": ("Evaluation", "evaluate"),
    "evaluation.mattes": ("sad",),
    "evaluation.metrics": ("Counts", "accuracy", "boundary_iou", "dice", "iou"),
    "images": ("Photo", "load_image", "load_photo", "save_image", "save_photo"),
    "mattes.foreground": ("estimate_foreground",),
    "mattes.refine": ("refine_alpha",),
    "models.segmenter": ("Segmenter",),
    "render.compose": ("blur_background", "composite", "cutout"),
    "render.render": ("Finish", "finish"),
    "render.segment": ("segment",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f"limner.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'limner' has no attribute '{name}'")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
