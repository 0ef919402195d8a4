"""Families of reductions, functions of elements, and what moves elements; each yields cases."""
import itertools

import numpy as np

from case import FLOATS, INTEGERS, NUMPY, OPSET, Case, float_type


REDUCTIONS = ("Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare")


def reduce():
    """Every subset of the axes of shapes of every rank, each with one operator, in turn."""
    shapes = [[17], [1], [3, 33], [16, 5], [2, 3, 17], [5, 1, 15], [2, 3, 5, 7], [3, 1, 2, 31]]
    shapes += [[2, 3, 2, 3, 5], [0, 3], [2, 0, 5], [1000], [3, 257], [130, 3]]
    turn = 0
    for shape in shapes:
        for chosen in itertools.product((False, True), repeat=len(shape)):
            axes = [axis for axis in range(len(shape)) if chosen[axis]]
            for _ in range(3):
                turn += 1
                kind, dtype, keep = REDUCTIONS[turn % 10], float_type(turn // 10), turn // 3 % 2
                if turn % 9 == 0 and not kind.startswith("Log"):
                    dtype = ("i32", "i64", "u32")[turn // 9 % 3]
                if 0 in shape and kind == "Mean":
                    continue  # not defined
                if kind == "Prod" and np.prod(shape) > 64:
                    dtype = "f32"  # integers overflow
                name = f"reduce/{kind}{shape}{axes}keep{keep}{dtype}.{turn}".replace(" ", "")
                case = Case(name, opset=OPSET)
                low, high = (0.5, 1.5) if dtype in FLOATS else (1, 3)
                low = -high if kind not in ("LogSum", "Prod") and dtype[0] != "u" else low
                # Of empty inputs, ONNX Runtime gives a wrong shape with negative axes.
                given = [axis - len(shape) * (turn % 2) if all(shape) else axis for axis in axes]
                y = case.op(
                    f"Reduce{kind}",
                    case.input(shape, dtype, low, high),
                    case.ints(*given),
                    keepdims=keep,
                    noop_with_empty_axes=turn % 4 // 3,
                )
                yield case.output(y)


def arg():
    """ArgMax and ArgMin with ties, which the first or the last must win; scans."""
    shapes = [[17], [3, 33], [2, 5, 16], [1, 1], [2, 3, 4, 5]]
    for k, shape in enumerate(shapes):
        for axis, kind in itertools.product(range(len(shape)), ("ArgMax", "ArgMin")):
            dtype = ("f32", "i32", "i8", "f16", "u8", "f64")[(k + axis) % 6]
            case = Case(f"arg/{kind}{shape}{axis}{dtype}".replace(" ", ""))
            x = case.given(case.random(shape, "i32", 0, 3).astype(case.random([1], dtype).dtype))
            names = [
                case.op(kind, x, axis=axis, keepdims=keep, select_last_index=last)
                for keep, last in ((0, 0), (1, 1))
            ]
            yield case.output(*names)
    for shape, axis in (([17], 0), ([3, 33], 1), ([33, 3], -2), ([2, 5, 7], 1), ([0, 3], 0)):
        for exclusive, reverse in itertools.product((0, 1), repeat=2):
            case = Case(f"arg/CumSum{shape}{axis}{exclusive}{reverse}".replace(" ", ""))
            at = case.weight(np.array(axis, np.int64))
            x = case.input(shape, ("f32", "i64", "f64", "i32")[exclusive + 2 * reverse], -5, 5)
            yield case.output(case.op("CumSum", x, at, exclusive=exclusive, reverse=reverse))


UNARY = {
    (-3.0, 3.0): "Abs Neg Exp Sin Cos Tan Sinh Cosh Tanh Atan Asinh Erf Floor Ceil Round Sigmoid"
    " Sign Relu LeakyRelu Elu Selu Celu Softplus Softsign HardSigmoid HardSwish Gelu Mish"
    " ThresholdedRelu",
    (0.1, 9.0): "Log Sqrt Reciprocal",
    (-0.99, 0.99): "Asin Acos Atanh",
    (1.0, 50.0): "Acosh",
}


def unary():
    """Functions of one element, at sizes about the widths of vectors; four sizes in one case."""
    for (low, high), kinds in UNARY.items():
        for k, kind in enumerate(kinds.split()):
            for dtype in ("f32", FLOATS[k % 4]) if FLOATS[k % 4] != "f32" else ("f32",):
                case = Case(f"unary/{kind}{dtype}")
                for shape in ([1], [15], [3, 11], [0, 3], []):
                    case.output(case.op(kind, case.input(shape, dtype, low, high)))
                yield case
    for dtype in INTEGERS:
        case = Case(f"unary/{dtype}")
        x = case.input([33], dtype, -100, 100)
        kinds = ("Abs", "Sign", "BitwiseNot") + (("Neg",) if dtype[0] == "i" else ())
        yield case.output(*[case.op(kind, x) for kind in kinds])
    for source, target in itertools.product((*FLOATS, *INTEGERS, "bool"), repeat=2):
        case = Case(f"unary/cast_{source}_{target}")
        bounds = (0, 99) if "u" in source[0] + target[0] else (-99, 99)
        x = case.input([17], source, *bounds)
        yield case.output(case.op("Cast", x, to=target))


BROADCASTS = (
    ([17], [17]),
    ([3, 17], [17]),
    ([3, 17], [3, 1]),
    ([3, 1], [1, 17]),
    ([], [5]),
    ([2, 3, 16], [3, 1]),
    ([2, 1, 5], [1, 3, 1]),
    ([2, 3, 1, 33], [1, 5, 1]),
    ([1, 1], [2, 1, 3, 1, 7]),
    ([0, 3], [3]),
    ([1], [0]),
    ([], []),
)


def binary():
    """Functions of two elements with every kind of broadcasting."""
    arithmetic = ("Add", "Sub", "Mul", "Div", "Pow", "PRelu", "Mod", "Max", "Min")
    compared = ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual")
    for k, (a_shape, b_shape) in enumerate(BROADCASTS):
        for kind in arithmetic:
            types = ["f32", (*FLOATS, "i32", "i64", "u8", "i8", "u32", "u64")[(k + len(kind)) % 10]]
            for dtype in dict.fromkeys(types):
                if kind == "PRelu" and dtype in INTEGERS:
                    continue
                if kind == "Pow" and dtype not in (*FLOATS, "i32", "i64"):
                    continue
                case = Case(f"binary/{kind}{a_shape}{b_shape}{dtype}".replace(" ", ""))
                low, high = (0.5, 3.0) if dtype in FLOATS else (1, 7)
                attributes = dict(fmod=1) if kind == "Mod" and dtype in FLOATS else {}
                a_low = low if kind == "Pow" or dtype[0] == "u" else -high
                second = a_shape[-1:] if kind == "PRelu" else b_shape
                a, b = case.input(a_shape, dtype, a_low, high), case.input(second, dtype, low, high)
                y = case.op(kind, a, b, **attributes)
                case.output(y)
                if kind == "Sub" or kind in ("Div", "Mod") and dtype in FLOATS:
                    case.output(case.op(kind, b, a, **attributes))
                yield case
        case = Case(f"binary/compare{a_shape}{b_shape}".replace(" ", ""))
        dtype = ("f32", "i32", "f64", "i64", "f16")[k % 5]
        a, b = case.input(a_shape, dtype, -2, 2), case.input(b_shape, dtype, -2, 2)
        masks = [case.op(kind, a, b) for kind in compared]
        logic = [case.op(kind, masks[0], masks[1]) for kind in ("And", "Or", "Xor")]
        chosen = case.op("Where", masks[2], a, b)
        yield case.output(*masks, *logic, chosen, case.op("Not", masks[3]))
    for dtype in INTEGERS:
        # ONNX Runtime has no shifts of u16.
        case = Case(f"binary/bits_{dtype}", exact=True, judged=dtype != "u16")
        a, b = case.input([3, 17], dtype, -128, 127), case.input([17], dtype, -128, 127)
        case.output(*[case.op(f"Bitwise{kind}", a, b) for kind in ("And", "Or", "Xor")])
        if dtype[0] == "u":
            by = case.input([17], dtype, 0, 7)
            case.output(*[case.op("BitShift", a, by, direction=way) for way in ("LEFT", "RIGHT")])
        yield case
    for k, count in enumerate((1, 2, 3, 5)):
        case = Case(f"binary/variadic{count}")
        operands = [case.input(([17], [3, 1], [1], [3, 17], [])[i]) for i in range(count)]
        yield case.output(*[case.op(kind, *operands) for kind in ("Sum", "Max", "Min", "Mean")])


def movement():
    """Operators that only move elements, for every type, and chains of them."""
    for dtype in (*FLOATS, *INTEGERS, "bool"):
        for shape in ([3, 4, 17], [1, 8, 1], [2, 0, 5]):
            name = f"movement/{dtype}{shape}".replace(" ", "")
            case = Case(name)
            x, y = case.input(shape, dtype, 0, 100), case.input(shape, dtype, 0, 100)
            last = shape[-1]
            both = case.op("Concat", x, y, x, axis=2)
            turned = case.op("Transpose", both, perm=[2, 0, 1])
            wide = case.op("Unsqueeze", x, case.ints(0, 2))
            case.output(
                turned,
                case.op("Reshape", turned, case.ints(shape[0] * shape[1], 3 * last), allowzero=1),
                case.op("Slice", turned, *map(case.ints, (-1, -100, 0, -2))),
                case.op("Slice", both, case.ints(1, 0), case.ints(99, 2), case.ints(2, 0)),
                *case.op("Split", both, case.ints(last, 2 * last), axis=2, results=2),
                case.op("Expand", wide, case.ints(2, 1, 3, 1, 1)),
                case.op("Pad", x, case.ints(1, 0, 2, 0, 3, 1)),
                case.op("Tile", y, case.ints(2, 1, 3)),
                case.op("Flatten", x, axis=2),
            )
            if dtype != "bool":  # ONNX Runtime has none of those
                case.output(case.op("Where", case.input([last], "bool"), x, y))
            if 0 not in shape:
                rows = case.given(case.random([2, 3], "i64", -shape[1], shape[1] - 1))
                case.output(case.op("Gather", x, rows, axis=1))
                last_first = case.op("Transpose", y, perm=[1, 2, 0])
                case.output(case.op("Gather", last_first, rows, axis=0))
                cells = case.given(case.random(shape[:2] + [5], "i64", 0, last - 1))
                case.output(case.op("GatherElements", x, cells, axis=2))
                points = case.weight(case.random([5, 2], "i64", 0, 0))
                case.output(case.op("GatherND", x, points))
            yield case
    for k, shape in enumerate(([1, 4, 3, 5], [2, 12, 1, 7], [3, 16, 4, 4])):
        for dtype in ("f32", "f64"):
            case = Case(f"movement/blocks{shape}{dtype}".replace(" ", ""))
            x = case.input(shape, dtype)
            deep = case.op("DepthToSpace", x, blocksize=2, mode=("DCR", "CRD")[k % 2])
            yield case.output(deep, case.op("SpaceToDepth", deep, blocksize=2))
    for mode in ("constant", "reflect", "edge", "wrap"):
        for dtype in ("f32", "i64", "u8"):
            case = Case(f"movement/pad_{mode}_{dtype}")
            x, pads = case.input([3, 5, 17], dtype, 0, 9), case.ints(2, 1, 3, 0, 4, 16)
            value = case.weight(7, dtype) if mode == "constant" else None
            y = case.op("Pad", x, pads, value, mode=mode)
            crop = case.ints(-1, 0, -2, 2, -1, 0) if mode == "constant" else pads
            yield case.output(y, case.op("Pad", y, crop, value, mode=mode))
    for upper in (0, 1):
        for shift in (-2, 0, 3):
            case = Case(f"movement/trilu{upper}{shift}")
            at = case.weight(np.array(shift, np.int64))
            for shape in ([5, 5], [2, 3, 7], [0, 4]):
                case.output(case.op("Trilu", case.input(shape), at, upper=upper))
            yield case


def order():
    """TopK without ties, scatters, one-hot and other operators with indices from data."""
    for k, shape in enumerate(([17], [3, 33], [2, 5, 16], [5, 1, 3])):
        for axis in range(len(shape)):
            case = Case(f"order/topk{shape}{axis}".replace(" ", ""))
            dtype = ("f32", "i64", "f64", "i32")[(k + axis) % 4]
            count = int(np.prod(shape))
            x = case.given(case.rng.permutation(count).reshape(shape).astype(NUMPY[dtype]))
            for size, largest in ((1, 1), (shape[axis], 0), (-(-shape[axis] // 2), 1)):
                given = dict(axis=axis, largest=largest, sorted=1)
                case.output(*case.op("TopK", x, case.ints(size), results=2, **given))
            yield case
    for k, reduction in enumerate(("none", "add", "mul", "max", "min")):
        for dtype in ("f32", ("i64", "f64", "i32")[k % 3]):
            case = Case(f"order/scatter_{reduction}_{dtype}")
            x = case.input([3, 5, 7], dtype, -5, 5)
            rows = np.stack([case.rng.permutation(5)[:2] for _ in range(3 * 7)])
            rows = rows.reshape(3, 7, 2).transpose(0, 2, 1)
            updates = case.input([3, 2, 7], dtype, -5, 5)
            y = case.op(
                "ScatterElements", x, case.given(rows), updates, axis=1, reduction=reduction
            )
            flat = case.op("Reshape", x, case.ints(15, 7))
            cells = case.given(case.rng.permutation(15)[:4].reshape(4, 1))
            rows = case.input([4, 7], dtype, -5, 5)
            z = case.op("ScatterND", flat, cells, rows, reduction=reduction)
            yield case.output(y, z)
    for dtype in ("f32", "i32", "i64", "u8"):
        # ONNX Runtime has no other types.
        case = Case(f"order/onehot_{dtype}", judged=dtype in ("f32", "i64"))
        indices = case.given(case.random([3, 5], "i64", -7, 6))
        values = case.weight([2, 9], dtype)
        depth = case.ints(7)
        yield case.output(*[case.op("OneHot", indices, depth, values, axis=a) for a in (-1, 0, 1)])


FAMILIES = dict(
    reduce=reduce,
    arg=arg,
    unary=unary,
    binary=binary,
    movement=movement,
    order=order,
)
