"""Models whose convolutions compute in 8 bits: a quarter of the file, and twice as fast on most CPUs.

Scales are fixed beforehand from what the network computes on some pictures (static quantisation, in ONNX's
QuantizeLinear and DequantizeLinear). Weights take 7 of the 8 bits: with 8 the sums of CPUs without VNNI
overflow. What follows the last convolution, which turns logits into alphas, stays in 32 bits, and so does
that convolution: an alpha has more than 256 levels.

Reference:
    Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only
    inference", CVPR 2018.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from limner.images import Image


def to_8_bits(data: bytes, pixels: Sequence[Image]) -> bytes:
    """The ONNX file of a model, quantised.

    Args:
        data: The file as `limner.training.export.to_onnx` makes it.
        pixels: Pictures at network size, (h, w, 3) uint8, to fix the scales on.
    """
    with TemporaryDirectory() as folder:
        whole, ready, small = (Path(folder) / f"{name}.onnx" for name in ("whole", "ready", "small"))
        whole.write_bytes(data)
        quant_pre_process(whole, ready, skip_symbolic_shape=True)
        quantize_static(
            ready,
            small,
            _Pictures(pixels),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            nodes_to_exclude=list(_last_nodes(onnx.load(ready).graph)),
        )
        return small.read_bytes()


class _Pictures(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, pixels: Sequence[Image]) -> None:
        self.rest = iter(pixels)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        image = next(self.rest, None)
        return None if image is None else {"pixels": image[None]}


def _last_nodes(graph: onnx.GraphProto) -> Iterator[str]:
    """Names of the last convolutions and of all that follows them."""
    makers = {output: node for node in graph.node for output in node.output}
    values = [output.name for output in graph.output]
    while values:
        node = makers.get(values.pop())
        if node is not None:
            yield node.name
            if node.op_type != "Conv":
                values += node.input
