"""Random graphs of 10 to 30 nodes, so that passes meet each other.

Every graph follows from its seed. A builder of BUILDERS picks operands among the values there are and
appends one operator, or a pattern that exporters write, or gives up. Values carry a bound of their
magnitude: what grows is squashed, and nothing is there that turns rounding errors into large ones
(comparisons of computed numbers, roots and quotients near zero), so the tolerance stays small.
"""
import collections

import numpy as np

from case import SYMBOL, Case, Sizes, in_run, pick, sizes_of

SEEDS = (*range(1, 121), 1023, 1073, 1076, 2297)  # the last ones have found errors
DIMS = (1, 2, 3, 4, 5, 7, 8, 16, 17)
MOST = 3000  # elements of a value in any run
LIMIT = 8.0  # bound of a value's magnitude

Value = collections.namedtuple("Value", "name shape bound")


def largest(dim):
    """The size of a dim in the run where it is largest."""
    return max(dim) if isinstance(dim, Sizes) else dim


def smallest(dim):
    return min(dim) if isinstance(dim, Sizes) else dim


def is_fixed(*dims):
    """Whether each of the dims has one size in all runs."""
    return not any(isinstance(dim, Sizes) for dim in dims)


def count(shape):
    return int(np.prod([largest(dim) for dim in shape]))


class Graph:
    """A case that grows, and the values that a node can take."""

    def __init__(self, case):
        self.case, self.rng = case, case.rng
        self.values, self.used = [], set()

    def chance(self, of):
        return self.rng.integers(of) == 0

    def choose(self, accepts=lambda value: True):
        """A value, the newest ones most often; None if there is no such."""
        good = [value for value in self.values if accepts(value)]
        if not good:
            return None
        return good[-1 if self.rng.integers(5) < 3 else int(self.rng.integers(len(good)))]

    def declare(self, dim):
        """What the model says of the dim of an input."""
        return dim if is_fixed(dim) else SYMBOL

    def fresh(self, shape, dtype="f32", low=-1.0, high=1.0):
        """A new input."""
        declared = [self.declare(dim) for dim in shape]
        return self.case.input(shape, dtype, low, high, declared)

    def weight(self, shape, bound=1.0):
        return self.case.weight(self.case.random(shape, "f32", -bound, bound))

    def op(self, kind, *inputs, **attributes):
        names = [i.name if isinstance(i, Value) else i for i in inputs]
        self.used.update(i for i in names if i)
        return self.case.op(kind, *names, **attributes)

    def add(self, name, shape, bound):
        """Makes a result a value that later nodes can take; gives up on a large one."""
        if bound > LIMIT:
            kind = pick(self.rng, ("Tanh", "Sigmoid", "HardSigmoid"))
            name, bound = self.op(kind, name), 1.0
        self.values.append(Value(name, tuple(shape), bound))
        return True

    def axes(self, value, fixed=True):
        """Axes of a known size, or all."""
        return [i for i, dim in enumerate(value.shape) if not fixed or is_fixed(dim)]


def unary(g):
    x = g.choose()
    kinds = ("Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "HardSwish", "Softplus", "Erf", "Gelu")
    kind = pick(g.rng, kinds + ("Abs", "Neg", "Clip", "Sin", "Identity", "Selu"))
    bounds = [g.case.weight(bound, "f32") for bound in (-0.5, 1.5)] if kind == "Clip" else []
    bound = x.bound + 1 if kind == "Softplus" else 2 * x.bound
    return g.add(g.op(kind, x, *bounds), x.shape, bound)


def with_weight(g):
    """A bias or a scale that broadcasts."""
    x = g.choose()
    shape = [1 if not is_fixed(dim) or g.chance(2) else dim for dim in x.shape]
    while shape and shape[0] == 1 and g.chance(2):
        shape = shape[1:]
    kind = pick(g.rng, ("Add", "Sub", "Mul", "Max", "Min"))
    operands = [x, g.weight(shape)]
    return g.add(g.op(kind, *(operands if g.chance(2) else operands[::-1])), x.shape, x.bound + 1)


def combine(how, *dims):
    """The dim whose size in each run is a function of the sizes that these dims have there."""
    runs = max((len(dim) for dim in dims if isinstance(dim, Sizes)), default=1)
    return sizes_of(how(*in_run(dims, run)) for run in range(runs))


def broadcast(a, b):
    """The shape of two operands together; None where they do not fit."""

    def together(x, y):
        return y if x == 1 else x if y in (1, x) else -1

    rank = max(len(a), len(b))
    pairs = zip((1,) * (rank - len(a)) + tuple(a), (1,) * (rank - len(b)) + tuple(b))
    shape = [combine(together, x, y) for x, y in pairs]
    return None if any(smallest(dim) < 0 for dim in shape) else shape


def binary(g):
    a = g.choose()
    b = g.choose(lambda value: value is not a and broadcast(a.shape, value.shape) is not None)
    if b is None or count(broadcast(a.shape, b.shape)) > MOST:
        return False
    kind = pick(g.rng, ("Add", "Sub", "Mul", "Max", "Min", "Where", "Div"))
    shape = broadcast(a.shape, b.shape)
    if kind == "Where":
        mask = g.fresh(shape[-1:] if g.chance(2) else shape, "bool")
        return g.add(g.op("Where", mask, a, b), shape, max(a.bound, b.bound))
    if kind == "Div":
        positive = g.op("Add", g.op("Abs", b), g.case.weight(1, "f32"))
        return g.add(g.op("Div", a, positive), shape, a.bound)
    bound = a.bound * b.bound if kind == "Mul" else a.bound + b.bound
    return g.add(g.op(kind, a, b), shape, bound)


def conv(g):
    x = g.choose(lambda v: len(v.shape) in (3, 4, 5) and is_fixed(*v.shape[1:]))
    if x is None:
        return False
    channels, sizes = x.shape[1], x.shape[2:]
    taps = [int(g.rng.integers(1, min(size, 3) + 1)) for size in sizes]
    pads = [int(g.rng.integers(0, 2)) for _ in range(2 * len(sizes))]
    strides = [int(g.rng.integers(1, 3)) for _ in sizes]
    groups = channels if g.chance(3) else 1
    outputs = channels if groups > 1 else pick(g.rng, DIMS)
    rank = len(sizes)
    result = [
        (size + pads[i] + pads[i + rank] - taps[i]) // strides[i] + 1
        for i, size in enumerate(sizes)
    ]
    shape = [x.shape[0], outputs, *result]
    if count(shape) > MOST:
        return False
    depth = channels // groups * int(np.prod(taps))
    w = g.weight([outputs, channels // groups, *taps], depth**-0.5)
    b = g.weight([outputs]) if g.chance(2) else None
    y = g.op("Conv", x, w, b, kernel_shape=taps, pads=pads, strides=strides, group=groups)
    if g.chance(2):
        y = g.op("Relu", y)
    return g.add(y, shape, 2 * x.bound + 1)


def pool(g):
    x = g.choose(lambda v: len(v.shape) in (3, 4, 5) and is_fixed(*v.shape[1:]))
    if x is None:
        return False
    rank = len(x.shape) - 2
    taps = [int(g.rng.integers(1, min(size, 3) + 1)) for size in x.shape[2:]]
    pads = [int(g.rng.integers(0, tap)) for tap in taps + taps]
    kind = pick(g.rng, ("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"))
    if kind.startswith("Global"):
        return g.add(g.op(kind, x), [*x.shape[:2], *[1] * rank], x.bound)
    result = [
        size + pads[i] + pads[i + rank] - taps[i] + 1 for i, size in enumerate(x.shape[2:])
    ]
    y = g.op(kind, x, kernel_shape=taps, pads=pads)
    return g.add(y, [*x.shape[:2], *result], x.bound)


def matmul(g):
    x = g.choose(lambda v: v.shape and is_fixed(v.shape[-1]))
    if x is None:
        return False
    depth, columns = x.shape[-1], pick(g.rng, DIMS)
    w, shape = g.weight([depth, columns], depth**-0.5), [*x.shape[:-1], columns]
    if count(shape) > MOST:
        return False
    if len(x.shape) == 2 and g.chance(2):
        c = g.weight(pick(g.rng, ([columns], [1], [1, columns])))
        return g.add(g.op("Gemm", x, w, c, alpha=0.5), shape, x.bound + 1)
    y = g.op("MatMul", x, w)
    return g.add(g.op("Add", y, g.weight([columns])) if g.chance(2) else y, shape, x.bound + 1)


def attention(g):
    """softmax(x x^T) x, as attention has it; the product of two computed values."""
    x = g.choose(lambda v: len(v.shape) >= 2 and is_fixed(v.shape[-1]))
    if x is None or count((*x.shape[:-1], x.shape[-2])) > MOST:
        return False
    rank = len(x.shape)
    turned = g.op("Transpose", x, perm=[*range(rank - 2), rank - 1, rank - 2])
    factor = g.case.weight(1 / (x.bound**2 * x.shape[-1] ** 0.5), "f32")
    scores = g.op("Mul", g.op("MatMul", x, turned), factor)
    if g.chance(3):
        return g.add(scores, [*x.shape[:-1], x.shape[-2]], x.shape[-1] ** 0.5)
    return g.add(g.op("MatMul", g.op("Softmax", scores, axis=-1), x), x.shape, x.bound)


def reduce(g):
    x = g.choose(lambda v: g.axes(v))
    if x is None:
        return False
    axes = [axis for axis in g.axes(x) if g.chance(2)] or g.axes(x)[-1:]
    keep = int(g.rng.integers(2))
    kind = pick(g.rng, ("Mean", "Max", "Min", "Sum", "LogSumExp", "SumSquare", "L1"))
    shape = [1 if i in axes else dim for i, dim in enumerate(x.shape) if keep or i not in axes]
    bound = x.bound + 1 if kind in ("Mean", "Max", "Min") else LIMIT + 1
    y = g.op(f"Reduce{kind}", x, g.case.ints(*axes), keepdims=keep)
    return g.add(y, shape, bound)


def normalize(g):
    x = g.choose(lambda v: v.shape and is_fixed(v.shape[-1]))
    if x is None:
        return False
    kind = pick(g.rng, ("Softmax", "LogSoftmax", "LayerNormalization", "BatchNormalization"))
    if kind == "LayerNormalization":
        scale, bias = g.weight(x.shape[-1:]), g.weight(x.shape[-1:])
        return g.add(g.op(kind, x, scale, bias, epsilon=0.01), x.shape, 5)
    if kind == "BatchNormalization":
        if len(x.shape) < 2 or not is_fixed(x.shape[1]):
            return False
        weights = [g.weight([x.shape[1]]) for _ in range(3)]
        variance = g.case.weight(g.case.random([x.shape[1]], "f32", 0.5, 2))
        return g.add(g.op(kind, x, *weights, variance), x.shape, 2 * x.bound + 2)
    axis = int(g.rng.integers(len(x.shape)))
    bound = 1 if kind == "Softmax" else 2 * x.bound + 8
    return g.add(g.op(kind, x, axis=axis), x.shape, bound)


def transpose(g):
    x = g.choose(lambda v: len(v.shape) > 1)
    if x is None:
        return False
    perm = [int(i) for i in g.rng.permutation(len(x.shape))]
    return g.add(g.op("Transpose", x, perm=perm), [x.shape[i] for i in perm], x.bound)


def reshape(g):
    """Merges two dims, splits one, or flattens what follows the first dim by way of Shape."""
    x = g.choose(lambda v: v.shape)
    axes = g.axes(x)
    way = pick(g.rng, ("merge", "split", "shape", "ones"))
    shape = list(x.shape)
    if way == "merge":
        pairs = [i for i in axes if i + 1 in axes]
        if not pairs:
            return False
        i = pick(g.rng, pairs)
        shape[i : i + 2] = [shape[i] * shape[i + 1]]
    elif way == "split":
        splits = [(i, f) for i in axes for f in (2, 3, 4) if shape[i] % f == 0]
        if not splits or len(shape) > 4:
            return False
        i, factor = pick(g.rng, splits)
        shape[i : i + 1] = [factor, shape[i] // factor]
    elif way == "shape":
        if not is_fixed(*shape[1:]) or len(shape) < 2:
            return False
        first = g.op("Shape", x, start=0, end=1)
        rest = int(np.prod(shape[1:]))
        target = g.op("Concat", first, g.case.ints(rest), axis=0)
        return g.add(g.op("Reshape", x, target), [shape[0], rest], x.bound)
    else:
        if len(shape) > 4:
            return False
        at = int(g.rng.integers(len(shape) + 1))
        y = g.op("Unsqueeze", x, g.case.ints(at))
        return g.add(y, shape[:at] + [1] + shape[at:], x.bound)
    if sum(not is_fixed(dim) for dim in shape) > 1 or 0 in shape:
        return False
    target = g.case.ints(*[dim if is_fixed(dim) else -1 for dim in shape])
    return g.add(g.op("Reshape", x, target), shape, x.bound)


def slices(g):
    x = g.choose(lambda v: g.axes(v))
    if x is None:
        return False
    shape, chosen = list(x.shape), [axis for axis in g.axes(x) if g.chance(2)] or g.axes(x)[:1]
    starts, ends, steps = [], [], []
    for axis in chosen:
        size = shape[axis]
        start, end = sorted(int(i) for i in g.rng.integers(0, size + 1, 2))
        start = min(start, size - 1)
        end, step = max(end, start + 1), int(g.rng.integers(1, 4))
        shape[axis] = -(-(end - start) // step)
        if g.chance(4):  # backwards, from the last one to the first
            start, end, step = end - 1, start - 1 if start else -size - 1, -step
        starts.append(start)
        ends.append(end)
        steps.append(step)
    inputs = [g.case.ints(*values) for values in (starts, ends, chosen, steps)]
    return g.add(g.op("Slice", x, *inputs), shape, x.bound)


def concat(g):
    x = g.choose(lambda v: g.axes(v))
    if x is None:
        return False
    axis = pick(g.rng, g.axes(x))

    def fits(v):
        others = [i for i in range(len(x.shape)) if i != axis]
        return (
            len(v.shape) == len(x.shape)
            and is_fixed(v.shape[axis])
            and all(v.shape[i] == x.shape[i] for i in others)
        )

    operands = [x] + [g.choose(fits) for _ in range(int(g.rng.integers(1, 3)))]
    if is_fixed(*x.shape) and g.chance(3):
        operands.append(Value(g.weight(x.shape), x.shape, 1))
    shape = list(x.shape)
    shape[axis] = sum(operand.shape[axis] for operand in operands)
    if count(shape) > MOST:
        return False
    return g.add(g.op("Concat", *operands, axis=axis), shape, max(o.bound for o in operands))


def split(g):
    x = g.choose(lambda v: any(is_fixed(dim) and dim > 1 for dim in v.shape))
    if x is None:
        return False
    axis = pick(g.rng, [i for i in g.axes(x) if x.shape[i] > 1])
    first = int(g.rng.integers(1, x.shape[axis]))
    sizes = [first, x.shape[axis] - first]
    names = g.op("Split", x, g.case.ints(*sizes), axis=axis, results=2)
    for name, size in zip(names, sizes):
        shape = list(x.shape)
        shape[axis] = size
        g.add(name, shape, x.bound)
    return True


def pad(g):
    x = g.choose(lambda v: g.axes(v))
    if x is None:
        return False
    rank, mode = len(x.shape), pick(g.rng, ("constant", "edge", "reflect"))
    pads = [0] * (2 * rank)
    for axis in g.axes(x):
        most = min(2, x.shape[axis] - 1) if mode == "reflect" else 2
        pads[axis], pads[axis + rank] = (int(i) for i in g.rng.integers(0, most + 1, 2))
    shape = [
        dim if not is_fixed(dim) else dim + pads[i] + pads[i + rank] for i, dim in enumerate(x.shape)
    ]
    if count(shape) > MOST:
        return False
    value = [g.case.weight(0.5, "f32")] if mode == "constant" else []
    return g.add(g.op("Pad", x, g.case.ints(*pads), *value, mode=mode), shape, x.bound)


def gather(g):
    x = g.choose(lambda v: g.axes(v))
    if x is None:
        return False
    axis = pick(g.rng, g.axes(x))
    size = x.shape[axis]
    picked = [int(g.rng.integers(1, 6))] if g.chance(2) or len(x.shape) > 3 else [2, 3]
    indices = g.case.weight(g.rng.integers(-size, size, picked))
    shape = [*x.shape[:axis], *picked, *x.shape[axis + 1 :]]
    if count(shape) > MOST:
        return False
    return g.add(g.op("Gather", x, indices, axis=axis), shape, x.bound)


def repeat(g):
    """Expand of dims of size 1, and Tile."""
    x = g.choose(lambda v: g.axes(v))
    if x is None:
        return False
    axis = pick(g.rng, g.axes(x))
    times = [1] * len(x.shape)
    times[axis] = int(g.rng.integers(2, 4))
    shape = [dim if not is_fixed(dim) else dim * n for dim, n in zip(x.shape, times)]
    if count(shape) > MOST:
        return False
    expand = x.shape[axis] == 1
    return g.add(g.op("Expand" if expand else "Tile", x, g.case.ints(*times)), shape, x.bound)


def running(g):
    x = g.choose(lambda v: g.axes(v))
    if x is None:
        return False
    axis = g.case.weight(np.array(pick(g.rng, g.axes(x)), np.int64))
    y = g.op("CumSum", x, axis, exclusive=int(g.rng.integers(2)), reverse=int(g.rng.integers(2)))
    return g.add(y, x.shape, LIMIT + 1)


BUILDERS = (
    *[unary] * 4,
    *[with_weight] * 3,
    *[binary] * 5,
    *[conv] * 4,
    *[matmul] * 3,
    *[reshape] * 3,
    *[transpose] * 3,
    *[slices] * 2,
    *[concat] * 2,
    pool,
    attention,
    reduce,
    normalize,
    normalize,
    split,
    pad,
    gather,
    repeat,
    running,
)


def make(seed):
    """The graph of a seed; every third has a symbol N, which is 0, 1, 2 and 5."""
    symbolic = seed % 3 == 0
    case = Case(f"random/{seed}", sizes=(0, 1, 2, 5) if symbolic else (None,))
    g = Graph(case)
    for _ in range(int(g.rng.integers(1, 4))):
        shape = [pick(g.rng, DIMS) for _ in range(int(g.rng.integers(1, 5)))]
        shape = shape[:1] if count(shape) > MOST else shape
        if symbolic:
            shape[0 if g.rng.integers(4) else int(g.rng.integers(len(shape)))] = Sizes(case.sizes)
        g.add(g.fresh(shape), shape, 1.0)
    inputs = len(g.values)
    nodes = int(g.rng.integers(10, 31))
    while len(case.nodes) < nodes:
        pick(g.rng, BUILDERS)(g)
    left = [v.name for v in g.values[inputs:] if v.name not in g.used]
    some = [v.name for v in g.values[inputs:] if v.name in g.used and g.chance(8)]
    return case.output(*left, *some)
