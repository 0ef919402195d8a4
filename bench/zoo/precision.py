"""How far compiled code may be from ONNX Runtime, by what a model consists of.

Models of float32 agree within 1e-4 of an output's largest value. Two correct implementations of halves or of
quantized layers differ by more: each rounds every layer's values, and a sum that lies in the middle
between two steps falls to one side or the other, which later layers carry on.
"""
import dataclasses

import numpy as np
import onnx
from onnx import numpy_helper

HALF_EPSILON = 2.0**-10
QUANTIZED = ("QLinearConv", "QLinearMatMul", "QGemm")


@dataclasses.dataclass
class Limits:
    """What every output must keep to."""

    difference: float = 1e-4  # of the output's largest value
    cosine: float = 0.9999  # similarity, at least
    # Size of a quantization step of an output that is dequantized last; `steps` of them replace `difference`.
    step: dict = dataclasses.field(default_factory=dict)
    steps: int = 6
    # Weights [K, N] of an output's last layer where that is a product whose input is quantized as it comes: see tie().
    rows: dict = dataclasses.field(default_factory=dict)
    # Integer operators leave no choice: the same bits as the reference interpreter's.
    exact: bool = False


def last_weights(graph, output):
    """Integer weights of the MatMulInteger behind an output, through Add, Mul and Cast; None if there is none, or
    if its input is not quantized dynamically."""
    makers = {name: node for node in graph.node for name in node.output}
    constants = {weight.name: weight for weight in graph.initializer}
    node = makers.get(output)
    while node and node.op_type in ("Add", "Mul", "Cast"):
        inside = [makers[name] for name in node.input if name in makers]
        node = next((n for n in inside if n.op_type in ("Add", "Mul", "Cast", "MatMulInteger")), None)
    if not node or node.op_type != "MatMulInteger" or not {node.input[1], node.input[3]} <= constants.keys():
        return None
    quantizer = makers.get(node.input[0])
    if not quantizer or quantizer.op_type != "DynamicQuantizeLinear":
        return None
    weights, zero = (numpy_helper.to_array(constants[node.input[i]]).astype(np.float64) for i in (1, 3))
    return weights - zero


def tie(rows, expected, actual):
    """`actual`, lines of N, as it would be had one input of the last layer been rounded to the other side.

    A value in the middle between two steps falls to either side by the order of the sums before it. One step of
    input k changes a line by a multiple of row k of the weights, and by nothing else.
    """
    moved = np.array(actual, np.float64)
    for line, wanted in zip(moved.reshape(-1, rows.shape[1]), np.reshape(expected, (-1, rows.shape[1]))):
        missing = wanted - line
        lengths = np.maximum((rows**2).sum(axis=1), 1e-30)
        along = rows @ missing
        k = np.argmax(along**2 / lengths)
        line += along[k] / lengths[k] * rows[k]
    return moved.astype(actual.dtype)


def limits(path):
    """The limits of the model in a file."""
    graph = onnx.load(path, load_external_data=False).graph
    scales = {
        weight.name: float(numpy_helper.to_array(weight))
        for weight in graph.initializer
        if weight.data_type == onnx.TensorProto.FLOAT and np.prod(weight.dims) == 1
        and weight.data_location != onnx.TensorProto.EXTERNAL
    }
    outputs = {value.name for value in graph.output}
    found = Limits(exact=any(node.op_type in QUANTIZED for node in graph.node))
    found.rows = {name: rows for name in outputs if (rows := last_weights(graph, name)) is not None}
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[1] in scales:
            for name in outputs.intersection(node.output):
                found.step[name] = scales[node.input[1]]
    if found.step:
        found.cosine = 0.999
    elif any(weight.data_type == onnx.TensorProto.FLOAT16 for weight in graph.initializer):
        found.difference = 8 * HALF_EPSILON
    return found
