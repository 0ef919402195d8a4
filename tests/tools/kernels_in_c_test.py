#!/usr/bin/env python3
"""Kernels in C are compiled for the features of the library's CPU: their loops have its vectors, in shared and in static libraries.
Needs nothing but Python and objdump.

  kernels_in_c_test.py --cameo build/bin/cameo [unittest arguments]
"""
import os, re, subprocess, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

CAMEO, KERNEL = "", "cameo_kernel_non_max_suppression"


class KernelsInC(FolderCase):
    def setUp(self):
        super().setUp()
        constants = [onnx.tensor("most", [1], [100], onnx.INT64), onnx.tensor("overlap", [1], [0.5], onnx.FLOAT)]
        node = onnx.node("NonMaxSuppression", ["boxes", "scores", "most", "overlap"], ["y"])
        inputs = [onnx.value_info("boxes", [1, 999, 4]), onnx.value_info("scores", [1, 3, 999])]
        self.write("nms.onnx", onnx.model([node], inputs, [onnx.value_info("y", ["N", 3], onnx.INT64)], constants))

    def widths(self, cpu, output):
        """The kinds of vector registers in the kernel as it is in a library."""
        subprocess.run([CAMEO, "compile", "nms.onnx", "-o", output, "--target", "x86_64-linux-gnu", "--cpu", cpu],
                       cwd=self.dir, check=True, capture_output=True)
        code = subprocess.run(["objdump", "-d", output], cwd=self.dir, check=True, capture_output=True, text=True).stdout
        (kernel,) = re.findall(r"(?ms)^[0-9a-f]+ <%s[.\d]*>:$(.*?)^$" % KERNEL, code)
        return set(re.findall(r"%([xyz]mm)", kernel))

    def test_vectors_are_those_of_the_cpu(self):
        for output in ("nms.so", "nms.a"):
            self.assertEqual(self.widths("x86-64-v2", output), {"xmm"}, output)
            self.assertIn("ymm", self.widths("x86-64-v3", output), output)
            self.assertIn("zmm", self.widths("x86-64-v4", output), output)


if __name__ == "__main__":
    options = command_line()
    CAMEO = os.path.abspath(options.cameo)
    unittest.main(argv=options.rest)
