"""The ONNX file of a network: written, and made smaller."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from limner.images import Image, Size

LARGE = 256
"""Values in the weight of a layer from which it is worth storing in 16 bits."""


def to_onnx(model: nn.Module, size: Size, *, free: bool = False) -> bytes:
    """A `PixelsToAlpha` as an ONNX file for any number of pictures, of ``size`` or, if ``free``, of any."""
    pixels = torch.zeros(2, *size, 3, dtype=torch.uint8)
    axes = {0: torch.export.Dim("N")}
    if free:
        axes |= {1: torch.export.Dim("height"), 2: torch.export.Dim("width")}
    return export_graph(model, {"pixels": pixels}, [axes], ["alpha"])


def export_graph(
    model: nn.Module,
    examples: Mapping[str, Tensor],
    axes: Sequence[Mapping[int, Any]],
    outputs: Sequence[str],
) -> bytes:
    """An ONNX file, less the exporter's notes on our source (a tenth of a small model) and known shapes.

    Args:
        model: What to export.
        examples: Name of an input -> what it may be.
        axes: Of each input, the axes of any length.
        outputs: Their names.
    """
    program = torch.onnx.export(
        model,
        tuple(examples.values()),
        input_names=[*examples],
        output_names=outputs,
        dynamic_shapes=tuple(axes),
        dynamo=True,
        verbose=False,
    )
    proto = program.model_proto  # type: ignore[union-attr]  # not None, since it is not written to a file
    del proto.graph.value_info[:]
    for part in (proto, proto.graph, *proto.graph.node, *proto.graph.initializer):
        part.ClearField("metadata_props")
    data: bytes = proto.SerializeToString()
    return data


def halve(data: bytes) -> bytes:
    """An ONNX file whose large weights are stored in 16 bits and cast to 32 when it is loaded."""
    proto = onnx.load_from_string(data)
    casts = []
    for weight in proto.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.ndim > 1 and values.size >= LARGE:
            name = weight.name
            weight.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    halved: bytes = proto.SerializeToString()
    return halved


def widen(data: bytes) -> bytes:
    """The inverse of `halve`: the same weights in 32 bits; a file that is not halved stays as it is."""
    proto = onnx.load_from_string(data)
    weights = {weight.name: weight for weight in proto.graph.initializer}
    kept = []
    for node in proto.graph.node:
        half = weights.get(node.input[0]) if node.op_type == "Cast" else None
        if half is None or half.data_type != onnx.TensorProto.FLOAT16:
            kept.append(node)
        else:
            values = onnx.numpy_helper.to_array(half).astype(np.float32)
            half.CopyFrom(onnx.numpy_helper.from_array(values, node.output[0]))
    del proto.graph.node[:]
    proto.graph.node.extend(kept)
    widened: bytes = proto.SerializeToString()
    return widened


def from_floats(data: bytes) -> bytes:
    """The ONNX file of `to_onnx` as others call it: floats in [0, 1], channels first, in and out.

    It takes ``pixel_values`` (N, 3, height, width) float32 and gives ``alphas`` (N, 1, height, width).
    """
    proto = onnx.load_from_string(data)
    graph, make = proto.graph, onnx.helper
    batch, height, width = (
        axis.dim_param or axis.dim_value for axis in graph.input[0].type.tensor_type.shape.dim[:3]
    )
    levels = onnx.numpy_helper.from_array(np.array(255, np.float32), "levels")
    channel = onnx.numpy_helper.from_array(np.array([1], np.int64), "channel")
    before = [
        make.make_node("Mul", ["pixel_values", "levels"], ["grey_levels"]),
        make.make_node("Transpose", ["grey_levels"], ["pixels"], perm=[0, 2, 3, 1]),
    ]
    nodes = [*before, *graph.node, make.make_node("Unsqueeze", ["alpha", "channel"], ["alphas"])]
    del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend([levels, channel])
    kind = onnx.TensorProto.FLOAT
    graph.input.append(make.make_tensor_value_info("pixel_values", kind, [batch, 3, height, width]))
    graph.output.append(make.make_tensor_value_info("alphas", kind, [batch, 1, height, width]))
    onnx.checker.check_model(proto)
    changed: bytes = proto.SerializeToString()
    return changed


def computes_in_8_bits(data: bytes) -> bool:
    """Whether a file comes from `to_8_bits`."""
    return any(node.op_type == "QuantizeLinear" for node in onnx.load_from_string(data).graph.node)


def to_8_bits(data: bytes, pixels: Sequence[Image]) -> bytes:
    """The ONNX file of `to_onnx` with convolutions that compute in 8 bits: twice as fast on most CPUs.

    Scales are fixed beforehand (static quantisation, in ONNX's QuantizeLinear and DequantizeLinear). Weights
    take 7 of the 8 bits: with 8 the sums of CPUs without VNNI overflow. The last convolution and what turns
    its logits into alphas stay in 32 bits: an alpha has more than 256 levels.

    Args:
        data: The file.
        pixels: Pictures at network size, (h, w, 3) uint8, to fix the scales on.

    Reference:
        Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only
        inference", CVPR 2018.
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
