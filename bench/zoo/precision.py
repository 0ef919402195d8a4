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
    # Integer operators leave no choice: the same bits as the reference interpreter's.
    exact: bool = False


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
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[1] in scales:
            for name in outputs.intersection(node.output):
                found.step[name] = scales[node.input[1]]
    if found.step:
        found.cosine = 0.999
    elif any(weight.data_type == onnx.TensorProto.FLOAT16 for weight in graph.initializer):
        found.difference = 8 * HALF_EPSILON
    return found
