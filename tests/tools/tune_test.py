#!/usr/bin/env python3
"""What `--tune` does (docs/compile.md): plans are found, kept in a text file, and reused without timing;
files that are damaged or do not fit never lead to wrong code. Nothing is asserted of times.

  tune_test.py --cameo build/bin/cameo [unittest arguments]
"""
import os, random, re, subprocess, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

CAMEO = ""
FOUND = ""  # what tuning once has found for the net


def net():
    """A convolution that Winograd's algorithm can compute, a depthwise one and a product."""
    rng = random.Random(1)
    def weights(name, *shape):
        count = 1
        for extent in shape:
            count *= extent
        return onnx.tensor(name, shape, [rng.uniform(-1, 1) for _ in range(count)])
    return onnx.model([onnx.node("Conv", ["x", "w1"], ["a"], "conv", pads=(1, 1, 1, 1)), onnx.node("Relu", ["a"], ["b"], "relu"),
                       onnx.node("Conv", ["b", "w2"], ["c"], "depthwise", pads=(1, 1, 1, 1), group=32),
                       onnx.node("Flatten", ["c"], ["d"], "flatten"), onnx.node("MatMul", ["d", "w3"], ["y"], "product")],
                      [onnx.value_info("x", [1, 16, 16, 16])], [onnx.value_info("y", [1, 24])],
                      [weights("w1", 32, 16, 3, 3), weights("w2", 32, 1, 3, 3), weights("w3", 32 * 16 * 16, 24)])


class Tune(FolderCase):
    def setUp(self):
        super().setUp()
        self.write("net.onnx", net())

    def cameo(self, *args, status=0):
        run = subprocess.run([CAMEO, *args], cwd=self.dir, capture_output=True, text=True, timeout=300)
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        return run

    def tune(self, *flags):
        return self.cameo("compile", "net.onnx", "--tune", "--tune-cache", "plans.txt", *flags).stderr

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def rounds(self, text):
        return int(re.search(r"(?m)^tuned in (\d+) rounds?: ", text).group(1))

    def plans(self, kernel="", plan=""):
        """A file of plans found before, those of some kernels replaced."""
        global FOUND
        if not FOUND:
            self.assertGreater(self.rounds(self.tune("--tune-seconds", "1000")), 0)
            FOUND = self.read("plans.txt").decode()
        lines = [line.split(" = {")[0] + " = " + plan if plan and " = {" in line and line.startswith(kernel) else line
                 for line in FOUND.splitlines()]
        self.write("plans.txt", "\n".join(lines) + "\n")

    def test_a_tile_that_spills_is_planned_again(self):
        self.write("product.onnx", onnx.model([onnx.node("MatMul", ["a", "b"], ["y"], "product")],
                                              [onnx.value_info("a", [28, 64]), onnx.value_info("b", [64, 16])],
                                              [onnx.value_info("y", [28, 16])]))
        compile = ("-v", "compile", "product.onnx", "--cpu", "x86-64-v3", "--tune-cache", "plans.txt")
        self.cameo(*compile, "--tune", "--tune-seconds", "1000")
        plans = self.read("plans.txt").decode()
        # 28 vectors of sums, of 16 registers.
        plan = "{tile_rows = 14, tile_panels = 1, unit_tiles = 2, lanes = 8}"
        self.write("plans.txt", re.sub(r"(?m)^(gemm .*) = \{.*$", lambda line: line[1] + " = " + plan, plans))
        said = self.cameo(*compile, "--emit", "asm", "-o", "product.s").stderr
        self.assertRegex(said, r"'fn\.tile_14x16_1\.product' spills, \d+ vectors in its loops")
        self.assertNotIn("tile_14x16", self.read("product.s").decode())
        self.assertIn("fn.tile_", self.read("product.s").decode())
        self.cameo(*compile)
        self.cameo("compare", "product.onnx", "product.so")

    def test_found_plans_are_right_and_kept(self):
        self.plans()
        self.assertTrue(FOUND.startswith("cameo plans 1\n\ncpu "))
        kernels = [line.split(" = {")[0] for line in FOUND.splitlines() if " = {" in line]
        for kind in ("algorithm ", "conv depthwise ", "gemm "):
            self.assertTrue(any(kernel.startswith(kind) for kernel in kernels), kernels)
        # What is known is not timed again, and gives the same library.
        self.assertEqual(self.rounds(self.tune()), 0)
        self.cameo("compare", "net.onnx", "net.so")
        self.assertEqual(self.read("plans.txt").decode(), FOUND)
        first = self.read("net.so")
        self.cameo("compile", "net.onnx", "--tune-cache", "plans.txt")
        self.assertEqual(self.read("net.so"), first)

    def test_what_there_was_no_time_for_is_not_kept(self):
        self.assertEqual(self.rounds(self.tune("--tune-seconds", "0")), 0)
        self.assertNotIn("gemm", self.read("plans.txt").decode())

    def test_other_plans_are_used(self):
        self.cameo("compile", "net.onnx")
        planned = self.read("net.so")
        for kernel, plan in (("gemm ", '{tile_rows = 1, tile_panels = 1, outer = "panels", unit_tiles = 1, lanes = 4}'),
                             ("algorithm ", '{algorithm = "winograd-2x2"}'), ("algorithm ", '{algorithm = "direct"}')):
            # Only the first convolution has algorithms to choose from.
            name = "algorithm f32<1, 16, 16, 16>" if kernel == "algorithm " else kernel
            self.plans("", "{}")
            text = self.read("plans.txt").decode()
            self.assertIn("\n" + name, text)
            self.write("plans.txt", re.sub(r"(?m)^(%s.*) = .*$" % re.escape(name), lambda m: m.group(1) + " = " + plan, text))
            self.cameo("compile", "net.onnx", "--tune-cache", "plans.txt")
            self.cameo("compare", "net.onnx", "net.so")
            if "direct" not in plan:
                self.assertNotEqual(self.read("net.so"), planned, plan)

    def test_plans_that_do_not_fit_are_errors(self):
        for kernel, plan, message in (
                ("gemm ", "{tile_rows = 1000000, tile_panels = 1, unit_tiles = 1, lanes = 4}", "does not fit"),
                ("gemm ", "{kernel = [1]}", "no attribute of a plan"), ("gemm ", "{lanes = 3}", "does not fit"),
                ("conv depthwise ", '{outer = "inside"}', "does not fit"),
                ("algorithm ", '{algorithm = "magic"}', "expected an algorithm"), ("gemm ", "{lanes =}", "plans.txt', line "),
                ("gemm ", "{lanes = 4} more", "plans.txt', line "), ("gemm ", "none", "plans.txt', line ")):
            self.plans(kernel, plan)
            run = self.cameo("compile", "net.onnx", "--tune-cache", "plans.txt", status=2)
            self.assertIn(message, run.stderr)
        for text in ("", "cameo plans 99\n", "\x00\xff", "cameo plans 1\ngemm = {}\n"):
            self.write("plans.txt", text)
            self.assertIn("plans.txt", self.cameo("compile", "net.onnx", "--tune-cache", "plans.txt", status=2).stderr)
        self.cameo("compile", "net.onnx", "--tune-cache", "nosuch.txt", status=2)

    def test_plans_for_another_processor_are_left_alone(self):
        self.plans()
        self.write("plans.txt", re.sub("(?m)^cpu .*$", "cpu another", self.read("plans.txt").decode()))
        run = self.cameo("compile", "net.onnx", "--tune-cache", "plans.txt")
        self.assertRegex(run.stderr, "note: 'plans.txt' has no plans for ")
        self.tune("--tune-seconds", "0")
        self.assertIn("\ncpu another\n", self.read("plans.txt").decode())

    def test_bench_tunes_too(self):
        flags = ["--rounds", "1", "--seconds", "0", "--no-reference", "--tune-seconds", "0"]
        self.assertIn("tuned in 0 rounds", self.cameo("bench", "net.onnx", "--tune", *flags).stderr)
        self.assertTrue(self.cameo("bench", "net.onnx", "--tune", "--json", *flags).stdout.startswith("{"))

    def test_other_machines_cannot_be_tuned_for(self):
        run = self.cameo("compile", "net.onnx", "--tune", "--target", "wasm32", status=2)
        self.assertIn("cannot be run here", run.stderr)


if __name__ == "__main__":
    options = command_line()
    CAMEO = options.cameo
    unittest.main(argv=options.rest)
