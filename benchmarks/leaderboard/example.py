"""An adapter to copy. FILES lie beside it; load() gives any function from image to alpha."""

from pathlib import Path

from limner.evaluation.evaluate import Predict
from limner.training.peers import Form, Peer

NAME = "My network"
LICENCE = "MIT"
FILES = ["my.onnx"]


def load() -> Predict:
    """From an image (H, W, 3) uint8 to its alpha (H, W) float32 in [0, 1]."""
    form = Form(NAME, mean=(123.7, 116.3, 103.5), std=(58.4, 57.1, 57.4))  # of grey levels 0 to 255
    return Peer(Path(__file__).with_name(FILES[0]), form=form, threads=1)
