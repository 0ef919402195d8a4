"""Graphs written with onnx.helper, compiled and compared with ONNX Runtime: what test files share."""
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


class GraphTest(unittest.TestCase):
    def setUp(self):
        self.random = np.random.default_rng(1)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.count = 0

    def numbers(self, *shape):
        return self.random.random(shape, dtype=np.float32)

    def unchecked(self, nodes, inputs, outputs, initializers=(), opset=17):
        graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)

    def model(self, nodes, inputs, outputs, initializers=(), opset=17):
        model = self.unchecked(nodes, inputs, outputs, initializers, opset)
        onnx.checker.check_model(model)
        return model

    flags = ()

    def compile(self, model):
        """The library's path, another one each time: a path is loaded once."""
        self.count += 1
        path = f"{self.folder}/m{self.count}"
        onnx.save(model, f"{path}.onnx")
        command = [CAMEO, "compile", f"{path}.onnx", "-o", f"{path}.so", *self.flags]
        run = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        return f"{path}.so"

    def check(self, nodes, inputs, outputs, feeds, initializers=(), opset=17):
        """Compiles a graph of these parts and compares results for these inputs, or for each of a list
        in one context, twice, with one thread and with two."""
        model = self.model(nodes, inputs, outputs, initializers, opset)
        feeds = feeds if isinstance(feeds, list) else [feeds]
        session = onnxruntime.InferenceSession(model.SerializeToString())
        expected = [session.run(None, feed) for feed in feeds]
        path = self.compile(model)
        for threads in (1, 2):
            library = cameoc.load(path, threads=threads)
            for _ in range(2):
                for feed, wanted in zip(feeds, expected):
                    results = library.run(feed)
                    for output, want in zip(outputs, wanted):
                        got = results[output.name]
                        self.assertEqual(got.shape, want.shape, output.name)
                        scale = max(1, np.abs(want).max(initial=0))
                        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5 * scale)

    def check_fault(self, nodes, inputs, outputs, good, bad, message, initializers=(), opset=17):
        """A run with `bad` fails with the message, and one with `good` works before and after."""
        library = cameoc.load(self.compile(self.model(nodes, inputs, outputs, initializers, opset)))
        for _ in range(2):
            library.run(good)
            with self.assertRaisesRegex(Exception, message):
                library.run(bad)
        library.run(good)


def main():
    global CAMEO
    parser = argparse.ArgumentParser()
    parser.add_argument("--cameo", default="build/bin/cameo")
    known, rest = parser.parse_known_args()
    CAMEO = str(pathlib.Path(known.cameo).resolve())
    unittest.main(module="__main__", argv=[sys.argv[0], *rest])
