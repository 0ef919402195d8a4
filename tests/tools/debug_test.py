#!/usr/bin/env python3
"""`cameo debug`: the pass that changes numbers, the nodes that a failure needs, and what an internal error
leaves behind. Runs the program; needs nothing but Python.

  debug_test.py --cameo build/bin/cameo [--sanitized] [unittest arguments]
"""
import os, random, re, resource, signal, subprocess, sys, time, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

CAMEO, SANITIZED = "", False


def chain(length, odd):
    """Additions and products one after the other; the node `odd` is of an operator that nobody knows."""
    nodes, last = [], "x"
    for i in range(length):
        name = "v%d" % i
        if i == odd:
            nodes.append(onnx.node("NoSuchOp", [last], [name], "odd", "example.org"))
        else:
            nodes.append(onnx.node(("Add", "Mul")[i % 2], [last, "w%d" % (i % 4)], [name], "n%d" % i))
        last = name
    return onnx.model(nodes, [onnx.value_info("x", ["n", 8])], [onnx.value_info(last, ["n", 8])],
                      [onnx.tensor("w%d" % i, [8], range(8)) for i in range(4)])


def cancelling():
    """A convolution of integers, which a direct one computes exactly and Winograd's algorithm does not, and
    a difference that leaves what it rounds."""
    numbers = random.Random(1)
    weights = [numbers.randint(-1, 1) for _ in range(32 * 32 * 9)]
    for channel in range(32):
        weights[channel * 32 * 9 + 4] = 2**22
    nodes = [onnx.node("Mul", ["x", "mask"], ["m"], "mul"), onnx.node("Floor", ["m"], ["f"], "floor"),
             onnx.node("Add", ["f", "base"], ["a"], "add"),
             onnx.node("Conv", ["a", "w"], ["c"], "conv", pads=(1, 1, 1, 1)),
             onnx.node("Sub", ["c", "large"], ["s"], "sub"), onnx.node("Tanh", ["s"], ["y"], "tanh")]
    constants = [onnx.tensor("mask", [1, 32, 1, 1], [0] + [2] * 31), onnx.tensor("base", [1, 32, 1, 1], [1] + [0] * 31),
                 onnx.tensor("w", [32, 32, 3, 3], weights), onnx.tensor("large", [], [2**22])]
    return onnx.model(nodes, [onnx.value_info("x", [1, 32, 24, 24])], [onnx.value_info("y", [1, 32, 24, 24])], constants)


def running_in(group):
    """Processes of a process group that have not ended."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open("/proc/%s/stat" % entry) as file:
                state, _, its_group = file.read().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            found.append(entry)
    return found


CPU = ("--cpu", "x86-64-v3", "--samples", "1")


class Case(FolderCase):
    def run_cameo(self, *args, status=0, **options):
        run = subprocess.run([CAMEO, *args], cwd=self.dir, capture_output=True, text=True, timeout=300, **options)
        self.assertEqual(run.returncode, status, " ".join(args) + "\n" + run.stdout + run.stderr)
        if status >= 2:
            self.assertRegex(run.stderr, r"(?m)^error: ")
        return run

    def files(self, folder="."):
        return sorted(os.listdir(self.path(folder)))


class Bisect(Case):
    def test_no_pass(self):
        self.write("chain.onnx", chain(6, None))
        self.assertIn("\nno pass changes the numbers\n", self.run_cameo("debug", "bisect", "chain.onnx").stdout)

    def test_a_pass(self):
        self.write("m.onnx", cancelling())
        said = self.run_cameo("debug", "bisect", "m.onnx", *CPU, status=1).stdout
        number, count = re.search(r"(?m)^pass (\d+) of (\d+), choose-algorithms \(phase \w+\), changes", said).groups()
        command = said.splitlines()[-1].split()
        self.assertEqual(command, ["cameo", "compare", "m.onnx", *CPU, "--bisect-limit", number])
        self.run_cameo(*command[1:], status=1)
        self.run_cameo(*command[1:-1], str(int(number) - 1))
        self.assertLessEqual(said.count("optional passes: "), 2 + int(count).bit_length())

    def test_none_of_the_optional_passes(self):
        # The file says something else than the model.
        self.write("chain.onnx", chain(2, None))
        self.write("data/input_0.pb", onnx.message(onnx.tensor("x", [1, 8], [1] * 8)))
        self.write("data/output_0.pb", onnx.message(onnx.tensor("v1", [1, 8], [77] * 8)))
        said = self.run_cameo("debug", "bisect", "chain.onnx", "--data", "data", status=1).stdout
        self.assertIn("no optional pass is the reason", said)

    def test_nothing_to_compare(self):
        self.write("odd.onnx", chain(4, 2))
        self.assertIn("NoSuchOp", self.run_cameo("debug", "bisect", "odd.onnx", status=3).stderr)
        self.assertIn("none.onnx", self.run_cameo("debug", "bisect", "none.onnx", status=2).stderr)
        self.assertIn("--fast", self.run_cameo("debug", "bisect", "odd.onnx", "--fast", status=2).stderr)
        self.run_cameo("debug", "bisect", status=2)
        self.run_cameo("debug", status=2)


class Reduce(Case):
    def reduce(self, model, fails, *flags, status=0):
        command = fails.replace("cameo", "'%s'" % CAMEO, 1)
        return self.run_cameo("debug", "reduce", model, "--fails", command, *flags, status=status)

    def nodes(self, model):
        """Names of the nodes as IR has them."""
        return re.findall(r"loc\(\"(\w+)\"\)", self.run_cameo("opt", model).stdout)

    def test_a_node_that_is_refused(self):
        for odd in (0, 17, 30):
            self.write("odd.onnx", chain(31, odd))
            said = self.reduce("odd.onnx", "cameo compile {} -o out/", "--status", "3").stdout
            self.assertRegex(said, r"^odd.reduced.onnx: 1 of 31 nodes, after \d+ tries\n$")
            error = self.run_cameo("compile", "odd.reduced.onnx", status=3).stderr
            self.assertIn("node 'odd' (NoSuchOp", error)
            os.remove(self.path("odd.reduced.onnx"))

    def test_by_message(self):
        # The model fails for two reasons; only the second is wanted.
        nodes = [onnx.node("NoSuchOp", ["x"], ["a"], "first", "example.org"),
                 onnx.node("Relu", ["x"], ["b"], "relu"), onnx.node("NoSuchOp", ["b"], ["c"], "second", "example.org")]
        self.write("two.onnx", onnx.model(nodes, [onnx.value_info("x", [3])],
                                          [onnx.value_info("a", [3]), onnx.value_info("c", [3])]))
        self.reduce("two.onnx", "cameo compile {}", "--message", "'second'", "-o", "deep.onnx")
        error = self.run_cameo("compile", "deep.onnx", status=3).stderr
        self.assertIn("'second'", error)
        self.assertNotIn("'first'", error)

    def test_wrong_numbers(self):
        self.write("m.onnx", cancelling())
        self.reduce("m.onnx", "cameo compare {} " + " ".join(CPU), "--status", "1")
        self.run_cameo("compare", "m.reduced.onnx", *CPU, status=1)
        kept = self.nodes("m.reduced.onnx")
        self.assertIn("conv", kept)
        self.assertLess(len(kept), 6)

    def test_what_else_is_dropped(self):
        # An output, a branch's node outside that it reads, weights in another file, an initialiser's elements.
        branch = onnx.graph([onnx.node("Add", ["s", "w"], ["b"], "inside")], [], [onnx.value_info("b", [4, 6])])
        other = onnx.graph([onnx.node("Neg", ["s"], ["b"], "negated")], [], [onnx.value_info("b", [4, 6])])
        nodes = [onnx.node("Relu", ["x"], ["s"], "relu"),
                 onnx.node("Greater", ["k", "zero"], ["yes"], "test"),
                 onnx.node("If", ["yes"], ["y"], "choice", then_branch=branch, else_branch=other),
                 onnx.node("Split", ["y"], ["p", "q"], "halves", axis=0, num_outputs=2),
                 onnx.node("Exp", ["x"], ["z"], "exp")]
        self.write("weights.bin", bytes(6 * 4))
        self.write("m.onnx", onnx.model(
            nodes, [onnx.value_info("x", [4, 6]), onnx.value_info("k", [])],
            [onnx.value_info("p", [2, 6]), onnx.value_info("q", [2, 6]), onnx.value_info("z", [4, 6])],
            [onnx.external_tensor("w", [6], "weights.bin", 0, 24), onnx.tensor("zero", [], [3])]))
        failing = "if cameo opt {} | grep -q inside; then exit 7; fi"
        self.reduce("m.onnx", failing, "--status", "7", "-o", "small.onnx")
        text = self.run_cameo("opt", "small.onnx").stdout
        self.assertIn("If(", text)
        for gone in ("Relu", "Greater", "Split", "Exp"):
            self.assertNotIn(gone, text)
        # What is left is whole: it compiles and computes.
        self.run_cameo("compare", "small.onnx")

    def test_functions_that_are_called_stay(self):
        def function(name, *nodes):
            return [(1, name), (4, "a"), (5, "b"), *[(7, node) for node in nodes], (9, [(1, ""), (2, 20)]),
                    (9, [(1, "local"), (2, 1)]), (10, "local")]
        functions = [function("Outer", onnx.node("Neg", ["a"], ["c"], "neg"), onnx.node("Inner", ["c"], ["b"], "", "local")),
                     function("Inner", onnx.node("NoSuchOp", ["a"], ["b"], "odd", "example.org")),
                     function("Idle", onnx.node("Abs", ["a"], ["b"], "abs"))]
        nodes = [onnx.node("Relu", ["x"], ["r"]), onnx.node("Outer", ["r"], ["s"], "calls", "local"),
                 onnx.node("Idle", ["s"], ["y"], "", "local")]
        self.write("m.onnx", onnx.model(nodes, [onnx.value_info("x", [3])], [onnx.value_info("y", [3])])
                   + onnx.message([(8, [(1, "local"), (2, 1)])] + [(25, function) for function in functions]))
        said = self.reduce("m.onnx", "cameo compile {}", "--message", "NoSuchOp").stdout
        self.assertIn(": 1 of 3 nodes", said)
        with open(self.path("m.reduced.onnx"), "rb") as file:
            text = file.read()
        self.assertIn(b"Inner", text)
        self.assertNotIn(b"Idle", text)

    def test_limits_and_misuse(self):
        self.write("odd.onnx", chain(31, 17))
        said = self.reduce("odd.onnx", "cameo compile {}", "--tries", "3").stdout
        self.assertIn("after 3 tries, the most that --tries allows", said)
        self.run_cameo("compile", "odd.reduced.onnx", status=3)
        before = self.files()
        self.assertIn("does not fail", self.reduce("odd.onnx", "cameo compile {}", "--status", "4", status=2).stderr)
        self.assertIn("{}", self.reduce("odd.onnx", "cameo compile x.onnx", status=2).stderr)
        self.assertIn("would replace", self.reduce("odd.onnx", "cameo compile {}", "-o", "odd.onnx", status=2).stderr)
        self.reduce("none.onnx", "cameo compile {}", status=2)
        self.assertEqual(self.files(), before)

    def test_interrupted(self):
        self.write("odd.onnx", chain(31, 17))
        os.mkdir(self.path("tmp"))
        run = subprocess.Popen([CAMEO, "debug", "reduce", "odd.onnx", "--fails", "echo $$ >pid; sleep 100; false {}"],
                               cwd=self.dir, env={**os.environ, "TMPDIR": self.path("tmp")})
        while not os.path.exists(self.path("pid")) or not os.path.getsize(self.path("pid")):
            time.sleep(0.01)
        with open(self.path("pid")) as file:
            group = int(file.read())
        run.terminate()
        self.assertEqual(run.wait(timeout=60), -signal.SIGTERM)
        self.assertEqual(self.files("tmp"), [])
        deadline = time.monotonic() + 30
        while running_in(group) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(running_in(group), [])  # nor does `sleep` go on

    def test_same_result_every_time(self):
        self.write("odd.onnx", chain(31, 17))
        results = []
        for _ in range(2):
            self.reduce("odd.onnx", "cameo compile {}")
            with open(self.path("odd.reduced.onnx"), "rb") as file:
                results.append(file.read())
        self.assertEqual(results[0], results[1])


class InternalErrors(Case):
    def test_report(self):
        if SANITIZED:
            self.skipTest("sanitizers need more stack themselves")
        self.write("chain.onnx", chain(6, None))
        os.mkdir(self.path("tmp"))
        before = self.files()

        def small_stack():
            resource.setrlimit(resource.RLIMIT_STACK, (64 << 10, 64 << 10))
        options = {"preexec_fn": small_stack, "env": {**os.environ, "TMPDIR": self.path("tmp")}}
        said = self.run_cameo("compile", "chain.onnx", status=4, **options).stderr
        folder = re.search(r"(?m)^note: '(.*)' has .*the message and the command: ", said).group(1)
        self.assertEqual(self.files("tmp"), [os.path.basename(folder)])
        self.assertLessEqual({"message.txt", "repeat.sh"}, set(self.files(folder)))
        with open(os.path.join(folder, "message.txt")) as file:
            self.assertIn("internal error", file.read())
        self.assertEqual(self.files(), before)
        again = subprocess.run(["sh", os.path.join(folder, "repeat.sh")], capture_output=True, **options)
        self.assertEqual(again.returncode, 4)


if __name__ == "__main__":
    options = command_line(sanitized=False)
    CAMEO, SANITIZED = options.cameo, options.sanitized
    unittest.main(argv=options.rest)
