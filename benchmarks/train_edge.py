"""Train the network of `limner.mattes.refine` and write src/limner/models/weights/edge.onnx.

    pip install ai-edge-litert
    python benchmarks/train_edge.py --data ../shared/data --peers ../shared/peers --steps 6000

The loss is taken at full size, near the edge: mean absolute error, cross-entropy, and the error of the
gradient. The weights written are the averages of the last few hundred steps.
"""

import argparse
import queue
import threading
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from edge_data import Batch, draw_batch, read_items
from edge_training import improve, share_of_rate, write
from limner import files
from limner.evaluation.evaluate import Predict
from limner.mattes.refine import MODEL
from limner.models.segmenter import Segmenter
from limner.nets.edge import EdgeNet, ExportedEdgeNet
from limner.training.peers import open_peer

NETWORKS = (
    "mediapipe_selfie_256.tflite",
    "sinet_softmax_320.onnx",
    "meet_segm_full_v679.tflite",
    "mobilenetv3_seg_float.tflite",
    "prisma_256.onnx",
)
COUNT, CELLS = 12, 144  # of a batch
NEAR = 8  # cells from an undecided one; errors further away count for a twentieth


def loss_of(lines: Tensor, batch: Batch) -> Tensor:
    """How far the opacities are from the true ones."""
    full = F.interpolate(lines, batch.image.shape[2:], mode="bilinear", align_corners=False)
    logit = (full[:, :3] * batch.image).sum(1) + full[:, 3]
    opacity = torch.sigmoid(logit)
    undecided = ((batch.alpha > 0.02) & (batch.alpha < 0.98)).float()
    near = F.max_pool2d(undecided, 2 * NEAR + 1, 1, NEAR)
    weight = 0.05 + 0.95 * F.interpolate(near, logit.shape[1:])[:, 0]
    error = opacity - batch.target
    entropy = F.binary_cross_entropy_with_logits(logit, batch.target, reduction="none")
    slopes = (error.diff(dim=2).abs() * weight[:, :, 1:]).mean() + (
        error.diff(dim=1).abs() * weight[:, 1:]
    ).mean()
    return (error.abs() * weight).mean() + 0.15 * (entropy * weight).mean() + 0.5 * slopes


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--peers", type=Path, default=Path("../shared/peers"))
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--start", type=Path, help="go on from these weights")
    parser.add_argument("--weights", type=Path, default=Path("runs/edge.pt"))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    networks: list[Predict] = [
        Segmenter("unet"),
        *(open_peer(args.peers / name) for name in NETWORKS),
    ]
    photographs, composites = read_items(args.data, networks)
    batches: queue.Queue[Batch] = queue.Queue(6)

    def draw() -> None:
        rng = np.random.default_rng(1)
        while True:
            batches.put(draw_batch(rng, photographs, composites, COUNT, CELLS))

    threading.Thread(target=draw, daemon=True).start()
    net = EdgeNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if args.start:
        net.load_state_dict(torch.load(args.start))
    average = deepcopy(net).eval()
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.learning_rate, weight_decay=1e-4)
    with tqdm(range(args.steps), "training", unit="step") as progress:
        for step in progress:
            batch = batches.get()
            with torch.autocast("cpu", torch.bfloat16):
                lines = net(batch.small, batch.alpha)
            loss = loss_of(lines.float(), batch)
            rate = args.learning_rate * share_of_rate(step, args.steps, warm=100)
            improve(net, average, optimizer, loss, rate=rate, step=step)
            progress.set_postfix(loss=f"{loss.item():.4f}")
    files.make_folder(args.weights.parent)
    torch.save(average.state_dict(), args.weights)
    write(ExportedEdgeNet(average), MODEL, {"pixels": 3, "alpha": 0}, ["lines"])


if __name__ == "__main__":
    main()
