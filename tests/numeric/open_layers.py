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
    flat = g.chance(3)
    attributes = {}
    shapes = [(heads, queries, width), (heads // groups, keys, width), (heads // groups, keys, values)]
    if flat:
        shapes = [(length, count * size) for count, length, size in shapes]
        attributes = dict(q_num_heads=heads, kv_num_heads=heads // groups)
    operands = [g.fresh([batch, *shape]) for shape in shapes]
    if flat:  # else ONNX Runtime infers a wrong size of the result
        g.case.declared[operands[2]][-1] = shapes[2][-1]
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


def scale(g, *shape):
    return g.fresh(shape, "f32", 0.01, 0.03)


def zero(g, *shape):
    return g.fresh(shape, "u8", 90, 160)


def lone(g, make):
    """A scale or zero point for all: a scalar, or a list of one."""
    return make(g) if g.chance(2) else make(g, 1)


def quantized_product(g):
    """Products of bytes, with scales for each column or for all."""
    rows, depth, columns = g.dim(1), g.dim(1), g.dim(1)
    a, b = g.fresh([rows, depth], "u8", 0, 255), g.fresh([depth, columns], "u8", 0, 255)
    parts = [lambda make: lone(g, make), lambda make: make(g, columns)]
    of_b = pick(g.rng, parts)
    operands = [a, lone(g, scale), lone(g, zero), b, of_b(scale), of_b(zero), g.fresh([], "f32", 0.02, 0.05), zero(g)]
    y = g.op("QLinearMatMul", *operands)
    return rounded(g, y, [rows, columns])


def quantized_conv(g):
    group, depth = pick(g.rng, (1, 2)), pick(g.rng, (1, 3))
    x = [g.dim(1), group * depth, *[g.dim(1) for _ in range(int(g.rng.integers(1, 3)))]]
    attributes, result = windows(g, x[2:])
    outputs = group * pick(g.rng, (1, 4))
    shape = [x[0], outputs, *result]
    if max(count(x), count(shape)) > MOST:
        return False
    w = g.fresh([outputs, depth, *attributes["kernel_shape"]], "u8", 0, 255)
    data = g.fresh(x, "u8", 0, 255)
    if g.chance(2):
        y = g.op("ConvInteger", data, w, zero(g), zero(g), group=group, **attributes)
        y = g.op("Mul", g.op("Cast", y, to="f32"), g.case.weight(1e-5, "f32"))
        return g.add(y, shape, LIMIT + 1)
    # ONNX Runtime has one zero point for all of the weights.
    scales = scale(g, outputs) if g.chance(2) else lone(g, scale)
    bias = g.fresh([outputs], "i32", -99, 99) if g.chance(2) else None
    operands = [data, lone(g, scale), lone(g, zero), w, scales, zero(g), lone(g, scale), lone(g, zero), bias]
    return rounded(g, g.op("QLinearConv", *operands, group=group, **attributes), shape)


def rounded(g, y, shape):
    """Bytes that rounding may move by one, as a value that hides one."""
    y = g.op("Mul", g.op("Cast", y, to="f32"), g.case.weight(1e-6, "f32"))
    return g.add(g.op("Add", y, g.operand(shape[1:])), shape, 2.0)


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


def norms(g):
    """Normalizations without weights."""
    kind = pick(g.rng, ("LpNormalization", "MeanVarianceNormalization", "LRN", "GlobalLpPool"))
    x = g.new(SOME, SOME, SOME, SOME)
    if kind == "LpNormalization":
        y = g.op("Add", g.op("Abs", x), g.case.weight(0.1, "f32"))
        return g.add(g.op(kind, y, axis=int(g.rng.integers(4)), p=int(g.rng.integers(1, 3))), x.shape, 1.0)
    if kind == "GlobalLpPool":
        g.case.judged = False  # ONNX Runtime has it of older opsets only
        return g.add(g.op(kind, x), [*x.shape[:2], 1, 1], LIMIT + 1)
    if kind == "LRN":
        return g.add(g.op(kind, x, size=pick(g.rng, (1, 3, 5)), alpha=0.1), x.shape, x.bound)
    y = g.op("Add", g.op(kind, x, axes=[0, 2, 3]), x) if smallest(x.shape[2]) > 1 else x
    return g.add(g.op("Tanh", y), x.shape, 1.0)


def rotary(g):
    """Positions in both layouts; the caches have half of what is rotated."""
    batch, length, heads, half = g.dim(1), g.dim(1), pick(g.rng, (1, 2)), pick(g.rng, (1, 3, 4))
    flat, looked_up = g.chance(2), g.chance(2)
    shape = [batch, length, heads * 2 * half] if flat else [batch, heads, length, 2 * half]
    if count(shape) > MOST:
        return False
    cache, rows = ([batch, length, half], None) if not looked_up else ([17, half], g.fresh([batch, length], "i64", 0, 16))
    operands = [g.fresh(shape), g.fresh(cache), g.fresh(cache), rows]
    extra = dict(num_heads=heads) if flat else {}
    y = g.op("RotaryEmbedding", *operands, interleaved=int(g.rng.integers(2)), **extra)
    return g.add(y, shape, 2.0)


def regions(g):
    """Parts of images, each of one of them."""
    x, rois = g.new(SOME, SOME, SOME, SOME), g.dim()
    size = [int(g.rng.integers(1, 4)) for _ in range(2)]
    shape = [rois, x.shape[1], *size]
    if count(shape) > MOST:
        return False
    g.case.judged = False  # ONNX Runtime has it of older opsets only
    boxes, which = g.fresh([rois, 4], "f32", 0, 4), g.fresh([rois], "i64", 0, smallest(x.shape[0]) - 1)
    y = g.op("RoiAlign", x, boxes, which, output_height=size[0], output_width=size[1], sampling_ratio=2)
    return g.add(y, shape, x.bound)


def unfolded(g):
    """Columns that become images."""
    batch, channels, size = g.dim(1), g.dim(1), [int(i) for i in g.rng.integers(3, 6, 2)]
    block = [int(i) for i in g.rng.integers(1, 4, 2)]
    blocks = count([n - b + 1 for n, b in zip(size, block)])
    shape = [batch, channels, *size]
    if count(shape) > MOST:
        return False
    x = g.fresh([batch, combine(lambda n: n * count(block), channels), blocks])
    return g.add(g.op("Col2Im", x, g.case.ints(*size), g.case.ints(*block)), shape, LIMIT + 1)


def transform(g):
    """Fourier transforms of real signals."""
    x = g.new(SOME, SOME)
    x = g.op("Unsqueeze", x, g.case.ints(-1)), x.shape
    half = int(g.rng.integers(2))
    length = combine(lambda n: n // 2 + 1, x[1][1]) if half else x[1][1]
    y = g.op("DFT", x[0], None, g.case.weight(1, "i64"), onesided=half)
    return g.add(y, [x[1][0], length, 2], LIMIT + 1)


def unpooled(g):
    """The largest elements of windows, put back where they were."""
    taps = [int(i) for i in g.rng.integers(1, 4, int(g.rng.integers(1, 3)))]
    x = g.new(SOME, SOME, *[combine(lambda n: n * tap, g.dim(1)) for tap in taps])
    attributes = dict(kernel_shape=taps, strides=taps)
    y, where = g.op("MaxPool", x, results=2, **attributes)
    return count(x.shape) <= MOST and g.add(g.op("MaxUnpool", y, where, **attributes), x.shape, x.bound)


def deformed(g):
    """Convolutions at positions of their own."""
    x = g.new(SOME, pick(g.rng, (1, 2, 4)), SOME, SOME)
    taps = [int(g.rng.integers(1, min(smallest(size), 3) + 1)) for size in x.shape[2:]]
    outputs, result = pick(g.rng, (1, 3)), [combine(lambda n: n - tap + 1, n) for n, tap in zip(x.shape[2:], taps)]
    offsets = [x.shape[0], 2 * count(taps), *result]
    if max(count(offsets), count([x.shape[0], outputs, *result])) > MOST:
        return False
    w = g.weight([outputs, x.shape[1], *taps], count([x.shape[1], *taps]) ** -0.5)
    mask = g.fresh([x.shape[0], count(taps), *result]) if g.chance(2) else None
    y = g.op("DeformConv", x, w, g.fresh(offsets), g.operand([outputs]) if g.chance(2) else None, mask)
    return g.add(y, [x.shape[0], outputs, *result], LIMIT + 1)


def grid(g):
    """Affine grids of as many images as there are matrices."""
    batch, size = g.dim(), [int(i) for i in g.rng.integers(2, 6, 2)]
    theta = g.fresh([batch, 2, 3])
    sizes = g.op("Concat", g.op("Shape", theta, start=0, end=1), g.case.ints(1, *size), axis=0)
    y = g.op("AffineGrid", theta, sizes, align_corners=int(g.rng.integers(2)))
    return g.add(y, [batch, *size, 2], 3.0)


def dynamic(g):
    """Bytes on a scale that follows from the values."""
    shape = g.shape()
    y, factor, offset = g.op("DynamicQuantizeLinear", g.fresh(shape), results=3)
    return g.add(g.op("DequantizeLinear", y, factor, offset), shape, 2.0)


def boxes(g):
    """How many boxes are left of those that overlap."""
    batch, count_, classes = g.dim(1), g.dim(1), g.dim(1)
    operands = [g.fresh([batch, count_, 4], "f32", 0, 1), g.fresh([batch, classes, count_], "f32", 0, 1)]
    y = g.op("NonMaxSuppression", *operands, g.case.weight(2, "i64"), g.case.weight(0.4, "f32"))
    y = g.op("Cast", g.op("Shape", y), to="f32")
    return g.add(y, [2], LIMIT + 1)


def frames(g):
    """Short transforms of signals of any length."""
    batch, length, frame = g.dim(1), g.dim(8), pick(g.rng, (4, 5, 8))
    step, half = int(g.rng.integers(1, 4)), int(g.rng.integers(2))
    shape = [batch, combine(lambda n: (n - frame) // step + 1, length), frame // 2 + 1 if half else frame, 2]
    if count(shape) > MOST:
        return False
    window = g.operand([frame])
    y = g.op("STFT", g.fresh([batch, length, 1]), g.case.weight(step, "i64"), window, g.case.weight(frame, "i64"), onesided=half)
    return g.add(y, shape, LIMIT + 1)


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
    quantized_product,
    quantized_conv,
    norms,
    rotary,
    regions,
    unfolded,
    unpooled,
    deformed,
    grid,
    dynamic,
    boxes,
    frames,
    transform,
    blocks,
    sampling,
    loss,
)
