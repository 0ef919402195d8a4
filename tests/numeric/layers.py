"""Families of layers of floats on odd shapes; each is a function that yields cases."""
import itertools

import numpy as np

from case import FLOATS, INTEGERS, OPSET, Case, float_type, pick


SIZES = (1, 2, 3, 5, 7, 8, 13, 15, 16, 17, 31, 33)
CHANNELS = (1, 3, 5, 16, 17, 64)


def window(rng, rank, largest_kernel, padded=True):
    """Attributes of a window with random sizes, and what it spans of each dim."""
    kernel = [int(rng.integers(1, largest_kernel + 1)) for _ in range(rank)]
    strides = [int(rng.integers(1, 4)) for _ in range(rank)]
    dilations = [int(rng.integers(1, 3)) for _ in range(rank)]
    attributes = dict(kernel_shape=kernel, strides=strides, dilations=dilations)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    auto = pick(rng, ("NOTSET", "NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"))
    if auto != "NOTSET":
        attributes["auto_pad"] = auto
        if auto.startswith("SAME"):  # ONNX Runtime has no dilation there
            attributes["dilations"] = [1] * rank
    elif padded:
        attributes["pads"] = [int(rng.integers(0, k)) for k in kernel + kernel]
    return attributes, spans


def spatial_sizes(rng, rank, spans):
    """Sizes that the window fits into, smaller for more dims."""
    largest = {1: 40, 2: 20, 3: 9}[rank]
    choices = [s for s in SIZES if s <= largest]
    return [max(pick(rng, choices), span) for span in spans]


def conv():
    """Convolutions of one to three dims, then maybe an activation and a residual."""
    for k in range(200):
        rng = np.random.default_rng([1, k])
        dtype, rank = float_type(k), 1 + k % 3
        case = Case(f"conv/{k}", opset=OPSET + 1)
        attributes, spans = window(rng, rank, 5 if rank < 3 else 3)
        kind = pick(rng, ("dense", "dense", "groups", "depthwise", "multiplier"))
        channels = pick(rng, CHANNELS)
        groups = {"dense": 1, "groups": pick(rng, (2, 3, 4))}.get(kind, channels)
        inputs = channels * groups if kind == "groups" else channels
        outputs = pick(rng, CHANNELS)
        each = {"groups": (1, 3, 16, 17), "depthwise": (1,), "multiplier": (2, 3)}
        if kind in each:
            outputs = groups * pick(rng, each[kind])
        batch = pick(rng, (1, 1, 2, 3, 0))
        x = case.input([batch, inputs, *spatial_sizes(rng, rank, spans)], dtype)
        taps = attributes["kernel_shape"]
        scale = (inputs // groups * int(np.prod(taps))) ** -0.5
        shape = [outputs, inputs // groups, *taps]
        w = case.tensor(rng.integers(4) > 0, shape, dtype, -scale, scale)
        b = case.tensor(rng.integers(4) > 0, [outputs], dtype) if rng.integers(3) else None
        y = case.op("Conv", x, w, b, group=groups, **attributes)
        after = pick(rng, ("", "Relu", "Sigmoid", "Residual", "HardSwish"))
        if after == "Residual":
            y = case.op("Relu", case.op("Add", y, case.op("Sigmoid", y)))
        elif after:
            y = case.op(after, y)
        yield case.output(y)


def winograd():
    """Windows of 3x3 on images large enough for Winograd's algorithm: odd channels and sizes, edge
    tiles, batches, epilogues, a concatenation."""
    channels, sides = (16, 17, 24, 33, 64), (8, 13, 14, 16, 19, 23, 28, 33)
    for k in range(60):
        rng = np.random.default_rng([17, k])
        symbolic = k % 4 == 3
        case = Case(f"winograd/{k}", sizes=(1, 3) if symbolic else (None,))
        batch = "N" if symbolic else pick(rng, (1, 1, 2))
        inputs, outputs = pick(rng, channels), pick(rng, channels)
        pads = [int(rng.integers(0, 3)) for _ in range(4)] if k % 2 else [1] * 4
        sizes = [pick(rng, sides), pick(rng, sides)]
        x = case.input([batch, inputs, *sizes])
        scale = (9 * inputs) ** -0.5
        w = case.weight(case.random([outputs, inputs, 3, 3], "f32", -scale, scale))
        b = case.weight(case.random([outputs])) if rng.integers(2) else None
        y = case.op("Conv", x, w, b, pads=pads)
        after = pick(rng, ("", "Relu", "Residual", "Gelu", "Chain", "Concat"))
        if after == "Residual":
            rows, columns = (s + pads[i] + pads[i + 2] - 2 for i, s in enumerate(sizes))
            y = case.op("Relu", case.op("Add", y, case.input([batch, outputs, rows, columns])))
        elif after == "Chain":
            w = case.weight(case.random([outputs, outputs, 3, 3], "f32", -0.1, 0.1))
            y = case.op("Conv", case.op("Relu", y), w, pads=[1] * 4)
        elif after == "Concat":
            y = case.op("Concat", y, case.op("Sigmoid", y), axis=1)
        elif after:
            y = case.op(after, y)
        yield case.output(y)


def padded(case, x, outputs, inputs, taps, pads):
    """A convolution, whose result has the sizes of its input."""
    w = case.weight(case.random([outputs, inputs, *taps], "f32", -0.5, 0.5))
    return case.op("Conv", x, w, pads=pads + pads)


def concat():
    """Concatenations that borders, layouts and other concatenations meet."""
    for axis in (1, 2, 3):
        case = Case(f"concat/borders{axis}")
        x = padded(case, case.input([2, 3, 6, 7]), 5, 3, [1, 1], [0, 0])
        case.output(padded(case, x, 5, 5, [1, 3], [0, 1]), padded(case, x, 3, 5, [3, 1], [1, 0]))
        whole = case.op("Concat", x, x, axis=axis)
        yield case.output(padded(case, whole, 4, 10 if axis == 1 else 5, [3, 3], [1, 1]))
        case = Case(f"concat/chain{axis}")
        x = case.input([1, 3, 5, 4])
        a, b, c = (padded(case, x, 3, 3, [1, 1], [0, 0]) for _ in range(3))
        first = case.op("Concat", a, b, axis=axis)
        count = 6 if axis == 1 else 3
        y = padded(case, first, 3, count, [3, 3], [1, 1])
        second = case.op("Concat", a, b, c, axis=axis)
        z = padded(case, second, 3, 9 if axis == 1 else 3, [3, 3], [1, 1])
        yield case.output(y, z)
        for kind in ("Softmax", "MaxPool", "Gemm", "Transpose"):
            case = Case(f"concat/{kind}{axis}")
            x = case.input([2, 5, 6, 6])
            parts = [case.op("Softmax", x), padded(case, x, 5, 5, [3, 3], [1, 1])]
            if kind == "MaxPool":
                parts[0] = case.op(kind, x, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
            if kind == "Gemm":
                parts[0] = case.op("MatMul", x, case.weight(case.random([6, 6])))
            if kind == "Transpose":
                parts[0] = case.op(kind, parts[0], perm=[0, 1, 3, 2])
            case.output(case.op("Concat", *parts, axis=axis))
            yield case.output(case.op("Concat", *parts[::-1], axis=axis))
    shapes = [[7], [6, 7], [6, 1], [5, 1, 7], [5, 6, 7], [2, 5, 6, 7], [2, 1, 1, 1], [1, 1, 6, 1]]
    for shape in shapes:
        case = Case(f"concat/residual{shape}".replace(" ", ""))
        x = case.input([2, 3, 6, 7])
        y = padded(case, x, 5, 3, [3, 3], [1, 1])
        constant, given = case.weight(case.random(shape)), case.input(shape)
        sums = [case.op("Relu", case.op("Add", y, other)) for other in (constant, given)]
        yield case.output(*sums)


def gemm():
    """Products of matrices with every transpose, and C of every shape that broadcasts."""
    shapes = [(1, 1, 1), (1, 33, 17), (17, 1, 5), (5, 3, 64), (16, 16, 16), (31, 17, 33)]
    shapes += [(2, 15, 0), (0, 5, 3), (7, 0, 3), (64, 65, 3), (3, 100, 127), (13, 48, 1)]
    for k, ((m, n, depth), ta, tb) in enumerate(itertools.product(shapes, (0, 1), (0, 1))):
        dtype = float_type(k)
        case = Case(f"gemm/{m}x{n}x{depth}{'t' * ta}/{'t' * tb}{dtype}")
        a = case.input([depth, m] if ta else [m, depth], dtype)
        b = case.tensor(k % 3, [n, depth] if tb else [depth, n], dtype)
        c_shape = ([], [n], [m, 1], [1, n], [m, n], [1], [1, 1], None)[k % 8]
        c = None if c_shape is None else case.tensor(k % 2, c_shape, dtype)
        factors = ({}, dict(alpha=0.5), dict(beta=2.0), dict(alpha=-1.5, beta=0.25))[k % 4]
        if depth == 0:
            factors = {}  # ONNX Runtime leaves out beta
        y = case.op("Gemm", a, b, c, transA=ta, transB=tb, **factors)
        yield case.output(case.op("Tanh", y) if k % 5 == 0 else y)


def matmul():
    """Products with batches, broadcast batches, and vectors."""
    pairs = [([5], [5]), ([3], [3, 17]), ([17, 3], [3]), ([1], [1]), ([0], [0]), ([2, 0], [0, 3])]
    pairs += [([2, 3, 5], [5]), ([5], [2, 5, 3]), ([2, 3, 5], [5, 17]), ([3, 5], [2, 5, 16])]
    pairs += [([2, 1, 3, 5], [1, 4, 5, 7]), ([1, 1, 1], [3, 1, 33]), ([4, 0, 5], [4, 5, 3])]
    pairs += [([0, 3, 5], [0, 5, 2]), ([2, 3, 0], [2, 0, 4]), ([2, 17, 31], [2, 31, 33])]
    pairs += [([1, 64], [64, 10]), ([100, 3], [3, 1]), ([7, 1], [1, 15]), ([2, 2, 2, 3, 4], [4, 5])]
    pairs += [([2, 1, 5, 3], [2, 3, 3, 1]), ([16, 65], [65, 16]), ([33, 129], [129, 47])]
    types = ("f32", "f16", "bf16", "f64", "i32", "i64", "u32")
    for k, ((a_shape, b_shape), constant) in enumerate(itertools.product(pairs, (False, True))):
        for dtype in ("f32", types[1 + k % 6]):
            case = Case(f"matmul/{a_shape}{b_shape}{dtype}{'const' * constant}".replace(" ", ""))
            low = -9 if dtype in INTEGERS else -1
            a = case.input(a_shape, dtype, low, -low)
            b = case.tensor(constant, b_shape, dtype, low, -low)
            yield case.output(case.op("MatMul", a, b))
    for k, (ta, tb) in enumerate(itertools.product((False, True), repeat=2)):
        case = Case(f"matmul/transposed{ta:d}{tb:d}")
        a = case.input([2, 17, 3, 5] if not ta else [2, 17, 5, 3])
        b = case.input([2, 17, 5, 33] if not tb else [2, 17, 33, 5])
        a = case.op("Transpose", a, perm=[0, 1, 3, 2]) if ta else a
        b = case.op("Transpose", b, perm=[0, 1, 3, 2]) if tb else b
        y = case.op("MatMul", a, b)
        z = case.op("Transpose", y, perm=[0, 2, 1, 3])
        yield case.output(y, case.op("Reshape", z, case.ints(2, 3, -1)))


def pool():
    """Pools over one to three dims: pads that neither win nor count, ceil_mode, dilation, an epilogue."""
    for k in range(100):
        rng = np.random.default_rng([2, k])
        dtype, rank = float_type(k), 1 + k % 3
        kind = ("MaxPool", "AveragePool", "LpPool")[k // 3 % 3]
        case = Case(f"pool/{k}", opset=OPSET + 1)
        attributes, spans = window(rng, rank, 4)
        if rng.integers(2):
            attributes["dilations"] = [1] * rank
        if "auto_pad" not in attributes and rng.integers(3) == 0:
            attributes["ceil_mode"] = 1
        if kind == "AveragePool":
            attributes["count_include_pad"] = int(rng.integers(2))
        if kind == "LpPool":
            attributes["p"] = int(rng.integers(1, 4))
        shape = [pick(rng, (1, 2, 0)), pick(rng, CHANNELS), *spatial_sizes(rng, rank, spans)]
        if kind == "MaxPool" and k % 5 == 0:
            dtype = pick(rng, ("u8", "i8"))
        bounds = (-2, 2) if dtype in FLOATS else (-128, 255)
        y = case.op(kind, case.input(shape, dtype, *bounds), **attributes)
        if k % 4 == 1 and dtype in FLOATS:
            y = case.op(pick(rng, ("Relu", "Tanh", "Abs")), case.op("Add", y, case.input([shape[1]] + [1] * rank, dtype)))
        yield case.output(y)
    for kind, rank in itertools.product(("Average", "Max", "Lp"), (1, 2, 3)):
        for channels in (1, 5, 17):
            case = Case(f"pool/Global{kind}{rank}d{channels}")
            x = case.input([2, channels, *[7, 3, 5][:rank]])
            yield case.output(case.op(f"Global{kind}Pool", x))


def normalize():
    """Softmax and norms along every axis, also along one of size 1."""
    shapes = [[1], [17], [3, 33], [5, 1], [2, 15, 7], [2, 3, 4, 31], [0, 5], [2, 3, 1000]]
    for k, shape in enumerate(shapes):
        for axis in range(len(shape)):
            dtype = float_type(3 * k + axis)
            case = Case(f"normalize/softmax{shape}{axis}{dtype}".replace(" ", ""))
            x = case.input(shape, dtype, -8, 8)
            given = axis - len(shape) * (k % 2)
            kinds = ("Softmax", "LogSoftmax", "LpNormalization")[: 2 if 0 in shape else 3]
            yield case.output(*[case.op(kind, x, axis=given) for kind in kinds])
            case = Case(f"normalize/layer{shape}{axis}{dtype}".replace(" ", ""))
            if 0 in shape[axis:]:
                continue  # the mean of nothing
            x = case.input(shape, dtype, -1, 2)
            scale = case.tensor(k % 2, shape[axis:], dtype)
            bias = case.tensor(k % 2, shape[axis:], dtype) if axis % 2 else None
            yield case.output(case.op("LayerNormalization", x, scale, bias, axis=given))
    for k, shape in enumerate(([1, 6, 7], [2, 6, 5, 3], [2, 6, 1, 1], [2, 18, 3, 4, 2])):
        for dtype in ("f32", "f16"):
            case = Case(f"normalize/channels{shape}{dtype}".replace(" ", ""))
            x = case.input(shape, dtype, -1, 2)
            channels = shape[1]
            scale = case.tensor(k % 2, [channels], dtype)
            bias = case.tensor(True, [channels], dtype)
            mean = case.tensor(True, [channels], dtype)
            variance = case.tensor(True, [channels], dtype, 0.5, 2)
            case.output(case.op("BatchNormalization", x, scale, bias, mean, variance))
            case.output(case.op("GroupNormalization", x, scale, bias, num_groups=3))
            case.output(case.op("InstanceNormalization", x, scale, bias))
            if dtype == "f32" and len(shape) > 2:
                statistics = dict(epsilon=1e-3, momentum=0.7, training_mode=1)
                case.output(*case.op("BatchNormalization", x, scale, bias, mean, variance, results=3, **statistics))
            if dtype == "f32" and len(shape) == 4:  # all that ONNX Runtime takes
                case.output(case.op("LRN", x, size=3, alpha=0.5, beta=0.75, bias=1.5))
            yield case


def conv_transpose():
    """Transposed convolutions: groups, pads, output padding, dilation."""
    for k in range(60):
        rng = np.random.default_rng([6, k])
        dtype, rank = float_type(k), 1 + k % 3
        case = Case(f"conv_transpose/{k}", opset=OPSET + 1)
        attributes, _ = window(rng, rank, 4 if rank < 3 else 3)
        attributes.pop("auto_pad", None)
        groups = pick(rng, (1, 1, 2, 3))
        inputs, outputs = groups * pick(rng, (1, 3, 17)), pick(rng, (1, 2, 5, 16))
        if k % 4 == 0:
            strides = attributes["strides"]
            attributes["output_padding"] = [int(rng.integers(0, s)) for s in strides]
        sizes = [pick(rng, (3, 4, 7)) for _ in range(rank)]
        x = case.input([pick(rng, (1, 2, 0)), inputs, *sizes], dtype)
        shape = [inputs, outputs, *attributes["kernel_shape"]]
        w = case.tensor(rng.integers(4) > 0, shape, dtype, -0.5, 0.5)
        b = case.tensor(True, [groups * outputs], dtype) if rng.integers(2) else None
        y = case.op("ConvTranspose", x, w, b, group=groups, **attributes)
        yield case.output(case.op("Relu", y) if k % 3 == 0 else y)


def resize():
    """Resizing to sizes and by scales, nearest, linear and cubic.

    All scales are dyadic, so that no implementation's rounding moves a coordinate off a tie.
    """
    modes = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
    turn = 0
    for mode, at in itertools.product(("nearest", "linear", "cubic"), modes):
        for shape, target in (([1, 3, 4, 6], [1, 3, 7, 15]), ([2, 1, 8, 8], [2, 1, 4, 3])):
            turn += 1
            case = Case(f"resize/{mode}_{at}{shape}".replace(" ", ""))
            attributes = dict(mode=mode, coordinate_transformation_mode=at)
            if mode == "nearest":
                rounding = ("round_prefer_floor", "floor", "ceil", "round_prefer_ceil")[turn % 4]
                attributes["nearest_mode"] = rounding
            x = case.input(shape)
            if turn % 2 and at != "align_corners":
                ratios = [new / old for new, old in zip(target, shape)]
                y = case.op("Resize", x, None, case.weight(ratios, "f32"), **attributes)
            else:
                y = case.op("Resize", x, None, None, case.ints(*target), **attributes)
            yield case.output(y)
    for factor in (2, 3):
        case = Case(f"resize/times{factor}")
        x, scales = case.input([2, 17, 3, 5]), case.weight([1, 1, factor, factor], "f32")
        w = case.weight(case.random([5, 17, 3, 3], "f32", -0.1, 0.1))
        y = case.op("Resize", x, None, scales, mode="nearest", nearest_mode="floor")
        y = case.op("Resize", y, None, scales, mode="linear")
        yield case.output(case.op("Conv", y, w, pads=[1, 1, 1, 1]))


EQUATIONS = {
    "ij,jk->ik": ([3, 5], [5, 17]),
    "bij,bkj->bik": ([2, 3, 5], [2, 7, 5]),
    "bhid,bhjd->bhij": ([2, 3, 5, 4], [2, 3, 7, 4]),
    "bhij,bhjd->bihd": ([2, 3, 5, 7], [2, 3, 7, 4]),
    "i,j->ij": ([17], [3]),
    "ij,ij->": ([3, 17], [3, 17]),
    "ii->i": ([5, 5],),
    "ijk->kj": ([2, 3, 5],),
    "...ij,jk->...ik": ([2, 3, 4, 5], [5, 6]),
    "ab,bc,cd->ad": ([2, 3], [3, 4], [4, 5]),
    "bchw,bkhw->bck": ([2, 3, 4, 5], [2, 6, 4, 5]),
}


def einsum():
    for k, (equation, shapes) in enumerate(EQUATIONS.items()):
        for dtype in ("f32", ("f64", "f16", "i32", "bf16")[k % 4]):
            case = Case(f"einsum/{equation}{dtype}")
            bounds = (-9, 9) if dtype == "i32" else (-1, 1)
            operands = [case.input(shape, dtype, *bounds) for shape in shapes]
            yield case.output(case.op("Einsum", *operands, equation=equation))


def grid():
    """GridSample, RoiAlign and MaxRoiPool, with points outside."""
    for k, (mode, padding) in enumerate(
        itertools.product(("linear", "nearest", "cubic"), ("zeros", "border", "reflection"))
    ):
        # ONNX Runtime's cubic differs at the border from that of ONNX's own evaluator.
        case = Case(f"grid/{mode}_{padding}", judged=(mode, padding) != ("cubic", "border"))
        x, points = case.input([2, 3, 5, 7]), case.input([2, 4, 9, 2], "f32", -1.3, 1.3)
        attributes = dict(mode=mode, padding_mode=padding, align_corners=k % 2)
        yield case.output(case.op("GridSample", x, points, **attributes))
    for k, mode in enumerate(("avg", "max")):
        # ONNX Runtime says that its maximum of several samples is wrong.
        case = Case(f"grid/roi_{mode}", judged=mode == "avg")
        x, corners = case.input([2, 3, 16, 17]), case.random([5, 2], "f32", 0, 9)
        boxes = case.given(np.concatenate([corners, corners + 5], axis=1).astype(np.float32))
        index = case.given(case.random([5], "i64", 0, 1))
        sizes = dict(output_height=3, output_width=5, sampling_ratio=2, spatial_scale=0.8)
        y = case.op("RoiAlign", x, boxes, index, mode=mode, **sizes)
        yield case.output(y)
    for k, (rows, columns) in enumerate(((1, 1), (3, 4), (7, 2))):
        case = Case(f"grid/max_roi{k}")
        x = case.input([2, (1, 3, 17)[k], 11, 13])
        image, corners = case.random([7, 1], "i64", 0, 1), case.random([7, 4], "f32", -4, 30)
        boxes = case.given(np.concatenate([image, corners], axis=1).astype(np.float32))
        size = dict(pooled_shape=[rows, columns], spatial_scale=0.5)
        yield case.output(case.op("MaxRoiPool", x, boxes, **size))


FAMILIES = dict(
    conv=conv,
    winograd=winograd,
    conv_transpose=conv_transpose,
    concat=concat,
    gemm=gemm,
    matmul=matmul,
    einsum=einsum,
    pool=pool,
    normalize=normalize,
    resize=resize,
    grid=grid,
)
