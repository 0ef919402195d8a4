#!/usr/bin/env python3
"""`--against onnxruntime` of compare and bench, which runs in Python. Needs ONNX Runtime.

  reference_test.py --cameo build/bin/cameo [unittest arguments]
"""
import json, os, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cli_test
import onnx_text as onnx
from folder import command_line

os.environ["CAMEO_PYTHON"] = sys.executable


class Compare(cli_test.Case):
    def compare(self, *args, status=0):
        return json.loads(self.cameo("compare", *args, "--against", "onnxruntime", "--json", status=status).stdout)

    def test_layers_of_several_samples(self):
        report = self.compare("add.onnx", "--samples", "20", "--dim", "batch=2", "--layers", "--threads", "2")
        self.assertRegex(report["reference"], r"^ONNX Runtime \d")
        self.assertEqual([(e["name"], e["elements"]) for e in report["outputs"] + report["layers"]], [("y", 6), ("s", 6)])
        self.assertEqual((report["verdict"], report["samples"]), ("PASS", 20))

    def test_types(self):
        """Strings, halves, integers and bools, in and out."""
        types = [onnx.FLOAT16, onnx.INT64, onnx.BOOL, onnx.STRING]
        names = "abcd"
        self.write("types.onnx", onnx.model(
            [onnx.node("Identity", [n], [n + "2"]) for n in names],
            [onnx.value_info(n, [2], t) for n, t in zip(names, types)],
            [onnx.value_info(n + "2", [2], t) for n, t in zip(names, types)]))
        self.assertEqual([e["grade"] for e in self.compare("types.onnx", "--samples", "1")["outputs"]], ["excellent"] * 4)

    def test_another_model(self):
        self.write("other.onnx", cli_test.ADD.replace(b"Relu", b"Tanh"))
        self.cameo("compile", "add.onnx")
        self.assertEqual(self.compare("other.onnx", "add.so", status=1)["verdict"], "FAIL")

    def test_what_is_missing_is_named(self):
        empty = self.path("empty")  # a Python without packages
        self.write("empty", "#!/bin/sh\nexec %s -I -S \"$@\"\n" % sys.executable)
        os.chmod(empty, 0o700)
        os.environ["CAMEO_PYTHON"] = empty
        self.addCleanup(os.environ.__setitem__, "CAMEO_PYTHON", sys.executable)
        error = self.cameo("compare", "add.onnx", "--against", "onnxruntime", status=2).stderr
        self.assertRegex(error, "^error: --against onnxruntime needs the Python package numpy, which .* does not have: .*\n$")


if __name__ == "__main__":
    options = command_line()
    cli_test.CAMEO = options.cameo
    unittest.main(argv=options.rest)
