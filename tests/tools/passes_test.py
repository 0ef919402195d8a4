#!/usr/bin/env python3
"""Compilers with passes left out work: every limit of --bisect-limit, and every optional pass skipped
alone, on models that together give each pass something to do; and IR text is compiled from wherever it
is. Runs `cameo compare`; needs nothing but
Python.

  passes_test.py --cameo build/bin/cameo [unittest arguments]
"""
import os, random, re, subprocess, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

CAMEO = ""


def weights(name, *dims):
    count = 1
    for dim in dims:
        count *= dim
    numbers = random.Random(name)
    return onnx.tensor(name, dims, [numbers.uniform(-1, 1) for _ in range(count)])


def scalar(name, value, dtype=onnx.FLOAT):
    return onnx.tensor(name, [], [value], dtype)


def residual_block():
    """A convolution that Winograd's algorithm takes, a batch norm to fold, a residual and activations."""
    nodes = [onnx.node("Conv", ["x", "w"], ["c"], "conv", pads=(1, 1, 1, 1)),
             onnx.node("BatchNormalization", ["c", "scale", "shift", "mean", "variance"], ["n"], "norm"),
             onnx.node("Add", ["n", "x"], ["s"], "residual"), onnx.node("Relu", ["s"], ["r"], "relu"),
             onnx.node("Identity", ["r"], ["i"], "identity"), onnx.node("Sigmoid", ["i"], ["y"], "sigmoid")]
    variance = onnx.tensor("variance", [32], [0.5 + i / 32 for i in range(32)])
    return onnx.model(nodes, [onnx.value_info("x", [1, 32, 24, 24])], [onnx.value_info("y", [1, 32, 24, 24])],
                      [weights("w", 32, 32, 3, 3), weights("scale", 32), weights("shift", 32), weights("mean", 32),
                       variance])


def computed_shape():
    """A shape that nodes compute, constants of which nodes compute others, softmax, and products."""
    nodes = [onnx.node("Shape", ["x"], ["shape"], "shape"),
             onnx.node("Gather", ["shape", "zero"], ["batch"], "gather"),
             onnx.node("Concat", ["batch", "rest"], ["wanted"], "concat", axis=0),
             onnx.node("Reshape", ["x", "wanted"], ["m"], "reshape"),
             onnx.node("Add", ["w1", "w2"], ["w"], "weights"),
             onnx.node("MatMul", ["m", "w"], ["p"], "product"), onnx.node("Softmax", ["p"], ["s"], "softmax", axis=-1),
             onnx.node("Transpose", ["s"], ["t"], "transpose", perm=(0, 2, 1)),
             onnx.node("Tanh", ["t"], ["y"], "tanh")]
    constants = [onnx.tensor("zero", [1], [0], onnx.INT64), onnx.tensor("rest", [2], [3, 8], onnx.INT64),
                 weights("w1", 8, 5), weights("w2", 8, 5)]
    return onnx.model(nodes, [onnx.value_info("x", ["batch", 24])], [onnx.value_info("y", ["batch", 5, 3])], constants)


def quantized():
    """A convolution, an activation and a sum between quantization and dequantization, behind a transposition, as exporters
    write it."""
    nodes = [onnx.node("QuantizeLinear", ["x", "sx", "zx"], ["q"], "quantize"),
             onnx.node("DequantizeLinear", ["q", "sx", "zx"], ["d"], "dequantize"),
             onnx.node("Transpose", ["d"], ["t"], "transpose", perm=(0, 1, 3, 2)),
             onnx.node("DequantizeLinear", ["wq", "sw", "zw"], ["w"], "weights"),
             onnx.node("Conv", ["t", "w"], ["c"], "conv"), onnx.node("Relu", ["c"], ["r"], "relu"),
             onnx.node("QuantizeLinear", ["r", "sy", "zy"], ["yq"], "requantize"),
             onnx.node("DequantizeLinear", ["yq", "sy", "zy"], ["f"], "widen"),
             onnx.node("Sigmoid", ["f"], ["s"], "sigmoid"),
             onnx.node("QuantizeLinear", ["s", "sx", "zx"], ["sq"], "activation"),
             onnx.node("DequantizeLinear", ["sq", "sx", "zx"], ["a"], "activated"),
             onnx.node("QuantizeLinear", ["z", "sx", "zx"], ["zq"], "other"),
             onnx.node("DequantizeLinear", ["zq", "sx", "zx"], ["b"], "operand"),
             onnx.node("Add", ["a", "b"], ["t2"], "sum"),
             onnx.node("QuantizeLinear", ["t2", "sy", "zy"], ["tq"], "quantized"),
             onnx.node("DequantizeLinear", ["tq", "sy", "zy"], ["y"], "result")]
    numbers = random.Random("wq")
    constants = [onnx.tensor("wq", [4, 8, 3, 3], [numbers.randint(-127, 127) for _ in range(288)], onnx.INT8),
                 scalar("sx", 1 / 255), scalar("zx", 0, onnx.UINT8), scalar("sw", 0.01), scalar("zw", 0, onnx.INT8),
                 scalar("sy", 0.05), scalar("zy", 0, onnx.UINT8)]
    inputs = [onnx.value_info("x", [1, 8, 9, 7]), onnx.value_info("z", [1, 4, 5, 7])]
    return onnx.model(nodes, inputs, [onnx.value_info("y", [1, 4, 5, 7])], constants)


def integer_operators():
    """Operators on quantized tensors, which other tools write."""
    nodes = [onnx.node("QuantizeLinear", ["x", "sx", "zx"], ["q"], "quantize"),
             onnx.node("QLinearConv", ["q", "sx", "zx", "wq", "sw", "zw", "sy", "zy"], ["c"], "conv"),
             onnx.node("QLinearMatMul", ["c", "sy", "zy", "mq", "sw", "zw", "sy", "zy"], ["p"], "product"),
             onnx.node("DequantizeLinear", ["p", "sy", "zy"], ["y"], "dequantize")]
    numbers = random.Random("wq")
    constants = [onnx.tensor("wq", [4, 3, 3, 3], [numbers.randint(-127, 127) for _ in range(108)], onnx.INT8),
                 onnx.tensor("mq", [6, 5], [numbers.randint(-127, 127) for _ in range(30)], onnx.INT8),
                 scalar("sx", 1 / 255), scalar("zx", 0, onnx.UINT8), scalar("sw", 0.01), scalar("zw", 0, onnx.INT8),
                 scalar("sy", 0.05), scalar("zy", 128, onnx.UINT8)]
    return onnx.model(nodes, [onnx.value_info("x", [1, 3, 7, 8])], [onnx.value_info("y", [1, 4, 5, 5])], constants)


def dynamic():
    """A product whose input is quantized with the scale that the run finds."""
    nodes = [onnx.node("Relu", ["x"], ["r"], "relu"),
             onnx.node("DynamicQuantizeLinear", ["r"], ["q", "s", "z"], "quantize"),
             onnx.node("MatMulInteger", ["q", "wq", "z"], ["p"], "product"), onnx.node("Cast", ["p"], ["f"], "cast", to=onnx.FLOAT),
             onnx.node("Mul", ["f", "s"], ["y"], "scale")]
    numbers = random.Random("wq")
    constants = [onnx.tensor("wq", [24, 5], [numbers.randint(-127, 127) for _ in range(120)], onnx.INT8)]
    return onnx.model(nodes, [onnx.value_info("x", ["batch", 24])], [onnx.value_info("y", ["batch", 5])], constants)


def primitives():
    """A layer normalization and a SiLU as PyTorch spells them out."""
    nodes = [onnx.node("ReduceMean", ["x", "last"], ["mean"], "mean"),
             onnx.node("Sub", ["x", "mean"], ["centred"], "centre"),
             onnx.node("Pow", ["centred", "two"], ["squares"], "square"),
             onnx.node("ReduceMean", ["squares", "last"], ["variance"], "variance"),
             onnx.node("Add", ["variance", "epsilon"], ["sum"], "epsilon"),
             onnx.node("Sqrt", ["sum"], ["deviation"], "root"),
             onnx.node("Div", ["centred", "deviation"], ["n"], "normalize"),
             onnx.node("Mul", ["n", "scale"], ["m"], "scale"), onnx.node("Add", ["m", "bias"], ["l"], "bias"),
             onnx.node("Sigmoid", ["l"], ["s"], "sigmoid"), onnx.node("Mul", ["l", "s"], ["y"], "silu")]
    constants = [onnx.tensor("last", [1], [-1], onnx.INT64), scalar("two", 2), scalar("epsilon", 1e-5), weights("scale", 24), weights("bias", 24)]
    return onnx.model(nodes, [onnx.value_info("x", ["batch", 24])], [onnx.value_info("y", ["batch", 24])], constants)


def attention():
    """Attention whose softmax is spelled out, too."""
    nodes = [onnx.node("Transpose", ["k"], ["kt"], "keys", perm=(0, 2, 1)),
             onnx.node("MatMul", ["q", "kt"], ["p"], "product"), onnx.node("Mul", ["p", "half"], ["s"], "scale"),
             onnx.node("Add", ["s", "mask"], ["m"], "mask"), onnx.node("ReduceMax", ["m", "last"], ["most"], "largest"),
             onnx.node("Sub", ["m", "most"], ["d"], "difference"), onnx.node("Exp", ["d"], ["e"], "exponential"),
             onnx.node("ReduceSum", ["e", "last"], ["sum"], "sum"), onnx.node("Div", ["e", "sum"], ["w"], "weights"),
             onnx.node("MatMul", ["w", "k"], ["y"], "result")]
    constants = [onnx.tensor("last", [1], [-1], onnx.INT64), scalar("half", 0.5), weights("mask", 7)]
    inputs = [onnx.value_info("q", ["batch", 5, 4]), onnx.value_info("k", ["batch", 7, 4])]
    return onnx.model(nodes, inputs, [onnx.value_info("y", ["batch", 5, 4])], constants)


def picked():
    """Elements that the run picks from one input and then from another, as detectors do for each of their classes."""
    nodes, outputs = [], []
    for name in "ab":
        nodes += [onnx.node("Relu", [name], [name + ".r"], name + ".relu"), onnx.node("NonZero", [name + ".r"], [name + ".i"], name + ".pick"),
                  onnx.node("Transpose", [name + ".i"], [name + ".t"], name + ".transpose", perm=(1, 0)),
                  onnx.node("GatherND", [name, name + ".t"], [name + ".g"], name + ".gather"),
                  onnx.node("Exp", [name + ".g"], [name + ".y"], name + ".exponential")]
        outputs.append(onnx.value_info(name + ".y", [name + ".count"]))
    return onnx.model(nodes, [onnx.value_info(name, ["count", 5]) for name in "ab"], outputs)


def batch():
    """Layers of which each image's numbers fit a cache that those of several do not."""
    nodes = [onnx.node("Conv", ["x", "w"], ["c"], "first", pads=(1, 1, 1, 1), group=8), onnx.node("Relu", ["c"], ["r"], "relu"),
             onnx.node("Conv", ["r", "w"], ["y"], "second", pads=(1, 1, 1, 1), group=8)]
    return onnx.model(nodes, [onnx.value_info("x", ["batch", 8, 64, 64])], [onnx.value_info("y", ["batch", 8, 64, 64])],
                      [weights("w", 8, 1, 3, 3)])


MODELS = {"residual": residual_block, "shape": computed_shape, "quantized": quantized,
          "integer": integer_operators, "dynamic": dynamic, "primitives": primitives,
          "attention": attention, "picked": picked, "batch": batch}


class Passes(FolderCase):
    def setUp(self):
        super().setUp()
        for name, make in MODELS.items():
            self.write(name + ".onnx", make())

    def cameo(self, *args, status=0):
        run = subprocess.run([CAMEO, *args], cwd=self.dir, capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode, status, " ".join(args) + "\n" + run.stdout + run.stderr)
        return run

    def compare(self, model, *flags):
        run = self.cameo("compare", model + ".onnx", "--samples", "2", *flags)
        self.assertIn("PASS", run.stdout, flags)
        return run.stderr

    def passes(self, need):
        listed = self.cameo("opt", "--list").stdout
        return re.findall(r"(?m)^([\w-]+) +%s " % need, listed)

    def test_every_limit(self):
        for model in MODELS:
            steps = re.findall(r"bisect: not (\d+) ([\w-]+)", self.compare(model, "--bisect-limit", "0"))
            self.assertEqual([int(number) for number, _ in steps], list(range(1, len(steps) + 1)))
            self.assertEqual({name for _, name in steps}, set(self.passes("optional")))
            for limit in range(1, len(steps) + 1):
                said = self.compare(model, "--bisect-limit", str(limit))
                self.assertEqual(said.count("bisect: pass "), limit)
                self.assertEqual(said.count("bisect: not "), len(steps) - limit)

    def test_every_optional_pass_skipped(self):
        for model in MODELS:
            for name in self.passes("optional"):
                self.compare(model, "--skip-passes", name)

    def test_each_pass_has_something_to_do(self):
        changed = set()
        for model in MODELS:
            table = self.compare(model, "--time-passes")
            changed |= set(re.findall(r"(?m)^ *[\d.]+ +\d+ +[+-]\d+  ([\w-]+)$", table))
        self.assertLessEqual(set(self.passes("optional")), changed)

    def test_goes_on_from_every_pass(self):
        # Its constants are small enough to stand in the text.
        nodes = [onnx.node("Conv", ["x", "w"], ["c"], "conv", pads=(1, 1, 1, 1)), onnx.node("Relu", ["c"], ["r"], "relu"),
                 onnx.node("Reshape", ["r", "flat"], ["m"], "reshape"),
                 onnx.node("Softmax", ["m"], ["y"], "softmax", axis=-1)]
        self.write("small.onnx", onnx.model(
            nodes, [onnx.value_info("x", ["batch", 1, 6, 6])], [onnx.value_info("y", ["batch", 36])],
            [onnx.tensor("w", [1, 1, 3, 3], range(-4, 5)), onnx.tensor("flat", [2], [0, -1], onnx.INT64)]))
        for name in self.passes("required") + self.passes("optional"):
            self.cameo("compile", "small.onnx", "--stop-after", name, "--emit", "ir", "-o", "half.cir")
            self.cameo("compile", "half.cir", "-o", "half.so")
            self.assertIn("PASS", self.cameo("compare", "small.onnx", "half.so", "--dim", "batch=3").stdout, name)
        self.cameo("opt", "half.cir", "--pipeline", "-o", "end.cir")
        self.cameo("compile", "end.cir", "-o", "end.so")
        self.assertIn("PASS", self.cameo("compare", "small.onnx", "end.so").stdout)

    def test_the_end_is_the_same_from_every_pass(self):
        # Text has no elements of weights, and nothing here is computed from those but packed weights.
        for model in ("residual", "shape", "quantized"):
            ends = set()
            for name in self.passes("required") + self.passes("optional"):
                self.cameo("opt", model + ".onnx", "--pipeline", "--stop-after", name, "-o", "half.cir")
                ends.add(self.cameo("opt", "half.cir", "--pipeline").stdout)
            self.assertEqual(len(ends), 1, model)

    def test_a_plan_changed_by_hand_stays(self):
        nodes = [onnx.node("MatMul", ["a", "b"], ["p"], "product"), onnx.node("Softmax", ["p"], ["s"], "softmax", axis=-1),
                 onnx.node("ReduceMax", ["p"], ["m"], "largest"), onnx.node("Exp", ["a"], ["e"], "exponential")]
        self.write("product.onnx", onnx.model(
            nodes, [onnx.value_info("a", ["rows", 40]), onnx.value_info("b", [40, 48])],
            [onnx.value_info("s", ["rows", 48]), onnx.value_info("m", [1, 1]), onnx.value_info("e", ["rows", 40])]))
        plan = r" \{(?:tile_rows|lanes)[^}]*\}|, lanes[^}]*(?=\})"
        edits = [(r"tile_rows = \d+", "tile_rows = 10"), (r"unit_tiles = \d+", "unit_tiles = 2"),
                 (r"rest_rows = \[[^]]*\]", "rest_rows = [3]"), (r"lanes = \d+", "lanes = 2"),
                 (r"unit_run = \d+", 'tail = "scalar", unit_run = 7'), (plan, "")]
        for name in ("plan-loops", "plan-memory"):
            self.cameo("compile", "product.onnx", "--stop-after", name, "--emit", "ir", "-o", "half.cir")
            with open(self.path("half.cir")) as file:
                text = file.read()
            for pattern, by in edits:
                edited = re.sub(pattern, by, text)
                self.assertNotEqual(edited, text, pattern)
                self.write("edited.cir", edited.encode())
                end = self.cameo("opt", "edited.cir", "--pipeline").stdout
                self.assertEqual(end.count(by), edited.count(by)) if by else self.assertEqual(
                    re.findall(plan, end), re.findall(plan, text))
                self.cameo("compile", "edited.cir", "-o", "edited.so")
                self.assertIn("PASS", self.cameo("compare", "product.onnx", "edited.so", "--dim", "rows=13").stdout)

    def test_a_plan_that_does_not_fit_is_refused(self):
        self.write("copy.onnx", onnx.model([onnx.node("Exp", ["x"], ["y"], "exponential")],
                                           [onnx.value_info("x", [4, 6])], [onnx.value_info("y", [4, 6])]))
        self.cameo("compile", "copy.onnx", "--stop-after", "plan-loops", "--emit", "ir", "-o", "half.cir")
        with open(self.path("half.cir")) as file:
            text = file.read()
        for by, message in [("lanes = 3", "expected a power of two"), ("lanes = 4, unit_loops = 1", "expected less than the 1 loops")]:
            self.write("edited.cir", re.sub(r"lanes = \d+", by, text).encode())
            said = self.cameo("compile", "edited.cir", "-o", "edited.so", status=2).stderr
            self.assertIn(message, said)

    def test_loops_say_what_their_iterations_are_called(self):
        flag = onnx.value_info("go", [], onnx.BOOL)
        body = onnx.graph([onnx.node("Identity", ["go"], ["goes"]), onnx.node("Mul", ["v", "v"], ["w"]),
                           onnx.node("Identity", ["w"], ["slice"])],
                          [onnx.value_info("i", [], onnx.INT64), flag, onnx.value_info("v", [3])],
                          [onnx.value_info("goes", [], onnx.BOOL), onnx.value_info("w", [3]),
                           onnx.value_info("slice", [3])])
        nodes = [onnx.node("Loop", ["trips", "", "x"], ["a", "b"], "first", body=body),
                 onnx.node("Loop", ["trips", "", "a"], ["c", "y"], "second", body=body)]
        self.write("loops.onnx", onnx.model(nodes, [onnx.value_info("x", [3])], [onnx.value_info("y", [4, 3])],
                                            [onnx.tensor("trips", [], [4], onnx.INT64)]))
        self.cameo("compile", "loops.onnx", "--stop-after", "plan-memory", "--emit", "ir", "-o", "half.cir")
        with open(self.path("half.cir")) as file:
            text = file.read()
        self.write("renamed.cir", text.replace("iteration.1", "turn").encode())
        self.cameo("compile", "renamed.cir", "-o", "renamed.so")
        self.assertIn("PASS", self.cameo("compare", "loops.onnx", "renamed.so").stdout)
        for name, edited in (("iteration.0", text.replace('"iteration.1"', '"iteration.0"')),
                             ("", text.replace('iteration = "iteration.1"', ""))):
            self.assertNotEqual(edited, text)
            self.write("edited.cir", edited.encode())
            said = self.cameo("compile", "edited.cir", status=2).stderr
            self.assertIn("node 'second' (Loop): expected a symbol of its own as attribute 'iteration', got '%s'" % name,
                          said)

    def test_ir_that_cannot_be_compiled(self):
        self.cameo("compile", "residual.onnx", "--stop-after", "decompose", "--emit", "ir", "-o", "half.cir")
        said = self.cameo("compile", "half.cir", status=2).stderr
        self.assertRegex(said, r"^error: half.cir: the text has no elements of the constant '[\w.]+' \(f32\[[\d,]+\]\) and "
                               r"of \d+ others?\nnote: --zero-weights ")
        self.cameo("compile", "half.cir", "--zero-weights")
        said = self.cameo("compile", "half.cir", "--zero-weights", "--dim", "batch=1", status=2).stderr
        self.assertIn("--shape, --dim and --preprocess are for models", said)
        self.cameo("compile", "residual.onnx", "--emit", "ir", "-o", "loops.cir")
        self.assertIn("loops", self.cameo("compile", "loops.cir", "--zero-weights", status=2).stderr)
        for text in (b"", b"nonsense", b'module "m" {\n}\n'):
            self.write("bad.cir", text)
            for command in (["compile"], ["opt", "--pipeline"]):
                self.assertIn("bad.cir", self.cameo(*command, "bad.cir", status=2).stderr)

    def test_required_passes_are_not_skipped(self):
        for name in self.passes("required"):
            said = self.cameo("compile", "shape.onnx", "--skip-passes", "fold-constants," + name, status=2).stderr
            self.assertEqual(said, "error: shape.onnx: --skip-passes: no code can be made without '%s'\n" % name)
        both = self.cameo("compile", "shape.onnx", "--skip-passes", "decompose,plan-memory", status=2).stderr
        self.assertIn("'decompose' and 'plan-memory'", both)


if __name__ == "__main__":
    options = command_line()
    CAMEO = options.cameo
    unittest.main(argv=options.rest)
