"""Products and convolutions of f32 against float64: what they may lose, and what infinities, NaNs and
the largest numbers give. Where the processor has tile registers, layers of many rows multiply as three
bf16 an element; sums must be as exact as those of multiply-adds in f32.

usage: products.py --cameo build/bin/cameo [unittest arguments]
"""
import json
import subprocess

import numpy as np

from onnx import helper

import graphs
from graphs import GraphTest, cameoc, constant, info, main

# Of the sum of the magnitudes of all products: f32 multiply-adds of these depths stay below it.
FLOAT = 4e-7
LARGEST = np.finfo(np.float32).max


class Products(GraphTest):
    flags = ("--optimize", "speed")  # a model of one layer may not grow by its half

    def compile(self, model):
        """Layers must multiply as pieces where the processor can."""
        path = super().compile(model)
        command = [graphs.CAMEO, "explain", path.replace(".so", ".onnx"), "--json", *self.flags]
        weights = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["weights"]
        chosen = {layer["pieces"] for layer in weights["layers"]}
        self.assertEqual(chosen, {3} if "amx_bf16" in open("/proc/cpuinfo").read() else chosen)
        return path

    def product(self, x, w):
        node = helper.make_node("MatMul", ["x", "w"], ["y"])
        shape = [*x.shape[:-1], w.shape[1]]
        model = self.model([node], [info("x", list(x.shape))], [info("y", shape)], [constant("w", w)])
        return cameoc.load(self.compile(model)).run({"x": x})["y"]

    def assert_exact(self, got, wanted, magnitudes, bound=FLOAT):
        self.assertLess(np.max(np.abs(got - wanted) / magnitudes), bound)

    def judge(self, x, w, bound=FLOAT):
        got, wide, weights = self.product(x, w), x.astype(np.float64), w.astype(np.float64)
        self.assert_exact(got, wide @ weights, np.abs(wide) @ np.abs(weights), bound)

    def signed(self, *shape):
        return self.numbers(*shape) * 2 - 1

    def test_sums_are_as_exact_as_those_of_f32(self):
        for rows, depth, columns in ((196, 128, 240), (139, 208, 246), (260, 768, 192), (128, 1408, 192)):
            with self.subTest(rows=rows, depth=depth, columns=columns):
                self.judge(self.signed(rows, depth), self.signed(depth, columns))

    def test_magnitudes_may_differ(self):
        """The last bits of large elements are larger than small ones. A few products make a sum then."""
        x = self.signed(131, 192) * np.exp2(self.random.integers(-12, 12, (131, 192))).astype(np.float32)
        w = self.signed(192, 240) * np.exp2(self.random.integers(-12, 12, (192, 240))).astype(np.float32)
        self.judge(x, w, 1e-6)

    def test_convolutions(self):
        for channels, outputs, size, attributes in (
            (448, 384, 25, {"group": 2, "strides": [2, 2]}),
            (256, 128, 14, {}),
            (32, 192, 30, {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ):
            with self.subTest(channels=channels, attributes=attributes):
                kernel = 3 if "pads" in attributes else 1
                x = self.signed(2, channels, size, size)
                w = self.signed(outputs, channels // attributes.get("group", 1), kernel, kernel)
                results = []
                for a, b in ((x, w), (np.abs(x), np.abs(w))):
                    results.append(self.convolution(a, b, attributes))
                (got, wanted), (_, magnitudes) = results
                self.assert_exact(got, wanted, magnitudes)

    def convolution(self, x, w, attributes):
        """Of the library, and in float64 of the reference interpreter's kind: by windows."""
        node = helper.make_node("Conv", ["x", "w"], ["y"], **attributes)
        stride = attributes.get("strides", [1, 1])[0]
        pad, group = attributes.get("pads", [0])[0], attributes.get("group", 1)
        padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, w.shape[2:], (2, 3))
        windows = windows[:, :, ::stride, ::stride]
        parts = zip(np.split(windows, group, 1), np.split(w.astype(np.float64), group))
        wanted = np.concatenate([np.einsum("nchwij,ocij->nohw", a, b) for a, b in parts], 1)
        model = self.model([node], [info("x", list(x.shape))], [info("y", list(wanted.shape))],
                           [constant("w", w)])
        return cameoc.load(self.compile(model)).run({"x": x})["y"], wanted

    def test_what_is_not_finite_stays_in_its_row(self):
        x, w = self.signed(131, 128), self.signed(128, 240)
        plain = self.product(x, w)
        x[3, 5], x[7, 60], x[100, 0] = np.inf, np.nan, -np.inf
        x[50, 1] = LARGEST
        got = self.product(x, w)
        np.testing.assert_array_equal(got[3], np.sign(w[5]) * np.inf)
        np.testing.assert_array_equal(got[100], np.sign(w[0]) * -np.inf)
        self.assertTrue(np.isnan(got[7]).all())
        np.testing.assert_allclose(got[50], LARGEST * w[1], rtol=1e-6)
        others = np.setdiff1d(np.arange(131), [3, 7, 50, 100])
        np.testing.assert_allclose(got[others], plain[others], rtol=0, atol=64 * FLOAT)

    def test_an_overflow_is_an_infinity(self):
        x, w = np.abs(self.signed(131, 128)) + 0.5, np.abs(self.signed(128, 240)) + 0.5
        got = self.product(x * np.float32(1e30), w * np.float32(1e10))
        self.assertTrue((got == np.inf).all())

    def test_weights_may_be_infinities(self):
        x, w = self.signed(131, 128), self.signed(128, 240)
        w[9, 33] = np.inf
        got = self.product(x, w)
        np.testing.assert_array_equal(got[:, 33], np.sign(x[:, 9]) * np.inf)
        self.assertTrue(np.isfinite(np.delete(got, 33, 1)).all())


if __name__ == "__main__":
    main()
