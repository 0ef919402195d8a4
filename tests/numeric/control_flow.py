"""Branches and loops in compiled code against ONNX Runtime.

usage: control_flow.py --cameo build/bin/cameo [unittest arguments]

Values captured from outside, carried values that change places, padded convolutions and concatenations
of carried values, nested loops, branches in loops, no iteration at all; one thread and two, and a second
run in the same context.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
import cameo

CAMEO = ""


def info(name, shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def constant(name, value):
    return numpy_helper.from_array(np.array(value), name)


def body(nodes, carried, results, name="body"):
    """A Loop's body: `carried` are value infos of arguments, `results` of what follows the condition."""
    arguments = [info("i", [], TensorProto.INT64), info("go", [], TensorProto.BOOL)]
    if not any("go_on" in node.output for node in nodes):
        nodes = [*nodes, helper.make_node("Identity", ["go"], ["go_on"])]
    results = [info("go_on", [], TensorProto.BOOL), *results]
    return helper.make_graph(nodes, name, [*arguments, *carried], results)


def branch(nodes, result):
    return helper.make_graph(nodes, "branch", [], [result])


class ControlFlow(unittest.TestCase):
    def setUp(self):
        self.random = np.random.default_rng(1)

    def numbers(self, *shape):
        return self.random.random(shape, dtype=np.float32)

    def check(self, nodes, inputs, outputs, feeds, initializers=()):
        """Compiles a graph of these parts and compares results for these inputs."""
        graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
        )
        onnx.checker.check_model(model)
        session = onnxruntime.InferenceSession(model.SerializeToString())
        expected = session.run(None, feeds)
        with tempfile.TemporaryDirectory() as folder:
            onnx.save(model, f"{folder}/m.onnx")
            command = [CAMEO, "compile", f"{folder}/m.onnx", "-o", f"{folder}/m.so"]
            run = subprocess.run(command, capture_output=True, text=True)
            self.assertEqual(run.returncode, 0, run.stderr)
            for threads in (1, 2):
                library = cameo.load(f"{folder}/m.so", threads=threads)
                for _ in range(2):
                    results = library.run(feeds)
                    for output, want in zip(outputs, expected):
                        scale = max(1, np.abs(want).max(initial=0))
                        np.testing.assert_allclose(
                            results[output.name], want, rtol=0, atol=1e-5 * scale
                        )

    def test_branches(self):
        then = branch([helper.make_node("Identity", ["x"], ["t"])], info("t", [2, 7]))
        ones = numpy_helper.from_array(np.ones((2, 7), np.float32))
        other = branch([helper.make_node("Constant", [], ["e"], value=ones)], info("e", [2, 7]))
        nodes = [
            helper.make_node("If", ["c"], ["v"], then_branch=then, else_branch=other),
            helper.make_node("Neg", ["v"], ["y"]),
        ]
        inputs = [info("x", [2, 7]), info("c", [], TensorProto.BOOL)]
        for condition in (True, False):
            feeds = {"x": self.numbers(2, 7), "c": np.array(condition)}
            self.check(nodes, inputs, [info("y", [2, 7]), info("v", [2, 7])], feeds)

    def test_values_change_places(self):
        inner = [
            helper.make_node("Identity", ["b"], ["a2"]),
            helper.make_node("Identity", ["a"], ["b2"]),
        ]
        carried = [info("a", [3]), info("b", [3])]
        loop = body(inner, carried, [info("a2", [3]), info("b2", [3])])
        nodes = [helper.make_node("Loop", ["m", "", "x", "y"], ["u", "v"], body=loop)]
        inputs = [info("m", [], TensorProto.INT64), info("x", [3]), info("y", [3])]
        for trips in (0, 1, 4):
            feeds = {"m": np.array(trips), "x": self.numbers(3), "y": self.numbers(3)}
            self.check(nodes, inputs, [info("u", [3]), info("v", [3])], feeds)

    def test_stacked_results_and_captured_values(self):
        inner = [
            helper.make_node("Add", ["a", "b"], ["s"]),
            helper.make_node("Identity", ["b"], ["a2"]),
            helper.make_node("Mul", ["s", "w"], ["s2"]),
            helper.make_node("Cast", ["i"], ["number"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["s", "number"], ["z"]),
        ]
        results = [info("a2", [3]), info("s2", [3]), info("z", [3])]
        loop = body(inner, [info("a", [3]), info("b", [3])], results)
        nodes = [
            helper.make_node("Add", ["x", "x"], ["w"]),
            helper.make_node("Loop", ["m", "", "x", "y"], ["u", "v", "zs"], body=loop),
        ]
        outputs = [info("u", [3]), info("v", [3]), info("zs", [5, 3])]
        feeds = {"x": self.numbers(3), "y": self.numbers(3)}
        trips = [constant("m", np.int64(5))]
        self.check(nodes, [info("x", [3]), info("y", [3])], outputs, feeds, trips)

    def test_while_with_padded_convolution(self):
        shape = ["N", 4, 5, 5]
        inner = [
            helper.make_node("Conv", ["a", "w"], ["c"], pads=[1, 1, 1, 1]),
            helper.make_node("Add", ["c", "a"], ["a2"]),
            helper.make_node("Abs", ["a2"], ["positive"]),
            helper.make_node("ReduceSum", ["positive"], ["sum"], keepdims=0),
            helper.make_node("Less", ["sum", "limit"], ["go_on"]),
        ]
        loop = body(inner, [info("a", shape)], [info("a2", shape)])
        nodes = [helper.make_node("Loop", ["", "start", "x"], ["y"], body=loop)]
        weights = 0.3 * self.random.standard_normal((4, 4, 3, 3)).astype(np.float32)
        initializers = [
            constant("w", weights),
            constant("limit", np.float32(5000)),
            constant("start", True),
        ]
        feeds = {"x": self.numbers(2, 4, 5, 5)}
        self.check(nodes, [info("x", shape)], [info("y", shape)], feeds, initializers)

    def test_nested(self):
        square = branch([helper.make_node("Mul", ["a", "a"], ["t"])], info("t", [2, 7]))
        rotated = [
            helper.make_node("Split", ["a", "parts"], ["h2", "h1"], axis=1),
            helper.make_node("Concat", ["h1", "h2"], ["e"], axis=1),
        ]
        innermost = helper.make_graph(
            [
                helper.make_node("Identity", ["go2"], ["go2_on"]),
                helper.make_node("Add", ["q", "x"], ["q2"]),
            ],
            "innermost",
            [info("j", [], TensorProto.INT64), info("go2", [], TensorProto.BOOL), info("q", [2, 7])],
            [info("go2_on", [], TensorProto.BOOL), info("q2", [2, 7])],
        )
        inner = [
            helper.make_node("Mod", ["i", "two"], ["odd"]),
            helper.make_node("Cast", ["odd"], ["c"], to=TensorProto.BOOL),
            helper.make_node(
                "If", ["c"], ["v"], then_branch=square, else_branch=branch(rotated, info("e", [2, 7]))
            ),
            helper.make_node("Loop", ["i", "", "v"], ["v2"], body=innermost),
        ]
        loop = body(inner, [info("a", [2, 7])], [info("v2", [2, 7]), info("v", [2, 7])])
        nodes = [helper.make_node("Loop", ["m", "", "x"], ["y", "vs"], body=loop)]
        initializers = [
            constant("m", np.int64(4)),
            constant("two", np.int64(2)),
            constant("parts", np.array([3, 4])),
        ]
        outputs = [info("y", [2, 7]), info("vs", [4, 2, 7])]
        self.check(nodes, [info("x", [2, 7])], outputs, {"x": self.numbers(2, 7)}, initializers)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--cameo", default="build/bin/cameo")
    known, rest = parser.parse_known_args()
    CAMEO = str(pathlib.Path(known.cameo).resolve())
    unittest.main(argv=[sys.argv[0], *rest])
