"""Limner's whole way from a picture to its alpha: the network, then the edge at the picture's size."""

import limner
from limner.evaluation.evaluate import Predict
from limner.models.spec import MODELS

NAME = "Limner base, refined"
LICENCE = "non-commercial research only"
FILES = [MODELS / "base.onnx", MODELS / "edge.onnx"]
OURS = True


def load() -> Predict:
    """From an image to its alpha."""
    return limner.segment
