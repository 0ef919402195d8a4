#!/usr/bin/env python3
"""What the program reads and writes besides models: odd names and kinds of files, streams that are closed or
full, limits of the system, programs that were killed. Each gets one sentence and status 2, or works.

  files_test.py --cameo build/bin/cameo [unittest arguments]
"""
import fcntl, os, resource, shutil, signal, stat, subprocess, sys, time, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

CAMEO, SANITIZED = "", False


def add_model(size=3):
    return onnx.model([onnx.node("Add", ["x", "w"], ["y"], "add")], [onnx.value_info("x", [size])],
                      [onnx.value_info("y", [size])], [onnx.tensor("w", [size], [1] * size)])


class Case(FolderCase):
    def setUp(self):
        super().setUp()
        self.write("add.onnx", add_model())
        self.write("large.onnx", add_model(100000))
        self.write("x.npy", onnx.npy([3], [1, 2, 3]))
        self.write("xlarge.npy", onnx.npy([100000], [1] * 100000))

    def files(self, folder="."):
        return sorted(os.listdir(self.path(folder)))

    def cameo(self, *args, status=0, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        run = subprocess.run([CAMEO, *args], cwd=self.dir, text=True, timeout=120, **options)
        self.assertEqual(run.returncode, status, (args, run.stdout, run.stderr))
        if status >= 2 and run.stderr is not None:
            self.assertRegex(run.stderr, r"(?m)^error: ")
            self.assertNotIn("bug in cameo", run.stderr)
            self.assertNotIn("internal error", run.stderr)
        return run


# A command of each kind that prints something.
PRINTING = (["explain", "add.onnx"], ["explain", "add.onnx", "--json"], ["run", "add.onnx", "--input", "x.npy"],
            ["compile", "add.onnx", "--emit", "asm", "-o", "-"], ["compile", "add.onnx", "--emit", "so", "-o", "-"], ["compare", "add.onnx", "--samples", "1"],
            ["bench", "add.onnx", "--rounds", "1", "--seconds", "0"], ["opt", "add.onnx"], ["opt", "--list"],
            ["targets"], ["targets", "--json"], ["--help"], ["--version"], ["compile", "--help"], ["help", "run"])


class Streams(Case):
    def test_full(self):
        for command in PRINTING:
            with open("/dev/full", "w") as full:
                run = self.cameo(*command, status=2, stdout=full)
            self.assertIn("cannot write to standard output: No space left on device", run.stderr)

    def test_closed(self):
        for command in PRINTING:
            run = self.cameo(*command, status=2, stdout=None, preexec_fn=lambda: os.close(1))
            self.assertIn("cannot write to standard output", run.stderr)

    def test_files_do_not_take_the_place_of_closed_streams(self):
        # Else what is printed would be written into the library.
        closed = lambda: [os.close(fd) for fd in (0, 1, 2)]
        self.cameo("compile", "add.onnx", "-o", "out/", stdout=None, stderr=None, preexec_fn=closed)
        self.cameo("run", "out/add.so", "--input", "x.npy")

    def test_stdout_has_results_alone(self):
        for flags in ([], ["--tune", "--tune-seconds", "0"], ["--quiet"], ["--optimize", "size"]):
            run = self.cameo("compile", "add.onnx", "-o", "out/", *flags)
            self.assertEqual(run.stdout, "")
            self.assertEqual(run.stderr == "", "--quiet" in flags, run.stderr)
        self.cameo("run", "out/add.so", "--input", "x.npy", "--quiet")

    def test_nobody_reads(self):
        for command in PRINTING:
            read, write = os.pipe()
            os.close(read)
            self.cameo(*command, stdout=write)
            os.close(write)


class Names(Case):
    NAMES = ("100%", "%d%s%n", "-y", "a b", "quote'\"", "ü", "x" * 240, ".hidden", "a=b", "$(exit 1)", "new\nline", "*?")

    def test_outputs(self):
        for name in self.NAMES:
            for kind in "so", "a", "o":
                self.cameo("compile", "add.onnx", "--output=%s.%s" % (name, kind))
                self.assertIn("%s.%s" % (name, kind), self.files())
            self.assertIn(name + ".h", self.files())
            self.cameo("run", "./%s.so" % name, "--input", "x.npy")
            self.cameo("opt", "add.onnx", "--output=%s.cir" % name)

    def test_folders(self):
        for name in self.NAMES:
            self.cameo("compile", "add.onnx", "--output=%s/" % name)
            self.assertEqual(self.files(name), ["add.h", "add.so", "cameo.h"])
            self.cameo("compile", "add.onnx", "--target", "wasm32", "--output=%s/" % name)
            self.cameo("run", "add.onnx", "--input", "x.npy", "--output-dir=%s/out" % name)
            self.assertEqual(self.files(name + "/out"), ["output_0_y.npy"])

    def test_models(self):
        for name in self.NAMES:
            shutil.copy(self.path("add.onnx"), self.path(name + ".onnx"))
            self.cameo("compile", "./%s.onnx" % name, "-o", "out.so")
            self.cameo("explain", "./%s.onnx" % name)

    def test_too_long(self):
        self.assertIn("File name too long", self.cameo("compile", "add.onnx", "-o", "x" * 260 + ".so", status=2).stderr)
        self.cameo("compile", "x" * 260 + ".onnx", status=2)


class Kinds(Case):
    """Pipes, devices and folders where files are expected: an error at once, and they stay what they are."""

    def setUp(self):
        super().setUp()
        for name in "pipe", "pipe.so", "pipe.h", "pipe.onnx", "pipe.npy", "pipe.npz", "pipe.cir", "pipe.a", "data/input_0.pb":
            os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
            os.mkfifo(self.path(name))

    def test_inputs(self):
        for command in "compile", "explain", "compare", "bench", "opt", "run":
            for name in "pipe.onnx", "/dev/zero", "/dev/full", ".":
                self.cameo(command, name, status=2)
        self.cameo("opt", "pipe.cir", status=2)
        self.cameo("run", "pipe.so", status=2)
        self.cameo("verify", "pipe.so", status=2)
        self.cameo("compare", "add.onnx", "pipe.so", status=2)
        self.cameo("compile", "add.onnx", "--ops", "pipe.a", status=2)
        for value in "pipe.npy", "pipe.npz", "/dev/zero", "/dev/tty", ".":
            self.cameo("run", "add.onnx", "--input", "x=" + value, status=2)
        self.cameo("run", "add.onnx", "--data", "data", status=2)

    def test_outputs(self):
        self.assertIn("pipe", self.cameo("compile", "add.onnx", "-o", "pipe.so", status=2).stderr)
        self.assertTrue(stat.S_ISFIFO(os.stat(self.path("pipe.so")).st_mode))
        # The library and its header are replaced together or not at all.
        os.unlink(self.path("pipe.so"))
        self.write("pipe.so", b"old")
        self.cameo("compile", "add.onnx", "-o", "pipe.so", status=2)
        with open(self.path("pipe.so"), "rb") as file:
            self.assertEqual(file.read(), b"old")
        for target in "pipe", ".", "/dev/null":
            self.cameo("opt", "add.onnx", "-o", target, status=2)
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))
        self.assertEqual([name for name in self.files() if name.startswith(".cameo")], [])

    def test_output_is_the_input(self):
        self.write("model.so", add_model())
        self.assertIn("model.so", self.cameo("compile", "model.so", status=2).stderr)
        with open(self.path("model.so"), "rb") as file:
            self.assertEqual(file.read(), add_model())
        self.cameo("opt", "add.onnx", "-o", "a.cir")
        self.cameo("opt", "a.cir", "-o", "a.cir")


class Limits(Case):
    """What the system does not give is an error of status 2 that names it, and leaves nothing behind."""

    COMMANDS = (["compile", "large.onnx", "-o", "out/"], ["compile", "large.onnx", "--target", "wasm32", "-o", "out/"],
                ["run", "large.onnx", "--input", "xlarge.npy", "--output-dir", "out"],
                ["compare", "add.onnx", "--samples", "1"], ["explain", "add.onnx"], ["opt", "add.onnx", "-o", "a.cir"])

    def limited(self, command, kind, value):
        os.makedirs(self.path("out"), exist_ok=True)
        before = {folder: self.files(folder) for folder in (".", "out")}
        run = subprocess.run([CAMEO, *command], cwd=self.dir, text=True, timeout=120, capture_output=True,
                             env={**os.environ, "TMPDIR": self.dir},
                             preexec_fn=lambda: resource.setrlimit(kind, (value, value)))
        self.assertIn(run.returncode, (0, 2, 127), (command, value, run.stdout, run.stderr))  # 127: no libraries loaded
        if run.returncode == 2:
            self.assertRegex(run.stderr, r"^error: [^\n]*\n$")
            self.assertEqual({folder: self.files(folder) for folder in before}, before)
        for folder in before:
            self.assertEqual([name for name in self.files(folder) if name.startswith(".cameo")], [])
        return run

    def test_descriptors(self):
        if SANITIZED:
            self.skipTest("the sanitizer opens a pipe to look at an object, and takes one that it cannot see for none")
        for command in self.COMMANDS:
            codes = {self.limited(command, resource.RLIMIT_NOFILE, n).returncode for n in range(3, 20)}
            self.assertIn(0, codes)
            self.assertTrue(codes & {2, 127})

    def test_size_of_files(self):
        for command in self.COMMANDS:
            for limit in 0, 100, 5000, 300000:
                self.limited(command, resource.RLIMIT_FSIZE, limit)

    def test_memory(self):
        if SANITIZED:
            self.skipTest("a sanitizer's own memory is beyond the limits")
        # Weights of 16 MB, which compiling packs and the interpreter multiplies.
        self.write("wide.onnx", onnx.model([onnx.node("MatMul", ["x", "w"], ["y"])], [onnx.value_info("x", [1024, 2048])],
                                           [onnx.value_info("y", [1024, 2048])],
                                           [[(1, 2048), (1, 2048), (2, 1), (8, "w"), (9, bytes(2048 * 2048 * 4))]]))
        self.write("wide.npy", onnx.npy([1024, 2048], [0] * (1024 * 2048)))
        for command in (["compile", "wide.onnx", "-o", "out/"], ["compile", "wide.onnx", "--target", "wasm32", "-o", "out/"],
                        ["run", "wide.onnx", "--input", "wide.npy"]):
            # Under the least limits one thread does all, part by part; a few MB more are not enough for several.
            runs = [self.limited(command, resource.RLIMIT_DATA, n << 20) for n in (*range(9, 21), 28)]
            self.assertTrue(any("there is not enough memory" in run.stderr for run in runs), command)

    def test_temporary_folder(self):
        for folder in "/nonexistent", self.path("add.onnx"), "/proc":
            run = self.cameo("compare", "add.onnx", status=2, env={**os.environ, "TMPDIR": folder})
            self.assertRegex(run.stderr, r"^error: [^\n]*\n$")


class Terminal(Case):
    """Names and strings of a model that a terminal would act on."""

    EVIL = "\x1b[31mred\x07\nline\x7f\u009b2J\u202eback\u2066\u061c\ufeff\u2028"
    HIDDEN = "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"

    def models(self):
        """A model for each place a name can be in."""
        evil, value = self.EVIL, onnx.value_info
        quiet = "".join(c for c in evil if c >= " " and c != "\x7f")  # inputs and outputs with control characters are refused
        strings = [(1, 2), (2, 8), (6, evil), (6, "x"), (8, "c")]
        yield onnx.model([onnx.node("Relu", ["x"], ["y"], evil)], [value("x", [3])], [value("y", [3])])
        yield onnx.model([onnx.node("Relu", ["x"], [evil], "a"), onnx.node("Relu", [evil], ["y"])], [value("x", [3])], [value("y", [3])])
        yield onnx.model([onnx.node("Relu", ["x"], ["y"])], [value("x", [evil])], [value("y", [evil])])
        yield onnx.model([onnx.node("Relu", [quiet], [quiet + "y"])], [value(quiet, [3])], [value(quiet + "y", [3])])
        yield onnx.model([onnx.node("Relu", [evil], ["y"])], [value(evil, [3])], [value("y", [3])])
        yield onnx.model([onnx.node("Relu", ["nosuch" + evil], ["y"])], [value("x", [3])], [value("y", [3])])
        yield onnx.model([onnx.node("Identity", ["c"], ["y"])], [], [value("y", [2], 8)], [strings])
        yield onnx.model([onnx.node(evil, ["x"], ["y"], evil, evil)], [value("x", [3])], [value("y", [3])])
        yield onnx.model([onnx.node("MatMul", ["x", "w"], ["y"], evil)], [value("x", [2, 3])], [value("y", [2, 4])],
                         [onnx.tensor("w", [4, 4], [0] * 16)])
        yield onnx.model([onnx.node("Gather", ["w", "i"], ["y"], evil)], [value("i", [1], onnx.INT64)], [value("y", [1])],
                         [onnx.tensor("w", [4], [0] * 4)])
        yield onnx.model([onnx.node("Add", ["x", evil], ["y"], evil)], [value("x", [3])], [value("y", [3])], [onnx.tensor(evil, [3], [1] * 3)])

    def test_output_has_no_control_characters(self):
        self.write("i.npy", onnx.npy([1], [77], onnx.INT64))
        for i, model in enumerate(self.models()):
            self.write("m.onnx", model)
            for command in (["explain", "m.onnx"], ["explain", "m.onnx", "--json"], ["compile", "m.onnx", "--print-after-all"],
                            ["compare", "m.onnx", "--layers", "--samples", "1"], ["compare", "m.onnx", "--json", "--samples", "1"],
                            ["bench", "m.onnx", "--rounds", "1", "--seconds", "0", "--profile"], ["opt", "m.onnx"],
                            ["run", "m.onnx"], ["run", "m.so"], ["run", "m.onnx", "--input", "x.npy"], ["run", "m.onnx", "--input", "i.npy"],
                            ["run", "m.onnx", "--dim", self.EVIL.replace("\x00", "") + "=x"], ["run", "m.so", "--input", "i.npy"],
                            ["run", "m.so", "--input", "x.npy"]):
                run = subprocess.run([CAMEO, *command], cwd=self.dir, capture_output=True, text=True, timeout=60)
                self.assertIn(run.returncode, (0, 2, 3), (i, command, run.stderr))
                self.assertNotRegex(run.stdout + run.stderr, self.HIDDEN, (i, command))
                for line in run.stderr.splitlines():
                    if "--print-after-all" not in command:
                        self.assertRegex(line, "^(error|note|warning): ", (i, command))

    def test_ir_keeps_names(self):
        for model in self.models():
            self.write("m.onnx", model)
            run = subprocess.run([CAMEO, "opt", "m.onnx"], cwd=self.dir, capture_output=True, timeout=60)
            if run.returncode == 0:
                self.write("a.cir", run.stdout)
                self.assertEqual(subprocess.check_output([CAMEO, "opt", "a.cir"], cwd=self.dir), run.stdout)


class Changing(Case):
    """Files that another program shortens or overwrites while they are read: an error or the whole old content."""

    def race(self, change, *command):
        """Runs the command again and again, changing a file at one moment after another of the time it takes."""
        seen = set()
        self.reset()
        start = time.monotonic()
        subprocess.run([CAMEO, *command], cwd=self.dir, stdout=subprocess.DEVNULL, timeout=60, check=True)
        duration = time.monotonic() - start
        for attempt in range(40):
            self.reset()
            run = subprocess.Popen([CAMEO, *command], cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            time.sleep(attempt * duration / 40)
            change()
            out, error = run.communicate(timeout=60)
            self.assertIn(run.returncode, (0, 2), error)
            if run.returncode == 2:
                self.assertRegex(error, r"^error: [^\n]*\n$")
                self.assertNotIn("bug", error)
                seen.add("became shorter" if "became shorter" in error else "changed" if "was changed" in error else "other")
            self.assertEqual([name for name in self.files() if name.startswith(".cameo")], [])
        return seen

    def reset(self):
        size = 1 << 20  # elements: reading 4 MB of weights, twice, takes a while
        nodes = [onnx.node("Add", ["x", "w0"], ["t"]), onnx.node("Add", ["t", "w1"], ["y"])]
        weights = [onnx.external_tensor("w%d" % i, [size], "w.bin", i * size * 4, size * 4) for i in range(2)]
        self.write("m.onnx", onnx.model(nodes, [onnx.value_info("x", [size])], [onnx.value_info("y", [size])], weights))
        self.write("w.bin", bytes(size * 8))

    def test_shortened(self):
        for name in "w.bin", "m.onnx":
            seen = self.race(lambda: os.truncate(self.path(name), 10), "compile", "m.onnx")
        seen |= self.race(lambda: os.truncate(self.path("w.bin"), 10), "compare", "m.onnx", "--samples", "1")
        self.assertTrue(seen & {"became shorter", "changed"}, seen)

    def test_overwritten(self):
        def change():
            with open(self.path("w.bin"), "r+b") as file:
                file.write(b"other")
        self.assertIn("changed", self.race(change, "compile", "m.onnx"))

    def test_replaced(self):
        def change():
            self.write("new", b"short")
            os.rename(self.path("new"), self.path("w.bin"))
        self.assertLessEqual(self.race(change, "compile", "m.onnx"), {"other"})  # not open yet: too short


class Killed(Case):
    def is_locked(self, name):
        folder = os.open(self.path(name), os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(folder)
        return False

    def test_next_run_removes_what_dead_ones_left(self):
        left = lambda: [name for name in self.files() if name.startswith(".cameo-")]
        for _ in range(20):
            run = subprocess.Popen([CAMEO, "compile", "large.onnx"], cwd=self.dir, stdout=subprocess.DEVNULL)
            while run.poll() is None and not left():
                time.sleep(0.001)
            self.addCleanup(run.kill)
            run.send_signal(signal.SIGSTOP)  # its child may end, its folder stays
            # A program that is removing its folder does so before it stops; one that has not locked it yet makes another.
            seen = os.waitid(os.P_PID, run.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            if seen.si_code == os.CLD_STOPPED and left() and self.is_locked(left()[0]):
                break
            run.send_signal(signal.SIGCONT)
            run.wait()
        self.assertEqual(len(left()), 1)
        self.cameo("compile", "add.onnx")
        self.assertEqual(len(left()), 1, "what a living program works on is not removed")
        run.send_signal(signal.SIGKILL)
        run.wait()
        self.assertEqual(len(left()), 1)
        deadline = time.time() + 20  # the compiler's child dies a moment later than the program
        while left() and time.time() < deadline:
            self.cameo("compile", "add.onnx")
        self.assertEqual(left(), [])

    def test_what_is_not_ours_stays(self):
        for name in ".cameo-notes/a", ".cameo-1/a", "cameo-abcdef/a":
            self.write(name, b"")
        self.cameo("compile", "add.onnx")
        self.assertTrue({".cameo-notes", ".cameo-1", "cameo-abcdef"} <= set(self.files()))


if __name__ == "__main__":
    options = command_line(sanitized=False)
    CAMEO, SANITIZED = options.cameo, options.sanitized
    unittest.main(argv=options.rest)
