"""What `limner evaluate` costs beyond decoding and the network: 500 images of 512 x 512, all cores.

    python benchmarks/evaluation.py [--images N] [--repeats N]

Three passes over the same painted portraits, taken in turn: decoding image and mask; the network with the
resizing before and after it, on images held in memory; and the whole evaluation. The last over the sum of the
first two is the ratio.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from limner.datasets import read_dataset
from limner.datasets.preparation import prepare
from limner.datasets.synthetic import plan_synthetic
from limner.evaluation.evaluate import evaluate
from limner.evaluation.timing import machine
from limner.models.segmenter import Segmenter
from limner.parallel import thread_map


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare(plan_synthetic(args.images, side=512), Path(folder) / "painted")
        samples = read_dataset(Path(folder) / "painted")
    segmenter = Segmenter(device="cpu", threads=1)
    images = [sample.load()[0] for sample in samples[:50]]
    passes: dict[str, Callable[[], object]] = {
        "decode_s": lambda: deque(thread_map(lambda sample: sample.load(), samples), 0),
        "network_s": lambda: deque(
            thread_map(segmenter, (images[number % 50] for number in range(args.images))), 0
        ),
        "evaluate_s": lambda: evaluate(segmenter, samples),
    }
    seconds: dict[str, list[float]] = {name: [] for name in passes}
    for _ in range(args.repeats):
        for name, work in passes.items():
            started = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - started)
    ratios = [whole / (decode + network) for decode, network, whole in zip(*seconds.values(), strict=True)]
    result = {
        "images": args.images,
        "machine": machine(),
        **{name: round(statistics.median(values), 2) for name, values in seconds.items()},
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
