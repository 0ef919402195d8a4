"""Operators whose arithmetic on sizes is more than a batch's: N is a height, a length, or channels.

The sizes of each case are run in one library. Where N is 1 and another operand has more, it broadcasts.
"""
import numpy as np

from case import Case

LENGTHS = (1, 2, 3, 7, 12, 16)


def convolution(case, pad, stride, dilation, kind):
    """SAME padding: how much there is of it, and on which side, depends on N."""
    group, each, outputs = {"plain": (1, 3, 5), "grouped": (2, 3, 6), "depthwise": (4, 1, 4)}[kind]
    x = case.input([2, group * each, "N", 9])
    attributes = dict(
        auto_pad=pad, strides=[stride, stride], dilations=[dilation, dilation], group=group
    )
    for size in (2, 3, 4):
        w = case.weight(case.random([outputs, each, size, size]))
        case.output(case.op("Conv", x, w, case.weight(case.random([outputs])), **attributes))
    return case


def open_channels(case):
    """Weights that are constant say how many channels there are."""
    outputs = []
    for group, each in ((1, 12), (3, 4), (12, 1)):
        w = case.weight(case.random([12, each, 3, 3]))
        outputs.append(case.op("Conv", case.input([2, "N", 6, 5]), w, group=group))
    return case.output(*outputs)


def integer_convolution(case, pad, stride):
    """The padding is the zero point."""
    x = case.input([1, 3, "N", "N"], "u8", 0, 255)
    w = case.weight(case.random([4, 3, 3, 3], "i8", -9, 9))
    zero = case.weight(np.array(7, np.uint8))
    return case.output(case.op("ConvInteger", x, w, zero, auto_pad=pad, strides=[stride, stride]))


def pools(case, pad, stride, size):
    x = case.input([1, 5, "N", 8])
    window = dict(auto_pad=pad, strides=[stride, stride], kernel_shape=[size, size])
    largest, where = case.op("MaxPool", x, results=2, **window)
    return case.output(
        largest,
        where,
        case.op("AveragePool", x, **window),
        case.op("AveragePool", x, count_include_pad=1, **window),
    )


def transposed(case, attributes):
    x = case.input([2, 4, "N", 5])
    w = case.weight(case.random([4, 2, 3, 3]))
    return case.output(case.op("ConvTranspose", x, w, group=2, **attributes))


def moved(case, mode):
    """Blocks of channels as images and back."""
    x = case.input(["N", 8, "N", 3])
    y, z = case.input([2, "N", 4, 6]), case.input([1, "N", "N", 2])
    return case.output(
        case.op("DepthToSpace", x, blocksize=2, mode=mode),
        case.op("DepthToSpace", z, blocksize=2, mode=mode),
        case.op("SpaceToDepth", y, blocksize=2),
        case.op("SpaceToDepth", z, blocksize=2),
    )


def normalized(case, dtype):
    x = case.input([2, 6, "N", 3], dtype)
    scale, bias = case.weight(case.random([6], dtype)), case.weight(case.random([6], dtype))
    y, z = case.input([2, "N", 4], dtype), case.input([1, "N", 2, 3], dtype)
    return case.output(
        case.op("GroupNormalization", x, scale, bias, num_groups=3),
        case.op("LRN", z, size=3),
        case.op("LRN", z, size=5),
        case.op("Hardmax", y, axis=1),
        case.op("Hardmax", x, axis=2),
    )


def spectrum(case, dtype):
    """Transforms as long as N."""
    x = case.input([2, "N", 1], dtype)
    y = case.input([2, 3, "N", 2], dtype)
    axis = case.weight(np.array(1, np.int64))
    return case.output(
        case.op("DFT", x, None, axis, onesided=1),
        case.op("DFT", x, None, axis),
        case.op("DFT", y, None, case.weight(np.array(2, np.int64)), inverse=1),
    )


def frames(case):
    x = case.input([2, "N", 1])
    step, length = case.weight(np.array(3, np.int64)), case.weight(np.array(5, np.int64))
    window = case.weight(case.random([5]))
    return case.output(case.op("STFT", x, step, window), case.op("STFT", x, step, None, length))


def broadcast(case):
    """An operand whose size N is 1, or the size of what it meets."""
    a, b = case.input([4, 3]), case.input([3, 5])
    rows, columns, vector = case.input(["N", 5]), case.input([4, "N"]), case.input(["N"])
    x, wide = case.input([2, 5, 6, 7]), case.weight(case.random([5, 5, 1, 1]))
    channels, row = case.input([1, "N", 1, 1]), case.input(["N"])
    product = case.op("MatMul", a, b)
    batch, factor = case.input(["N", 4, 3]), case.input([5, 3, 2])
    quantized = case.input([2, 5, 3], "u8", 0, 255)
    scale, zero = case.input(["N"], low=0.1), case.input(["N"], "u8", 0, 255)
    line = case.input([3, 5])
    return case.output(
        case.op("Gemm", a, b, vector),
        case.op("Gemm", a, b, columns),
        case.op("Add", product, vector),
        case.op("Mul", case.op("Conv", x, wide), channels),
        case.op("Where", case.weight(case.random([4, 1], "bool")), columns, case.op("Gemm", a, b)),
        case.op("PRelu", line, row),
        case.op("Softmax", case.op("Add", line, row)),
        case.op("LayerNormalization", line, row),
        case.op("Add", case.op("Softmax", line), row),
        case.op("ReduceSum", case.op("Mul", line, row), case.ints(0)),
        case.op("MatMul", batch, factor),
        case.op("Einsum", batch, factor, equation="bij,bjk->bik"),
        case.op("Einsum", batch, factor, equation="bij,bjk->ki"),
        case.op("Einsum", rows, line, equation="in,kn->ki"),
        case.op("Einsum", vector, line, equation="n,kn->k"),
        case.op("DequantizeLinear", quantized, scale, zero, axis=1),
    )


def attention(case):
    """One mask for all heads and rows, or one each."""
    q, k, v = case.input([2, 4, 4, 8]), case.input([2, 4, 6, 8]), case.input([2, 4, 6, 8])
    heads, rows = case.input([2, "N", 4, 6]), case.input([1, "N", "N", 6])
    return case.output(
        case.op("Attention", q, k, v, heads), case.op("Attention", q, k, v, rows, is_causal=1)
    )


def open_sizes():
    for pad in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        for stride, dilation in ((1, 1), (2, 1), (3, 2)):
            for kind in ("plain", "grouped", "depthwise"):
                sizes = (12, 16) if pad == "VALID" else LENGTHS
                # ONNX Runtime has no SAME padding with dilations.
                judged = dilation == 1 or pad == "VALID"
                case = Case(f"sizes/conv_{pad}_{stride}{dilation}_{kind}", sizes, judged=judged)
                yield convolution(case, pad, stride, dilation, kind)
        for stride in (1, 2, 3):
            case = Case(f"sizes/integer_{pad}_{stride}", (4, 7, 12), exact=True)
            yield integer_convolution(case, pad, stride)
            for size in (2, 3):
                yield pools(Case(f"sizes/pool_{pad}_{stride}_{size}", (3, 4, 7, 12)), pad, stride, size)
    for k, attributes in enumerate((
        dict(strides=[2, 2], output_shape=[15, 11]),
        dict(strides=[3, 1], output_shape=[14, 7], auto_pad="SAME_UPPER"),
        dict(strides=[2, 3], auto_pad="SAME_LOWER"),
        dict(dilations=[2, 1], output_padding=[1, 0], strides=[2, 1]),
    )):
        # ONNX Runtime takes an output_shape for one size of the input only.
        judged = "output_shape" not in attributes
        yield transposed(Case(f"sizes/transposed_{k}", (5, 7), judged=judged), attributes)
    for mode in ("DCR", "CRD"):
        yield moved(Case(f"sizes/moved_{mode}", (4, 8, 12)), mode)
    for dtype in ("f32", "f16"):
        yield normalized(Case(f"sizes/normalized_{dtype}", (1, 2, 5, 9), judged=dtype == "f32"), dtype)
    for dtype in ("f32", "f64"):
        # ONNX Runtime's transforms of f64 have about nine digits.
        yield spectrum(Case(f"sizes/spectrum_{dtype}", (1, 2, 5, 16), judged=dtype == "f32"), dtype)
    yield open_channels(Case("sizes/channels", (12,)))
    yield frames(Case("sizes/frames", (5, 8, 30)))
    yield broadcast(Case("sizes/broadcast_5", (1, 5)))
    # ONNX Runtime wants a mask with a row for each of the queries.
    yield attention(Case("sizes/attention", (1, 4), judged=False, opset=24))


FAMILIES = dict(sizes=open_sizes)
