#!/usr/bin/env python3
"""Indices and lengths that come from data, interpreted and compiled: in range they pick the same elements,
out of range the run fails with an error that names the node, and nothing outside the operand is read.

  indices_test.py --cameo build/bin/cameo [unittest arguments]
"""
import os, subprocess, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line
from onnx_text import FLOAT, INT64

CAMEO = ""


class Indices(FolderCase):
    def cameo(self, *args):
        return subprocess.run([CAMEO, *args], cwd=self.dir, capture_output=True, text=True, timeout=120)

    def model(self, node, inputs, output, constants=()):
        """`inputs` are (name, dims, type), `output` (dims, type), `constants` (name, dims, integers)."""
        self.write("m.onnx", onnx.model(
            [node], [onnx.value_info(*i) for i in inputs], [onnx.value_info("y", *output)],
            [onnx.tensor(*c, INT64) for c in constants]))
        compiled = self.cameo("compile", "m.onnx")
        self.assertEqual(compiled.returncode, 0, compiled.stderr)

    def run_both(self, arrays):
        """Output or error of interpreter and library; `arrays` are name: (dims, values, type)."""
        args = []
        for name, (dims, values, dtype) in arrays.items():
            self.write(name + ".npy", onnx.npy(dims, values, dtype))
            args += ["--input", "%s=%s.npy" % (name, name)]
        return [self.cameo("run", model, *args) for model in ("m.onnx", "m.so")]

    def gives(self, arrays, text):
        for run in self.run_both(arrays):
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertIn(text, run.stdout)

    def fails(self, arrays, *words):
        for run in self.run_both(arrays):
            self.assertEqual(run.returncode, 2, run.stdout + run.stderr)
            self.assertIn("'look'", run.stderr)
        for word in words:
            self.assertIn(word, run.stderr)

    def gather(self, op, data, indices, out, **attributes):
        self.model(onnx.node(op, ["x", "i"], ["y"], "look", **attributes),
                   [("x", data, FLOAT), ("i", indices, INT64)], (out, FLOAT))

    def arrays(self, dims, indices):
        count = 1
        for dim in dims:
            count *= dim
        return {"x": (dims, range(count), FLOAT), "i": (*indices, INT64)}

    def test_gather(self):
        self.gather("Gather", [4, 3], [2], [2, 3])
        self.gives(self.arrays([4, 3], ([2], [3, -4])), "y: f32[2,3] = 9 10 11 0 1 2")
        self.fails(self.arrays([4, 3], ([2], [1, 4])), "index 4 is out of range for an axis of size 4")
        self.fails(self.arrays([4, 3], ([2], [-5, 0])), "index -5 is out of range for an axis of size 4")
        self.fails(self.arrays([4, 3], ([2], [1 << 40, -1 << 63])), "out of range")

    def test_gather_of_scalars(self):
        self.gather("Gather", ["N"], [3], [3])
        self.gives(self.arrays([4], ([3], [3, -1, 0])), "y: f32[3] = 3 3 0")
        self.fails(self.arrays([4], ([3], [3, 4, 0])), "index 4")

    def test_gather_from_nothing(self):
        self.gather("Gather", ["N", "W"], ["I"], ["I", "W"])
        for width in (3, 0):
            self.fails(self.arrays([0, width], ([2], [0, 0])), "expected dim 0 to be at least 1 for the indices",
                       "got 0")
        self.gives(self.arrays([0, 3], ([0], [])), "y: f32[0,3]")

    def test_gather_of_a_constant_index(self):
        for index, size in ((2, 3), (-3, 3)):
            self.model(onnx.node("Gather", ["x", "i"], ["y"], "look"), [("x", ["N", 2], FLOAT)], ([2], FLOAT),
                       [("i", [], [index])])
            self.gives({"x": ([size, 2], range(2 * size), FLOAT)}, "y: f32[2] = %s" % ("4 5" if index > 0 else "0 1"))
            self.fails({"x": ([2, 2], range(4), FLOAT)}, "index %d is out of range for an axis of size 2" % index)
            self.fails({"x": ([0, 2], [], FLOAT)}, "expected dim 0 to be at least 1 for the indices", "got 0")

    def test_gather_elements(self):
        self.gather("GatherElements", [3, 2], [1, 2], [1, 2])
        self.gives(self.arrays([3, 2], ([1, 2], [2, -3])), "y: f32[1,2] = 4 1")
        self.fails(self.arrays([3, 2], ([1, 2], [0, 3])), "index 3 is out of range for an axis of size 3")

    def test_gather_elements_beyond_the_other_dims(self):
        self.gather("GatherElements", [3, "A"], [1, "B"], [1, "B"])
        self.gives(self.arrays([3, 4], ([1, 2], [2, -3])), "y: f32[1,2] = 8 1")
        self.fails(self.arrays([3, 2], ([1, 4], [0, 0, 0, 0])))

    def test_gather_nd(self):
        self.gather("GatherND", [2, 3], [2, 2], [2])
        self.gives(self.arrays([2, 3], ([2, 2], [1, 2, -2, -3])), "y: f32[2] = 5 0")
        self.fails(self.arrays([2, 3], ([2, 2], [0, 0, 0, 3])), "index 3 is out of range for an axis of size 3")
        self.fails(self.arrays([2, 3], ([2, 2], [-3, 0, 0, 0])), "index -3 is out of range for an axis of size 2")

    def test_gather_nd_with_other_batches(self):
        self.gather("GatherND", ["A", 3], ["B", 1], ["B"], batch_dims=1)
        self.gives(self.arrays([2, 3], ([2, 1], [1, 2])), "y: f32[2] = 1 5")
        self.fails(self.arrays([2, 3], ([4, 1], [0, 0, 0, 0])))

    def test_reverse_sequence(self):
        self.model(onnx.node("ReverseSequence", ["x", "i"], ["y"], "look", batch_axis=0, time_axis=1),
                   [("x", [2, 3], FLOAT), ("i", [2], INT64)], ([2, 3], FLOAT))
        self.gives(self.arrays([2, 3], ([2], [3, 0])), "y: f32[2,3] = 2 1 0 3 4 5")
        self.fails(self.arrays([2, 3], ([2], [4, 0])))
        self.fails(self.arrays([2, 3], ([2], [0, -1])))

    def test_one_hot_out_of_range_is_off(self):
        self.model(onnx.node("OneHot", ["i", "depth", "x"], ["y"], "look"),
                   [("i", [3], INT64), ("x", [2], FLOAT)], ([3, 2], FLOAT), [("depth", [], [2])])
        self.gives({"i": ([3], [2, -1, -3], INT64), "x": ([2], [5, 7], FLOAT)}, "y: f32[3,2] = 5 5 5 7 5 5")

    def test_padding_nothing(self):
        self.model(onnx.node("Pad", ["x", "pads"], ["y"], "look"), [("x", ["N", 2], FLOAT)],
                   (["M", 2], FLOAT), [("pads", [4], [1, 0, 1, 0])])
        self.gives({"x": ([0, 2], [], FLOAT)}, "y: f32[2,2] = 0 0 0 0")
        self.gives({"x": ([1, 2], [1, 2], FLOAT)}, "y: f32[3,2] = 0 0 1 2 0 0")

    def test_argmax_of_nothing(self):
        self.model(onnx.node("ArgMax", ["x"], ["y"], "look", axis=0), [("x", ["N", 2], FLOAT)], ([1, 2], INT64))
        self.gives({"x": ([2, 2], [1, 2, 3, 0], FLOAT)}, "y: i64[1,2] = 1 0")
        self.fails({"x": ([0, 2], [], FLOAT)}, "empty axis")

    def test_tile_and_crop_of_nothing(self):
        self.model(onnx.node("Tile", ["x", "r"], ["y"], "look"), [("x", ["N"], FLOAT)], (["M"], FLOAT), [("r", [1], [3])])
        self.gives({"x": ([0], [], FLOAT)}, "y: f32[0]")
        self.gives({"x": ([2], [1, 2], FLOAT)}, "y: f32[6] = 1 2 1 2 1 2")
        self.model(onnx.node("CenterCropPad", ["x", "s"], ["y"], "look"), [("x", [0, 2], FLOAT)], ([2, 2], FLOAT),
                   [("s", [2], [2, 2])])
        self.gives({"x": ([0, 2], [], FLOAT)}, "y: f32[2,2] = 0 0 0 0")


if __name__ == "__main__":
    options = command_line()
    CAMEO = options.cameo
    unittest.main(argv=options.rest)
