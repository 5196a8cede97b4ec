"""How long shapes of our own network take in ONNX Runtime, beside two peers, in turn in one process.

    pip install ai-edge-litert
    python benchmarks/shapes.py [--peers ../shared/peers] [--rounds 60]

Weights do not matter for the time, so they are new ones. Prints Markdown: the least and the median of all
rounds, two threads. docs/notebook/models.md tells which shape was chosen and why.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from limner.models.session import start_session
from limner.nets.portrait import PortraitNet
from limner.training.onnx_file import to_8_bits, to_onnx
from limner.training.peers import THREADS, Peer
from limner.training.portrait import PixelsToAlpha
from peers import SETTLE_S

SHAPES = {
    "portrait": (7, (64, 48, 32, 16)),
    "a wider decoder": (7, (96, 64, 48, 24)),
    "up to stride 4": (7, (64, 48, 32)),
    "five stages": (5, (48, 32, 16)),
    "five stages, up to stride 4": (5, (48, 32)),
    "portrait_small": (5, (32, 24)),
}
"""Stages of the encoder and channels of the decoder of `PortraitNet`."""
SIZES = {"portrait": (192, 256, 320), "portrait_small": (128, 160, 192)}
BESIDE = ("mediapipe_selfie_256.tflite", "sinet_softmax_320.onnx")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, default=Path("../shared/peers"))
    parser.add_argument("--rounds", type=int, default=60)
    args = parser.parse_args()
    runs: dict[str, Callable[[], Any]] = {}
    for name, shape in SHAPES.items():
        net = PortraitNet(*shape)
        millions = sum(parameter.numel() for parameter in net.parameters()) / 1e6
        for size in SIZES.get(name, (160,)):
            data = to_onnx(PixelsToAlpha(net).eval(), (size, size))
            noise = np.random.default_rng(0).integers(0, 256, (4, size, size, 3), np.uint8)
            for weights, file in (("float32", data), ("int8", to_8_bits(data, list(noise)))):
                runs[f"{name} | {size} | {millions:.2f} | {weights}"] = _ours(file, size)
    for path in BESIDE:
        peer = Peer(args.peers / path)
        seen = peer.prepare(np.zeros((*peer.size, 3), np.uint8))
        runs[f"{peer.name} | {peer.size[0]} | | float32"] = lambda peer=peer, seen=seen: peer.run(seen)  # type: ignore[misc]
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(args.rounds):
        for name, run in runs.items():
            time.sleep(SETTLE_S)
            started = time.perf_counter()
            run()
            taken[name].append(1e3 * (time.perf_counter() - started))
    print(
        "| shape | input | million parameters | weights | least ms | median ms |\n|---|---|---|---|---|---|"
    )
    for name, times in taken.items():
        print(f"| {name} | {min(times):.2f} | {np.median(times):.2f} |")


def _ours(data: bytes, size: int) -> Callable[[], Any]:
    session = start_session(data, name="shape", threads=THREADS)
    pixels = np.zeros((1, size, size, 3), np.uint8)
    return lambda: session.run(None, {"pixels": pixels})


if __name__ == "__main__":
    main()
