"""Builders of open_graphs.py that append layers: convolutions, pools, normalizations, attention, recurrent
and quantized layers, whose channels, batches and lengths a model may leave open."""
from case import Sizes, pick
from open_builders import ANY, SOME
from random_graphs import LIMIT, MOST, combine, count, smallest


def windows(g, sizes, dilate=True):
    """Attributes of a window that fits these sizes, and the sizes of the result."""
    taps = [int(g.rng.integers(1, min(smallest(size), 3) + 1)) for size in sizes]
    strides = [int(g.rng.integers(1, 3)) for _ in sizes]
    attributes = dict(kernel_shape=taps, strides=strides)
    if g.chance(4):  # ONNX Runtime does not crop where a stride is longer than its window
        strides[:] = map(min, strides, taps)
        result = [combine(lambda n: -(-n // s), size) for size, s in zip(sizes, strides)]
        return dict(attributes, auto_pad=pick(g.rng, ("SAME_UPPER", "SAME_LOWER"))), result
    dilations = [
        2 if dilate and smallest(size) >= 2 * tap and g.chance(3) else 1 for size, tap in zip(sizes, taps)
    ]
    pads = [int(g.rng.integers(0, tap)) for tap in taps + taps]
    spans = [(tap - 1) * dilation + 1 for tap, dilation in zip(taps, dilations)]
    result = [
        combine(lambda n: (n + pads[i] + pads[i + len(sizes)] - spans[i]) // strides[i] + 1, size)
        for i, size in enumerate(sizes)
    ]
    extra = dict(dilations=dilations) if dilate else {}
    return dict(attributes, pads=pads, **extra), result


def conv(g):
    """Dense, grouped and depthwise; weights and bias are constants or inputs."""
    group, depth = pick(g.rng, (1, 2, 3, 16)), pick(g.rng, (1, 2, 3))
    x = g.value(pick(g.rng, (ANY, SOME)), group * depth, *[SOME] * int(g.rng.integers(1, 4)))
    attributes, result = windows(g, x.shape[2:])
    outputs = group * pick(g.rng, (1, 2, 5))
    shape = [x.shape[0], outputs, *result]
    if count(shape) > MOST:
        return False
    taps = attributes["kernel_shape"]
    w = g.operand([outputs, depth, *taps], count([depth, *taps]) ** -0.5)
    b = g.operand([outputs]) if g.chance(2) else None
    y = g.op("Conv", x, w, b, group=group, **attributes)
    if g.chance(3):
        y = g.op("Relu", y)
    return g.add(y, shape, LIMIT + 1)


def conv_transpose(g):
    group, depth = pick(g.rng, (1, 2, 3)), pick(g.rng, (1, 2))
    x = g.value(ANY, group * depth, *[SOME] * int(g.rng.integers(1, 3)))
    rank, outputs = len(x.shape) - 2, pick(g.rng, (1, 2, 3))
    taps, strides = ([int(i) for i in g.rng.integers(1, 4, rank)] for _ in range(2))
    result = [combine(lambda n: (n - 1) * s + t, size) for size, s, t in zip(x.shape[2:], strides, taps)]
    shape = [x.shape[0], group * outputs, *result]
    if count(shape) > MOST:
        return False
    w = g.operand([group * depth, outputs, *taps], count([depth, *taps]) ** -0.5)
    b = g.operand([group * outputs]) if g.chance(2) else None
    y = g.op("ConvTranspose", x, w, b, group=group, strides=strides, kernel_shape=taps)
    return g.add(y, shape, LIMIT + 1)


def pool(g):
    x = g.value(SOME, SOME, *[SOME] * int(g.rng.integers(1, 4)))
    kind = pick(g.rng, ("MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool"))
    if kind.startswith("Global"):
        return g.add(g.op(kind, x), [*x.shape[:2], *[1] * (len(x.shape) - 2)], x.bound)
    attributes, result = windows(g, x.shape[2:], dilate=kind == "MaxPool")
    if kind == "AveragePool":
        attributes["count_include_pad"] = int(g.rng.integers(2))
    bound = LIMIT + 1 if kind == "LpPool" else x.bound
    return g.add(g.op(kind, x, **attributes), [*x.shape[:2], *result], bound)


def resize(g):
    rank = int(g.rng.integers(1, 3))
    x = g.value(SOME, SOME, *[SOME] * rank)
    mode = pick(g.rng, ("nearest", "linear"))
    attributes = dict(mode=mode, coordinate_transformation_mode=pick(g.rng, ("asymmetric", "half_pixel")))
    if g.chance(2):
        result = [int(size) for size in g.rng.integers(1, 9, rank)]
        sizes = g.op("Concat", g.op("Shape", x, start=0, end=2), g.case.ints(*result), axis=0)
        operands = (None, None, sizes)
    else:
        scales = [pick(g.rng, (1, 2, 3)) for _ in range(rank)]
        result = [combine(lambda n: n * s, size) for size, s in zip(x.shape[2:], scales)]
        operands = (None, g.case.weight([1, 1, *scales], "f32"))
    shape = [*x.shape[:2], *result]
    return count(shape) <= MOST and g.add(g.op("Resize", x, *operands, **attributes), shape, x.bound)


def normalize(g):
    """Scales and shifts have the length of an axis, most often as inputs of their own."""
    kind = pick(
        g.rng,
        ("BatchNormalization", "InstanceNormalization", "GroupNormalization", "LayerNormalization",
         "RMSNormalization"),
    )
    if kind == "GroupNormalization":
        x = g.value(SOME, pick(g.rng, (2, 4, 6)), SOME, SOME)
    else:
        x = g.value(SOME, SOME, *[SOME] * int(g.rng.integers(1, 3)))
    if kind in ("LayerNormalization", "RMSNormalization"):
        axis = int(g.rng.integers(1, len(x.shape)))
        weights = [g.operand(x.shape[axis:]) for _ in range(2 if kind.startswith("Layer") else 1)]
        return g.add(g.op(kind, x, *weights, axis=axis, epsilon=0.1), x.shape, LIMIT + 1)
    weights = [g.operand([x.shape[1]]) for _ in range(2)]
    if kind == "BatchNormalization":
        weights += [g.operand([x.shape[1]]), g.fresh([x.shape[1]], "f32", 0.5, 2)]
    groups = dict(num_groups=2) if kind == "GroupNormalization" else {}
    return g.add(g.op(kind, x, *weights, epsilon=0.1, **groups), x.shape, LIMIT + 1)


def attention(g):
    """Attention of three inputs with a mask, in both layouts."""
    heads, groups = 2, int(g.rng.integers(1, 3))
    batch, queries, keys, width, values = g.dim(1), g.dim(1), g.dim(1), pick(g.rng, (2, 5, 8)), 3
    shapes = [(heads, queries, width), (heads // groups, keys, width), (heads // groups, keys, values)]
    flat = g.chance(3)
    attributes = {}
    if flat:
        shapes = [(length, count * size) for count, length, size in shapes]
        attributes = dict(q_num_heads=heads, kv_num_heads=heads // groups)
    operands = [g.fresh([batch, *shape]) for shape in shapes]
    if g.chance(2):  # ONNX Runtime broadcasts no other dims of a mask
        mask = [g.narrow(batch), g.narrow(heads), queries, keys]
        operands.append(g.fresh(mask[int(g.rng.integers(3)) :]))
    y = g.op("Attention", *operands, is_causal=int(g.rng.integers(2)), **attributes)
    shape = [batch, queries, heads * values] if flat else [batch, heads, queries, values]
    return g.add(y, shape, 1.0)


GATES = dict(LSTM=4, GRU=3, RNN=1)


def recurrent(g):
    """Any of the layers, in both directions, with lengths and initial states."""
    kind, hidden = pick(g.rng, tuple(GATES)), pick(g.rng, (1, 3, 8))
    x = g.value(SOME, SOME, SOME)
    steps, batch, width = x.shape
    directions = int(g.rng.integers(1, 3))
    rows = GATES[kind] * hidden
    w = g.operand([directions, rows, width], 0.3)
    r = g.operand([directions, rows, hidden], 0.3)
    b = g.operand([directions, 2 * rows]) if g.chance(2) else None
    lengths = g.fresh([batch], "i32", 1, smallest(steps)) if g.chance(3) else None
    states = [g.operand([directions, batch, hidden]) for _ in range(2 if kind == "LSTM" else 1)]
    states = states if g.chance(2) else []
    direction = ("forward", "bidirectional")[directions - 1]
    y, last = g.op(kind, x, w, r, b, lengths, *states, hidden_size=hidden, direction=direction, results=2)
    return g.add(y, [steps, directions, batch, hidden], 1.0) and g.add(last, [directions, batch, hidden], 1.0)


def quantized(g):
    """Scales and zero points for each channel; products of integers."""
    kind = pick(g.rng, ("DequantizeLinear", "QuantizeLinear", "MatMulInteger"))
    if kind == "MatMulInteger":
        rows, depth, columns = g.dim(1), g.dim(1), g.dim(1)
        a, b = g.fresh([rows, depth], "u8", 0, 255), g.fresh([depth, columns], "i8", -99, 99)
        zero = g.fresh([columns] if g.chance(2) else [], "i8", -9, 9)
        y = g.op(kind, a, b, g.fresh([], "u8", 0, 255), zero)
        y = g.op("Mul", g.op("Cast", y, to="f32"), g.case.weight(1e-5, "f32"))
        return g.add(y, [rows, columns], LIMIT + 1)
    shape = [g.dim() for _ in range(int(g.rng.integers(1, 5)))]
    if count(shape) > MOST:
        return False
    axis = int(g.rng.integers(len(shape)))
    scale = g.fresh([shape[axis]], "f32", 0.01, 0.03)
    zero = g.fresh([shape[axis]], "i8", -9, 9)
    x = g.fresh(shape, "i8", -99, 99) if kind == "DequantizeLinear" else g.fresh(shape)
    if kind == "QuantizeLinear":
        x = g.op(kind, x, scale, zero, axis=axis)
    return g.add(g.op("DequantizeLinear", x, scale, zero, axis=axis), shape, 4.0)


def blocks(g):
    """Depth to space and back."""
    if g.chance(2):
        x = g.value(SOME, pick(g.rng, (4, 8)), SOME, SOME)
        shape = [x.shape[0], x.shape[1] // 4, *[combine(lambda n: 2 * n, dim) for dim in x.shape[2:]]]
        mode = pick(g.rng, ("DCR", "CRD"))
        return g.add(g.op("DepthToSpace", x, blocksize=2, mode=mode), shape, x.bound)
    x = g.new(SOME, SOME, *[combine(lambda n: 2 * n, g.dim(1)) for _ in range(2)])
    if count(x.shape) > MOST:
        return False
    shape = [x.shape[0], combine(lambda n: 4 * n, x.shape[1]), *[combine(lambda n: n // 2, d) for d in x.shape[2:]]]
    return g.add(g.op("SpaceToDepth", x, blocksize=2), shape, x.bound)


def sampling(g):
    """Positions in images, as many grids as images."""
    x = g.value(SOME, SOME, SOME, SOME)
    size = [g.dim(), g.dim()]
    shape = [*x.shape[:2], *size]
    return count(shape) <= MOST and g.add(g.op("GridSample", x, g.fresh([x.shape[0], *size, 2])), shape, x.bound)


def loss(g):
    """A loss of each element: classes, targets and weights of classes."""
    x = g.value(SOME, SOME, *[SOME] * int(g.rng.integers(2)))
    target = g.fresh([x.shape[0], *x.shape[2:]], "i64", 0, smallest(x.shape[1]) - 1)
    weights = [g.operand([x.shape[1]])] if g.chance(2) else []
    kind = pick(g.rng, ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"))
    y = g.op(kind, x, target, *weights, reduction="none")
    return g.add(y, [x.shape[0], *x.shape[2:]], LIMIT + 1)


BUILDERS = (
    *[conv] * 4,
    *[normalize] * 2,
    *[recurrent] * 2,
    *[quantized] * 2,
    attention,
    conv_transpose,
    pool,
    pool,
    resize,
    blocks,
    sampling,
    loss,
)
