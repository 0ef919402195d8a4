"""Families of quantized operators, each a function that yields cases.

A single integer operator must give the bits that the reference interpreter gives, and be within a step
of ONNX Runtime, which rounds some of them by another formula. Graphs of DequantizeLinear, an operator
and QuantizeLinear are held against ONNX Runtime alone: fusing them may round a tie the other way.
"""
import itertools
import pathlib
import platform

import numpy as np

from case import SYMBOL, Case, pick
from elements import BROADCASTS
from layers import spatial_sizes, window

MICROSOFT = dict(domain="com.microsoft")
SIGNED = (("u8", "u8"), ("u8", "i8"), ("i8", "i8"), ("i8", "u8"))
ZEROS = {"u8": (0, 128, 37, 255), "i8": (0, 0, -77, 5, -128)}
CHANNELS = (1, 2, 3, 5, 17, 64)


def cpus():
    """What this machine can execute, of the CPUs whose integer code differs."""
    information = pathlib.Path("/proc/cpuinfo")
    if platform.machine() != "x86_64" or not information.exists():
        return ("native",)
    flags = information.read_text().split()
    levels = [("x86-64-v2", "sse4_2"), ("x86-64-v3", "avx2"), ("x86-64-v4", "avx512vl")]
    return (*[name for name, flag in levels if flag in flags], "native")


CPUS = cpus()


def zero_point(case, dtype, count=None):
    """A zero point, or one a channel."""
    if count is None:
        return case.weight(pick(case.rng, ZEROS[dtype]), dtype)
    values = [pick(case.rng, ZEROS[dtype]) for _ in range(count)]
    return case.weight(np.array(values), dtype)


def scale(case, value, count=None):
    """A scale about this value, or one a channel."""
    spread = case.rng.uniform(0.7, 1.4, [] if count is None else [count])
    return case.weight((value * spread).astype(np.float32))


def full(case, constant, shape, dtype):
    return case.tensor(constant, shape, dtype, -128, 255)


def random_conv(rng):
    """Attributes, input shape, weight shape and number of groups of a convolution."""
    rank = pick(rng, (1, 2, 2, 3))
    attributes, spans = window(rng, rank, 4 if rank < 3 else 3)
    kind = pick(rng, ("dense", "dense", "groups", "depthwise", "multiplier"))
    channels, outputs = pick(rng, CHANNELS), pick(rng, CHANNELS)
    groups = {"dense": 1, "groups": pick(rng, (2, 3))}.get(kind, channels)
    depth = channels if kind in ("dense", "groups") else 1
    each = {"groups": outputs, "depthwise": 1, "multiplier": 2}
    outputs = groups * each[kind] if kind in each else outputs
    batch = pick(rng, (1, 1, 2, 3, 0))
    x_shape = [batch, groups * depth, *spatial_sizes(rng, rank, spans)]
    return attributes, x_shape, [outputs, depth, *attributes["kernel_shape"]], groups


def qlinear_conv():
    for k in range(120):
        rng = np.random.default_rng([3, k])
        x_type, w_type = SIGNED[k % 4]  # the last pair is one that ONNX Runtime lacks
        case = Case(f"qlinear_conv/{k}", exact=True, steps=1, judged=k % 4 < 3)
        attributes, x_shape, w_shape, groups = random_conv(rng)
        depth = int(np.prod(w_shape[1:]))
        channel = w_shape[0] if rng.integers(2) else None
        x, w = full(case, False, x_shape, x_type), full(case, k % 5 > 0, w_shape, w_type)
        bias = None
        if rng.integers(2):
            bias = case.tensor(k % 7 > 0, [w_shape[0]], "i32", -3000 * depth, 3000 * depth)
        y = case.op(
            "QLinearConv",
            x,
            scale(case, 0.02),
            zero_point(case, x_type),
            w,
            scale(case, 0.01, channel),
            zero_point(case, w_type, channel if k % 3 == 0 else None)
            if channel is None or k % 3 == 0
            else case.weight(np.zeros(channel), w_type),
            scale(case, 0.02 * depth**0.5),
            zero_point(case, x_type),
            bias,
            group=groups,
            **attributes,
        )
        yield case.output(y)


def conv_integer():
    for k in range(40):
        rng = np.random.default_rng([4, k])
        case = Case(f"conv_integer/{k}", exact=True)
        x_type, w_type = SIGNED[k % 4]
        attributes, x_shape, w_shape, groups = random_conv(rng)
        x, w = full(case, False, x_shape, x_type), full(case, k % 5 > 0, w_shape, w_type)
        x_zero = zero_point(case, x_type) if rng.integers(4) else None
        w_zero = zero_point(case, w_type) if rng.integers(4) else None
        yield case.output(case.op("ConvInteger", x, w, x_zero, w_zero, group=groups, **attributes))


PRODUCTS = (
    ([1, 1], [1, 1]),
    ([3, 5], [5, 17]),
    ([17, 64], [64, 33]),
    ([5, 3], [3, 64]),
    ([2, 3, 31], [31, 16]),
    ([2, 7, 4], [2, 4, 15]),
    ([2, 1, 3, 130], [5, 130, 2]),
    ([0, 5], [5, 3]),
    ([3, 0], [0, 5]),
    ([1, 256], [256, 100]),
    ([33, 66], [66, 1]),
)


def qlinear_matmul():
    for k, ((a_shape, b_shape), types) in enumerate(itertools.product(PRODUCTS, SIGNED)):
        name = f"qlinear_matmul/{a_shape}{b_shape}{types[0]}{types[1]}".replace(" ", "")
        # It has no s8 times u8, and for no products it gives 0 instead of the zero point.
        judged = types != ("i8", "u8") and a_shape[-1] > 0
        case = Case(name, exact=True, steps=1, judged=judged)
        a_type, b_type = types
        columns = b_shape[-1] if k % 3 == 1 and len(b_shape) == 2 else None
        a, b = full(case, False, a_shape, a_type), full(case, k % 3, b_shape, b_type)
        y = case.op(
            "QLinearMatMul",
            a,
            scale(case, 0.02),
            zero_point(case, a_type),
            b,
            scale(case, 0.01, columns),
            zero_point(case, b_type, columns),
            scale(case, 0.02 * max(a_shape[-1], 1) ** 0.5),
            zero_point(case, a_type),
        )
        yield case.output(y)


def matmul_integer():
    pairs = PRODUCTS + (([5], [5]), ([17], [17, 3]), ([3, 17], [17]))
    for k, ((a_shape, b_shape), types) in enumerate(itertools.product(pairs, SIGNED)):
        name = f"matmul_integer/{a_shape}{b_shape}{types[0]}{types[1]}".replace(" ", "")
        rows = a_shape[-2] if k % 5 == 2 and len(a_shape) == 2 else None
        # It has no zero points a row, and leaves sums of nothing unset.
        judged = (rows is None or k % 4 == 0) and a_shape[-1] > 0
        case = Case(name, exact=True, judged=judged)
        a_type, b_type = types
        a, b = full(case, False, a_shape, a_type), full(case, k % 3, b_shape, b_type)
        columns = b_shape[-1] if k % 3 == 1 and len(b_shape) == 2 else None
        a_zero = zero_point(case, a_type, rows) if k % 4 else None
        b_zero = zero_point(case, b_type, columns) if k % 7 else None
        yield case.output(case.op("MatMulInteger", a, b, a_zero, b_zero))


def linear():
    """QuantizeLinear and DequantizeLinear: ties, saturation, per axis, blocks, 8 and 16 bits."""
    shapes = ([17], [1], [3, 33], [2, 5, 7], [0, 3], [], [2, 16, 3, 5])
    types = ("u8", "i8", "u16", "i16")
    for k, (shape, dtype) in enumerate(itertools.product(shapes, types)):
        for axis in (None, *range(len(shape))):
            real = ("f32", "f32", "f16")[k % 3]
            case = Case(f"linear/{shape}{axis}{dtype}{real}".replace(" ", ""), exact=True)
            count = None if axis is None else shape[axis]
            # Halves of a power of 2: many numbers lie in the middle between two steps.
            low, high = (-300, 600) if dtype[1:] == "8" else (-40000, 70000)
            ties = case.random(shape, "i32", low, high) * (0.5 if real == "f32" else 0.25)
            x = case.given(np.asarray(ties).astype(np.float16 if real == "f16" else np.float32))
            step = case.weight(case.rng.choice([0.5, 1, 2], [] if count is None else [count]), real)
            small = (-9, 9) if dtype[0] == "i" else (0, 200)
            zero = case.weight(case.random([] if count is None else [count], dtype, *small))
            at = {} if axis is None else dict(axis=axis)
            q = case.op("QuantizeLinear", x, step, zero, **at)
            direct = case.input(shape, dtype, -40000, 70000)
            yield case.output(q, case.op("DequantizeLinear", direct, step, zero, **at))
    for block, axis in ((2, 0), (3, 1), (5, 1)):
        case = Case(f"linear/blocks{block}axis{axis}", exact=True)
        shape = [6, 15]
        blocks = [-(-dim // block) if i == axis else dim for i, dim in enumerate(shape)]
        step = case.weight(case.random(blocks, "f32", 0.01, 0.05))
        zero = case.weight(case.random(blocks, "u8", 100, 150))
        x, at = case.input(shape), dict(axis=axis, block_size=block)
        q = case.op("QuantizeLinear", x, step, zero, **at)
        yield case.output(q, case.op("DequantizeLinear", q, step, zero, **at))
    bounds = ((-1, 1), (0, 0), (2, 3), (-3, -2), (-1e-6, 1e-6), (-1000, 1))
    for k, ((low, high), shape) in enumerate(itertools.product(bounds, ([17], [3, 33], [1]))):
        # Of zeros alone, ONNX's own evaluator has a scale of 1/255, ONNX Runtime of 1.
        case = Case(f"linear/dynamic{k}", exact=True, steps=1, judged=low < high)
        x = case.input(shape, "f32", low, high)
        yield case.output(*case.op("DynamicQuantizeLinear", x, results=3))


class Qdq:
    """Builds graphs as quantization tools write them."""

    def __init__(self, case, dtype):
        self.case, self.dtype = case, dtype

    def parameters(self, low, high):
        """Scale and zero point for numbers between two bounds."""
        first, last = (0, 255) if self.dtype == "u8" else (-128, 127)
        step = (high - low) / 255
        zero = np.clip(round(first - low / step), first, last)
        return self.case.weight(step, "f32"), self.case.weight(zero, self.dtype)

    def both(self, x, low, high):
        """Quantizes and dequantizes."""
        step, zero = self.parameters(low, high)
        q = self.case.op("QuantizeLinear", x, step, zero)
        return self.case.op("DequantizeLinear", q, step, zero)

    def input(self, shape, low, high):
        """An input of 8 bits, dequantized."""
        step, zero = self.parameters(low, high)
        x = full(self.case, False, shape, self.dtype)
        return self.case.op("DequantizeLinear", x, step, zero), self.case.weights[step]

    def weight(self, shape, axis, x_step):
        """Weights of 8 bits with a scale a channel, and a bias of 32 with the product's scale."""
        case, count = self.case, shape[axis]
        steps = case.rng.uniform(0.5, 1.5, count).astype(np.float32) * np.float32(0.01)
        w_step, w_zero = case.weight(steps), case.weight(np.zeros(count), "i8")
        w = case.weight(case.random(shape, "i8", -127, 127))
        w = case.op("DequantizeLinear", w, w_step, w_zero, axis=axis)
        bias = case.weight(case.random([count], "i32", -3000, 3000))
        b_step, b_zero = case.weight(steps * x_step), case.weight(np.zeros(count), "i32")
        return w, case.op("DequantizeLinear", bias, b_step, b_zero, axis=0)

    def output(self, y, low, high):
        step, zero = self.parameters(low, high)
        return self.case.op("QuantizeLinear", y, step, zero)


ACTIVATIONS = (
    "",
    "Relu",
    "Clip",
    "Sigmoid",
    "HardSwish",
    "LeakyRelu",
    "Tanh",
    "Silu",
    "Residual",
    "Gelu",
)


def activate(case, kind, y):
    if kind == "Clip":
        return case.op("Clip", y, case.weight(0, "f32"), case.weight(6, "f32"))
    if kind == "Silu":
        return case.op("Mul", y, case.op("Sigmoid", y))
    return case.op(kind, y) if kind else y


def qdq():
    """Convolutions and products between DequantizeLinear and QuantizeLinear, two in a row."""
    for k in range(60):
        rng = np.random.default_rng([5, k])
        case = Case(f"qdq/{k}", steps=1)
        build = Qdq(case, ("u8", "i8")[k % 2])
        kind = ("Conv", "Conv", "Gemm", "MatMul")[k % 4]
        after = ACTIVATIONS[k % 10]
        if kind == "Conv":
            attributes, x_shape, w_shape, groups = random_conv(rng)
            attributes["group"], axis = groups, 0
        else:
            rows, depth, columns = pick(rng, (1, 3, 17)), pick(rng, CHANNELS), pick(rng, CHANNELS)
            x_shape, axis, attributes = [rows, depth], 1, {}
            w_shape = [depth, columns]
            if kind == "Gemm" and k % 8 == 2:
                w_shape, axis, attributes = [columns, depth], 0, dict(transB=1)
        x, step = build.input(x_shape, -2, 3)
        w, bias = build.weight(w_shape, axis, step)
        if kind == "MatMul":
            y = case.op("Add", case.op("MatMul", x, w), bias)
        else:
            y = case.op(kind, x, w, bias, **attributes)
        reach = 2 * (np.prod(w_shape) / w_shape[axis]) ** 0.5
        if after == "Residual":
            first = build.both(y, -reach, reach)
            other = build.both(case.op("Sigmoid", first), 0, 1)
            y = case.op("Relu", case.op("Add", first, other))
        else:
            y = activate(case, after, y)
        yield case.output(build.output(y, -reach / (3 if after else 1), reach))


def microsoft():
    """Operators of com.microsoft that ONNX Runtime's quantizer writes."""
    for k, (a_shape, b_shape) in enumerate(BROADCASTS):
        dtype = ("u8", "i8")[k % 2]
        case = Case(f"microsoft/binary{a_shape}{b_shape}{dtype}".replace(" ", ""), steps=1)
        operands = []
        for shape in (a_shape, b_shape):
            operands.append(full(case, False, shape, dtype))
            operands += [scale(case, 0.02), zero_point(case, dtype)]
        for kind in ("QLinearAdd", "QLinearMul"):
            last = scale(case, 0.05), zero_point(case, dtype)
            case.output(case.op(kind, *operands, *last, domain="com.microsoft"))
        yield case
    for k, shape in enumerate(([17], [3, 33], [2, 5, 3, 7], [1, 64, 4, 4])):
        for dtype in ("u8", "i8"):
            case = Case(f"microsoft/unary{shape}{dtype}".replace(" ", ""), steps=1)
            x, domain = full(case, False, shape, dtype), dict(domain="com.microsoft")
            given = scale(case, 0.03), zero_point(case, dtype)
            result = scale(case, 0.02), zero_point(case, dtype)
            case.output(case.op("QLinearLeakyRelu", x, *given, *result, alpha=0.1, **domain))
            case.output(case.op("QLinearSigmoid", x, *given, *result, **domain))
            if len(shape) == 4:
                case.output(
                    case.op("QLinearGlobalAveragePool", x, *given, *result, **domain),
                    case.op(
                        "QLinearAveragePool",
                        x,
                        *given,
                        *result,
                        kernel_shape=[2, 3],
                        pads=[0, 1, 1, 0],
                        **domain,
                    ),
                )
            yield case
    for k, shape in enumerate(([17], [3, 33], [2, 5, 3, 7])):
        for axis in (*range(len(shape)), -1):
            case = Case(f"microsoft/softmax{shape}{axis}".replace(" ", ""), steps=1)
            x, dtype = full(case, False, shape, "u8"), "u8"
            given, result = (scale(case, 0.05), zero_point(case, dtype)), (case.weight(1 / 256, "f32"), case.weight(0, dtype))
            for opset in (12, 13):
                case.output(case.op("QLinearSoftmax", x, *given, *result, axis=axis, opset=opset, **MICROSOFT))
            yield case
    for k, shapes in enumerate((([2, 1, 7], [3, 7], [2, 3, 1]), ([17], [17], [17]))):
        dtype = ("u8", "i8")[k % 2]
        case = Case(f"microsoft/where{k}", steps=1)
        operands = [case.input(shapes[0], "bool")]
        for shape in shapes[1:]:
            operands += [full(case, False, shape, dtype), scale(case, 0.02), zero_point(case, dtype)]
        yield case.output(case.op("QLinearWhere", *operands, scale(case, 0.03), zero_point(case, dtype), **MICROSOFT))
    for k, dtype in enumerate(("u8", "i8")):
        case = Case(f"microsoft/channels_last{dtype}", steps=1)
        x, given, result = full(case, False, [2, 6, 7, 5], dtype), (scale(case, 0.03), zero_point(case, dtype)), (scale(case, 0.02), zero_point(case, dtype))
        last = dict(channels_last=1, **MICROSOFT)
        case.output(case.op("QLinearGlobalAveragePool", x, *given, *result, **last))
        case.output(case.op("QLinearAveragePool", x, *given, *result, kernel_shape=[3, 2], strides=[2, 1], **last))
        weights = full(case, True, [4, 5, 3, 3], "i8"), scale(case, 0.01), case.weight(0, "i8")
        result = scale(case, 0.4), zero_point(case, dtype)
        bias = case.tensor(True, [4], "i32", -3000, 3000)
        case.output(case.op("QLinearConv", x, *given, *weights, *result, bias, pads=[1, 0, 1, 2], **last))
        yield case
    for segments in (True, False):
        case = Case(f"microsoft/embeddings{segments:d}")
        tables = [(full(case, True, shape, "u8"), scale(case, 0.01), zero_point(case, "u8")) for shape in ([40, 24], [9, 24], [2, 24], [24], [24])]
        if not segments:
            tables[2] = (None, None, None)
        operands = [case.input([3, 5], "i32", 0, 39), case.input([3, 5], "i32", 0, 1) if segments else None]
        operands += [table[0] for table in tables] + [case.input([3, 5], "i32", 0, 1)]
        operands += [table[1] for table in tables] + [table[2] for table in tables]
        yield case.output(*case.op("QEmbedLayerNormalization", *operands, results=2, **MICROSOFT))


def packed(values, bits):
    """Rows of numbers as bytes, as many in one as it has room for."""
    each = 8 // bits
    padding = [(0, 0)] * (values.ndim - 1) + [(0, -values.shape[-1] % each)]
    values = np.pad(values, padding).astype(np.uint8)
    return np.bitwise_or.reduce([values[..., i::each] << (bits * i) for i in range(each)])


def few_bits():
    """Products with weights of 2, 4 and 8 bits in blocks."""
    zeros = {2: ("none", "packed"), 4: ("none", "packed", "float"), 8: ("none", "packed")}  # all that ONNX Runtime has
    shapes = (
        ([3], 64, 17, 32),
        ([1], 50, 5, 16),
        ([2, 7], 256, 33, 256),
        ([1, 4], 300, 8, 64),
        ([16], 129, 48, 128),
        ([5], 16, 1, 16),
    )
    for k, (batch, depth, columns, block) in enumerate(shapes):
        for bits, zero in ((bits, zero) for bits, forms in zeros.items() for zero in forms):
            count = -(-depth // block)
            case = Case(f"few_bits/{batch}{depth}x{columns}b{bits}{zero}".replace(" ", ""))
            elements = case.rng.integers(0, 1 << bits, (columns, count, block))
            operands = [
                case.tensor(False, [*batch, depth], "f32", -1, 1),
                case.weight(packed(elements, bits)),
                scale(case, 2 / (1 << bits), columns * count),
            ]
            if zero == "packed":
                operands.append(case.weight(packed(case.rng.integers(0, 1 << bits, (columns, count)), bits).ravel()))
            elif zero == "float":
                operands.append(case.weight(case.rng.uniform(0, 15, columns * count).astype(np.float32)))
            operands += [None] * (4 - len(operands))
            ordered = bits == 4 and zero == "none" and depth % block == 0
            operands.append(case.weight(case.random([depth], "i32", 0, count - 1)) if ordered else None)
            operands.append(case.tensor(True, [columns], "f32", -1, 1) if k % 2 else None)
            attributes = dict(K=depth, N=columns, bits=bits, block_size=block, **MICROSOFT)
            yield case.output(case.op("MatMulNBits", *operands, **attributes))


def gathered_blocks():
    """Rows of tables that are quantized in blocks."""
    for k, (bits, block, zero, columns) in enumerate(itertools.product((4, 8), (16, 32), (False, True), (32, 96))):
        case = Case(f"gathered_blocks/{bits}{block}{zero:d}{columns}", sizes=(3, 1) if k % 2 else (None,))
        count = columns // block
        table = case.weight(packed(case.rng.integers(0, 1 << bits, (11, columns)), bits))
        steps = case.weight(case.random([11, count], "f32", 0.01, 0.05))
        zeros = case.weight(packed(case.rng.integers(0, 1 << bits, (11, count)), bits)) if zero else None
        rows = case.input([SYMBOL, 2] if k % 2 else [7], "i64", 0, 10)
        attributes = dict(bits=bits, block_size=block, quantize_axis=1, gather_axis=0, **MICROSOFT)
        yield case.output(case.op("GatherBlockQuantized", table, rows, steps, zeros, **attributes))


def integer_products():
    """Products of bytes that give floats, quantized by the run or before it."""
    shapes = (([3, 5], [5, 17]), ([17, 64], [64, 33]), ([2, 3, 31], [31, 16]), ([1, 256], [256, 100]), ([2, 7, 4], [2, 4, 15]))
    for k, ((a_shape, b_shape), types) in enumerate(itertools.product(shapes, SIGNED[:3])):
        a_type, b_type = types
        name = f"integer_products/{a_shape}{b_shape}{a_type}{b_type}".replace(" ", "")
        case = Case(name)
        columns = b_shape[-1] if k % 2 and len(b_shape) == 2 else None
        a, b = full(case, False, a_shape, a_type), full(case, k % 3, b_shape, b_type)
        bias = case.tensor(True, b_shape[-1:]) if k % 4 < 2 else None
        parameters = scale(case, 0.02), scale(case, 0.01, columns)
        zeros = zero_point(case, a_type) if k % 3 else None, zero_point(case, b_type, columns) if k % 5 else None
        case.output(case.op("MatMulIntegerToFloat", a, b, *parameters, *zeros, bias, **MICROSOFT))
        x = case.input(a_shape)
        if a_type == "u8":
            case.output(case.op("DynamicQuantizeMatMul", x, b, parameters[1], zeros[1], bias, **MICROSOFT))
        yield case
    case = Case("integer_products/open", sizes=(3, 1, 7))
    x, b = case.input([SYMBOL, 5, 24]), full(case, True, [24, 18], "i8")
    yield case.output(case.op("DynamicQuantizeMatMul", x, b, scale(case, 0.01, 18), zero_point(case, "i8", 18), **MICROSOFT))


def quantized_lstm():
    """Quantized LSTMs: directions, optional inputs, activations, scales for tensors and for gates."""
    for k in range(24):
        rng = np.random.default_rng([14, k])
        directions = 2 if k % 3 == 2 else 1
        open_batch = k % 4 == 3
        case = Case(f"quantized_lstm/{k}", sizes=(3, 1) if open_batch else (None,))
        steps, size, hidden = pick(rng, (1, 4, 7)), pick(rng, (1, 5, 18)), pick(rng, (1, 4, 17))
        batch = SYMBOL if open_batch else pick(rng, (1, 2, 5))
        kind = ("i8", "u8")[k % 2]
        gates = [directions] if k % 5 < 2 else [directions, 4 * hidden]
        # All zero points of a tensor are the same.
        zero = case.weight(np.full(gates, 0 if kind == "i8" else 131), kind)
        weights = [full(case, True, [directions, rows, 4 * hidden], kind) for rows in (size, hidden)]
        scales = [case.weight(rng.uniform(0.002, 0.008, gates).astype(np.float32)) for _ in weights]

        def optional(shape, present):
            return case.tensor(True, shape, "f32", -0.5, 0.5) if present else None

        state = [directions, batch if batch != SYMBOL else 1, hidden]
        operands = [
            case.input([steps, batch, size], "f32", -1, 2),
            *weights,
            optional([directions, 8 * hidden], k % 4),
            None,
            optional(state, k % 3 and batch != SYMBOL),
            optional(state, k % 3 == 1 and batch != SYMBOL),
            optional([directions, 3 * hidden], k % 7 == 0),
            scales[0],
            zero,
            scales[1],
            zero,
        ]
        attributes = dict(hidden_size=hidden, direction=("forward", "reverse", "bidirectional")[k % 3], **MICROSOFT)
        if k % 6 == 1:
            attributes.update(activations=["HardSigmoid", "Softsign", "Tanh"] * directions, clip=0.7)
        yield case.output(*case.op("DynamicQuantizeLSTM", *operands, results=3, **attributes))


FAMILIES = dict(
    qlinear_conv=qlinear_conv,
    conv_integer=conv_integer,
    qlinear_matmul=qlinear_matmul,
    matmul_integer=matmul_integer,
    linear=linear,
    qdq=qdq,
    microsoft=microsoft,
    few_bits=few_bits,
    gathered_blocks=gathered_blocks,
    integer_products=integer_products,
    quantized_lstm=quantized_lstm,
)
