#!/usr/bin/env python3
"""A model with 3 GB of weights in a file beside it, more than 32-bit sizes and offsets hold: it compiles within
bounded memory and its library computes what it should. The weights file is sparse, the library is not: this
takes 3 GB of disk.

  large_test.py --cameo build/bin/cameo [unittest arguments]
"""
import os, resource, subprocess, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

CAMEO = ""
NARROW, WIDE, LAYERS = 8192, 16384, 6
LAYER_BYTES = 4 * NARROW * WIDE
# One layer is packed at a time; the compiler's own data are small beside it.
MEMORY = LAYER_BYTES + (300 << 20)


class Large(FolderCase):
    def write_model(self):
        """y = x W0 W1 ...; Wi has one element that is not 0: i + 2, in the last row and column that matter."""
        nodes, weights = [], []
        with open(self.path("weights.bin"), "wb") as file:
            file.truncate(LAYERS * LAYER_BYTES)
            for i in range(LAYERS):
                rows, columns = (NARROW, WIDE) if i % 2 == 0 else (WIDE, NARROW)
                file.seek((i + 1) * LAYER_BYTES - 4)
                file.write(onnx.struct.pack("<f", i + 2))
                weights.append(onnx.external_tensor("w%d" % i, [rows, columns], "weights.bin", i * LAYER_BYTES,
                                                    LAYER_BYTES))
                nodes.append(onnx.node("MatMul", ["x%d" % i, "w%d" % i], ["x%d" % (i + 1)], "layer%d" % i))
        with open(self.path("large.onnx"), "wb") as file:
            file.write(onnx.model(nodes, [onnx.value_info("x0", [1, NARROW])],
                                  [onnx.value_info("x%d" % LAYERS, [1, NARROW])], weights))

    def test_three_gigabytes(self):
        self.write_model()
        limit = lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        compiled = subprocess.run([CAMEO, "compile", "large.onnx"], cwd=self.dir, preexec_fn=limit, text=True,
                                  capture_output=True)
        self.assertEqual(compiled.returncode, 0, compiled.stderr)
        self.assertGreater(os.path.getsize(self.path("large.so")), LAYERS * LAYER_BYTES)
        with open(self.path("x.npy"), "wb") as file:
            file.write(onnx.npy([1, NARROW], [7] * NARROW))
        run = subprocess.run([CAMEO, "run", "large.so", "--input", "x.npy", "--output-dir", "out"], cwd=self.dir,
                             capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        with open(self.path("out/output_0_x%d.npy" % LAYERS), "rb") as file:
            values = onnx.read_npy(file.read())
        expected = 7.0
        for i in range(LAYERS):
            expected *= i + 2
        self.assertEqual(values, [0] * (NARROW - 1) + [expected])


if __name__ == "__main__":
    options = command_line()
    CAMEO = options.cameo
    unittest.main(argv=options.rest)
