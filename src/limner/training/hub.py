"""A model in the form of the Hugging Face hub, as transformers.js and users of ONNX Runtime know it."""

import json
from pathlib import Path
from typing import Any

from limner import files
from limner.errors import ModelError
from limner.models.spec import PORTRAIT, ModelSpec, read_model
from limner.training.onnx_file import computes_in_8_bits, from_floats, halve, widen

BILINEAR = 2
"""Number of the resampling in `preprocessor_config.json`."""

NOTES = {
    "model": "weights of 32 bits",
    "model_fp16": "the weights rounded to 16 bits to be stored, computed in 32: `dtype: 'fp16'`",
    "model_quantized": "convolutions in 8 bits",
}
"""Name of a network's file -> what the card says of it."""

CARD = """---
license: other
license_name: "{licence}"
library_name: transformers.js
pipeline_tag: image-segmentation
tags: [background-removal, portrait, matting, onnx]
---

# {name}

{title}. {parameters} parameters. Terms of the weights: {licence}.

```js
import {{ pipeline }} from '@huggingface/transformers';

const remove = await pipeline('background-removal', 'OWNER/NAME');  // where this folder is
const cutout = await remove('photo.jpg');  // RGBA
```

| file | size | |
|---|---|---|
{files}

- Input: `pixel_values` (N, 3, height, width) float32, RGB in [0, 1], not normalised; {sizes}.
- Output: `alphas` (N, 1, height, width) float32, opacity of the people in [0, 1].

This is the network alone. Limner also cuts bars off before, refines the edge at the picture's size, and takes
the old background out of the colours.

| scores of the network, with Limner's resizing | mean IoU | mean Dice |
|---|---|---|
{scores}
"""


def export_hub(model: str | Path, folder: str | Path) -> list[Path]:
    """Write a model that finds people as a folder for the hub.

    It holds ``config.json``, ``preprocessor_config.json``, ``README.md`` (the card) and ``onnx/``: there
    ``model.onnx`` with weights of 32 bits and ``model_fp16.onnx`` with the same stored in 16, or
    ``model_quantized.onnx`` alone if the model computes in 8 bits.

    Args:
        model: A bundled model's name, or an ``.onnx`` file with its sidecar.
        folder: Where to; made if it is not there.

    Returns:
        The files.

    Raises:
        ModelError: If there is no such model, or it is one that refines alphas.
        OutputError: If a file cannot be written.
    """
    data, spec = read_model(model)
    if spec.kind != PORTRAIT:
        raise ModelError(f"{model} finds no people, it refines alphas: the hub has no form for that")
    folder = Path(folder)
    networks = _networks(from_floats(data))
    content = {f"onnx/{name}.onnx": network for name, network in networks.items()} | {
        "config.json": _json(_config(networks)),
        "preprocessor_config.json": _json(_preprocessing(spec)),
        "README.md": _card(spec, networks).encode(),
    }
    for name, part in content.items():
        target = folder / name
        files.make_folder(target.parent)
        files.write_bytes(target, part)
    return [folder / name for name in content]


def _networks(data: bytes) -> dict[str, bytes]:
    """Name of a file -> its content, the one that is taken by default first."""
    if computes_in_8_bits(data):
        return {"model_quantized": data}
    whole = widen(data)
    return {"model": whole, "model_fp16": halve(whole)}


def _config(networks: dict[str, bytes]) -> dict[str, Any]:
    """``modnet`` is the type under which transformers.js runs any network that gives an alpha."""
    kind = "fp32" if "model" in networks else "q8"
    return {
        "model_type": "modnet",
        "id2label": {"0": "person"},
        "label2id": {"person": 0},
        "transformers.js_config": {"dtype": kind},
    }


def _preprocessing(spec: ModelSpec) -> dict[str, Any]:
    """Grey levels become floats in [0, 1]; with a stride, proportions are kept as in `input_size`, nearly."""
    height, width = spec.size
    size = {"height": height, "width": width}
    if spec.stride:
        size = {"shortest_edge": height}  # with a longest_edge, transformers.js enlarges to that
    return {
        "image_processor_type": "ImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": size,
        **({"size_divisibility": spec.stride} if spec.stride else {}),
        "resample": BILINEAR,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": False,
    }


def _json(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, indent=2) + "\n").encode()


def _card(spec: ModelSpec, networks: dict[str, bytes]) -> str:
    sizes = (
        f"height and width are multiples of {spec.stride}" if spec.stride else "the picture stretched to it"
    )
    return CARD.format(
        name=spec.name,
        title=f"{spec.description[:1].upper()}{spec.description[1:]}",
        parameters=f"{spec.parameters:,}",
        licence=spec.licence,
        sizes=sizes,
        files="\n".join(
            f"| `onnx/{name}.onnx` | {len(data) / 1e6:.1f} MB | {NOTES[name]} |"
            for name, data in networks.items()
        ),
        scores="\n".join(
            f"| {name} | {100 * one['iou_mean']:.2f} % | {100 * one['dice_mean']:.2f} % |"
            for name, one in spec.scores.items()
        ),
    )
