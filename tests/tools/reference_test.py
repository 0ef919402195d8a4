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


class Bench(cli_test.Case):
    def test_beside_onnxruntime(self):
        report = json.loads(self.cameo("bench", "add.onnx", "--against", "onnxruntime", "--threads", "1,2", "--rounds", "2",
                                       "--seconds", "0.01", "--json").stdout)
        engines = report["models"][0]["engines"]
        self.assertRegex(" ".join(e["name"] for e in engines), r"^compiled, 1 thread compiled, 2 threads "
                         r"ONNX Runtime [\d.]+, 1 thread ONNX Runtime [\d.]+, 2 threads$")
        for engine in engines:
            self.assertEqual(len(engine["round_p50_s"]), 2)
            for key in "load_ms", "first_run_ms", "memory_bytes", "p99_ms", "runs_per_s", "speedup":
                self.assertGreater(engine[key] + (key == "memory_bytes"), 0, key)
        self.assertEqual([e["speedup"] for e in engines[2:]], [1, 1])


if __name__ == "__main__":
    options = command_line()
    cli_test.CAMEO = options.cameo
    unittest.main(argv=options.rest)
