"""What of a model is quantized: every layer, as it is in the file that was written, or why it is not."""

from __future__ import annotations

from typing import NamedTuple

import onnx

from ._models import opset_of
from ._quantizer import LAYERS, Settings

_INTEGER_OPS = (
    "QLinearConv",
    "QLinearMatMul",
    "QGemm",
    "ConvInteger",
    "MatMulInteger",
    "DynamicQuantizeLSTM",
)


class Group(NamedTuple):
    """Nodes that are quantized together or not at all: a layer, or all nodes of another operator."""

    label: str
    nodes: list[str]


class Layer(NamedTuple):
    """A layer's state in the quantized model."""

    name: str
    op: str
    is_integer: bool
    reason: str  # why it is not


def groups_of(model: onnx.ModelProto, types: list[str]) -> list[Group]:
    """What may be left in float, of the operators that are quantized: layers one by one, others by operator."""
    nodes = [node for node in model.graph.node if node.op_type in types]
    groups = [Group(node.name, [node.name]) for node in nodes if node.op_type in LAYERS]
    others: dict[str, list[str]] = {}
    for node in nodes:
        if node.op_type not in LAYERS:
            others.setdefault(node.op_type, []).append(node.name)
    return groups + [Group(f"all {op}", names) for op, names in sorted(others.items())]


def matching(model: onnx.ModelProto, name: str) -> list[str]:
    """The nodes that a name of the user's means; a Gemm may have become NAME_MatMul."""
    return [node.name for node in model.graph.node if node.name in (name, f"{name}_MatMul", f"{name}_Add")]


def _is_integer(
    node: onnx.NodeProto, makers: dict[str, onnx.NodeProto], mode: str, types: dict[str, int]
) -> bool:
    if node.op_type in _INTEGER_OPS:
        return True
    data = node.input[:2]
    if mode == "fp16":
        return any(types.get(name) == onnx.TensorProto.FLOAT16 for name in data)
    made = [makers[name].op_type == "DequantizeLinear" for name in data if name in makers]
    return any(made) if mode == "int4-weights" else len(made) == len(data) and all(made)


def _types(model: onnx.ModelProto) -> dict[str, int]:
    """Element types of the weights, by name."""
    return {tensor.name: tensor.data_type for tensor in model.graph.initializer}


def _why(node: onnx.NodeProto, constants: set[str], settings: Settings, reasons: dict[str, str]) -> str:
    if node.name in reasons:
        return reasons[node.name]
    if settings.mode != "static" and not constants & set(node.input[1:2]):
        return "both factors are computed by the model"
    if settings.mode == "int4-weights" and node.op_type != "MatMul":
        return "only matrix products have weights of 4 bits"
    if node.op_type == "LSTM":
        return "recurrent layers have no integer form in ONNX"
    return f"ONNX Runtime has no {settings.mode} form of this {node.op_type}"


def layers_of(
    before: onnx.ModelProto, after: onnx.ModelProto, settings: Settings, reasons: dict[str, str]
) -> list[Layer]:
    """Each layer of the prepared model, as it is in the quantized one. `reasons` are those of nodes that were
    left out, by name."""
    makers = {output: node for node in after.graph.node for output in node.output}
    types = _types(after)
    constants = {tensor.name for tensor in before.graph.initializer}
    states: dict[str, bool] = {}
    for node in after.graph.node:
        name = node.name
        for suffix in ("_quant", "_matmul_Q4"):
            name = name.removesuffix(suffix)
        states[name] = states.get(name, False) or _is_integer(node, makers, settings.mode, types)
    found = []
    for node in before.graph.node:
        if node.op_type in LAYERS:
            is_integer = states.get(node.name, False)
            why = "" if is_integer else _why(node, constants, settings, reasons)
            found.append(Layer(node.name, node.op_type, is_integer, why))
    return found


class Request(NamedTuple):
    """What was asked for, whether the file has it, and what shows that."""

    request: str
    honoured: bool
    evidence: str


def requests_of(
    after: onnx.ModelProto, layers: list[Layer], settings: Settings, kept: list[str], calibrated: int
) -> list[Request]:
    """Whether the file that was made is what was asked for: read from the file, not from the request."""
    ops = [node.op_type for node in after.graph.node]
    states = {layer.name: layer for layer in layers}
    integer = [layer for layer in layers if layer.is_integer]
    found = [Request(f"mode {settings.mode}", bool(integer), f"{len(integer)} of {len(layers)} layers")]
    if settings.mode == "static":
        linear = sum(op.startswith("QLinear") or op == "QGemm" for op in ops)
        pairs = ops.count("DequantizeLinear")
        ok = linear == 0 and pairs > 0 if settings.format == "qdq" else linear > 0
        found.append(
            Request(f"format {settings.format}", ok, f"{pairs} DequantizeLinear, {linear} integer operators")
        )
        found.append(Request(f"method {settings.method}", calibrated > 0, f"ranges of {calibrated} values"))
    if settings.mode == "dynamic":
        count = ops.count("DynamicQuantizeLinear") + ops.count("DynamicQuantizeLSTM")
        found.append(Request("ranges at run time", count > 0, f"{count} DynamicQuantizeLinear"))
    if settings.mode in ("static", "dynamic"):
        wide, all_scales = _weight_scales(after)
        ok = wide > 0 if settings.per_channel else wide == 0
        what = "scales a channel" if settings.per_channel else "scales a tensor"
        found.append(Request(what, ok or not integer, f"{wide} of {all_scales} weights have several scales"))
    if settings.mode == "int4-weights":
        count = sum(
            kind in (onnx.TensorProto.INT4, onnx.TensorProto.UINT4) for kind in _types(after).values()
        )
        found.append(Request("weights of 4 bits", count > 0, f"{count} weights, opset {opset_of(after)}"))
    for name in kept:
        is_float = not states[name].is_integer if name in states else True
        found.append(Request(f"keep {name}", is_float, "in float" if is_float else "quantized"))
    return found


def _weight_scales(model: onnx.ModelProto) -> tuple[int, int]:
    """How many 8-bit weights have more than one scale, and how many there are."""
    weights = {
        t.name: t
        for t in model.graph.initializer
        if t.data_type in (onnx.TensorProto.INT8, onnx.TensorProto.UINT8) and len(t.dims) > 1
    }
    sizes = {t.name: t.dims[0] if t.dims else 1 for t in model.graph.initializer}
    scales = [sizes.get(name.removesuffix("_quantized") + "_scale", 1) for name in weights]
    return sum(size > 1 for size in scales), len(scales)
