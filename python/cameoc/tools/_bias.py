"""Bias correction: rounded weights shift the mean of a layer's output, and its bias can take that back.

With W the weights and W' the rounded ones, the mean of W'x - Wx is (W' - W) times the mean of x, which samples
tell; the bias becomes smaller by it. See Nagel et al., "Data-Free Quantization through Weight Equalization and
Bias Correction", ICCV 2019.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from ._models import Array, Feed
from ._runners import onnxruntime_session, with_outputs


def _attribute(node: onnx.NodeProto, name: str, default: int) -> int:
    return next((a.i for a in node.attribute if a.name == name), default)


def _rounded(weights: dict[str, Array], name: str) -> Array | None:
    """A quantized weight in float, where the quantized model has it."""
    if f"{name}_quantized" not in weights or f"{name}_scale" not in weights:
        return None
    values, scale = weights[f"{name}_quantized"].astype(np.float64), weights[f"{name}_scale"].astype(
        np.float64
    )
    zero = weights.get(f"{name}_zero_point", np.zeros_like(scale)).astype(np.float64)
    if scale.ndim == 1 and scale.size > 1:
        axis = next((i for i, size in enumerate(values.shape) if size == scale.size), 0)
        shape = [scale.size if i == axis else 1 for i in range(values.ndim)]
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return np.asarray((values - zero) * scale)


def _shift(node: onnx.NodeProto, change: Array, mean: Array) -> Array:
    """The mean of each output channel's change. `mean` is that of each input channel."""
    if node.op_type == "Conv":
        per_input = change.reshape(*change.shape[:2], -1).sum(axis=2)  # [outputs, inputs of the group]
        groups = _attribute(node, "group", 1)
        outputs = per_input.shape[0] // groups
        means = mean.reshape(groups, -1).repeat(outputs, axis=0)
        return np.asarray((per_input * means).sum(axis=1))
    matrix = change.T if _attribute(node, "transB", 0) else change  # [inputs, outputs]
    return np.asarray(mean @ matrix)


def _means(
    model: onnx.ModelProto, names: list[str], axes: dict[str, int], samples: list[Feed]
) -> dict[str, Array]:
    """Of each channel of these values, over all samples."""
    known = {port.name for port in model.graph.input}
    session = onnxruntime_session(with_outputs(model, [name for name in names if name not in known]))
    sums: dict[str, Any] = {}
    for sample in samples:
        inner = [name for name in names if name not in sample]
        values = dict(zip(inner, session.run(inner, sample))) if inner else {}
        for name in names:
            value = np.asarray({**sample, **values}[name], np.float64)
            others = tuple(i for i in range(value.ndim) if i != axes[name] % value.ndim)
            sums[name] = sums.get(name, 0.0) + value.mean(axis=others)
    return {name: value / len(samples) for name, value in sums.items()}


def corrected(
    model: onnx.ModelProto, quantized: onnx.ModelProto, samples: list[Feed]
) -> tuple[onnx.ModelProto, int]:
    """The float model with the biases of its quantized layers corrected, and how many they are. Layers without
    a bias of their own are left as they are."""
    floats = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    after = {tensor.name: numpy_helper.to_array(tensor) for tensor in quantized.graph.initializer}
    layers, axes = [], {}
    for node in model.graph.node:
        plain = node.op_type == "Conv" or node.op_type == "Gemm" and not _attribute(node, "transA", 0)
        if not plain or len(node.input) < 3 or node.input[2] not in floats or node.input[1] not in floats:
            continue
        rounded = _rounded(after, node.input[1])
        if rounded is not None:
            layers.append((node, rounded - floats[node.input[1]]))
            axes[node.input[0]] = 1 if node.op_type == "Conv" else -1
    means = _means(model, list(axes), axes, samples) if layers else {}
    biases = {}
    for node, change in layers:
        bias = floats[node.input[2]]
        shift = _shift(node, change, means[node.input[0]])
        if shift.shape == bias.shape:
            biases[node.input[2]] = (bias - shift).astype(bias.dtype)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for tensor in copy.graph.initializer:
        if tensor.name in biases:
            tensor.CopyFrom(numpy_helper.from_array(biases[tensor.name], tensor.name))
    return copy, len(biases)
