"""Reads stored values of the ONNX test cases and says how two of them differ."""
import ml_dtypes
import numpy as np
import onnx
from onnx import numpy_helper

# Ops whose results are random: only their shapes and types can be compared.
RANDOM_OPS = {
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
}


def is_random(model):
    """Whether a model's results depend on a generator of random numbers."""

    def random(node):
        training = node.op_type == "Dropout" and len(node.input) > 2 and bool(node.input[2])
        return training or node.op_type in RANDOM_OPS

    return any(map(random, model.graph.node))


def read_value(path, kind):
    """A tensor, sequence (as a list) or optional (None if empty); `kind` is the field of its type."""
    messages = {
        "sequence_type": (onnx.SequenceProto, numpy_helper.to_list),
        "optional_type": (onnx.OptionalProto, numpy_helper.to_optional),
    }
    message, convert = messages.get(kind, (onnx.TensorProto, numpy_helper.to_array))
    proto = message()
    proto.ParseFromString(path.read_bytes())
    return convert(proto)


def is_text(array):
    return array.dtype.kind in "OSU"


def tolerances(dtype, relative, absolute):
    """The case's own tolerances, widened for half types to a few of their steps."""
    if dtype in (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)):
        steps = 4 * float(ml_dtypes.finfo(dtype).eps)
        return max(relative, steps), max(absolute, 1e-3)
    return relative, absolute


def tensor_difference(expected, actual, relative, absolute, values):
    """What differs between two tensors; None when nothing. Without `values` only type and shape."""
    if expected.shape != actual.shape:
        return f"expected shape {list(expected.shape)}, got {list(actual.shape)}"
    if expected.dtype != actual.dtype and not (is_text(expected) and is_text(actual)):
        return f"expected {expected.dtype}, got {actual.dtype}"
    if not values:
        return None
    relative, absolute = tolerances(expected.dtype, relative, absolute)
    if is_text(expected):
        equal = expected.astype(str) == actual.astype(str)
    elif expected.dtype.kind in "biu":
        equal = expected == actual
    else:
        wide = np.complex128 if expected.dtype.kind == "c" else np.float64
        expected, actual = expected.astype(wide), actual.astype(wide)
        equal = np.isclose(actual, expected, relative, absolute, equal_nan=True)
    wrong = np.argwhere(~np.asarray(equal))
    if not len(wrong):
        return None
    first = tuple(int(i) for i in wrong[0])
    return (
        f"{len(wrong)} of {expected.size} elements differ; at {list(first)}"
        f" expected {expected[first]}, got {actual[first]}"
    )


def difference(expected, actual, relative, absolute, values=True):
    """What differs between two values of any kind, in words; None when nothing does."""
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return f"expected {len(expected)} items, got {len(actual)}"
        pairs = zip(expected, actual)
        found = (difference(*pair, relative, absolute, values) for pair in pairs)
        return next(filter(None, found), None)
    if expected is None or actual is None:
        return None if expected is actual else "one optional is empty and the other is not"
    if isinstance(expected, list) or isinstance(actual, list):
        return "one is a sequence and the other is not"
    return tensor_difference(expected, actual, relative, absolute, values)
