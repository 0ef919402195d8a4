"""Formulas at the ends of their types: zeros, limits, infinities, NaN, arguments far outside the usual
range. NumPy in float64 is the judge, so that a formula that interpreter and compiled code have in
common is found as well; both are held to it.

usage: extremes.py --cameo build/bin/cameo [unittest arguments]
"""
import math
import platform
import subprocess

import ml_dtypes
import numpy as np

from onnx import TensorProto, helper

import graphs
from graphs import GraphTest, cameoc, constant, info, main

FLOATS = ("float32", "float64", "float16", "bfloat16")
TINY = (0, 1.2e-38, 1e-30, 1e-8, 1e-4, 0.1)
MIDDLE = (0.3, 0.5, 1, 1.5, 2.5, 3, 7, 9.5, 15, 17, 20, 33, 50, 88, 89, 104, 127, 500)
LARGE = (1e4, 65504, 1e6, 1e8, 2.0**31, 2.0**63, 1e20, 1e30, 3.4e38, math.inf)
MAGNITUDES = (*TINY, *MIDDLE, *LARGE)
REALS = np.array([*MAGNITUDES, *(-x for x in MAGNITUDES), math.nan])
# The rounding of a few operations in each type, of the value or of 1.
TOLERANCE = {"float32": 4e-6, "float64": 1e-11, "float16": 2e-3, "bfloat16": 2e-2}


def numpy_type(dtype):
    return np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def onnx_type(dtype):
    return helper.np_dtype_to_tensor_dtype(numpy_type(dtype))


def erf(x):
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def elu(x, alpha):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def celu(x, alpha):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def shrink(x, lambd, bias):
    return np.where(x < -lambd, x + bias, np.where(x > lambd, x - bias, 0))


ALPHA, GAMMA = 1.67326319217681884765625, 1.05070102214813232421875
UNARY = [
    ("Abs", {}, np.abs),
    ("Neg", {}, np.negative),
    ("Sign", {}, np.sign),
    ("Floor", {}, np.floor),
    ("Ceil", {}, np.ceil),
    ("Round", {}, np.rint),
    ("Sqrt", {}, np.sqrt),
    ("Reciprocal", {}, lambda x: 1 / x),
    ("Exp", {}, np.exp),
    ("Log", {}, np.log),
    ("Sin", {}, np.sin),
    ("Cos", {}, np.cos),
    ("Tan", {}, np.tan),
    ("Asin", {}, np.arcsin),
    ("Acos", {}, np.arccos),
    ("Atan", {}, np.arctan),
    ("Sinh", {}, np.sinh),
    ("Cosh", {}, np.cosh),
    ("Tanh", {}, np.tanh),
    ("Asinh", {}, np.arcsinh),
    ("Acosh", {}, np.arccosh),
    ("Atanh", {}, np.arctanh),
    ("Erf", {}, erf),
    ("Sigmoid", {}, sigmoid),
    ("Softplus", {}, softplus),
    ("Softsign", {}, lambda x: x / (1 + np.abs(x))),
    ("Relu", {}, lambda x: np.maximum(x, 0)),
    ("LeakyRelu", {"alpha": 0.125}, lambda x: np.where(x < 0, 0.125 * x, x)),
    ("ThresholdedRelu", {"alpha": 1.5}, lambda x: np.where(x > 1.5, x, 0)),
    ("Elu", {"alpha": 1.5}, lambda x: elu(x, 1.5)),
    ("Celu", {"alpha": 2.0**-100}, lambda x: celu(x, 2.0**-100)),
    ("Celu", {"alpha": 2.0**100}, lambda x: celu(x, 2.0**100)),
    ("Selu", {}, lambda x: GAMMA * elu(x, ALPHA)),
    ("Gelu", {}, lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2)))),
    ("Gelu", {"approximate": "tanh"}, gelu_tanh),
    ("HardSigmoid", {"alpha": 0.25}, lambda x: np.clip(0.25 * x + 0.5, 0, 1)),
    ("HardSwish", {}, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    ("Mish", {}, lambda x: x * np.tanh(softplus(x))),
    ("Swish", {"alpha": 1.5}, lambda x: x * sigmoid(1.5 * x)),
    ("Shrink", {"lambd": 1.5, "bias": 0.25}, lambda x: shrink(x, 1.5, 0.25)),
    ("IsNaN", {}, np.isnan),
    ("IsInf", {}, np.isinf),
    ("IsInf", {"detect_negative": 0}, np.isposinf),
]


def truncated(a, b):
    """a / b towards 0; 0 for a divisor of 0."""
    return 0 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def integer_power(a, b):
    if b >= 0:
        return pow(a, b, 2**64)
    return a**-b if abs(a) == 1 else 0


def shifted(a, b, bits):
    return a >> b if 0 <= b < bits else -1 if a < 0 else 0


BINARY = [
    ("Add", {}, np.add),
    ("Sub", {}, np.subtract),
    ("Mul", {}, np.multiply),
    ("Div", {}, np.divide),
    ("Max", {}, np.maximum),
    ("Min", {}, np.minimum),
    ("Pow", {}, np.power),
    ("Mod", {"fmod": 1}, np.fmod),
    ("PRelu", {}, lambda x, y: np.where(x < 0, x * y, x)),
]
COMPARED = [
    ("Equal", np.equal),
    ("Less", np.less),
    ("LessOrEqual", np.less_equal),
    ("Greater", np.greater),
    ("GreaterOrEqual", np.greater_equal),
]
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
# Of Python's integers and the width in bits; results wrap. What has no value is 0 (docs/ir.md).
INTEGER_BINARY = [
    ("Add", {}, lambda a, b, bits: a + b),
    ("Sub", {}, lambda a, b, bits: a - b),
    ("Mul", {}, lambda a, b, bits: a * b),
    ("Div", {}, lambda a, b, bits: truncated(a, b)),
    ("Mod", {}, lambda a, b, bits: a % b if b else 0),
    ("Mod", {"fmod": 1}, lambda a, b, bits: a - b * truncated(a, b) if b else 0),
    ("Max", {}, lambda a, b, bits: max(a, b)),
    ("Min", {}, lambda a, b, bits: min(a, b)),
    ("Pow", {}, lambda a, b, bits: integer_power(a, b)),
    ("BitShift", {"direction": "LEFT"}, lambda a, b, bits: a << b if 0 <= b < bits else 0),
    ("BitShift", {"direction": "RIGHT"}, shifted),
    ("BitwiseAnd", {}, lambda a, b, bits: a & b),
    ("BitwiseXor", {}, lambda a, b, bits: a ^ b),
]
INTEGER_UNARY = [
    ("Abs", abs),
    ("Neg", lambda a: -a),
    ("Sign", lambda a: (a > 0) - (a < 0)),
    ("Relu", lambda a: max(a, 0)),
    ("BitwiseNot", lambda a: ~a),
]

# Rows of 4: large, tiny, cancelling, infinite, with NaN at either end.
ROWS = [
    [1e6, 1e6 + 1, 1e6 - 2, 999990],
    [-1e6, -1e6 - 1, -1e6 + 2, -1e6],
    [1e30, -1e30, 1e30, 3],
    [1e-30, 2e-30, -1e-30, 0],
    [3e38, 3e38, -3e38, 1],
    [104.0, -104.0, 88.5, 0],
    [-1e4, -1e4, -1e4, -1e4],
    [1e4, 10001, 10002, 10003],
    [0, 0, 0, 0],
    [-0.0, 0, -0.0, 0],
    [math.inf, 1, 2, 3],
    [-math.inf, 1, 2, 3],
    [math.inf, math.inf, 0, 1],
    [math.inf, -math.inf, 0, 1],
    [-math.inf] * 4,
    [math.nan, 1, 2, 3],
    [3, 2, 1, math.nan],
    [math.nan, math.inf, -math.inf, 1],
    [5, 5, 1, 5],
]


def log_softmax(x):
    shifted = x - x.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def log_sum_exp(x):
    top = x.max(1, keepdims=True)
    top = np.where(np.isinf(top), 0, top)
    return np.log(np.exp(x - top).sum(1, keepdims=True)) + top


def hardmax(x):
    return np.eye(x.shape[1])[x.argmax(1)]


def standardized(x, axes, epsilon):
    centred = x - x.mean(axes, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axes, keepdims=True) + epsilon)


def top(x, k, largest):
    """NaN is the largest; of equals the first comes first."""

    def before(row, i):
        value = row[i]
        rank = (0 if math.isnan(value) else 1) if largest else (1 if math.isnan(value) else 0)
        return rank, 0 if math.isnan(value) else -value if largest else value, i
    order = np.array([sorted(range(len(row)), key=lambda i: before(row, i))[:k] for row in x])
    return [np.take_along_axis(x, order, 1), order]


NORMALIZATIONS = [
    ("LayerNormalization", ["long"], {}, 2, 1e-5),
    ("InstanceNormalization", ["ones", "zeros"], {}, 2, 1e-5),
    ("GroupNormalization", ["ones", "zeros"], {"num_groups": 4}, 2, 1e-5),
    ("MeanVarianceNormalization", [], {"axes": [2]}, 2, 0),
    ("MeanVarianceNormalization", [], {"axes": [0, 2]}, (0, 2), 0),
]


ROW_OPS = [
    ("Softmax", [], {}, lambda x: [np.exp(log_softmax(x))], None),
    ("LogSoftmax", [], {}, lambda x: [log_softmax(x)], None),
    ("Hardmax", [], {}, lambda x: [hardmax(x)], None),
    ("ReduceLogSumExp", ["one"], {}, lambda x: [log_sum_exp(x)], None),
    ("ReduceMax", ["one"], {}, lambda x: [x.max(1, keepdims=True)], None),
    ("ReduceMin", ["one"], {}, lambda x: [x.min(1, keepdims=True)], None),
    ("ArgMax", [], {"axis": 1}, lambda x: [x.argmax(1)[:, None]], ["int64"]),
    ("ArgMin", [], {"axis": 1}, lambda x: [x.argmin(1)[:, None]], ["int64"]),
    ("ArgMax", [], {"axis": 1, "select_last_index": 1}, lambda x: [3 - x[:, ::-1].argmax(1)[:, None]], ["int64"]),
    ("ArgMin", [], {"axis": 1, "select_last_index": 1}, lambda x: [3 - x[:, ::-1].argmin(1)[:, None]], ["int64"]),
    ("TopK", ["three"], {}, lambda x: top(x, 3, True), [None, "int64"]),
    ("TopK", ["three"], {"largest": 0}, lambda x: top(x, 3, False), [None, "int64"]),
]


class Extremes(GraphTest):
    def engines(self, model, feed):
        """Results of the library and of the interpreter, by engine and output."""
        path = self.compile(model)
        yield "compiled", cameoc.load(path).run(feed)
        files = []
        for name, array in feed.items():
            stored = array.view(np.uint16) if array.dtype == ml_dtypes.bfloat16 else array
            np.save(f"{self.folder}/{name}.npy", stored)
            files += ["--input", f"{name}={self.folder}/{name}.npy"]
        model_path = path.removesuffix(".so") + ".onnx"
        command = [graphs.CAMEO, "run", model_path, *files, "--output-dir", f"{self.folder}/out"]
        run = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        results = {}
        for k, output in enumerate(model.graph.output):
            array = np.load(f"{self.folder}/out/output_{k}_{output.name}.npy")
            if output.type.tensor_type.elem_type == TensorProto.BFLOAT16:
                array = array.view(ml_dtypes.bfloat16)
            results[output.name] = array
        yield "interpreter", results

    def judge(self, rows, inputs, feed, opset=28):
        """`rows` are (node without outputs, expected arrays in float64 or integers, output types)."""
        nodes, outputs, wanted = [], [], {}
        for k, (node, expected, types) in enumerate(rows):
            names = [f"{node.op_type}_{k}_{i}" for i in range(len(expected))]
            node.output.extend(names)
            nodes.append(node)
            for name, array, dtype in zip(names, expected, types):
                outputs.append(info(name, array.shape, onnx_type(dtype)))
                wanted[name] = (array, dtype)
        model = self.unchecked(nodes, inputs, outputs, opset=opset)
        wrong = []
        for engine, results in self.engines(model, feed):
            for name, (expected, dtype) in wanted.items():
                wrong += [f"{engine} {name} {dtype}: {t}" for t in self.faults(expected, results[name], dtype, feed)]
        self.assertFalse(wrong, "\n" + "\n".join(wrong))

    def faults(self, expected, got, dtype, feed):
        """The first elements that differ, in words, with the operands where they have that shape."""
        if got.dtype.kind in "biu":
            close = got == expected
        else:
            with np.errstate(all="ignore"):
                expected = expected.astype(numpy_type(dtype)).astype(np.float64)
                got = got.astype(np.float64)
                near = np.abs(got - expected) <= TOLERANCE[dtype] * np.maximum(1, np.abs(expected))
            close = np.where(np.isfinite(expected), near, (got == expected) | (np.isnan(got) & np.isnan(expected)))
        for at in np.argwhere(~close)[:3]:
            at = tuple(at)
            given = [str(x[at]) for x in feed.values() if x.shape == expected.shape]
            yield f"of {', '.join(given) or list(at)}: expected {expected[at]}, got {got[at]}"

    def test_denormals(self):
        """Compiled code on x86 makes 0 of results, and reads operands as they are: docs/runtime.md."""
        flushes = platform.machine() == "x86_64"
        for dtype, least in (("float32", 2.0**-126), ("float64", 2.0**-1022)):
            x = np.array([least, least / 2, -least / 4, 1, 0], dtype)
            feed = {"x": x, "half": np.array(0.5, dtype), "more": np.array(2.0**50, dtype), "zero": np.array(0, dtype)}
            nodes, outputs = [], []
            for kind, other in (("Mul", "half"), ("Mul", "more"), ("Equal", "zero")):
                outputs.append(info(f"{kind}_{other}", x.shape, TensorProto.BOOL if kind == "Equal" else onnx_type(dtype)))
                nodes.append(helper.make_node(kind, ["x", other], [outputs[-1].name]))
            inputs = [info(name, array.shape, onnx_type(dtype)) for name, array in feed.items()]

            def flushed(values, here=least):
                return np.where(np.abs(values) < here, 0, values)

            model = self.unchecked(nodes, inputs, outputs)
            for engine, got in self.engines(model, feed):
                seen = flushed if flushes and engine == "compiled" else np.asarray
                with self.subTest(dtype=dtype, engine=engine):
                    np.testing.assert_array_equal(got["Mul_half"], seen(x * feed["half"]))
                    np.testing.assert_array_equal(got["Mul_more"], seen(x * feed["more"]))
                    np.testing.assert_array_equal(got["Equal_zero"], x == 0)

    def test_masked_softmax(self):
        """Scores that a mask makes very small have probabilities of 0, or denormals at most."""
        x = self.random.standard_normal((64, 512)).astype(np.float32)
        for mask in (-95, -100, -1e4, -math.inf):
            hidden = self.random.random(x.shape) < 0.3
            scores = np.where(hidden, x + np.float32(mask), x).astype(np.float32)
            model = self.unchecked([helper.make_node("Softmax", ["x"], ["y"])],
                                   [info("x", x.shape)], [info("y", x.shape)])
            path = self.compile(model)
            expected = np.exp(log_softmax(scores.astype(np.float64)))
            got = cameoc.load(path).run({"x": scores})["y"]
            np.testing.assert_allclose(got, expected, rtol=4e-6, atol=2.0**-126)
            self.assertLess(got[hidden].max(), 2.0**-126)
            np.testing.assert_array_equal(cameoc.load(path, threads=2).run({"x": scores})["y"], got)

    def test_functions_of_one_element(self):
        for dtype in FLOATS:
            with np.errstate(all="ignore"):
                x = REALS.astype(numpy_type(dtype))
                wide = x.astype(np.float64)
                rows = [
                    (helper.make_node(kind, ["x"], [], **attributes), [judge(wide)],
                     ["bool" if kind.startswith("Is") else dtype])
                    for kind, attributes, judge in UNARY
                    if (kind, dtype) != ("Shrink", "bfloat16")
                ]
            with self.subTest(dtype):
                self.judge(rows, [info("x", x.shape, onnx_type(dtype))], {"x": x})

    def test_functions_of_two_elements(self):
        for dtype in FLOATS:
            with np.errstate(all="ignore"):
                few = REALS[:: 1 if dtype == "float32" else 3].astype(numpy_type(dtype))
                a, b = (x.copy() for x in np.broadcast_arrays(few[:, None], few))
                x, y = a.astype(np.float64), b.astype(np.float64)
                rows = [
                    (helper.make_node(kind, ["a", "b"], [], **attributes), [judge(x, y)], [dtype])
                    for kind, attributes, judge in BINARY
                ] + [
                    (helper.make_node(kind, ["a", "b"], []), [judge(x, y)], ["bool"])
                    for kind, judge in COMPARED
                ]
            types = onnx_type(dtype)
            with self.subTest(dtype):
                self.judge(rows, [info("a", a.shape, types), info("b", b.shape, types)], {"a": a, "b": b})

    def test_integers(self):
        for dtype in INTEGERS:
            limits = np.iinfo(dtype)
            some = [limits.min, limits.min + 1, -128, -8, -3, -2, -1, 0, 1, 2, 3, 7, 8, 31, 32, 63, 64]
            some += [limits.max // 2, limits.max - 1, limits.max]
            some = sorted({v for v in some if limits.min <= v <= limits.max})
            a, b = (x.copy() for x in np.broadcast_arrays(np.array(some, dtype)[:, None], np.array(some, dtype)))
            pairs = [(int(x), int(y)) for x, y in zip(a.ravel(), b.ravel())]

            def exact(judge):
                wrapped = [judge(x, y, limits.bits) & (2**limits.bits - 1) for x, y in pairs]
                return np.array(wrapped, np.uint64).astype(dtype).reshape(a.shape)

            rows = []
            for kind, attributes, judge in INTEGER_BINARY:
                if kind == "Pow" and dtype not in ("int32", "int64"):
                    continue
                rows.append((helper.make_node(kind, ["a", "b"], [], **attributes), [exact(judge)], [dtype]))
            rows += [(helper.make_node(kind, ["a", "b"], []), [judge(a, b)], ["bool"]) for kind, judge in COMPARED]
            for kind, judge in INTEGER_UNARY:
                if limits.min < 0 or kind not in ("Neg", "Relu"):
                    rows.append((helper.make_node(kind, ["a"], []), [exact(lambda x, y, bits: judge(x))], [dtype]))
            types = onnx_type(dtype)
            with self.subTest(dtype):
                self.judge(rows, [info("a", a.shape, types), info("b", b.shape, types)], {"a": a, "b": b})

    def test_casts(self):
        """A float out of range becomes the nearest limit, NaN 0: docs/ir.md."""
        for source in FLOATS:
            with np.errstate(all="ignore"):
                x = REALS.astype(numpy_type(source))
            wide, rows = x.astype(np.float64), []
            for target in (*INTEGERS, *FLOATS, "bool"):
                if target in INTEGERS:
                    limits = np.iinfo(target)
                    expected = np.array([0 if v != v else max(limits.min, min(limits.max, v if math.isinf(v) else int(v)))
                                         for v in map(float, wide)], object).astype(target)
                elif target == "bool":
                    expected = wide != 0
                else:
                    expected = wide
                rows.append((helper.make_node("Cast", ["x"], [], to=onnx_type(target)), [expected], [target]))
            with self.subTest(source):
                self.judge(rows, [info("x", x.shape, onnx_type(source))], {"x": x})

    def test_clip(self):
        bounds = np.array([-math.inf, -1.0, -0.0, 0.0, 2.0, math.inf, math.nan], np.float32)
        x = REALS.astype(np.float32)
        rows, names = [], [f"b{k}" for k in range(len(bounds))]
        for i, low in enumerate(bounds):
            for j, high in enumerate(bounds):
                expected = np.minimum(np.maximum(x.astype(np.float64), low), high)
                rows.append((helper.make_node("Clip", ["x", names[i], names[j]], []), [expected], ["float32"]))
        feed = {"x": x, **{name: np.array(bound) for name, bound in zip(names, bounds)}}
        self.judge(rows, [info(name, array.shape) for name, array in feed.items()], feed)

    def test_rows(self):
        for dtype in FLOATS:
            with np.errstate(all="ignore"):
                x = np.array(ROWS).astype(numpy_type(dtype))
                wide = x.astype(np.float64)
                rows = [
                    (helper.make_node(kind, ["x", *more], [], **attributes), judge(wide),
                     [t or dtype for t in types or [None]])
                    for kind, more, attributes, judge, types in ROW_OPS
                ]
            feed = {"x": x, "one": np.array([1]), "three": np.array([3])}
            with self.subTest(dtype):
                inputs = [info("x", x.shape, onnx_type(dtype))]
                inputs += [info(name, [1], TensorProto.INT64) for name in ("one", "three")]
                self.judge(rows, inputs, feed)

    def test_large_means(self):
        """Statistics of numbers that differ by a hundred-thousandth: the mean goes first."""
        x = (1e4 + 0.1 * self.random.standard_normal((2, 4, 63))).astype(np.float32)
        wide, ones, zeros = x.astype(np.float64), np.ones(4, np.float32), np.zeros(4, np.float32)
        feed = {"x": x, "ones": ones, "zeros": zeros, "long": np.ones(63, np.float32)}
        rows = [
            (helper.make_node(kind, ["x", *more], [], **attributes), [standardized(wide, axes, epsilon)], ["float32"])
            for kind, more, attributes, axes, epsilon in NORMALIZATIONS
        ]
        TOLERANCE["float32"], usual = 2e-2, TOLERANCE["float32"]
        self.addCleanup(TOLERANCE.update, {"float32": usual})
        self.judge(rows, [info(name, array.shape) for name, array in feed.items()], feed)


if __name__ == "__main__":
    main()
