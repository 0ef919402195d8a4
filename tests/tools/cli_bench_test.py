#!/usr/bin/env python3
"""The contract of `cameo bench` (docs/bench.md): reports, profiles, streams. Times are never asserted.

  cli_bench_test.py --cameo build/bin/cameo [unittest arguments]
"""
import json, os, re, subprocess, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cli_test
import onnx_text as onnx
from folder import command_line


class Bench(cli_test.Case):
    def test_report(self):
        [report] = json.loads(self.cameo("bench", "add.onnx", "--threads", "1,2", "--rounds", "2", "--seconds", "0.01",
                                         "--json").stdout)["models"]
        self.assertEqual([e["name"] for e in report["engines"]], ["compiled, 1 thread", "compiled, 2 threads", "reference"])
        for engine in report["engines"]:
            self.assertLessEqual(0, min(engine[key] for key in ("load_ms", "first_run_ms", "p50_ms", "p90_ms", "p99_ms")))
        text = self.cameo("bench", "add.onnx", "--rounds", "1", "--seconds", "0", "--no-reference").stdout
        self.assertRegex(text, r"(?m)^compiled, 1 thread ")

    def test_variants_in_one_table(self):
        self.write("relu.onnx", cli_test.ADD.replace(b"Relu", b"Tanh"))
        self.cameo("compile", "relu.onnx", "--dim", "batch=5")
        flags = ["add.onnx", "relu.onnx", "relu.so", "--rounds", "1", "--seconds", "0"]
        models = json.loads(self.cameo("bench", *flags, "--json").stdout)["models"]
        self.assertEqual([m["model"] for m in models], ["add.onnx", "relu.onnx"])
        for model in models:
            compiled, reference = model["engines"]
            self.assertEqual((compiled["file_bytes"], reference["file_bytes"]), (model["library_bytes"], model["model_bytes"]))
            self.assertEqual(reference["speedup"], 1)
            self.assertGreater(compiled["runs_per_s"], 0)
        self.assertRegex(self.cameo("bench", *flags).stdout, r"(?m)^relu.onnx +compiled, 1 thread +[0-9.]+ kB ")
        self.cameo("bench", "relu.so", status=2)
        self.cameo("bench", "relu.onnx", "relu.so", "relu.so", status=2)

    PROFILE = ["--rounds", "1", "--seconds", "0.01", "--no-reference", "--profile"]

    def profile(self, model, *flags):
        report = json.loads(self.cameo("bench", model, "--json", *self.PROFILE, *flags).stdout)
        self.assertEqual(report["schema_version"], 3)
        [model] = report["models"]
        return model

    def test_profile(self):
        report = self.profile("add.onnx", "--threads", "1,2")
        self.assertEqual([p["threads"] for p in report["profiles"]], [1, 2])
        for profile in report["profiles"]:
            self.assertEqual([k["kernel"] for k in profile["kernels"]], ["pointwise"])
            inside = sum(k["seconds"] for k in profile["kernels"])
            self.assertAlmostEqual(inside + profile["outside_kernels"], profile["seconds"], places=3)
            self.assertEqual(profile["machine"]["threads"], profile["threads"])
        kernel = report["profiles"][0]["kernels"][0]
        self.assertEqual(kernel["nodes"], ["add1", "relu1"])
        # One row: weights of 3, 3 elements read and 3 written, two operations each.
        self.assertEqual([kernel[key] for key in ("flops", "weight_bytes", "read_bytes", "written_bytes", "element_ops")],
                         [0, 12, 12, 12, 6])
        text = self.cameo("bench", "add.onnx", *self.PROFILE).stdout
        self.assertRegex(text, r"(?m)^outside kernels ")
        self.assertRegex(text, r"(?m)^0  pointwise .* add1 \+1$")
        self.assertRegex(text, r"(?m)^1 kernel below|^100.0 % of the time in kernels")

    def conv(self, channels, image, name):
        shape = [1, channels, image, image]
        weights = [channels, channels, 3, 3]
        return onnx.model([onnx.node("Conv", ["x", "w"], ["y"], name, pads=(1, 1, 1, 1))],
                          [onnx.value_info("x", shape)], [onnx.value_info("y", shape)],
                          [onnx.tensor("w", weights, [0.5] * channels * channels * 9)])

    def test_profile_counts_arithmetic_by_definition(self):
        self.write("conv.onnx", self.conv(64, 32, "conv1"))
        flops = 2 * 64 * 64 * 9 * 32 * 32
        kernels = {}
        choices = {"auto": (), "direct": ("--winograd", "off"), "size": ("--optimize", "size")}
        for name, choice in choices.items():
            found = self.profile("conv.onnx", *choice)["profiles"][0]["kernels"]
            kernels[name] = next(k for k in found if k["kernel"].startswith("conv"))
            self.assertEqual(kernels[name]["flops"], flops)
        self.assertEqual(kernels["size"]["products"], flops)
        # f32 as three bf16 have six products each (tile registers).
        times = 6 if kernels["direct"]["bound"] == "bf16" else 1
        self.assertEqual(kernels["direct"]["products"], times * flops)
        if "winograd-4x4" in kernels["auto"]["kernel"]:
            self.assertEqual(kernels["auto"]["products"], flops / 4)

    def test_profile_fits_its_columns(self):
        name = "/features/features.5/features.5.3/attention/projection/" * 3 + "Conv"
        self.write("conv.onnx", self.conv(64, 32, name))
        for columns in (80, 120):
            run = subprocess.run([cli_test.CAMEO, "bench", "conv.onnx", *self.PROFILE], cwd=self.dir, capture_output=True, text=True,
                                 env=dict(os.environ, COLUMNS=str(columns)), timeout=120)
            self.assertIn("/Conv" if columns == 120 else "…", run.stdout)
            for line in run.stdout.splitlines():
                self.assertLessEqual(len(line), columns, line)

    def test_profile_as_page_and_trace(self):
        self.write("conv.onnx", self.conv(16, 8, "<script>"))
        self.cameo("bench", "conv.onnx", *self.PROFILE, "--threads", "1,2", "--report", "p.html", "--trace", "t.json")
        page = self.read("p.html").decode()
        self.assertNotRegex(page, r"https?:|<script|src=|@import")  # it works offline
        self.assertIn("&lt;script&gt;", page)
        self.assertIn("<circle", page)
        self.assertTrue(page.endswith("</html>\n"))
        events = json.loads(self.read("t.json"))["traceEvents"]
        self.assertEqual({e["pid"] for e in events}, {1, 2})
        runs = [e for e in events if e["name"] == "run"]
        for event in events:
            if event["ph"] == "X" and event["name"] != "run":
                begin, end = event["ts"], event["ts"] + event["dur"]
                self.assertTrue(any(r["pid"] == event["pid"] and r["ts"] <= begin and end <= r["ts"] + r["dur"] + 0.01 for r in runs))
        self.cameo("bench", "conv.onnx", "--trace", "t.json", status=2)  # of no profile
        self.cameo("bench", "conv.onnx", "conv.onnx", *self.PROFILE, "--trace", "t.json", status=2)  # of two
        self.cameo("bench", "conv.onnx", *self.PROFILE, "--report", "none/p.html", status=2)

    def test_page_of_variants(self):
        """One curve an engine; a mark for each value in the deviations, and for those of the same name in the noise."""
        self.write("other.onnx", cli_test.ADD.replace(b"Relu", b"Tanh"))
        self.cameo("bench", "add.onnx", "other.onnx", "--rounds", "1", "--seconds", "0.01", "--report", "p.html")
        page = self.read("p.html").decode()
        parts = dict(zip(["top", "Latency", "Deviation", "Noise"], page.split("<h2>")))
        self.assertNotRegex(page, r"https?:|<script|src=|@import")
        self.assertEqual(parts["top"].count("<tr>"), 5)
        self.assertEqual(parts["Latency"].count("<polyline"), 4)
        self.assertEqual(parts["Deviation"].count("<circle"), 4)
        self.assertIn("#0 &#39;s&#39; of add1 (Add): ".replace("&#39;", "'"), parts["Deviation"])
        self.assertEqual(parts["Noise"].count("<circle"), 2)
        self.assertRegex(parts["Noise"], r"#1 output 'y': [0-9.]+ dB")
        self.cameo("bench", "add.onnx", "--no-reference", "--rounds", "1", "--seconds", "0", "--report", "p.html")
        self.assertNotIn("Deviation", self.read("p.html").decode())

    def test_noise_of_a_quantized_value(self):
        """Quantizers leave a Relu to the limits of the integers and call the value in front of them by its name."""
        constants = [onnx.tensor("w", [3], [-2, 1, 2]), onnx.tensor("scale", [], [1 / 64]), onnx.tensor("zero", [], [0], onnx.UINT8)]
        variants = {"float": [onnx.node("Add", ["x", "w"], ["s"]), onnx.node("Relu", ["s"], ["r"]), onnx.node("Neg", ["r"], ["y"])],
                    "qdq": [onnx.node("Add", ["x", "w"], ["r"]), onnx.node("QuantizeLinear", ["r", "scale", "zero"], ["q"]),
                            onnx.node("DequantizeLinear", ["q", "scale", "zero"], ["d"]), onnx.node("Neg", ["d"], ["y"])]}
        for name, nodes in variants.items():
            used = constants if name == "qdq" else constants[:1]
            self.write(name + ".onnx", onnx.model(nodes, [onnx.value_info("x", [3])], [onnx.value_info("y", [3])], used))
        self.cameo("bench", "float.onnx", "qdq.onnx", "--rounds", "1", "--seconds", "0", "--report", "p.html")
        noise = dict(re.findall(r"'(\w)'[^<]*: (-?[0-9.]+) dB", self.read("p.html").decode()))
        self.assertEqual(set(noise), {"r", "y"})
        self.assertGreater(float(noise["r"]), 30)

    def test_flops_of_sizes_that_the_model_computes(self):
        # Shape, Concat and Reshape lead to a product of 6 by 4 times 4 by 5.
        model = onnx.model([onnx.node("Shape", ["x"], ["s"], "shape"), onnx.node("Gather", ["s", "zero"], ["rows"], "gather"),
                            onnx.node("Concat", ["rows", "four"], ["t"], "concat", axis=0),
                            onnx.node("Reshape", ["x", "t"], ["r"], "reshape"), onnx.node("MatMul", ["r", "w"], ["y"], "product")],
                           [onnx.value_info("x", [6, 2, 2])], [onnx.value_info("y", ["m", 5])],
                           [onnx.tensor("zero", [1], [0], onnx.INT64), onnx.tensor("four", [1], [4], onnx.INT64),
                            onnx.tensor("w", [4, 5], [1] * 20)])
        self.write("sizes.onnx", model)
        report = json.loads(self.cameo("explain", "sizes.onnx", "--json").stdout)
        self.assertEqual((report["schema_version"], report["flops"]), (2, 2 * 6 * 4 * 5))
        self.assertEqual({op["op"]: op["count"] for op in report["ops"]},
                         {"MatMul": 1, "Shape": 1, "Gather": 1, "Concat": 1, "Reshape": 1})
        self.assertEqual(self.profile("sizes.onnx")["flops"], 2 * 6 * 4 * 5)

    def test_symbols_carry_names_of_nodes(self):
        info = onnx.value_info
        two = onnx.model([onnx.node("Softmax", ["x"], ["a"], "/block/first"), onnx.node("Softmax", ["y"], ["b"], "/block/last")],
                         [info("x", [4, 4]), info("y", [4, 4])], [info("a", [4, 4]), info("b", [4, 4])])
        self.write("two.onnx", two)
        self.cameo("compile", "two.onnx")
        symbols = re.findall(rb"\0fn\.row[^\0]*", self.read("two.so"))
        self.assertEqual(symbols, [b"\0fn.row_1._block_first"])  # which equal kernels share

    def test_streams(self):
        flags = ["--rounds", "2", "--seconds", "0.01", "--no-reference", "--streams", "1,3"]
        [report] = json.loads(self.cameo("bench", "add.onnx", "--json", *flags).stdout)["models"]
        self.assertEqual([s["streams"] for s in report["streams"]], [1, 3])
        for streams in report["streams"]:
            self.assertGreaterEqual(streams["runs"], 2 * streams["streams"])
            self.assertGreater(streams["runs_per_s"], 0)
        self.assertRegex(self.cameo("bench", "add.onnx", *flags).stdout, r"(?m)^ +3 +[0-9.]+ +[0-9]+$")

    def test_profile_of_every_kind(self):
        """A call, sizes that only the run knows and checks of them, a branch, a loop: each kernel has a time of its
        own, also behind ops that have no code or none of a kernel."""
        nodes = [onnx.node("NonZero", ["x"], ["where"]), onnx.node("Shape", ["where"], ["sizes"]),
                 onnx.node("Gather", ["where", "two"], ["third"], axis=1),  # a check: there are that many
                 onnx.node("Gather", ["sizes", "one"], ["count"]),
                 onnx.node("ReduceSum", ["x"], ["sum"], keepdims=0), onnx.node("Greater", ["sum", "zero"], ["positive"]),
                 onnx.node("If", ["positive"], ["chosen"],
                           then_branch=onnx.graph([onnx.node("Exp", ["x"], ["a"], "exponential")], [], [onnx.value_info("a", [4])]),
                           else_branch=onnx.graph([onnx.node("Neg", ["x"], ["b"], "negate")], [], [onnx.value_info("b", [4])])),
                 onnx.node("Loop", ["count", "", "chosen"], ["y"], body=onnx.graph(
                     [onnx.node("Sqrt", ["carried"], ["root"], "root"), onnx.node("Identity", ["on"], ["still"])],
                     [onnx.value_info("i", [], onnx.INT64), onnx.value_info("on", [], onnx.BOOL),
                      onnx.value_info("carried", [4])],
                     [onnx.value_info("still", [], onnx.BOOL), onnx.value_info("root", [4])])),
                 onnx.node("Tanh", ["y"], ["z"], "last")]
        self.write("kinds.onnx", onnx.model(
            nodes, [onnx.value_info("x", [4])],
            [onnx.value_info("z", [4]), onnx.value_info("third", [1], onnx.INT64)],
            [onnx.tensor("two", [], [2], onnx.INT64), onnx.tensor("one", [], [1], onnx.INT64),
             onnx.tensor("zero", [], [0])]))
        flags = ["--rounds", "1", "--seconds", "0.01", "--no-reference", "--profile", "--json"]
        [report] = json.loads(self.cameo("bench", "kinds.onnx", *flags).stdout)["models"]
        [profile] = report["profiles"]
        kernels = json.loads(self.cameo("explain", "kinds.onnx", "--json").stdout)["kernels"]["list"]
        self.assertEqual([k["kernel"] for k in profile["kernels"]], [k["kernel"] for k in kernels])
        self.assertIn("call (non_zero)", [k["kernel"] for k in kernels])
        self.assertNotIn("guard", [k["kernel"] for k in kernels])
        took = {"+".join(k["nodes"]): k["seconds"] > 0 for k in profile["kernels"]}
        self.assertEqual([took[node] for node in ("exponential", "negate", "root", "last")], [True, False, True, True])


if __name__ == "__main__":
    options = command_line()
    cli_test.CAMEO = options.cameo
    unittest.main(argv=options.rest)
