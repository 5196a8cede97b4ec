"""Limner finds the person in a portrait photo and gives back a matte: its public names, loaded when used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limner.compose import blur_background, composite, cutout
    from limner.errors import DatasetError, InputError, LimnerError, ModelError
    from limner.evaluation import Evaluation, evaluate
    from limner.finishing import Finish, finish
    from limner.foreground import estimate_foreground
    from limner.images import Photo, load_image, load_photo, save_image, save_photo
    from limner.matting import sad
    from limner.metrics import Counts, accuracy, boundary_iou, dice, iou
    from limner.refine import refine_alpha
    from limner.segmenter import Segmenter, segment

__version__ = "0.1.0"

__all__ = [
    "Counts",
    "DatasetError",
    "Evaluation",
    "Finish",
    "InputError",
    "LimnerError",
    "ModelError",
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
    "compose": ("blur_background", "composite", "cutout"),
    "errors": ("DatasetError", "InputError", "LimnerError", "ModelError"),
    "evaluation": ("Evaluation", "evaluate"),
    "finishing": ("Finish", "finish"),
    "foreground": ("estimate_foreground",),
    "images": ("Photo", "load_image", "load_photo", "save_image", "save_photo"),
    "matting": ("sad",),
    "metrics": ("Counts", "accuracy", "boundary_iou", "dice", "iou"),
    "refine": ("refine_alpha",),
    "segmenter": ("Segmenter", "segment"),
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
