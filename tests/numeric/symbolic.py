"""Graphs with a symbolic size N, which is 0, 1, 2 and 5 in runs of one library."""
import numpy as np

from case import FLOATS, Case

BATCHES = (0, 1, 2, 5)


def network(case, dtype):
    """A small convolutional network."""
    x = case.input(["N", 3, 9, 11], dtype)
    for inputs, outputs, stride in ((3, 5, 1), (5, 17, 2)):
        w = case.weight(case.random([outputs, inputs, 3, 3], dtype, -0.3, 0.3))
        b = case.weight(case.random([outputs], dtype))
        x = case.op("Conv", x, w, b, pads=[1, 1, 1, 1], strides=[stride, stride])
        x = case.op("Relu", x)
    x = case.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = case.op("Flatten", x)
    x = case.op("Gemm", x, case.weight(case.random([17 * 2 * 3, 10], dtype, -0.1, 0.1)))
    return case.output(case.op("Softmax", x))


def perceptron(case, dtype):
    x = case.input(["N", 17], dtype)
    for inputs, outputs in ((17, 64), (64, 33), (33, 3)):
        w = case.weight(case.random([outputs, inputs], dtype, -0.2, 0.2))
        b = case.weight(case.random([outputs], dtype))
        x = case.op("Tanh", case.op("Gemm", x, w, b, transB=1))
    return case.output(x)


def transformer(case, dtype, shape):
    """A layer of self-attention with 3 heads; N is the batch or the length."""
    x = case.input([*shape, 15], dtype)
    ones, zeros = np.ones(15), np.zeros(15)
    y = case.op("LayerNormalization", x, case.weight(ones, dtype), case.weight(zeros, dtype))
    heads = []
    for _ in range(3):
        w = case.weight(case.random([15, 15], dtype, -0.4, 0.4))
        z = case.op("Reshape", case.op("MatMul", y, w), case.ints(0, 0, 3, 5))
        heads.append(case.op("Transpose", z, perm=[0, 2, 1, 3]))
    keys = case.op("Transpose", heads[1], perm=[0, 1, 3, 2])
    scores = case.op("Mul", case.op("MatMul", heads[0], keys), case.weight(0.4, dtype))
    z = case.op("MatMul", case.op("Softmax", scores), heads[2])
    z = case.op("Transpose", z, perm=[0, 2, 1, 3])
    z = case.op("Reshape", z, case.ints(0, 0, 15))
    return case.output(case.op("Add", x, z))


def along_symbol(case, dtype):
    """Operators along the axis of unknown size."""
    x = case.input(["N", 7], dtype)
    y = case.input([7, "N"], dtype)
    z = case.op("Transpose", y, perm=[1, 0])
    zero = case.weight(np.array(0, np.int64))
    case.output(
        case.op("Softmax", x, axis=0),
        case.op("ReduceSum", x, case.ints(0)),
        case.op("ReduceSumSquare", y, case.ints(1), keepdims=0),
        case.op("Concat", x, z, x, axis=0),
        case.op("CumSum", x, zero),
        case.op("Slice", x, case.ints(0), case.ints(2**60), case.ints(0), case.ints(2)),
        case.op("Slice", x, case.ints(-1), case.ints(-(2**60)), case.ints(0), case.ints(-1)),
        case.op("Slice", x, case.ints(1), case.ints(2**60), case.ints(0)),
        case.op("Pad", x, case.ints(2, 1, 0, 0), case.weight(0.5, dtype)),
        case.op("Add", x, z),
        case.op("MatMul", x, y),
        case.op("MatMul", y, x),
        case.op("Reshape", x, case.ints(-1)),
        case.op("Tile", x, case.ints(2, 1)),
        case.op("Unsqueeze", x, case.ints(0, 3)),
    )
    sizes = case.op("Shape", x)
    return case.output(sizes, case.op("Expand", case.op("ReduceSum", x, case.ints(0)), sizes))


def symbolic():
    for dtype in FLOATS:
        yield network(Case(f"symbolic/network_{dtype}", BATCHES), dtype)
        yield perceptron(Case(f"symbolic/perceptron_{dtype}", BATCHES), dtype)
        yield transformer(Case(f"symbolic/batch_{dtype}", BATCHES), dtype, ["N", 7])
        yield transformer(Case(f"symbolic/length_{dtype}", BATCHES[1:]), dtype, [2, "N"])
        yield along_symbol(Case(f"symbolic/along_{dtype}", BATCHES), dtype)


FAMILIES = dict(symbolic=symbolic)
