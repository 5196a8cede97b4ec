"""Average the weights of checkpoints of one network: often better on old and new data than each of them.

    python scripts/average_checkpoints.py mean.ckpt weights/base.ckpt=1 runs/wide/weights.ckpt=3

The settings and the commit are those of the last one.

Reference:
    Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.
"""

import argparse
from pathlib import Path

import torch

from limner.training.checkpoint import read_checkpoint


def main() -> None:
    """Write the average."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", type=Path)
    parser.add_argument("checkpoints", nargs="+", metavar="FILE=WEIGHT")
    args = parser.parse_args()
    parts = [one.rpartition("=") for one in args.checkpoints]
    loaded = [read_checkpoint(path) for path, _, _ in parts]
    weights = torch.tensor([float(weight) for _, _, weight in parts])
    weights /= weights.sum()
    last = loaded[-1]
    mean = {
        name: sum(weight * values["state_dict"][name] for weight, values in zip(weights, loaded, strict=True))
        for name in last["state_dict"]
    }
    kept = {name: value.to(last["state_dict"][name].dtype) for name, value in mean.items()}
    torch.save(
        {**{name: last[name] for name in ("hyper_parameters", "commit")}, "state_dict": kept}, args.target
    )


if __name__ == "__main__":
    main()
