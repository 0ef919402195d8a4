#!/usr/bin/env python3
"""What would never end, or take forever: endless loops under --timeout, and tensors without elements
one of whose other dims is enormous.

  stop_test.py --cameo build/bin/cameo [unittest arguments]
"""
import os, subprocess, sys, time, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line
from onnx_text import BOOL, FLOAT, INT64

CAMEO = ""
MANY = 1 << 44  # steps that take hours; the product with small sizes still fits


class Case(FolderCase):
    def cameo(self, *args, status=0):
        run = subprocess.run([CAMEO, *args], cwd=self.dir, capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        return run


class Endless(Case):
    def setUp(self):
        super().setUp()
        body = onnx.graph([onnx.node("Add", ["s", "one"], ["t"], "add"),
                           onnx.node("Identity", ["c"], ["goes on"], "same")],
                          [onnx.value_info("i", [], INT64), onnx.value_info("c", [], BOOL),
                           onnx.value_info("s", [2])],
                          [onnx.value_info("goes on", [], BOOL), onnx.value_info("t", [2])],
                          [onnx.tensor("one", [2], [1, 1])])
        self.write("endless.onnx", onnx.model(
            [onnx.node("Loop", ["trips", "", "x"], ["y"], "turns", body=body)],
            [onnx.value_info("x", [2])], [onnx.value_info("y", [2])],
            [onnx.tensor("trips", [], [1 << 62], INT64)]))
        self.write("x.npy", onnx.npy([2], [1, 2]))
        self.cameo("compile", "endless.onnx")

    def stopped(self, *args):
        start = time.monotonic()
        run = self.cameo(*args, "--timeout", "0.5", status=2)
        self.assertGreater(time.monotonic() - start, 0.5)
        self.assertRegex(run.stderr, "^error: .*the run has come to its limit of 500 milliseconds\n$")
        return run.stderr

    def test_run(self):
        for threads in ("1", "2"):
            self.stopped("run", "endless.so", "--input", "x.npy", "--threads", threads)
        self.assertIn("node", self.stopped("run", "endless.onnx", "--input", "x.npy"))

    def test_compare_and_bench(self):
        self.stopped("compare", "endless.onnx", "endless.so")
        self.stopped("bench", "endless.onnx", "endless.so", "--no-reference")
        self.stopped("bench", "endless.onnx", "endless.so")

    def test_bad_limits(self):
        for seconds in ("0", "-1", "nan", "long"):
            self.cameo("run", "endless.so", "--input", "x.npy", "--timeout", seconds, status=2)


def integers(name, values):
    return onnx.tensor(name, [len(values)], values, INT64)


SUM = onnx.graph([onnx.node("Add", ["s", "e"], ["t"], "add"), onnx.node("Identity", ["t"], ["u"], "same")],
                 [onnx.value_info("s", ["k"]), onnx.value_info("e", ["k"])],
                 [onnx.value_info("t", ["k"]), onnx.value_info("u", ["k"])])
# A node, its inputs' shapes (sizes that must be equal have a name), its outputs' ranks (with a type where
# it is not float), further initializers, attributes.
EMPTY = [
    ("Relu", [[MANY, 0]], [2], [], {}),
    ("Add", [[MANY, 0], [0]], [2], [], {}),
    ("Transpose", [[MANY, 0, 3]], [3], [], {"perm": (2, 0, 1)}),
    ("Softmax", [[MANY, 0]], [2], [], {}),
    ("CumSum", [[MANY, 0]], [2], [onnx.tensor("a", [], [1], INT64)], {}),
    ("TopK", [[MANY, 0]], [2, (2, INT64)], [integers("a", [0])], {}),
    ("Pad", [[MANY, 0]], [2], [integers("a", [1, 0, 0, 0])], {}),
    ("Tile", [[MANY, 0]], [2], [integers("a", [2, 3])], {}),
    ("Expand", [[1, 0]], [2], [integers("a", [MANY, 0])], {}),
    ("Concat", [[MANY, 0], [MANY, 0]], [2], [], {"axis": 0}),
    ("MaxPool", [[MANY, 0, 4, 4]], [4], [], {"kernel_shape": (2, 2)}),
    ("Conv", [[0, 2, MANY, 4]], [4], [onnx.tensor("w", [3, 2, 3, 3], [1] * 54)], {"pads": (1, 1, 1, 1)}),
    ("MatMul", [[MANY, 0], [0, 0]], [2], [], {}),
    ("ReduceSum", [[3, MANY, 0]], [3], [integers("a", [1, 2])], {}),
    ("ReduceMax", [[0, MANY]], [2], [integers("a", [1])], {}),
    ("LayerNormalization", [[MANY, 0, 4]], [3], [onnx.tensor("a", [4], [1, 1, 1, 1])], {}),
    ("Resize", [[MANY, 0, 4, 4]], [4], [onnx.tensor("a", [0], []), onnx.tensor("f", [4], [1, 1, 2, 2])], {}),
    ("LSTM", [[MANY, 0, 4]], [4], [onnx.tensor("a", [1, 8, 4], [1] * 32), onnx.tensor("r", [1, 8, 2], [1] * 16)],
     {"hidden_size": 2}),
    ("Scan", [[("k", 0)], [MANY, ("k", 0)]], [1, 2], [], {"body": SUM, "num_scan_inputs": 1}),
]


class WithoutElements(Case):
    """Inputs with the sizes as constants and as symbols, interpreted and compiled. The interpreter refuses
    windows over dims as large as these."""

    def one(self, op, shapes, ranks, constants, attributes, is_open):
        names = ["x%d" % i for i in range(len(shapes))]
        outputs = ["y%d" % i for i in range(len(ranks))]
        named = [[size if isinstance(size, tuple) else ("%s_%d" % (name, i), size)
                  for i, size in enumerate(shape)] for name, shape in zip(names, shapes)]
        dims = [[name if is_open else size for name, size in shape] for shape in named]
        shapes = [[size for _, size in shape] for shape in named]
        types = [rank if isinstance(rank, tuple) else (rank, FLOAT) for rank in ranks]
        constant_names = [dict((k, v) for k, v in c if k == 8)[8] for c in constants]
        self.write("m.onnx", onnx.model(
            [onnx.node(op, names + constant_names, outputs, "n", **attributes)],
            [onnx.value_info(*i) for i in zip(names, dims)],
            [onnx.value_info(name, ["o%s_%d" % (name, i) for i in range(rank)], dtype)
             for name, (rank, dtype) in zip(outputs, types)], constants))
        arguments = []
        for name, shape in zip(names, shapes):
            self.write(name + ".npy", onnx.npy(shape, []))
            arguments += ["--input", "%s=%s.npy" % (name, name)]
        self.cameo("compile", "m.onnx")
        compiled = self.cameo("run", "m.so", *arguments).stdout
        if op in ("Pad", "Conv"):
            self.assertIn("out of range", self.cameo("run", "m.onnx", *arguments, status=2).stderr)
        else:
            self.assertEqual(self.cameo("run", "m.onnx", *arguments).stdout, compiled)

    def test_all(self):
        for row in EMPTY:
            for is_open in (False, True):
                with self.subTest(row[0], open=is_open):
                    self.one(*row, is_open)


if __name__ == "__main__":
    options = command_line()
    CAMEO = options.cameo
    unittest.main(argv=options.rest)
