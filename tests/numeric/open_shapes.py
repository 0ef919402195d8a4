"""Shapes that a model leaves open and inputs that do not fit, and shapes that it states wrongly.

usage: open_shapes.py --cameo build/bin/cameo [unittest arguments]

Whatever sizes a caller gives, a library answers with a result or with a status and a sentence, and the next
run in the same context is right. ONNX Runtime is the judge where it computes anything.
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
import cameoc

CAMEO = ""
WRONG_SHAPE, TOO_SMALL, OVERFLOW, RUN_FAILED, INVALID = 5, 6, 9, 13, 1


def info(name, shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def network(value_info=()):
    """A convolution of 5x5, a pool of 3x3, a mean and a product, and a residual that shares N."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "stem", strides=[2, 2]),
        helper.make_node("MaxPool", ["c"], ["p"], "pool", kernel_shape=[3, 3], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["p"], ["a"], "mean"),
        helper.make_node("Flatten", ["a"], ["f"], "flat"),
        helper.make_node("MatMul", ["f", "last_w"], ["m"], "last"),
        helper.make_node("Add", ["m", "z"], ["y"], "sum"),
    ]
    weights = [
        numpy_helper.from_array(numbers(4, 3, 5, 5) - 0.5, "w"),
        numpy_helper.from_array(numbers(4, 2) - 0.5, "last_w"),
    ]
    inputs = [info("x", ["N", 3, "H", "W"]), info("z", ["N", 2])]
    graph = helper.make_graph(nodes, "g", inputs, [info("y", ["N", 2])], weights)
    graph.value_info.extend(value_info)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Compiled(unittest.TestCase):
    def compile(self, model):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        onnx.save(model, f"{folder.name}/m.onnx")
        command = [CAMEO, "compile", f"{folder.name}/m.onnx", "-o", f"{folder.name}/m.so"]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # it warns of wrong shapes
        self.session = onnxruntime.InferenceSession(
            f"{folder.name}/m.onnx", options, providers=["CPUExecutionProvider"]
        )
        self.library = cameoc.load(f"{folder.name}/m.so", threads=2)

    def check(self, **inputs):
        expected = self.session.run(["y"], inputs)[0]
        actual = self.library.run(inputs)["y"]
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * max(1, np.abs(expected).max(initial=0)))


class OpenShapes(Compiled):
    def setUp(self):
        self.compile(network())

    def images(self, batch, height, width):
        return dict(x=numbers(batch, 3, height, width), z=numbers(batch, 2))

    def refuse(self, status, words, inputs):
        with self.assertRaises(cameoc.CameoError) as raised:
            self.library.run(inputs)
        self.assertIn(words, str(raised.exception))
        self.assertEqual(raised.exception.status, status)
        self.check(**self.images(2, 20, 33))

    def test_sizes(self):
        for sizes in ((1, 20, 20), (3, 33, 47), (1, 9, 9), (2, 64, 11), (0, 20, 20), (1, 224, 224)):
            self.check(**self.images(*sizes))

    def test_window_does_not_fit(self):
        for height, width, node in ((4, 20, "stem"), (20, 1, "stem"), (0, 20, "stem"), (20, 0, "stem"),
                                    (5, 20, "pool"), (20, 8, "pool")):
            self.refuse(RUN_FAILED, f"node '{node}'", self.images(1, height, width))

    def test_symbol_shared(self):
        for batch in (0, 1, 3):
            inputs = self.images(2, 20, 20)
            inputs["z"] = numbers(batch, 2)
            words = f"expected dim 0 to be 2, the size of 'N' in another place, got {batch}"
            self.refuse(WRONG_SHAPE, words, inputs)

    def call(self, x_dims, z_dims, capacity=0):
        """What the C interface answers to these dims: status and sentence."""
        (context,) = self.library._idle
        for slot, dims in zip(context._inputs, (x_dims, z_dims)):
            slot.bind(np.zeros([1] * len(dims), np.float32))
            slot.tensor.capacity = capacity
            slot.dims[:] = dims
            slot.shape = None
        context._known = False
        context._place(None)
        api = self.library._library.api
        status = api.run(context._context, context._input_address, context._output_address)
        return status, api.last_error(context._context).decode()

    def test_dims_out_of_all_bounds(self):
        for n, h, w, status, words in (
            (-1, 20, 20, WRONG_SHAPE, "input 'x': dim 0 is -1"),
            (1, -20, 20, WRONG_SHAPE, "input 'x': dim 2 is -20"),
            (-(2**63), 20, 20, WRONG_SHAPE, "input 'x': dim 0 is"),
            (2**62, 20, 20, OVERFLOW, "overflows"),
            (2**40, 2**40, 20, OVERFLOW, "overflows"),
            (1, 2**63 - 1, 2**63 - 1, OVERFLOW, "overflows"),
        ):
            got, sentence = self.call((n, 3, h, w), (n, 2))
            self.assertIn(words, sentence)
            self.assertEqual(got, status)
        got, sentence = self.call((1, 3, 2**40, 20), (1, 2), 4)
        self.assertIn("has 4 bytes", sentence)
        self.assertEqual(got, INVALID)
        self.check(**self.images(2, 20, 33))

    def test_workspace_of_huge_sizes(self):
        self.assertGreater(self.library.workspace_size(dict(N=2**30, H=20, W=20)), 2**30)
        for sizes in (dict(N=2**40, H=2**40, W=20), dict(N=1, H=2**62, W=20), dict(N=2**62, H=9, W=9)):
            with self.assertRaises(cameoc.CameoError) as raised:
                self.library.workspace_size(sizes)
            self.assertEqual(raised.exception.status, OVERFLOW)


class Broadcast(Compiled):
    """Two sizes of which only the run knows whether they are equal or one of them is 1."""

    def test_sizes(self):
        nodes = [
            helper.make_node("Add", ["x", "z"], ["s"], "sum"),
            helper.make_node("MatMul", ["a", "b"], ["m"], "product"),
            helper.make_node("Squeeze", ["m", "one"], ["v"], "squeezed"),
            helper.make_node("Concat", ["s", "v"], ["y"], "both", axis=1),
        ]
        shapes = dict(x=["N", 2], z=["M", 2], a=["N", 1, 3], b=["M", 3, 2])
        inputs = [info(name, shape) for name, shape in shapes.items()]
        one = numpy_helper.from_array(np.array([1], np.int64), "one")
        graph = helper.make_graph(nodes, "g", inputs, [info("y", None)], [one])
        opset = [helper.make_opsetid("", 17)]
        self.compile(helper.make_model(graph, opset_imports=opset, ir_version=8))
        for n, m in ((3, 3), (3, 1), (1, 3), (1, 1), (0, 1), (1, 0), (0, 0)):
            self.check(x=numbers(n, 2), z=numbers(m, 2), a=numbers(n, 1, 3), b=numbers(m, 3, 2))


class WrongShapes(Compiled):
    """Shapes of values in the middle are no part of what a model computes; exporters get them wrong."""

    def test_wrong_dims(self):
        stated = [info("c", ["N", 4, 7, 7]), info("p", ["N", 5, "H", 3]), info("f", [17, 4]), info("m", [1, 1])]
        self.compile(network(stated))
        for batch, height, width in ((2, 20, 33), (1, 64, 64)):
            self.check(x=numbers(batch, 3, height, width), z=numbers(batch, 2))

    def test_wrong_rank(self):
        self.compile(network([info("c", []), info("p", [4]), info("a", ["N", 4]), info("m", ["N", 2, 1, 1, 1])]))
        self.check(x=numbers(2, 3, 20, 33), z=numbers(2, 2))

    def test_output(self):
        for shape in (["N", 5], [7, 2], ["N"], ["N", 2, 1]):
            model = network()
            model.graph.output[0].CopyFrom(info("y", shape))
            self.compile(model)
            self.check(x=numbers(2, 3, 20, 33), z=numbers(2, 2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--cameo", required=True)
    arguments, others = parser.parse_known_args()
    CAMEO = arguments.cameo
    unittest.main(argv=[sys.argv[0], *others])
