"""Builders of open_graphs.py that move and combine values of any size.

A builder appends an operator to a graph, as those of random_graphs.py do, but takes no size as known to
the model. Where an operator wants two sizes to be equal, the second operand is a new input that has these
sizes, most often under other names.
"""
import numpy as np
from onnx import TensorProto, helper

from case import pick
from random_graphs import LIMIT, MOST, combine, count, smallest

ANY, SOME = "any", "some"  # a free size, and one of 1 at least


def any_value(g, rank=None):
    return g.value(*[ANY] * (rank or int(g.rng.integers(1, 5))))


def some_value(g, rank=None):
    return g.value(*[SOME] * (rank or int(g.rng.integers(1, 5))))


def add(g):
    """A second operand of the same sizes, of 1 in some runs, or of lower rank."""
    x = any_value(g)
    shape = [g.narrow(dim) for dim in x.shape][int(g.rng.integers(len(x.shape))) :]
    kind = pick(g.rng, ("Add", "Sub", "Mul", "Max", "Min", "Sum", "Mean", "PRelu"))
    operands = [x, g.operand(shape)]
    if kind in ("Sum", "Mean", "Max", "Min") and g.chance(2):
        operands.append(g.operand([g.narrow(dim) for dim in x.shape]))
    return g.add(g.op(kind, *operands), x.shape, x.bound + len(operands) - 1)


def where(g):
    x = any_value(g)
    mask = g.fresh([g.narrow(dim) for dim in x.shape], "bool")
    operands = [x, g.operand([g.narrow(dim) for dim in x.shape])]
    return g.add(g.op("Where", mask, *operands[:: pick(g.rng, (1, -1))]), x.shape, x.bound + 1)


def matmul(g):
    rank = int(g.rng.integers(2, 5))
    x = g.value(*[ANY] * (rank - 1), SOME)
    depth, columns = x.shape[-1], g.dim()
    batch = [g.narrow(dim) for dim in x.shape[:-2]][int(g.rng.integers(rank - 1)) :]
    shape = [*x.shape[:-1], columns]
    if count(shape) > MOST or count([*batch, depth, columns]) > MOST:
        return False
    if g.chance(6):
        return g.add(g.op("MatMul", x, g.operand([depth], 0.3)), shape[:-1], LIMIT + 1)
    bound = smallest(depth) ** -0.5
    return g.add(g.op("MatMul", x, g.operand([*batch, depth, columns], bound)), shape, LIMIT + 1)


def gemm(g):
    turned, other = int(g.rng.integers(2)), int(g.rng.integers(2))
    x = g.value(SOME, ANY) if turned else g.value(ANY, SOME)
    depth, rows = x.shape if turned else x.shape[::-1]
    columns = g.dim()
    if count([rows, columns]) > MOST or count([depth, columns]) > MOST:
        return False
    w = g.operand([columns, depth] if other else [depth, columns], smallest(depth) ** -0.5)
    shapes = ([columns], [rows, columns], [1, columns], [rows, 1], [1], [])
    shape = [g.narrow(dim) for dim in pick(g.rng, shapes)]
    c = g.operand(shape) if g.rng.integers(4) else None
    y = g.op("Gemm", x, w, c, alpha=0.5, transA=turned, transB=other)
    return g.add(y, [rows, columns], LIMIT + 1)


EQUATIONS = ("ij,jk->ik", "bij,bjk->bik", "bij,bkj->bik", "ij,ij->i", "ij,ij->ij", "i,j->ij", "bhid,bhjd->bhij",
             "ij,j->i", "bij,jk->bik", "bij,bi->bj", "...ij,...jk->...ik")


def einsum(g):
    equation = pick(g.rng, EQUATIONS)
    first, rest = equation.replace("...", "b").split(",")
    second, result = rest.split("->")
    x = some_value(g, len(first))
    size = dict(zip(first, x.shape))
    for letter in second:
        size.setdefault(letter, g.dim(1))
    shapes = [[size[letter] for letter in letters] for letters in (second, result)]
    if max(map(count, shapes)) > MOST:
        return False
    y = g.op("Einsum", x, g.operand(shapes[0], 0.3), equation=equation)
    return g.add(y, shapes[1], LIMIT + 1)


def concat(g):
    x = any_value(g)
    axis = int(g.rng.integers(len(x.shape)))
    shapes = [list(x.shape) for _ in range(int(g.rng.integers(1, 3)))]
    for shape in shapes:
        shape[axis] = g.dim()
    result = list(x.shape)
    result[axis] = combine(lambda *sizes: sum(sizes), x.shape[axis], *[s[axis] for s in shapes])
    if count(result) > MOST:
        return False
    y = g.op("Concat", x, *map(g.operand, shapes), axis=axis)
    return g.add(y, result, max(x.bound, 1))


def split(g):
    """Into halves, whatever the size."""
    x = any_value(g)
    axis = int(g.rng.integers(len(x.shape)))
    size = x.shape[axis]
    if smallest(size) < 2:
        return False
    first = combine(lambda n: (n + 1) // 2, size)
    names = g.op("Split", x, axis=axis, num_outputs=2, results=2)
    for name, part in zip(names, (first, combine(lambda n: n // 2, size))):
        g.add(name, [*x.shape[:axis], part, *x.shape[axis + 1 :]], x.bound)
    return True


def slices(g):
    x = any_value(g)
    axis = int(g.rng.integers(len(x.shape)))
    start, end, step, length = pick(
        g.rng,
        (
            (1, 2**62, 1, lambda n: max(n - 1, 0)),
            (-2, 2**62, 1, lambda n: min(n, 2)),
            (0, 2**62, 2, lambda n: (n + 1) // 2),
            (-1, -(2**62), -1, lambda n: n),
            (0, -1, 1, lambda n: max(n - 1, 0)),
        ),
    )
    operands = [g.case.ints(value) for value in (start, end, axis, step)]
    shape = [*x.shape[:axis], combine(length, x.shape[axis]), *x.shape[axis + 1 :]]
    return g.add(g.op("Slice", x, *operands), shape, x.bound)


def pad(g):
    x = any_value(g)
    rank = len(x.shape)
    pads = [int(i) for i in g.rng.integers(0, 3, 2 * rank)]
    shape = [combine(lambda n: n + pads[i] + pads[i + rank], d) for i, d in enumerate(x.shape)]
    if count(shape) > MOST:
        return False
    edge = all(smallest(dim) > 0 for dim in x.shape) and g.chance(2)
    y = g.op("Pad", x, g.case.ints(*pads), mode="edge" if edge else "constant")
    return g.add(y, shape, x.bound)


def product(*sizes):
    return int(np.prod(sizes))


def reshape(g):
    """Dims that are merged, by a -1, by Flatten, or by sizes that are computed; and dims of 1."""
    way = pick(g.rng, ("flatten", "rest", "computed", "ones", "known"))
    x = some_value(g) if way in ("rest", "known") else any_value(g)
    rank = len(x.shape)
    if way == "flatten":
        axis = int(g.rng.integers(rank + 1))
        shape = [combine(product, *x.shape[:axis]), combine(product, *x.shape[axis:])]
        return g.add(g.op("Flatten", x, axis=axis), shape, x.bound)
    if way == "rest":
        kept = int(g.rng.integers(rank))
        shape = [*x.shape[:kept], combine(product, *x.shape[kept:])]
        return g.add(g.op("Reshape", x, g.case.ints(*[0] * kept, -1)), shape, x.bound)
    if way == "known":  # fixed numbers, whatever the model says of the input
        open_axes = [axis for axis in range(rank) if not isinstance(x.shape[axis], int)]
        if len(open_axes) > 1:
            return False
        order = [dim if isinstance(dim, int) else -1 for dim in x.shape][::-1]
        return g.add(g.op("Reshape", x, g.case.ints(*order)), x.shape[::-1], x.bound)
    if way == "ones":
        at = int(g.rng.integers(rank + 1))
        y = g.op("Unsqueeze", x, g.case.ints(at))
        y = g.op("Squeeze", y, g.case.ints(at)) if rank > 3 else y
        return g.add(y, x.shape if rank > 3 else [*x.shape[:at], 1, *x.shape[at:]], x.bound)
    sizes = g.op("Shape", x, start=0, end=rank - 1) if rank > 1 else g.case.ints()
    target = g.op("Concat", sizes, g.case.ints(1), g.op("Shape", x, start=-1), axis=0)
    y = g.op("Reshape", x, target, allowzero=1)
    return g.add(y, [*x.shape[:-1], 1, x.shape[-1]], x.bound)


def expand(g):
    """To the shape of another value, or by a number of times."""
    x = any_value(g)
    if g.chance(2):
        times = [int(i) for i in g.rng.integers(1, 3, len(x.shape))]
        shape = [combine(lambda n: n * k, dim) for dim, k in zip(x.shape, times)]
        return count(shape) <= MOST and g.add(g.op("Tile", x, g.case.ints(*times)), shape, x.bound)
    narrow = [g.narrow(dim) for dim in x.shape]
    y = g.op("Expand", g.fresh(narrow), g.op("Shape", x))
    return g.add(y, x.shape, 1.0)


def reduce(g):
    x = some_value(g)
    rank = len(x.shape)
    axes = sorted({int(i) for i in g.rng.integers(rank, size=2)})
    keep = int(g.rng.integers(2))
    kind = pick(g.rng, ("Mean", "Max", "Min", "Sum", "LogSumExp", "SumSquare", "L1", "L2", "Prod"))
    shape = [1 if i in axes else dim for i, dim in enumerate(x.shape) if keep or i not in axes]
    bound = x.bound if kind in ("Mean", "Max", "Min") else LIMIT + 1
    return g.add(g.op(f"Reduce{kind}", x, g.case.ints(*axes), keepdims=keep), shape, bound)


def along(g):
    """What runs along an axis of any size."""
    x = some_value(g)
    axis = int(g.rng.integers(len(x.shape)))
    kind = pick(g.rng, ("Softmax", "LogSoftmax", "CumSum", "TopK", "Gather", "ReverseSequence"))
    if kind == "CumSum":
        return g.add(g.op(kind, x, g.case.weight(axis, "i64")), x.shape, LIMIT + 1)
    if kind == "TopK":
        k = int(g.rng.integers(1, smallest(x.shape[axis]) + 1))
        y, _ = g.op(kind, x, g.case.ints(k), axis=axis, results=2)
        return g.add(y, [*x.shape[:axis], k, *x.shape[axis + 1 :]], x.bound)
    if kind == "Gather":
        picked = [g.dim() for _ in range(int(g.rng.integers(2)))]
        low = -smallest(x.shape[axis])
        shape = [*x.shape[:axis], *picked, *x.shape[axis + 1 :]]
        indices = g.fresh(picked, "i64", low, -1)
        return count(shape) <= MOST and g.add(g.op(kind, x, indices, axis=axis), shape, x.bound)
    if kind == "ReverseSequence":
        if len(x.shape) < 2:
            return False
        lengths = g.fresh([x.shape[1]], "i64", 1, smallest(x.shape[0]))
        return g.add(g.op(kind, x, lengths, time_axis=0, batch_axis=1), x.shape, x.bound)
    return g.add(g.op(kind, x, axis=axis), x.shape, 2 * x.bound + 8 if kind == "LogSoftmax" else 1)


def scatter(g):
    """Updates and indices that must have sizes of the data or of each other."""
    x = some_value(g, int(g.rng.integers(2, 4)))
    axis = int(g.rng.integers(len(x.shape)))
    indexed = [*x.shape[:axis], g.dim(), *x.shape[axis + 1 :]]
    if count(indexed) > MOST:
        return False
    how = pick(g.rng, ("max", "min"))
    kind = pick(g.rng, ("ScatterElements", "GatherElements", "ScatterND", "GatherND"))
    if kind.endswith("Elements"):
        indices = g.fresh(indexed, "i64", -smallest(x.shape[axis]), smallest(x.shape[axis]) - 1)
        if kind == "GatherElements":
            return g.add(g.op(kind, x, indices, axis=axis), indexed, x.bound)
        y = g.op(kind, x, indices, g.operand(indexed), axis=axis, reduction=how)
        return g.add(y, x.shape, x.bound + 1)
    length = g.dim()
    if kind == "ScatterND":
        indices = g.fresh([length, 1], "i64", 0, smallest(x.shape[0]) - 1)
        y = g.op(kind, x, indices, g.operand([length, *x.shape[1:]]), reduction=how)
        return g.add(y, x.shape, x.bound + 1)
    # The rank of the result follows from how many indices a tuple has.
    indices = g.fresh([x.shape[0], length, 1], "i64", 0, smallest(x.shape[1]) - 1)
    g.case.declared[indices][-1] = 1
    y = g.op(kind, x, indices, batch_dims=1)
    return g.add(y, [x.shape[0], length, *x.shape[2:]], x.bound)


def subgraph(name, nodes, inputs, outputs):
    """A graph as an attribute; inputs and outputs are (name, type, shape or None)."""
    ports = [[helper.make_tensor_value_info(*port) for port in side] for side in (inputs, outputs)]
    return helper.make_graph(nodes, name, *ports)


def branches(g):
    """An If between two ways to combine values of outside."""
    x = any_value(g)
    y = g.operand([g.narrow(dim) for dim in x.shape])
    result = g.case.fresh("b")

    def branch(kind):
        def make(rename):
            names = [rename(x.name), rename(y)]
            node = helper.make_node(kind, names, [rename(result + kind)], rename(f"{result}_{kind}"))
            return subgraph(kind, [node], [], [(rename(result + kind), TensorProto.FLOAT, None)])

        return make

    g.used.add(x.name)
    z = g.op("If", g.fresh([], "bool"), then_branch=branch("Add"), else_branch=branch("Mul"))
    return g.add(z, x.shape, x.bound + 1)


def loop(g):
    """A Loop that adds a value of outside to a carried one and stacks what it carries."""
    x = any_value(g, int(g.rng.integers(1, 4)))
    y = g.operand([g.narrow(dim) for dim in x.shape], 0.5)
    stem, trips = g.case.fresh("l"), int(g.rng.integers(1, 4))

    def body(rename):
        i, go, carried, total, stacked, go_on = (rename(f"{stem}_{k}") for k in range(6))
        nodes = [
            helper.make_node("Add", [carried, rename(y)], [total], rename(f"{stem}_add")),
            helper.make_node("Identity", [total], [stacked]),
            helper.make_node("Identity", [go], [go_on]),
        ]
        inputs = [(i, TensorProto.INT64, []), (go, TensorProto.BOOL, []), (carried, TensorProto.FLOAT, None)]
        outputs = [(go_on, TensorProto.BOOL, []), *[(n, TensorProto.FLOAT, None) for n in (total, stacked)]]
        return subgraph("body", nodes, inputs, outputs)

    shape = [trips, *x.shape]
    if count(shape) > MOST:
        return False
    limit = g.case.weight(trips, "i64") if g.chance(2) else g.fresh([], "i64", trips, trips)
    last, stacked = g.op("Loop", limit, None, x, body=body, results=2)
    return g.add(last, x.shape, x.bound + 2) and g.add(stacked, shape, x.bound + 2)


BUILDERS = (
    *[add] * 4,
    *[matmul] * 3,
    *[reshape] * 2,
    *[concat] * 2,
    *[gemm] * 2,
    *[along] * 2,
    *[scatter] * 2,
    where,
    einsum,
    split,
    slices,
    pad,
    expand,
    reduce,
    branches,
    loop,
)
