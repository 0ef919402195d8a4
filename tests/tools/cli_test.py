#!/usr/bin/env python3
"""The contract of the command line (docs/cli.md): exit statuses, messages, files whole or not at all,
several models at once. Runs the program; needs nothing but Python.

  cli_test.py --cameo build/bin/cameo [unittest arguments]
"""
import json, os, re, resource, struct, subprocess, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

CAMEO = ""
COMMON = ("--quiet", "--verbose", "--color")
COMMANDS = ("compile", "bundle", "run", "compare", "bench", "explain", "inspect", "opt", "verify", "targets", "completion", "man", "debug", "debug bisect", "debug reduce")

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
                self.assertRegex(line, r"^((error|note): |\[\d/\d\] |\d of \d |compiled for ).")
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
        for flag in COMMON:
            self.assertIn(flag, shared)
        for command in COMMANDS:
            flags = re.findall(r"(?m)^ +(?:-\w,)?(--[\w-]+)", self.cameo(*command.split(), "--help").stdout)
            flags_of.setdefault(command.split()[0], set()).update(set(flags) - {"--help", *COMMON})
        for command, flags in flags_of.items():
            path = os.path.join(docs, command + ".md")
            if not os.path.exists(path):  # then the shared page has it
                self.assertIn("cameo " + command, shared)
                path = os.path.join(docs, "cli.md")
            with open(path) as file:
                page = file.read()
            for flag in sorted(flags):
                self.assertRegex(page + shared, re.escape(flag) + r"\b", "docs/%s.md" % command)
            for flag in set(re.findall(r"`(?:-\w, )?(--[\w-]+)", page) if page != shared else []):
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
        self.assertEqual(self.files("web"), ["add.d.mts", "add.mjs", "add.wasm", "cameo.d.mts", "cameo.mjs"])
        self.assertEqual(self.read("web/add.wasm")[:4], b"\0asm")
        self.cameo("compile", "add.onnx", "--target", "armv7-linux-gnueabihf", "--emit", "so,o,a,ll,asm", "-o", "arm/")
        self.assertEqual(self.read("arm/add.so")[4], 1)  # ELF32

    def test_names_that_people_use(self):
        report = json.loads(self.cameo("targets", "--json").stdout)
        self.assertEqual(report["schema_version"], 1)
        text = self.cameo("targets").stdout
        for entry in report["targets"]:
            for name in (entry["target"], *entry["cpus"], *entry["processors"]):
                self.assertRegex(text, r"(?m)(^| )%s( |$)" % re.escape(name))
        processors = {entry["architecture"]: entry["processors"] for entry in report["targets"]}
        self.assertEqual(processors["aarch64"]["cortex-a76"], "armv8.2-a+fp16+dotprod")
        self.assertIn("raspberrypi4", [board["board"] for board in report["boards"]])
        for flags in (["--target", "arm64", "--cpu", "neoverse-n1"], ["--target", "raspberrypi4"]):
            self.cameo("compile", "add.onnx", *flags, "-o", "board/")
        for flags, meant in ((["--target", "arm64", "--cpu", "neoverze-n1"], "neoverse-n1"), (["--cpu", "haswel"], "haswell"),
                             (["--target", "rasberrypi4"], "raspberrypi4"), (["--target", "arm46"], "arm64")):
            self.assertIn("did you mean '%s'?" % meant, self.cameo("explain", "add.onnx", *flags, status=2).stderr)

    def test_pages(self):
        for target, page in (("aarch64", 16384), ("armv7", 4096), ("x86_64", 4096), ("riscv64", 4096)):
            self.cameo("compile", "add.onnx", "--target", target, "-o", target + "/")
            elf = self.read(target + "/add.so")
            wide = elf[4] == 2  # ELF64
            at, = struct.unpack_from("<Q" if wide else "<I", elf, 32 if wide else 28)
            size, count = struct.unpack_from("<HH", elf, 54 if wide else 42)
            aligned = [struct.unpack_from("<Q" if wide else "<I", elf, at + i * size + (48 if wide else 28))[0]
                       for i in range(count) if struct.unpack_from("<I", elf, at + i * size)[0] == 1]  # PT_LOAD
            self.assertEqual(aligned, [page] * 4, target)

    def test_what_a_target_lacks(self):
        self.assertIn("wasm", self.cameo("compile", "add.onnx", "--target", "wasm32", "--emit", "so", status=2).stderr)
        self.assertIn("wasm32", self.cameo("compile", "add.onnx", "--emit", "wasm", status=2).stderr)
        for flags in (["--target", "sparc"], ["--target", "wasm32", "--cpu", "x86-64-v3"],
                      ["--target", "riscv64-linux-gnu", "--cpu", "native"]):
            self.cameo("compile", "add.onnx", *flags, status=2)

    def test_foreign_code_is_inspected(self):
        own = None
        for target, file in (("x86_64", "add.so"), ("aarch64", "add.so"), ("armv7", "add.so"), ("riscv64", "add.so"), ("wasm32", "add.wasm")):
            self.cameo("compile", "add.onnx", "--target", target, "--dim", "batch=4", "-o", target + "/")
            said = json.loads(self.cameo("inspect", f"{target}/{file}", "--json").stdout)
            self.assertIn(target[:4], said["metadata"]["cameo"]["target"])
            self.assertEqual("workspace_bytes" in said, target == "x86_64")
            ports = said["inputs"], said["outputs"], said["weight_bytes"], said["entry"]
            own = own or ports
            self.assertEqual(ports, own)
            self.assertEqual(self.cameo("explain", f"{target}/{file}").stdout, self.cameo("inspect", f"{target}/{file}").stdout)
        damaged = bytearray(self.read("riscv64/add.so"))
        damaged[len(damaged) // 2] ^= 1
        self.write("riscv64/add.so", bytes(damaged))
        self.assertIn("is damaged", self.cameo("inspect", "riscv64/add.so", status=2).stderr)

    def test_names_of_sizes(self):
        """What the file calls sizes of outputs, and else the output and its axis."""
        nodes = [onnx.node("NonZero", ["x"], ["all"]), onnx.node("Concat", ["x", "x"], ["twice"], axis=0), onnx.node("NonZero", ["twice"], ["some"])]
        outputs = [onnx.value_info("all", [1, "k found"], onnx.INT64), onnx.value_info("some", [1, ""], onnx.INT64), onnx.value_info("twice", ["m"])]
        self.write("sizes.onnx", onnx.model(nodes, [onnx.value_info("x", ["n"])], outputs))
        self.cameo("compile", "sizes.onnx")
        types = [port["type"] for port in json.loads(self.cameo("inspect", "sizes.so", "--json").stdout)["outputs"]]
        self.assertEqual(types, ["i64[1,k_found]", "i64[1,some_1]", "f32[m]"])
        self.assertIn("i64[1, k_found]", self.read("sizes.h").decode())
        self.assertRegex(self.cameo("explain", "sizes.onnx").stdout, r"(?m)^output  all +i64\[1,k_found\]$")

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

    def test_deps(self):
        self.write("a b.onnx", onnx.model([onnx.node("Add", ["x", "w"], ["y"])], [onnx.value_info("x", [3])], [onnx.value_info("y", [3])],
                                          [onnx.external_tensor("w", [3], "$w#.bin", 0, 12)]))
        self.write("$w#.bin", bytes(12))
        self.cameo("compile", "a b.onnx", "--emit", "so,deps", "-o", "out/net.so")
        self.assertEqual(self.files("out"), ["net.d", "net.so"])
        self.assertEqual(self.read("out/net.d").decode(), "out/net.so: \\\n  a\\ b.onnx \\\n  ./$$w\\#.bin\n")

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
            self.assertIn("[%d/3]" % k, run.stderr)
        self.assertIn("1 of 3 models compiled; failed: broken.onnx (bad input), unsupported.onnx (unsupported)",
                      run.stderr)

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

    def test_library_says_how_it_was_made(self):
        """Its precision is what it is judged by, its sizes those of the inputs, unless the command line has others."""
        flags = ["--precision", "bf16", "--cpu", "x86-64-v4+bf16", "--target", "x86_64-linux-gnu", "--dim", "batch=4"]
        self.cameo("compile", "add.onnx", "--emit", "a", *flags)
        self.assertIn(b'"precision":"bf16"', self.read("add.a"))
        self.cameo("compile", "add.onnx", "--dim", "batch=4", "--optimize", "size", "--winograd", "off")
        report = json.loads(self.cameo("inspect", "add.so", "--json").stdout)
        made = report["metadata"]["cameo"]
        self.assertEqual([made[key] for key in ("precision", "winograd", "optimize", "dims", "shapes", "tuned")],
                         ["fp32", "off", "size", ["batch=4"], [], False])
        self.assertIn("cameo %s " % made["version"], self.cameo("--version").stdout)
        self.assertEqual(report["inputs"], [{"name": "x", "type": "f32[4,3]"}])
        compared = json.loads(self.cameo("compare", "add.onnx", "add.so", "--json", "--samples", "1").stdout)
        self.assertEqual(compared["outputs"][0]["elements"], 12)
        self.assertIn("expected dim 0 to be 4, got 5",
                      self.cameo("compare", "add.onnx", "add.so", "--dim", "batch=5", status=1).stdout)
        self.assertRegex(self.cameo("inspect", "add.so").stdout, r"(?m)^output  y +f32\[4,3\]$")
        self.cameo("inspect", "add.onnx", status=2)

    ONE = ["--samples", "1", "--dim", "batch=2"]

    def against(self, path, *flags, status=0):
        report = json.loads(self.cameo("compare", "add.onnx", "-i", "x.npy", "--against", path, "--json", *flags,
                                       status=status).stdout)
        self.assertEqual((report["schema_version"], report["reference"]), (1, path))
        return [(entry["name"], entry["verdict"]) for entry in report["outputs"] + report.get("layers", [])]

    def test_against_files(self):
        self.cameo("compare", "add.onnx", *self.ONE, "--save", "saved")
        self.assertEqual(self.files("saved"), ["expected_0.npz", "got_0.npz", "inputs_0.npz"])
        self.cameo("compare", "add.onnx", "-i", "saved/inputs_0.npz", "--against", "saved/expected_0.npz")
        self.cameo("run", "add.onnx", "-i", "x.npy", "-o", "out")
        self.assertEqual(self.against("out"), [("y", "PASS")])
        self.cameo("run", "add.onnx", "-i", "x.npy", "--dump", "all", "inner")
        self.assertEqual(self.files("inner"), ["0_s.npy", "1_y.npy"])
        self.assertEqual(self.against("inner", "--layers"), [("y", "PASS"), ("s", "PASS")])
        self.write("inner/0_s.npy", onnx.npy([2, 3], [2, 4, 6, -3, -3, -4]))  # y is right, s is not
        self.assertEqual(self.against("inner", "--layers"), [("y", "PASS"), ("s", "FAIL")])
        self.assertIn("first value that differs: 's' of node add1 (Add)",
                      self.cameo("compare", "add.onnx", "-i", "x.npy", "--against", "inner", "--layers").stdout)
        self.write("inner/output_0_y.npy", self.read("inner/1_y.npy"))
        self.cameo("compare", "add.onnx", "-i", "x.npy", "--against", "inner", status=2)  # twice

    def test_against_wrong_files(self):
        self.cameo("compare", "add.onnx", *self.ONE, "--save", "saved")
        for against in (["saved/expected_0.npz"], ["none.npz"], ["saved", "-i", "x.npy"], ["x.npy", "-i", "x.npy"],
                        ["saved/inputs_0.npz", "-i", "x.npy"]):
            self.cameo("compare", "add.onnx", "--against", *against, status=2)

    def test_thresholds_of_export(self):
        def verdict(difference, *flags, status=0):
            self.write("want/y.npy", onnx.npy([2, 3], [2 + difference, 4, 6, 0, 0, 0]))
            [(name, verdict)] = self.against("want", *flags, status=status)
            return verdict
        export = ["--thresholds", "export"]
        scale = 6  # what differences are relative to
        self.assertEqual(verdict(5.3e-5 * scale), "PASS")
        self.assertEqual(verdict(5.3e-6 * scale, *export), "PASS")
        self.assertEqual(verdict(5.3e-5 * scale, *export), "WARN")
        self.assertEqual(verdict(5.3e-5 * scale, *export, "--strict", status=1), "WARN")
        self.assertEqual(verdict(5.3e-4 * scale, *export, status=1), "FAIL")

    def test_dump_of_a_node(self):
        self.cameo("run", "add.onnx", "-i", "x.npy", "--dump", "relu1", "inner", "-o", "out")
        self.assertEqual((self.files("inner"), self.files("out")), (["1_y.npy"], ["output_0_y.npy"]))
        self.assertEqual(self.read("inner/1_y.npy"), self.read("out/output_0_y.npy"))
        self.cameo("compile", "add.onnx")
        for program, node in (("add.onnx", "nosuch"), ("add.so", "all")):
            self.cameo("run", program, "-i", "x.npy", "--dump", node, "none", status=2)
        self.assertNotIn("none", self.files())

    def test_layers(self):
        self.assertIn("no difference in 1 intermediate value", self.cameo("compare", "add.onnx", "--layers").stdout)

    def test_data(self):
        self.write("data/input_0.pb", onnx.message(onnx.tensor("x", [1, 3], [1, 1, 1])))
        self.assertIn("PASS on 1 sample against the reference interpreter\n", self.cameo("compare", "add.onnx", "--data", "data").stdout)

    def test_outputs_of_data(self):
        two = onnx.model([onnx.node("Add", ["x", "w"], ["s"]), onnx.node("Neg", ["x"], ["n"])],
                         [onnx.value_info("x", [3])], [onnx.value_info("s", [3]), onnx.value_info("n", [3])],
                         [onnx.tensor("w", [3], [1, 2, 3])])
        self.write("two.onnx", two)
        self.write("data/input_0.pb", onnx.message(onnx.tensor("x", [3], [1, 1, 1])))

        def compare(status=0):
            text = self.cameo("compare", "two.onnx", "--data", "data", status=status).stdout
            report = json.loads(self.cameo("compare", "two.onnx", "--data", "data", "--json", status=status).stdout)
            self.assertIn(report["verdict"] + " on 1 sample against", text)
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


if __name__ == "__main__":
    options = command_line()
    CAMEO = options.cameo
    unittest.main(argv=options.rest)
