"""Attention and softmax spelled out in primitives, in the shapes that exporters write, and near misses."""
import numpy as np

from case import Case, pick

SIZES = (1, 2, 3, 5, 7, 8, 16, 17, 33)
LOWEST = {"f32": -3.4028235e38, "f16": -65504.0}


def swapped(case, x, rank):
    perm = list(range(rank))
    perm[-2:] = perm[-1], perm[-2]
    return case.op("Transpose", x, perm=perm)


def scaled(case, x, dtype, scale):
    scalar = case.weight(np.full(pick(case.rng, ((), (1,))), scale), dtype)
    return case.op("Mul", x, scalar)


def factors(case, q, kt, size, dtype):
    """The scaled product, with the factor on one side, half on both, or on the scores."""
    scale, where = size**-0.5, pick(case.rng, ("q", "k", "both", "scores", "divided", "none"))
    if where in ("q", "both"):
        q = scaled(case, q, dtype, scale**0.5 if where == "both" else scale)
    if where in ("k", "both"):
        kt = scaled(case, kt, dtype, scale**0.5 if where == "both" else scale)
    scores = case.op("MatMul", q, kt)
    if where == "scores":
        return scaled(case, scores, dtype, scale)
    return case.op("Div", scores, case.weight(size**0.5, dtype)) if where == "divided" else scores


def masked(case, scores, shape, dtype):
    """The scores with a mask over some of their dims; rows may be masked as a whole."""
    rank = int(case.rng.integers(1, len(shape) + 1))
    dims = [size if k + 1 == len(shape) or case.rng.integers(2) else 1 for k, size in enumerate(shape)][-rank:]
    dims[-1] = pick(case.rng, (dims[-1], dims[-1], dims[-1], 1))
    kind = pick(case.rng, ("float", "additive", "kept", "filled"))
    if kind == "float":
        return case.op("Add", scores, case.input(dims, dtype, -3, 3))
    mask = case.input(dims, "bool")
    low = pick(case.rng, (-np.inf, LOWEST[dtype], -1e4))
    if dtype == "f16" and dims[-1] == 1:
        low = -np.inf  # Scores that stay primitives keep more digits than halves until they are stored.
    low = case.weight(low, dtype)
    if kind == "additive":
        return case.op("Add", scores, case.op("Where", mask, case.weight(0, dtype), low))
    return case.op("Where", mask, *((scores, low) if kind == "kept" else (low, scores)))


def probabilities(case, scores, dtype):
    if dtype == "f32" and case.rng.integers(5) == 0:
        axis = case.ints(-1)
        e = case.op("Exp", case.op("Sub", scores, case.op("ReduceMax", scores, axis)))
        return case.op("Div", e, case.op("ReduceSum", e, axis))
    wide = dtype == "f16" and case.rng.integers(2)
    p = case.op("Softmax", case.op("Cast", scores, to="f32") if wide else scores, axis=-1)
    if case.rng.integers(3) == 0:
        p = case.op("Where", case.op("IsNaN", p), case.weight(0, "f32" if wide else dtype), p)
    return case.op("Cast", p, to=dtype) if wide else p


def repeated(case, x, batch, heads, each, size, length):
    x = case.op("Expand", case.op("Unsqueeze", x, case.ints(2)), case.ints(batch, heads, each, length, size))
    return case.op("Reshape", x, case.ints(batch, heads * each, length, size))


def attention():
    for k in range(160):
        case = Case(f"attention/{k}")
        rng = case.rng
        dtype = ("f32", "f32", "f32", "f16")[k % 4]
        batch, heads, each = pick(rng, (1, 2, 3)), pick(rng, (1, 2, 3)), pick(rng, (1, 1, 2, 3))
        length, keys, size, width = (pick(rng, SIZES) for _ in range(4))
        q = case.input([batch, heads * each, length, size], dtype)
        inner = [case.input([batch, heads, keys, n], dtype) for n in (size, width)]
        if each > 1:
            inner = [
                repeated(case, x, batch, heads, each, n, keys) for x, n in zip(inner, (size, width))
            ]
        rank, (key, value) = 4, inner
        shape = [batch, heads * each, length, keys]
        if rng.integers(4) == 0:  # heads of all batches in one dim
            rank, shape = 3, [batch * heads * each, length, keys]
            q, key, value = (
                case.op("Reshape", x, case.ints(-1, rows, n))
                for x, rows, n in ((q, length, size), (key, keys, size), (value, keys, width))
            )
        scores = factors(case, q, swapped(case, key, rank), size, dtype)
        for _ in range(pick(rng, (0, 1, 1, 2))):
            scores = masked(case, scores, shape, dtype)
        p = probabilities(case, scores, dtype)
        if rng.integers(6) == 0:
            case.output(case.op("ReduceMean", p, case.ints(1)))
        if rng.integers(5) == 0:  # all transposed
            y = case.op("MatMul", swapped(case, value, rank), swapped(case, p, rank))
        else:
            y = case.op("MatMul", p, value)
        yield case.output(y)


def softmax():
    """Exponentials over their sum, and logarithms; along any axis, with the maximum and without it."""
    for k in range(60):
        case = Case(f"softmax/{k}")
        rank = int(case.rng.integers(1, 5))
        x = case.input([pick(case.rng, SIZES) for _ in range(rank)], pick(case.rng, ("f32", "f32", "f64")), -9, 9)
        axis = case.ints(int(case.rng.integers(-rank, rank)))
        most = case.op("ReduceMax", x, axis) if case.rng.integers(2) else None
        shifted = case.op("Sub", x, most) if most else x
        e = case.op("Exp", shifted)
        total = case.op("ReduceSum", e, axis)
        kind = pick(case.rng, ("quotient", "reciprocal", "log", "logsumexp", "log of softmax"))
        if kind == "quotient":
            y = case.op("Div", e, total)
        elif kind == "reciprocal":
            y = case.op("Mul", case.op("Reciprocal", total), e)
        elif kind == "log":
            y = case.op("Sub", shifted, case.op("Log", total))
        elif kind == "logsumexp":
            y = case.op("Sub", x, case.op("ReduceLogSumExp", x, axis))
        else:
            y = case.op("Log", case.op("Softmax", x))
        yield case.output(y)


FAMILIES = dict(attention=attention, softmax=softmax)
