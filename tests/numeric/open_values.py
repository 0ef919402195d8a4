"""Builders of open_graphs.py for operators whose results are truth values, positions, counts or sequences, and
for lists of sizes, axes and amounts that only the run knows.

Later nodes take floats, so what is not is cast, chosen by or indexed with. Comparisons and roundings are of inputs,
not of computed numbers, which would turn rounding errors into large ones.
"""
import numpy as np
from onnx import TensorProto, helper

from case import Sizes, pick
from open_builders import ANY, SOME, any_value, some_value, subgraph
from random_graphs import LIMIT, MOST, combine, count, largest, smallest


def as_float(g, name):
    if g.chance(4):
        return g.op("CastLike", name, g.operand([]))
    return g.op("Cast", name, to="f32")


def unary(g):
    """Functions of an input, some of which jump."""
    shape = g.shape()
    kind = pick(g.rng, ("Acos", "Asin", "Atan", "Atanh", "Asinh", "Cos", "Cosh", "Sinh", "Tan", "Exp", "Ceil", "Floor",
                        "Round", "Sign", "Celu", "Mish", "Softsign", "ThresholdedRelu", "Shrink", "HardSwish"))
    return g.add(g.op(kind, g.fresh(shape, "f32", -0.9, 0.9)), shape, LIMIT / 2)


def positive(g):
    """Functions of inputs above 0."""
    shape = g.shape()
    kind = pick(g.rng, ("Log", "Sqrt", "Reciprocal", "Acosh", "Pow", "Mod"))
    operands = [g.fresh(shape, "f32", 1.1, 2)]
    if kind in ("Pow", "Mod"):
        operands.append(g.fresh([g.narrow(dim) for dim in shape], "f32", 2.5, 3))
    extra = dict(fmod=1) if kind == "Mod" else {}
    return g.add(g.op(kind, *operands, **extra), shape, LIMIT)


def truth(g):
    """Truth values that are combined, and what they choose."""
    shape = g.shape()
    narrow = [g.narrow(dim) for dim in shape]
    kind = pick(g.rng, ("Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Equal", "And", "Or", "Xor", "IsNaN", "IsInf"))
    if kind.startswith("Is"):
        mask = g.op(kind, g.fresh(shape))
    else:
        dtype = "bool" if kind in ("And", "Or", "Xor") else pick(g.rng, ("f32", "i64"))
        mask = g.op(kind, g.fresh(shape, dtype), g.fresh(narrow, dtype))
    if g.chance(2):
        mask = g.op("Not", mask)
    if g.chance(2):
        return g.add(as_float(g, mask), shape, 1.0)
    return g.add(g.op("Where", mask, g.operand(narrow), g.operand(shape)), shape, 1.0)


def integers(g):
    """Arithmetic and bits of integers."""
    shape = g.shape()
    narrow = [g.narrow(dim) for dim in shape]
    kind = pick(g.rng, ("BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot", "BitShift", "Add", "Sub", "Mul", "Div", "Mod"))
    dtype = "u32" if kind == "BitShift" else pick(g.rng, ("i32", "i64"))
    operands = [g.fresh(shape, dtype, 0, 9)]
    if kind != "BitwiseNot":
        operands.append(g.fresh(narrow, dtype, 1, 3))
    extra = dict(direction=pick(g.rng, ("LEFT", "RIGHT"))) if kind == "BitShift" else {}
    return g.add(as_float(g, g.op(kind, *operands, **extra)), shape, LIMIT + 1)


def positions(g):
    """Where along an axis the largest or smallest element is; the axis has elements."""
    shape = [g.dim(1) for _ in range(int(g.rng.integers(1, 5)))]
    axis, keep = int(g.rng.integers(len(shape))), int(g.rng.integers(2))
    if count(shape) > MOST:
        return False
    kind = pick(g.rng, ("ArgMax", "ArgMin"))
    y = g.op(kind, g.fresh(shape), axis=axis, keepdims=keep, select_last_index=int(g.rng.integers(2)))
    result = [*shape[:axis], *([1] if keep else []), *shape[axis + 1 :]]
    return g.add(as_float(g, y), result, LIMIT + 1)


def triangle(g):
    """Triangles, unit matrices, one-hot vectors."""
    kind = pick(g.rng, ("Trilu", "EyeLike", "OneHot"))
    if kind == "Trilu":
        x = any_value(g, int(g.rng.integers(2, 5)))
        k = g.case.weight(int(g.rng.integers(-2, 3)), "i64") if g.chance(2) else None
        return g.add(g.op(kind, x, k, upper=int(g.rng.integers(2))), x.shape, x.bound)
    if kind == "EyeLike":
        x = any_value(g, 2)
        return g.add(g.op(kind, x, k=int(g.rng.integers(-1, 2))), x.shape, 1.0)
    shape, depth = g.shape(3), int(g.rng.integers(1, 8))
    axis = int(g.rng.integers(len(shape) + 1))
    result = [*shape[:axis], depth, *shape[axis:]]
    if count(result) > MOST:
        return False
    sizes = g.case.weight(depth, "i64") if g.chance(2) else g.fresh([], "i64", depth, depth)
    y = g.op(kind, g.fresh(shape, "i64", -depth, depth - 1), sizes, g.fresh([2]), axis=axis)
    return g.add(y, result, 1.0)


def counted(g):
    """As many elements as the values of an input say, which an operator then takes together."""
    kind = pick(g.rng, ("NonZero", "Compress", "Unique"))
    x = some_value(g, int(g.rng.integers(1, 4)))
    if kind == "NonZero":
        found = as_float(g, g.op(kind, g.fresh(x.shape, "i64", 0, 1)))
        y = g.op("ReduceSum", found, g.case.ints(1), keepdims=0)
        return g.add(y, [len(x.shape)], LIMIT + 1)
    if kind == "Compress":
        axis = int(g.rng.integers(len(x.shape)))
        y = g.op(kind, x, g.fresh([x.shape[axis]], "bool"), axis=axis)
        y = g.op("ReduceSum", y, g.case.ints(axis), keepdims=1)
        return g.add(y, [*x.shape[:axis], 1, *x.shape[axis + 1 :]], LIMIT + 1)
    y = g.op(kind, as_float(g, g.fresh(x.shape, "i64", 0, 5)))
    return g.add(g.op("ReduceMax", y, keepdims=0), [], 5.0)


def made(g):
    """Tensors made of the sizes of others."""
    x = any_value(g)
    kind = pick(g.rng, ("ConstantOfShape", "Range", "Size"))
    if kind == "ConstantOfShape":
        value = helper.make_tensor("value", TensorProto.FLOAT, [1], [0.5])
        return g.add(g.op(kind, g.op("Shape", x), value=value), x.shape, 1.0)
    if kind == "Size":
        return g.add(as_float(g, g.op(kind, x)), [], LIMIT + 1)
    axis = int(g.rng.integers(len(x.shape)))
    limit = g.op("Squeeze", g.op("Shape", x, start=axis, end=axis + 1))
    y = g.op(kind, g.case.weight(0, "i64"), limit, g.case.weight(1, "i64"))
    return g.add(as_float(g, y), [x.shape[axis]], LIMIT + 1)


def listed(g, *values):
    """A list of integers: a weight, or an input of an open length."""
    if g.chance(2):
        return g.case.ints(*values)
    name = g.case.given(np.array(values, np.int64))
    g.case.declared[name] = [g.declare(len(values))]
    return name


def by_lists(g):
    """Sizes, amounts, axes and repeats that the run may be the first to know."""
    x = some_value(g)
    rank, kind = len(x.shape), pick(g.rng, ("Slice", "Pad", "Tile", "Split", "Reshape", "CenterCropPad", "ReduceSum"))
    axis = int(g.rng.integers(rank))

    def along(size):
        return [*x.shape[:axis], size, *x.shape[axis + 1 :]]

    if kind == "Slice":
        operands = [listed(g, 1), listed(g, 2**31), g.case.ints(axis), listed(g, 1)]
        return g.add(g.op(kind, x, *operands), along(combine(lambda n: n - 1, x.shape[axis])), x.bound)
    if kind == "Pad":
        first, last = (int(i) for i in g.rng.integers(0, 3, 2))
        mode = pick(g.rng, ("constant", "edge", "wrap"))
        shape = along(combine(lambda n: n + first + last, x.shape[axis]))
        y = g.op(kind, x, listed(g, first, last), None, g.case.ints(axis), mode=mode)
        return count(shape) <= MOST and g.add(y, shape, x.bound)
    if kind == "Tile":
        shape = along(combine(lambda n: 2 * n, x.shape[axis]))
        times = [1 + (i == axis) for i in range(rank)]
        return count(shape) <= MOST and g.add(g.op(kind, x, listed(g, *times)), shape, x.bound)
    if kind == "Split":
        if isinstance(x.shape[axis], Sizes):
            return False
        first = int(g.rng.integers(x.shape[axis] + 1))
        parts = g.op(kind, x, listed(g, first, x.shape[axis] - first), axis=axis, results=2)
        return all([g.add(name, along(size), x.bound) for name, size in zip(parts, (first, x.shape[axis] - first))])
    if kind == "Reshape":
        if any(isinstance(dim, Sizes) for dim in x.shape):
            return False
        shape = [count(x.shape[:axis]), count(x.shape[axis:])]
        return g.add(g.op(kind, x, g.case.given(np.array(shape, np.int64))), shape, x.bound)
    if kind == "CenterCropPad":
        size = int(g.rng.integers(1, 8))
        shape = along(size)
        return count(shape) <= MOST and g.add(g.op(kind, x, listed(g, size), axes=[axis]), shape, x.bound)
    return g.add(g.op(kind, x, listed(g, axis), keepdims=1), along(1), LIMIT + 1)


def sequence(g):
    """A value in parts, some of which are joined again."""
    x = some_value(g)
    axis = int(g.rng.integers(len(x.shape)))
    parts = g.op("SplitToSequence", x, axis=axis, keepdims=1)
    if g.chance(2):
        y = g.op("ConcatFromSequence", parts, axis=axis)
        return g.add(y, x.shape, x.bound)
    if g.chance(2):
        parts = g.op("SequenceInsert", parts, g.op("SequenceAt", parts, g.case.weight(0, "i64")))
    y = g.op("SequenceAt", parts, g.case.weight(-1, "i64"))
    return g.add(y, [*x.shape[:axis], 1, *x.shape[axis + 1 :]], x.bound)


def scan(g):
    """Sums that run along the first axis, of what is stacked there."""
    x = some_value(g, int(g.rng.integers(2, 4)))
    state, stem = g.operand(x.shape[1:]), g.case.fresh("s")

    shapes = [[None] * (len(x.shape) - 1)] * 2

    def body(rename):
        before, slice_, after, out = (rename(f"{stem}_{k}") for k in range(4))
        nodes = [
            helper.make_node("Mul", [before, slice_], [after], rename(f"{stem}_mul")),
            helper.make_node("Tanh", [after], [out], rename(f"{stem}_tanh")),
        ]
        ports = [
            [(name, TensorProto.FLOAT, shape) for name, shape in zip(side, shapes)]
            for side in ((before, slice_), (after, out))
        ]
        return subgraph("body", nodes, *ports)

    last, stacked = g.op("Scan", state, x, body=body, num_scan_inputs=1, results=2)
    # What no steps stack has no shape that ONNX speaks of.
    return g.add(last, x.shape[1:], LIMIT + 1) and g.add(g.op("ReduceSum", stacked, keepdims=0), [], LIMIT + 1)


def determinant(g):
    """Square matrices whose sides may have two names."""
    side = pick(g.rng, (1, 2, 3))
    batch = [g.dim() for _ in range(int(g.rng.integers(3)))]
    return g.add(g.op("Det", g.fresh([*batch, side, side])), batch, LIMIT)


BUILDERS = (
    *[by_lists] * 3,
    truth,
    integers,
    unary,
    positive,
    positions,
    triangle,
    counted,
    made,
    sequence,
    scan,
    determinant,
)
