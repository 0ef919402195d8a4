#!/usr/bin/env python3
"""The contract of the command line (docs/cli.md): exit statuses, messages, files whole or not at all,
several models at once. Runs the program; needs nothing but Python.

  cli_test.py --cameo build/bin/cameo [unittest arguments]
"""
import json, os, re, resource, subprocess, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

CAMEO = ""
COMMANDS = ("compile", "run", "compare", "bench", "explain", "opt", "verify", "debug", "debug bisect", "debug reduce")

ADD = onnx.model([onnx.node("Add", ["x", "w"], ["s"], "add1"), onnx.node("Relu", ["s"], ["y"], "relu1")],
                 [onnx.value_info("x", ["batch", 3])], [onnx.value_info("y", ["batch", 3])],
                 [onnx.tensor("w", [3], [1, 2, 3])])
UNSUPPORTED = onnx.model([onnx.node("NoSuchOp", ["x"], ["t"], "first", "example.org"),
                          onnx.node("NoSuchOp2", ["t"], ["y"], "second", "example.org")],
                         [onnx.value_info("x", [3])], [onnx.value_info("y", [3])])


class Case(FolderCase):
    def setUp(self):
        super().setUp()
        self.write("add.onnx", ADD)
        self.write("unsupported.onnx", UNSUPPORTED)
        self.write("broken.onnx", b"\x08this is no model")
        self.write("x.npy", onnx.npy([2, 3], [1, 2, 3, -4, -5, -6]))

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def cameo(self, *args, status=0):
        run = subprocess.run([CAMEO, *args], cwd=self.dir, capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        if status >= 2:
            self.assertRegex(run.stderr, r"(?m)^error: ")
            for line in run.stderr.splitlines():
                self.assertRegex(line, r"^(error|note|warning): .")
        return run

    def files(self, folder="."):
        return sorted(os.listdir(self.path(folder)))


class General(Case):
    def with_first_dim(self, written):
        self.write("open.onnx", onnx.model([onnx.node("Relu", ["x"], ["y"], "relu1")],
                                           [onnx.value_info("x", [written, 3])], [onnx.value_info("y", [written, 3])]))

    def test_sizes_written_as_minus_one_are_open(self):
        self.with_first_dim(-1)
        run = self.cameo("run", "open.onnx", "--input", "x=x.npy")
        self.assertEqual(run.stderr, "note: open.onnx: input 'x': dimension 0 is written as -1: "
                                     "taken for a size left open, 'x_0'\n")

    def test_zero_is_a_size(self):
        self.with_first_dim(0)
        self.cameo("run", "open.onnx", "--input", "x=x.npy", status=2)
        self.write("none.npy", onnx.npy([0, 3], []))
        self.assertEqual(self.cameo("run", "open.onnx", "--input", "x=none.npy").stderr, "")

    def test_help_and_version(self):
        self.assertIn("cameo compile", self.cameo("--help").stdout)
        self.assertRegex(self.cameo("--version").stdout, r"^cameo \d+\.\d+\.\d+ ")
        for command in COMMANDS:
            text = self.cameo(*command.split(), "--help").stdout
            self.assertIn("Examples:", text, command)

    def test_help_fits_a_terminal(self):
        for command in COMMANDS:
            for line in self.cameo(*command.split(), "--help").stdout.splitlines():
                self.assertLessEqual(len(line), 100, line)

    def test_docs_name_every_option(self):
        docs = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs")
        with open(os.path.join(docs, "cli.md")) as file:
            shared = file.read()
        flags_of = {}
        for command in COMMANDS:
            flags = re.findall(r"(?m)^ +(?:-\w,)?(--[\w-]+)", self.cameo(*command.split(), "--help").stdout)
            flags_of.setdefault(command.split()[0], set()).update(set(flags) - {"--help"})
        for command, flags in flags_of.items():
            with open(os.path.join(docs, command + ".md")) as file:
                page = file.read()
            self.assertGreaterEqual(len(flags), 0 if command == "verify" else 3)
            for flag in sorted(flags):
                self.assertRegex(page + shared, re.escape(flag) + r"\b", "docs/%s.md" % command)
            for flag in set(re.findall(r"`(?:-\w, )?(--[\w-]+)", page)):
                self.assertIn(flag, flags, "docs/%s.md" % command)

    def test_bad_usage(self):
        self.cameo(status=2)
        self.cameo("fly", status=2)
        self.cameo("run", status=2)
        self.cameo("run", "add.onnx", "--no-such-flag", status=2)
        self.cameo("run", "add.onnx", "--threads", "many", status=2)

    def test_messages_name_the_file(self):
        for command in ("run", "compile", "compare", "bench", "explain"):
            self.assertIn("broken.onnx", self.cameo(command, "broken.onnx", status=2).stderr)
            self.assertIn("none.onnx", self.cameo(command, "none.onnx", status=2).stderr)

    def test_unsupported_lists_every_node(self):
        for command in ("run", "compile", "compare", "bench", "explain"):
            text = self.cameo(command, "unsupported.onnx", status=3).stderr
            self.assertIn("first", text)
            self.assertIn("second", text)

    def test_bad_sizes(self):
        for flag in (["--dim", "batch"], ["--dim", "batch=-1"], ["--dim", "batch=x"], ["--shape", "x=1xx3"],
                     ["--shape", "x=1x"], ["--dim", "nosuch=3"], ["--shape", "nosuch=3"], ["--shape", "x=2x4"]):
            self.cameo("explain", "add.onnx", *flag, status=2)


class Targets(Case):
    def test_what_is_made(self):
        self.cameo("compile", "add.onnx", "--target", "wasm32", "-o", "web/")
        self.assertEqual(self.files("web"), ["add.wasm", "cameo.mjs"])
        self.assertEqual(self.read("web/add.wasm")[:4], b"\0asm")
        self.cameo("compile", "add.onnx", "--target", "armv7-linux-gnueabihf", "--emit", "so,o,a,ll,asm", "-o", "arm/")
        self.assertEqual(self.read("arm/add.so")[4], 1)  # ELF32

    def test_what_a_target_lacks(self):
        self.assertIn("wasm", self.cameo("compile", "add.onnx", "--target", "wasm32", "--emit", "so", status=2).stderr)
        self.assertIn("wasm32", self.cameo("compile", "add.onnx", "--emit", "wasm", status=2).stderr)
        for flags in (["--target", "sparc"], ["--target", "wasm32", "--cpu", "x86-64-v3"],
                      ["--target", "riscv64-linux-gnu", "--cpu", "native"]):
            self.cameo("compile", "add.onnx", *flags, status=2)

    def test_foreign_code_is_not_run(self):
        self.cameo("compile", "add.onnx", "--target", "aarch64-linux-gnu", "-o", "arm/")
        self.cameo("compile", "add.onnx", "--target", "wasm32", "-o", "web/")
        for library, why in ("arm/add.so", "made for aarch64"), ("web/add.wasm", "WebAssembly"):
            self.assertIn(why, self.cameo("run", library, "--input", "x.npy", status=2).stderr)
            self.assertIn(why, self.cameo("compare", "add.onnx", library, status=2).stderr)
        for command in ("compare", "bench"):
            run = self.cameo(command, "add.onnx", "--target", "aarch64-linux-gnu", status=2)
            self.assertIn("cannot be run here", run.stderr)


class Run(Case):
    def test_reference_npy(self):
        self.cameo("run", "add.onnx", "--input", "x=x.npy", "--output-dir", "out/deep")
        self.assertEqual(self.files("out/deep"), ["output_0_y.npy"])
        self.assertEqual(onnx.read_npy(self.read("out/deep/output_0_y.npy")), [2, 4, 6, 0, 0, 0])

    def test_only_input_needs_no_name(self):
        self.assertIn("y: f32[2,3] = 2 4 6 0 0 0", self.cameo("run", "add.onnx", "--input", "x.npy").stdout)

    def test_test_data(self):
        self.write("data/input_0.pb", onnx.message(onnx.tensor("x", [1, 3], [1, 1, 1])))
        self.cameo("run", "add.onnx", "--data", "data", "--output-dir", "out")
        self.assertEqual(self.files("out"), ["output_0.pb"])
        self.assertIn(onnx.message(onnx.tensor("", [1, 3], [2, 3, 4]))[-12:], self.read("out/output_0.pb"))

    def test_wrong_inputs(self):
        self.assertIn("'x'", self.cameo("run", "add.onnx", status=2).stderr)
        self.cameo("run", "add.onnx", "--input", "z=x.npy", status=2)
        self.cameo("run", "add.onnx", "--input", "x=none.npy", status=2)
        self.cameo("run", "add.onnx", "--input", "x=x.npy", "--input", "x=x.npy", status=2)
        self.write("bad.npy", onnx.npy([2, 4], [0] * 8))
        self.assertIn("x", self.cameo("run", "add.onnx", "--input", "bad.npy", status=2).stderr)
        self.write("empty/readme", b"")
        self.cameo("run", "add.onnx", "--data", "empty", status=2)
        self.cameo("run", "add.onnx", "--data", "nosuch", status=2)
        self.write("data/input_0.pb", b"\xff\xff")
        self.cameo("run", "add.onnx", "--data", "data", "--input", "x.npy", status=2)
        self.cameo("run", "add.onnx", "--data", "data", status=2)

    def test_failing_writes_nothing(self):
        self.cameo("run", "add.onnx", "--input", "none.npy", "--output-dir", "out", status=2)
        self.assertNotIn("out", self.files())
        self.cameo("run", "add.onnx", "--input", "x.npy", "--output-dir", "x.npy", status=2)

    def test_not_a_library(self):
        self.write("not.so", b"nonsense")
        self.assertIn("not.so", self.cameo("run", "not.so", status=2).stderr)


class Explain(Case):
    def test_text(self):
        text = self.cameo("explain", "add.onnx").stdout
        self.assertRegex(text, r"(?m)^input +x +f32\[batch,3\]$")
        self.assertRegex(text, r"(?m)^Add +1 +3 ")
        self.assertIn("batch", text)

    def test_json(self):
        report = json.loads(self.cameo("explain", "add.onnx", "--dim", "batch=4", "--json").stdout)
        self.assertEqual(report["flops"], 24)
        self.assertEqual(report["parameters"], 3)
        self.assertEqual(report["sizes_taken_as_1"], [])


    def test_flops(self):
        # 2 filters of 3x2x2 on a 4x4 image without padding: 2 * (2*3*3) * (3*2*2) operations.
        conv = onnx.model([onnx.node("Conv", ["x", "w"], ["y"])], [onnx.value_info("x", [1, 3, 4, 4])],
                          [onnx.value_info("y", [1, 2, 3, 3])], [onnx.tensor("w", [2, 3, 2, 2], [1] * 24)])
        self.write("conv.onnx", conv)
        report = json.loads(self.cameo("explain", "conv.onnx", "--json").stdout)
        self.assertEqual((report["flops"], report["parameters"], report["weight_bytes"]), (432, 24, 96))


class Compile(Case):
    def test_default_output(self):
        self.cameo("compile", "add.onnx")
        self.assertTrue({"add.so", "add.h"} <= set(self.files()))

    def test_output_names(self):
        self.cameo("compile", "add.onnx", "-o", "lib/net.so")
        self.assertEqual(self.files("lib"), ["cameo.h", "net.h", "net.so"])
        os.makedirs(self.path("dir"))
        self.cameo("compile", "add.onnx", "-o", "dir")
        self.assertIn("add.so", self.files("dir"))
        self.cameo("compile", "add.onnx", "-o", "net.weird", status=2)
        self.cameo("compile", "add.onnx", "-o", "net.so", "--emit", "o", status=2)
        self.cameo("compile", "add.onnx", "--emit", "exe", status=2)

    def test_emit(self):
        self.cameo("compile", "add.onnx", "--emit", "so,a,o,ll,asm,ir", "-o", "out/")
        self.assertEqual(self.files("out"), ["add.a", "add.cir", "add.ll", "add.o", "add.s", "add.so"])
        self.cameo("compile", "add.onnx", "--emit", "header,ll", "-o", "ir/")
        self.assertEqual(self.files("ir"), ["add.h", "add.ll", "cameo.h"])

    def test_failing_leaves_nothing(self):
        before = self.files()
        self.cameo("compile", "broken.onnx", status=2)
        self.cameo("compile", "unsupported.onnx", status=3)
        self.cameo("compile", "add.onnx", "--cpu", "z80", status=2)
        self.assertEqual(self.files(), before)

    def test_existing_file_survives_failure(self):
        self.write("broken.so", b"old")
        self.cameo("compile", "broken.onnx", status=2)
        self.assertEqual(self.read("broken.so"), b"old")

    def test_several(self):
        run = self.cameo("compile", "broken.onnx", "add.onnx", "unsupported.onnx", "-o", "out", status=3)
        self.assertTrue({"add.so", "add.h"} <= set(self.files("out")))
        self.assertNotIn("broken.so", self.files("out"))
        for k in (1, 2, 3):
            self.assertIn("[%d/3]" % k, run.stdout)
        self.assertIn("1 of 3 models compiled; failed: broken.onnx (bad input), unsupported.onnx (unsupported)",
                      run.stdout)

    def test_glob(self):
        self.write("zoo/a.onnx", ADD)
        self.write("zoo/b.onnx", ADD)
        self.cameo("compile", "zoo/*.onnx", "-o", "out")
        self.assertTrue({"a.so", "b.so"} <= set(self.files("out")))
        self.assertIn("nothing/*.onnx", self.cameo("compile", "nothing/*.onnx", status=2).stderr)

    def test_same_name_twice(self):
        self.write("zoo/add.onnx", ADD)
        self.cameo("compile", "add.onnx", "zoo/add.onnx", "-o", "out", status=2)

    def test_same_bytes(self):
        self.cameo("compile", "add.onnx", "-o", "one/add.so")
        self.cameo("compile", "add.onnx", "-o", "two/add.so")
        self.assertEqual(self.read("one/add.so"), self.read("two/add.so"))

    def test_run(self):
        self.cameo("compile", "add.onnx")
        self.cameo("run", "add.so", "--input", "x=x.npy", "--output-dir", "out")
        self.assertEqual(onnx.read_npy(self.read("out/output_0_y.npy")), [2, 4, 6, 0, 0, 0])
        self.write("bad.npy", onnx.npy([2, 4], [0] * 8))
        self.cameo("run", "add.so", "--input", "bad.npy", status=2)


    def test_header_example(self):
        # The program in the header's comment, as it stands there; `batch` is known only at run time.
        self.cameo("compile", "add.onnx", "-o", "my add.so")
        header = self.read("my add.h").decode()
        start = header.index('#include "my add.h"')
        example = header[start:header.index("*     }", start) + len("*     }")]
        self.write("example.c", re.sub(r"(?m)^ \*( {5})?", "", example).encode())
        subprocess.run(["gcc", "example.c", "my add.so", "-Wl,-rpath,$ORIGIN", "-o", "example"], cwd=self.dir, check=True)
        subprocess.run([self.path("example")], cwd=self.dir, check=True)

    def test_full_disk(self):
        # A limit on the size of files stands for a full disk: the library has 400 kB of weights.
        self.write("large.onnx", onnx.model(
            [onnx.node("Add", ["x", "w"], ["y"], "add")], [onnx.value_info("x", [100000])],
            [onnx.value_info("y", [100000])], [onnx.tensor("w", [100000], [1] * 100000)]))
        before = self.files()
        for limit in (1 << 10, 100 << 10):
            def limited():
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            for kind in ("so", "o", "a"):
                run = subprocess.run([CAMEO, "compile", "large.onnx", "-o", "out." + kind], cwd=self.dir,
                                     preexec_fn=limited, capture_output=True, text=True, timeout=120)
                self.assertEqual(run.returncode, 2, (kind, limit, run.stdout + run.stderr))
                self.assertRegex(run.stderr, r"^error: large.onnx: cannot write 'out\.%s': File too large\n$" % kind)
                self.assertEqual(self.files(), before)


class Compare(Case):
    def test_pass(self):
        self.assertIn("PASS on 10 samples", self.cameo("compare", "add.onnx").stdout)
        report = json.loads(self.cameo("compare", "add.onnx", "--samples", "2", "--json", "--dim", "batch=5").stdout)
        self.assertEqual(report["verdict"], "PASS")
        self.assertEqual(report["outputs"][0]["elements"], 15)

    def test_random_indices_are_valid(self):
        gather = onnx.model([onnx.node("Gather", ["table", "i"], ["y"])], [onnx.value_info("i", [100], onnx.INT64)],
                            [onnx.value_info("y", [100])], [onnx.tensor("table", [3], [1, 2, 3])])
        self.write("gather.onnx", gather)
        self.assertIn("PASS", self.cameo("compare", "gather.onnx").stdout)

    def test_library_of_another_model(self):
        other = onnx.model([onnx.node("Add", ["x", "w"], ["y"])], [onnx.value_info("x", ["batch", 3])],
                           [onnx.value_info("y", ["batch", 3])], [onnx.tensor("w", [3], [1, 2, 4])])
        self.write("other.onnx", other)
        self.cameo("compile", "other.onnx")
        self.assertIn("FAIL", self.cameo("compare", "add.onnx", "other.so", status=1).stdout)

    def test_layers(self):
        self.assertIn("no difference in 1 intermediate value", self.cameo("compare", "add.onnx", "--layers").stdout)

    def test_data(self):
        self.write("data/input_0.pb", onnx.message(onnx.tensor("x", [1, 3], [1, 1, 1])))
        self.assertIn("PASS on 1 sample\n", self.cameo("compare", "add.onnx", "--data", "data").stdout)

    def test_outputs_of_data(self):
        two = onnx.model([onnx.node("Add", ["x", "w"], ["s"]), onnx.node("Neg", ["x"], ["n"])],
                         [onnx.value_info("x", [3])], [onnx.value_info("s", [3]), onnx.value_info("n", [3])],
                         [onnx.tensor("w", [3], [1, 2, 3])])
        self.write("two.onnx", two)
        self.write("data/input_0.pb", onnx.message(onnx.tensor("x", [3], [1, 1, 1])))

        def compare(status=0):
            text = self.cameo("compare", "two.onnx", "--data", "data", status=status).stdout
            report = json.loads(self.cameo("compare", "two.onnx", "--data", "data", "--json", status=status).stdout)
            self.assertIn(report["verdict"] + " on 1 sample\n", text)
            return [(entry["name"], entry["verdict"]) for entry in report.get("data", [])]
        self.assertEqual(compare(), [])
        # The first may be missing.
        self.write("data/output_1.pb", onnx.message(onnx.tensor("n", [3], [-1, -1, -1])))
        self.assertEqual(compare(), [("n (output_1.pb)", "PASS")])
        self.write("data/output_0.pb", onnx.message(onnx.tensor("s", [3], [2, 3, 5])))
        self.assertEqual(compare(status=1), [("s (output_0.pb)", "FAIL"), ("n (output_1.pb)", "PASS")])
        for wrong in (onnx.tensor("s", [1, 3], [2, 3, 4]), onnx.tensor("s", [4], [2, 3, 4, 5]),
                      onnx.tensor("s", [3], [2, 3, 4], onnx.INT64), onnx.tensor("s", [3], [2, 3, float("nan")])):
            self.write("data/output_0.pb", onnx.message(wrong))
            self.assertEqual(compare(status=1)[0], ("s (output_0.pb)", "FAIL"))
        self.write("data/output_0.pb", b"\xff")
        self.cameo("compare", "two.onnx", "--data", "data", status=2)
        self.write("data/output_0.pb", onnx.message(onnx.tensor("s", [3], [2, 3, 4])))
        compare()
        self.write("data/output_2.pb", b"")
        self.cameo("compare", "two.onnx", "--data", "data", status=2)


class Bench(Case):
    def test_report(self):
        report = json.loads(self.cameo("bench", "add.onnx", "--threads", "1,2", "--rounds", "2", "--seconds", "0.01",
                                       "--json").stdout)
        self.assertEqual([e["name"] for e in report["engines"]], ["compiled, 1 thread", "compiled, 2 threads", "reference"])
        for engine in report["engines"]:
            self.assertLessEqual(0, min(engine[key] for key in ("load_ms", "first_run_ms", "p50_ms", "p90_ms", "p99_ms")))
        text = self.cameo("bench", "add.onnx", "--rounds", "1", "--seconds", "0", "--no-reference").stdout
        self.assertRegex(text, r"(?m)^compiled, 1 thread ")

    PROFILE = ["--rounds", "1", "--seconds", "0.01", "--no-reference", "--profile"]

    def profile(self, model, *flags):
        return json.loads(self.cameo("bench", model, "--json", *self.PROFILE, *flags).stdout)

    def test_profile(self):
        report = self.profile("add.onnx", "--threads", "1,2")
        self.assertEqual(report["schema_version"], 2)
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
        for winograd in ("auto", "off"):
            found = self.profile("conv.onnx", "--winograd", winograd)["profiles"][0]["kernels"]
            kernels[winograd] = next(k for k in found if k["kernel"].startswith("conv"))
            self.assertEqual(kernels[winograd]["flops"], flops)
        self.assertEqual(kernels["off"]["products"], flops)
        if "winograd-4x4" in kernels["auto"]["kernel"]:
            self.assertEqual(kernels["auto"]["products"], flops / 4)

    def test_profile_fits_its_columns(self):
        name = "/features/features.5/features.5.3/attention/projection/" * 3 + "Conv"
        self.write("conv.onnx", self.conv(64, 32, name))
        for columns in (80, 120):
            run = subprocess.run([CAMEO, "bench", "conv.onnx", *self.PROFILE], cwd=self.dir, capture_output=True, text=True,
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
        self.cameo("bench", "conv.onnx", "--report", "p.html", status=2)  # of no profile
        self.cameo("bench", "conv.onnx", *self.PROFILE, "--report", "none/p.html", status=2)

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
        self.assertEqual(report["flops"], 2 * 6 * 4 * 5)
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
        report = json.loads(self.cameo("bench", "add.onnx", "--json", *flags).stdout)
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
        report = json.loads(self.cameo("bench", "kinds.onnx", *flags).stdout)
        [profile] = report["profiles"]
        kernels = json.loads(self.cameo("explain", "kinds.onnx", "--json").stdout)["kernels"]["list"]
        self.assertEqual([k["kernel"] for k in profile["kernels"]], [k["kernel"] for k in kernels])
        self.assertIn("call (non_zero)", [k["kernel"] for k in kernels])
        self.assertNotIn("guard", [k["kernel"] for k in kernels])
        took = {"+".join(k["nodes"]): k["seconds"] > 0 for k in profile["kernels"]}
        self.assertEqual([took[node] for node in ("exponential", "negate", "root", "last")], [True, False, True, True])


if __name__ == "__main__":
    options = command_line()
    CAMEO = options.cameo
    unittest.main(argv=options.rest)
