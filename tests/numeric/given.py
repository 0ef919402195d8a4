"""Layers whose weights are inputs, other ones in each of three runs of one context."""
import numpy as np

from case import FLOATS, Case, float_type, pick
from layers import spatial_sizes, window
from quantized import PRODUCTS, SIGNED, random_conv

SIZES = (2, 5, 2)  # of the batch, a run each; the third has the sizes of the first


def given_conv():
    """Dense, grouped and depthwise convolutions, with and without a bias and what follows."""
    for k in range(36):
        rng = np.random.default_rng([11, k])
        dtype, kind = float_type(k), ("dense", "depthwise", "groups")[k % 3]
        case = Case(f"given_conv/{kind}{k}{dtype}", SIZES)
        rank = pick(rng, (1, 2, 2, 2, 3))
        attributes, spans = window(rng, rank, 4 if rank < 3 else 3)
        channels, outputs = pick(rng, (1, 3, 16, 17, 33)), pick(rng, (1, 5, 16, 33))
        groups = {"dense": 1, "depthwise": channels, "groups": 2}[kind]
        depth = 1 if kind == "depthwise" else channels
        outputs = channels * pick(rng, (1, 1, 2)) if kind == "depthwise" else groups * outputs
        x = case.input(["N", groups * depth, *spatial_sizes(rng, rank, spans)], dtype)
        w = case.input([outputs, depth, *attributes["kernel_shape"]], dtype, -0.3, 0.3)
        b = case.input([outputs], dtype) if k % 2 else None
        y = case.op("Conv", x, w, b, group=groups, **attributes)
        yield case.output(case.op("Relu", y) if k % 4 else y)


def given_product():
    """Gemm with every transpose, MatMul with batches; two layers that share what was given."""
    for k, (depth, columns) in enumerate(((1, 1), (3, 17), (17, 16), (64, 33), (65, 5), (130, 48))):
        for dtype in FLOATS[:: -1 if k % 2 else 1][:3]:
            for ta, tb in ((0, 0), (0, 1), (1, 0), (1, 1)):
                case = Case(f"given_product/gemm{depth}x{columns}{'t' * ta}/{'t' * tb}{dtype}", SIZES)
                x = case.input([depth, "N"] if ta else ["N", depth], dtype)
                w = case.input([columns, depth] if tb else [depth, columns], dtype)
                yield case.output(case.op("Gemm", x, w, case.input([columns], dtype), transA=ta, transB=tb))
    for k, (x_shape, w_shape) in enumerate(
        (
            (["N", 3, 31], [31, 17]),
            (["N", 3, 16], ["N", 16, 5]),
            ([7, 33], ["N", 33, 16]),
            (["N", 1, 5, 8], [4, 8, 33]),
            (["N", 64], [64]),
        )
    ):
        case = Case(f"given_product/matmul{k}", SIZES)
        yield case.output(case.op("MatMul", case.input(x_shape), case.input(w_shape)))
    case = Case("given_product/shared", SIZES)
    x, w = case.input(["N", 33]), case.input([33, 33], "f32", -0.3, 0.3)
    y = case.op("Tanh", case.op("MatMul", x, w))
    yield case.output(case.op("MatMul", y, w), case.op("Gemm", y, w, transB=1))


def number(case, dtype, low, high, count=None):
    return case.input([] if count is None else [count], dtype, low, high)


def given_integers():
    """Convolutions and products of 8 bits; scales and zero points are inputs as well."""
    for k in range(40):
        rng = np.random.default_rng([12, k])
        x_type, w_type = SIGNED[k % 4]
        requantized = k % 8 < 4
        judged = k % 4 < 3 or not requantized  # ONNX Runtime's QLinearConv has no s8 times u8
        case = Case(f"given_integers/conv{k}", SIZES, exact=True, steps=requantized, judged=judged)
        attributes, x_shape, w_shape, groups = random_conv(rng)
        attributes["group"] = groups
        x = case.input(["N", *x_shape[1:]], x_type, -128, 255)
        w = case.input(w_shape, w_type, -128, 255)
        x_zero = number(case, x_type, 0, 9)
        if not requantized:
            w_zero = number(case, w_type, 0, 9)
            yield case.output(case.op("ConvInteger", x, w, x_zero, w_zero, **attributes))
            continue
        channel = w_shape[0] if k % 3 else None
        zeros = np.zeros([] if channel is None else [channel])
        w_zero = case.weight(zeros, w_type) if channel else number(case, w_type, 0, 9)
        w_scale = number(case, "f32", 0.005, 0.02, channel)
        y_scale = number(case, "f32", 0.5, 1)
        bias = case.input([w_shape[0]], "i32", -3000, 3000) if k % 2 else None
        x_scale = number(case, "f32", 0.01, 0.03)
        y_zero = number(case, x_type, 0, 9)
        operands = (x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias)
        yield case.output(case.op("QLinearConv", *operands, **attributes))
    for k, (a_shape, b_shape) in enumerate(PRODUCTS):
        a_type, b_type = SIGNED[k % 4]
        a_shape = ["N", *a_shape[1:]] if len(b_shape) == 2 else a_shape
        # ONNX Runtime leaves sums of nothing unset.
        case = Case(f"given_integers/matmul{k}", SIZES, exact=True, judged=a_shape[-1] > 0)
        a, b = case.input(a_shape, a_type, -128, 255), case.input(b_shape, b_type, -128, 255)
        zeros = number(case, a_type, 0, 9), number(case, b_type, 0, 9)
        case.output(case.op("MatMulInteger", a, b, *zeros))
        yield case
        judged = (a_type, b_type) != ("i8", "u8") and a_shape[-1] > 0
        case = Case(f"given_integers/qlinear{k}", SIZES, exact=True, steps=1, judged=judged)
        a, b = case.input(a_shape, a_type, -128, 255), case.input(b_shape, b_type, -128, 255)
        scales = [number(case, "f32", low, 3 * low) for low in (0.01, 0.01, 0.3)]
        zeros = [number(case, dtype, 0, 9) for dtype in (a_type, b_type, a_type)]
        operands = (a, scales[0], zeros[0], b, scales[1], zeros[1], scales[2], zeros[2])
        yield case.output(case.op("QLinearMatMul", *operands))


FAMILIES = dict(given_conv=given_conv, given_product=given_product)
INTEGERS = dict(given_integers=given_integers)
