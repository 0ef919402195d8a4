#!/usr/bin/env python3
"""What docs/bundle.md promises of a bundle of 320 heads in 8 bits: the time to compile it, its size, and the time to
open it. Runs the program; needs nothing but Python.

  bundle_heads_test.py --cameo build/bin/cameo
"""
import ctypes, os, random, subprocess, sys, time, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

CAMEO = ""
HEADS, FEATURES = 320, 768


def head(classes, rng):
    """A layer of FEATURES inputs, its weights and its input quantized, as quantizers write it."""
    weights = list(memoryview(rng.randbytes(classes * FEATURES)).cast("b"))
    constants = [onnx.tensor("xs", [], [0.03]), onnx.tensor("xz", [], [128], onnx.UINT8),
                 onnx.tensor("w", [classes, FEATURES], weights, onnx.INT8), onnx.tensor("ws", [classes], [0.001] * classes),
                 onnx.tensor("wz", [classes], [0] * classes, onnx.INT8), onnx.tensor("b", [classes], range(classes), onnx.INT32),
                 onnx.tensor("bs", [classes], [0.00003] * classes), onnx.tensor("bz", [classes], [0] * classes, onnx.INT32)]
    nodes = [onnx.node("QuantizeLinear", ["x", "xs", "xz"], ["q"]), onnx.node("DequantizeLinear", ["q", "xs", "xz"], ["xd"]),
             onnx.node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], axis=0),
             onnx.node("DequantizeLinear", ["b", "bs", "bz"], ["bd"], axis=0),
             onnx.node("Gemm", ["xd", "wd", "bd"], ["y"], transB=1)]
    return onnx.model(nodes, [onnx.value_info("x", ["batch", FEATURES])], [onnx.value_info("y", ["batch", classes])], constants)


class Heads(FolderCase):
    def test_figures(self):
        rng = random.Random(1)
        for number in range(HEADS):
            self.write(f"head{number:03}.onnx", head(4 + number % 35, rng))
        start = time.perf_counter()
        subprocess.run([CAMEO, "bundle", "*.onnx", "-o", "heads.so"], cwd=self.dir, check=True, timeout=300)
        self.assertLess(time.perf_counter() - start, 10)
        self.assertLess(os.path.getsize(self.path("heads.so")), 10e6)
        start = time.perf_counter()
        entry = ctypes.CDLL(self.path("heads.so")).cameo_bundle
        entry.restype = ctypes.c_void_p
        self.assertTrue(entry())
        self.assertLess(time.perf_counter() - start, 1e-3)


if __name__ == "__main__":
    options = command_line()
    CAMEO = options.cameo
    unittest.main(argv=options.rest)
