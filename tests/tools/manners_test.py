#!/usr/bin/env python3
"""How the program treats people (docs/cli.md): what was meant by a wrong word, where messages go, several models at
once, interruptions. Runs the program; needs nothing but Python.

  manners_test.py --cameo build/bin/cameo [unittest arguments]
"""
import json, os, pty, re, shutil, signal, subprocess, sys, time, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

CAMEO = ""
ADD = onnx.model([onnx.node("Add", ["x", "w"], ["s"], "add1"), onnx.node("Relu", ["s"], ["y"], "relu1")],
                 [onnx.value_info("x", ["batch", 3])], [onnx.value_info("y", ["batch", 3])],
                 [onnx.tensor("w", [3], [1, 2, 3])])


class Case(FolderCase):
    def setUp(self):
        super().setUp()
        self.write("add.onnx", ADD)
        self.write("x.npy", onnx.npy([2, 3], [1, 2, 3, -4, -5, -6]))

    def cameo(self, *args, status=0, **options):
        run = subprocess.run([CAMEO, *args], cwd=self.dir, capture_output=True, text=True, timeout=120, **options)
        self.assertEqual(run.returncode, status, (args, run.stdout, run.stderr))
        return run

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def error(self, *args):
        """The message of a wrong command line: one line, then notes."""
        text = self.cameo(*args, status=2).stderr
        self.assertRegex(text, r"\Aerror: [^\n]{1,300}\n(note: [^\n]{1,300}\n)*\Z")
        return text.splitlines()[0][len("error: "):]


class WrongWords(Case):
    def test_commands(self):
        for words in (["compil"], ["help", "compil"], ["compil", "--help"]):
            self.assertEqual(self.error(*words), "'cameo' has no command 'compil': did you mean 'compile'?")
        self.assertEqual(self.error("debug", "redcue"), "'cameo debug' has no command 'redcue': did you mean 'reduce'?")
        self.assertEqual(self.error("fly"), "'cameo' has no command 'fly'")
        self.assertEqual(self.error(), "expected a command of 'cameo'")
        self.assertEqual(self.error("debug"), "expected a command of 'cameo debug'")

    def test_options(self):
        for words in (["run", "add.onnx", "--thread", "2"], ["run", "--thread=2", "add.onnx"], ["run", "--thread"]):
            self.assertEqual(self.error(*words), "'cameo run' has no option '--thread': did you mean '--threads'?")
        self.assertEqual(self.error("explain", "-x", "add.onnx"), "'cameo explain' has no option '-x'")
        self.assertEqual(self.error("explain", "add.onnx", "more"), "'cameo explain' takes no argument 'more'")
        self.assertEqual(self.error("compare", "add.onnx", "--json=5"), "--json takes no value")
        self.assertEqual(self.error("compare", "add.onnx", "--seed"), "--seed: the value is missing")
        self.assertEqual(self.error("run", "add.onnx", "--input"), "--input: the value is missing")
        for option in ("--output", "--emit", "--name", "--dim", "--target", "--tune-cache"):
            self.assertRegex(self.error("compile", "add.onnx", option + "="), "^%s: " % option)
            self.assertRegex(self.error("compile", "add.onnx", option, ""), "^%s: " % option)
        self.assertIn("got nothing", self.error("compile", ""))
        self.cameo("compare", "add.onnx", "--samples", "1", "--samples", "2")

    def test_inputs(self):
        self.assertIn("expected a file", self.error("run", "add.onnx", "--input", "x="))
        two = onnx.model([onnx.node("Add", ["image", "mask"], ["y"])],
                         [onnx.value_info("image", [3]), onnx.value_info("mask", [3])], [onnx.value_info("y", [3])])
        self.write("two.onnx", two)
        run = self.cameo("run", "two.onnx", "--input", "imgae=x.npy", status=2)
        self.assertIn("note: did you mean 'image'?\n", run.stderr)

    def test_files(self):
        self.cameo("compile", "add.onnx")
        self.assertIn("compiled already", self.error("compile", "add.so"))
        self.assertIn("No such file", self.error("bench", "add.onnx", "--profile", "--report", "none/r.html", "--seconds", "3000"))
        self.assertIn("File exists", self.error("compile", "add.onnx", "-o", "x.npy/"))

    def test_every_command_without_arguments(self):
        for command in re.findall(r"(?m)^  (\w+) ", self.cameo("--help").stdout.split("Subcommands:")[1]):
            text = subprocess.run([CAMEO, "help", command], cwd=self.dir, capture_output=True, text=True, timeout=60).stdout
            if command in ("help", "targets", "man"):
                self.cameo(command)
            elif "--quiet" in text and re.search(r"(?m)^  \w+ .*\.\.\.|^  \w+ M", text):  # those in Python read their own
                self.assertRegex(self.error(command), "needs [MC]|needs bash|expected a file")

    def test_words_of_options(self):
        self.assertEqual(self.error("compile", "add.onnx", "--optimize", "spped"),
                         "--optimize: expected one of speed, balanced, size, got 'spped': did you mean 'speed'?")
        self.assertIn("did you mean 'asm'?", self.error("compile", "add.onnx", "--emit", "so,ams"))

    def test_numbers(self):
        wrong = {("compare", "--atol"): ("-1", "nan", "x", ""), ("run", "--threads"): ("0", "1025", "1.5", "many", "5000"),
                 ("run", "--seed"): ("-1", "x", "1e3"), ("bench", "--seconds"): ("-1", "inf", "3601"),
                 ("bench", "--threads"): ("1,,2", ",", "1,", ",1", "0,1", "1,x"), ("bench", "--streams"): ("1,,2", "x"),
                 ("run", "--timeout"): ("0", "-1", "x"), ("compare", "--samples"): ("0", "1000001"),
                 ("compile", "--jobs"): ("0", "-1", "x"), ("compile", "--bisect-limit"): ("-1", "x")}
        for (command, option), values in wrong.items():
            for value in values:
                self.assertIn(option, self.error(command, "add.onnx", "%s=%s" % (option, value)), value)
        self.assertIn("between the commas", self.error("compile", "add.onnx", "--emit", "so,,o"))
        self.assertIn("between the commas", self.error("compile", "add.onnx", "--skip-passes", "a,"))

    def test_sizes_for_a_library(self):
        self.cameo("compile", "add.onnx")
        for command in (["run", "add.so", "--input", "x.npy"],):
            for flags in (["--dim", "batch=2"], ["--shape", "x=2x3"], ["--ops", "lib.a"]):
                self.assertIn("add.so", self.error(*command, *flags))
        for command in ("compare", "bench"):
            for flags in (["--optimize", "size"], ["--winograd", "off"], ["--cpu", "x86-64-v3"], ["--skip-passes", "layouts"]):
                self.assertIn("add.so", self.error(command, "add.onnx", "add.so", *flags))


class Help(Case):
    def test_help(self):
        self.assertEqual(self.cameo("help").stdout, self.cameo("--help").stdout)
        self.assertEqual(self.cameo("help", "compile").stdout, self.cameo("compile", "--help").stdout)
        self.assertEqual(self.cameo("help", "debug", "reduce").stdout, self.cameo("debug", "reduce", "--help").stdout)
        self.assertEqual(self.cameo("-V").stdout, self.cameo("--version").stdout)


class Completion(Case):
    """What the scripts offer, asked of the shells that are there."""
    QUESTIONS = {("comp",): {"compile", "compare", "completion"}, ("debug", "re"): {"reduce"}, ("compile", "--na"): {"--name"},
                 ("compile", "--optimize", "s"): {"speed", "size"}, ("debug", "reduce", "--tri"): {"--tries"},
                 ("compile", "--target", "raspberrypi4"): {"raspberrypi4"}, ("explain", "ad"): {"add.onnx"},
                 ("opt", "--passes", "fold-c"): {"fold-constants"}, ("completion", "z"): {"zsh"}}

    def ask(self, shell, script):
        if not shutil.which(shell):
            self.skipTest("there is no " + shell)
        self.write("cameo." + shell, self.cameo("completion", shell).stdout)
        for words, expected in self.QUESTIONS.items():
            run = subprocess.run([shell, *script(words)], cwd=self.dir, capture_output=True, text=True, timeout=60)
            self.assertEqual(run.stderr, "", words)
            self.assertEqual({line.split("\t")[0] for line in run.stdout.split("\n") if line}, expected, words)

    def test_bash(self):
        self.ask("bash", lambda words: ["-c", "source ./cameo.bash; compopt() { :; }; COMP_WORDS=(cameo \"$@\"); COMP_CWORD=$#; "
                                        "_cameo; printf '%s\\n' \"${COMPREPLY[@]}\"", "bash", *words])

    def test_fish(self):
        self.ask("fish", lambda words: ["--no-config", "-c", "source ./cameo.fish; complete -C '%s'" % " ".join(("cameo", *words))])

    def test_zsh(self):
        # Its completion works in the editor of lines alone, and so on a terminal: what is asked here is whether it reads the script.
        if not shutil.which("zsh"):
            self.skipTest("there is no zsh")
        self.write("_cameo", self.cameo("completion", "zsh").stdout)
        subprocess.run(["zsh", "-n", "_cameo"], cwd=self.dir, check=True, timeout=60)
        for words in ("'cameo compile')", "'*--optimize[", "(speed balanced size)", "'*:M.onnx...:_files'"):
            self.assertIn(words, self.read("_cameo").decode())

    def test_unknown_shell(self):
        self.assertIn("did you mean 'bash'?", self.error("completion", "bsh"))


class Manual(Case):
    def test_pages(self):
        self.cameo("man", "-o", "man1")
        pages = sorted(os.listdir(self.path("man1")))
        self.assertTrue({"cameo.1", "cameo-compile.1", "cameo-debug-reduce.1"} <= set(pages))
        for name in pages:
            text = self.read("man1/" + name).decode()
            self.assertRegex(text, r"\A\.TH %s 1 " % re.escape(name[:-2].replace("-", "\\-")))
            words = name[:-2].split("-")[1:]
            self.assertEqual(self.cameo("man", *words).stdout, text)
            # The --help of `help` is the program's, and commands in Python have one of their own.
            if words == ["help"] or "\\-\\-quiet" not in text:
                continue
            for flag in re.findall(r"(?m)^ +(?:-\w,)?(--[\w-]+)", self.cameo(*words, "--help").stdout):
                self.assertIn(flag.replace("-", "\\-"), text, name)
        self.assertIn("did you mean 'compile'?", self.error("man", "compil"))
        self.assertIn("no command", self.error("man", "compile", "more"))

    def test_man_shows_them(self):
        if not shutil.which("man"):
            self.skipTest("there is no man")
        self.cameo("man", "-o", "man1")
        for name in os.listdir(self.path("man1")):
            run = subprocess.run(["man", "--warnings", "-l", "man1/" + name], cwd=self.dir, capture_output=True, text=True,
                                 env={**os.environ, "MANWIDTH": "80"}, timeout=60, check=True)
            self.assertEqual(run.stderr, "", name)
            self.assertIn("NAME\n       " + name[:-2], run.stdout)


class Explain(Case):
    def test_library(self):
        self.cameo("compile", "add.onnx", "--cpu", "x86-64-v3", "--target", "x86_64")
        text = self.cameo("explain", "add.so").stdout
        self.assertRegex(text, r"(?m)^input +x +f32\[batch,3\]$")
        self.assertRegex(text, r"(?m)^compiled for +x86-64-v3$")
        report = json.loads(self.cameo("explain", "add.so", "--json").stdout)
        self.assertEqual(report["outputs"], [{"name": "y", "type": "f32[batch,3]"}])
        self.assertEqual((report["open_sizes"], report["cpu"]), (["batch"], "x86-64-v3"))
        self.assertEqual(report["file_bytes"], os.path.getsize(self.path("add.so")))
        self.assertIn("add.so", self.error("explain", "add.so", "--dim", "batch=2"))

    def test_nodes(self):
        names = ["/a/b/c/Conv", "/a/b/d/Relu", "/a/e/Neg", "Exp"]
        values = ["x", "t1", "t2", "t3", "y"]
        self.write("deep.onnx", onnx.model([onnx.node(name.split("/")[-1].replace("Conv", "Abs"), [values[i]], [values[i + 1]], name)
                                            for i, name in enumerate(names)],
                                           [onnx.value_info("x", [3])], [onnx.value_info("y", [3])]))
        row = r"(?m)^ *0  pointwise +\d+  f32\[3\] +%s$"
        for flags, shown in (([], "/a/b/c/Conv +3"), (["--depth", "1"], "/a (3), Exp"), (["--depth", "2"], "/a/b (2), /a/e, Exp"),
                             (["--depth", "9"], "/a/b/c/Conv, /a/b/d/Relu, /a/e/Neg, Exp"), (["--depth", "0"], "+".join(names))):
            self.assertRegex(self.cameo("explain", "deep.onnx", *flags).stdout, row % re.escape(shown), flags)

    def test_sizes_of_outputs_and_flops(self):
        # As exporters write a reshape that keeps the batch: the output's own size is none that the model tells.
        weights = [onnx.tensor("w", [8, 16], [1] * 128), onnx.tensor("zero", [], [0], onnx.INT64),
                   onnx.tensor("rest", [2], [4, 8], onnx.INT64), onnx.tensor("axes", [1], [0], onnx.INT64)]
        self.write("keep.onnx", onnx.model(
            [onnx.node("Shape", ["x"], ["s"]), onnx.node("Gather", ["s", "zero"], ["b"]), onnx.node("Unsqueeze", ["b", "axes"], ["b1"]),
             onnx.node("Concat", ["b1", "rest"], ["to"], "", "", axis=0), onnx.node("Reshape", ["x", "to"], ["r"]),
             onnx.node("MatMul", ["r", "w"], ["y"])],
            [onnx.value_info("x", ["batch", 32])], [onnx.value_info("y", ["n", 4, 16])], weights))
        report = json.loads(self.cameo("explain", "keep.onnx", "--dim", "batch=3", "--json").stdout)
        self.assertEqual(report["ops"][0]["flops"], 2 * 3 * 4 * 8 * 16)
        self.assertEqual(json.loads(self.cameo("explain", "keep.onnx", "--json").stdout)["outputs"][0]["type"], "f32[batch,4,16]")


class Messages(Case):
    def test_quiet_and_verbose(self):
        self.write("open.onnx", onnx.model([onnx.node("Relu", ["x"], ["y"])], [onnx.value_info("x", [-1])],
                                           [onnx.value_info("y", [-1])]))
        self.assertIn("note: ", self.cameo("explain", "open.onnx").stderr)
        self.assertEqual(self.cameo("explain", "open.onnx", "-q").stderr, "")
        self.assertEqual(self.cameo("explain", "open.onnx", "-q").stdout, self.cameo("explain", "open.onnx").stdout)
        self.assertRegex(self.cameo("compile", "add.onnx").stderr,
                         r"\Aadd.so \([\d.]+ kB\), add.h, cameo.h in [\d.]+ s\ncompiled for .*, CPU .*\n\Z")
        self.assertIn("code generated in ", self.cameo("compile", "add.onnx", "-v").stderr)
        for words, *command in (("run in ", "run", "add.so", "--input", "x.npy"), ("sample 0: reference in ", "compare", "add.onnx", "add.so"),
                                ("first run in ", "bench", "add.onnx", "add.so", "--seconds", "0.01"),
                                ("read and lowered in ", "bundle", "add.onnx", "-o", "b.so")):
            self.assertRegex(self.cameo(*command, "-v").stderr, rf"(?m)^.*{words}[\d.e-]+ s")
            self.assertNotIn(words, self.cameo(*command).stderr)
        self.assertEqual(self.cameo("compile", "add.onnx", "-q").stderr, "")
        self.assertIn("excludes", self.error("compile", "add.onnx", "-q", "-v"))

    def test_color(self):
        red = "\x1b[1;31merror:\x1b[0m "
        none = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}
        self.assertTrue(self.cameo("explain", "no", "--color", "always", status=2).stderr.startswith(red))
        self.assertTrue(self.cameo("explain", "no", status=2).stderr.startswith("error: "))
        for environment, flags, colored in (({"TERM": "xterm"}, [], True), ({"TERM": "dumb"}, [], False), ({}, [], False),
                                            ({"TERM": "xterm", "NO_COLOR": "1"}, [], False),
                                            ({"TERM": "xterm", "NO_COLOR": ""}, [], True),
                                            ({"TERM": "xterm"}, ["--color", "never"], False),
                                            ({"TERM": "xterm", "NO_COLOR": "1"}, ["--color", "always"], True)):
            text = self.on_terminal(["explain", "no", *flags], {**none, **environment})
            self.assertEqual("\x1b[1;31m" in text, colored, (environment, flags, text))

    def on_terminal(self, arguments, environment):
        """What the program writes to stderr when that is a terminal."""
        terminal, theirs = pty.openpty()
        run = subprocess.Popen([CAMEO, *arguments], cwd=self.dir, stdout=subprocess.DEVNULL, stderr=theirs, env=environment)
        os.close(theirs)
        text = b""
        while True:
            try:
                part = os.read(terminal, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            text += part
        os.close(terminal)
        run.wait(timeout=60)
        return text.decode()

    def test_progress_is_for_terminals(self):
        text = self.on_terminal(["compile", "add.onnx"], {**os.environ, "TERM": "xterm"})
        self.assertIn("compiling add.onnx\r\x1b[K", text)  # and removed
        self.assertNotIn("compiling", self.cameo("compile", "add.onnx").stderr)
        self.assertNotIn("compiling", self.on_terminal(["compile", "add.onnx", "-q"], {**os.environ, "TERM": "xterm"}))


class Outputs(Case):
    def test_stdout(self):
        assembly = self.cameo("compile", "add.onnx", "--emit", "asm", "-o", "-").stdout
        self.assertIn(".text", assembly)
        self.cameo("compile", "add.onnx", "--emit", "asm", "-o", "add.s")
        with open(self.path("add.s")) as file:
            self.assertEqual(file.read(), assembly)
        self.assertEqual(self.cameo("opt", "add.onnx", "-o", "-").stdout, self.cameo("opt", "add.onnx").stdout)
        for flags in ([], ["--emit", "header"], ["--emit", "so,o"]):
            self.assertIn("--emit says which", self.error("compile", "add.onnx", "-o", "-", *flags))
        self.write("other.onnx", ADD)
        self.assertIn("one model", self.error("compile", "add.onnx", "other.onnx", "--emit", "asm", "-o", "-"))
        self.assertEqual([name for name in os.listdir(self.dir) if name.startswith("-")], [])

    def test_name_names_the_file(self):
        self.cameo("compile", "add.onnx", "--name", "net", "-o", "folder/")
        self.assertEqual(sorted(os.listdir(self.path("folder"))), ["cameo.h", "net.h", "net.so"])
        self.cameo("compile", "add.onnx", "--name", "net", "-o", "folder/other.so")
        self.assertIn("other.so", os.listdir(self.path("folder")))

    def test_jobs(self):
        for i in range(6):
            self.write("m%d.onnx" % i, ADD if i != 3 else b"no model")
        run = self.cameo("compile", *("m%d.onnx" % i for i in range(6)), "-j", "3", "-o", "out", status=2)
        made = sorted(name for name in os.listdir(self.path("out")) if name.endswith(".so"))
        self.assertEqual(made, ["m%d.so" % i for i in (0, 1, 2, 4, 5)])
        for i in range(6):
            self.assertIn("[%d/6] m%d.onnx: " % (i + 1, i), run.stderr)
        self.assertRegex(run.stderr, r"error: m3.onnx: [^\n]*\n\[4/6\] m3.onnx: failed: bad input\n")  # not torn apart
        self.assertIn("5 of 6 models compiled; failed: m3.onnx (bad input)", run.stderr)
        self.cameo("compile", "m0.onnx", "-o", "one.so")
        with open(self.path("out/m0.so"), "rb") as one, open(self.path("out/m1.so"), "rb") as other:
            self.assertEqual(len(one.read()), len(other.read()))


class Interruption(Case):
    """Ctrl-C at any moment leaves nothing, in the temporary folder nor beside the output."""
    def slow(self):
        # Kernels are many, so that each step of a compilation takes a while, and so do runs of the reference.
        nodes = [onnx.node("Conv", ["x", "w"], ["t0"])]
        for i in range(40):
            nodes.append(onnx.node("Conv", ["t%d" % i, "v%d" % i], ["t%d" % (i + 1)]))
        weights = [onnx.tensor("v%d" % i, [16, 16, 1, 1], [i / 50] * 256) for i in range(40)]
        self.write("slow.onnx", onnx.model(nodes, [onnx.value_info("x", [1, 3, 64, 64])], [onnx.value_info("t40", [1, 16, 64, 64])],
                                           [onnx.tensor("w", [16, 3, 1, 1], [1] * 48), *weights]))
        self.write("slow2.onnx", self.read("slow.onnx"))

    def test_nothing_stays(self):
        self.slow()
        os.makedirs(self.path("tmp"))
        before = sorted(os.listdir(self.dir))
        commands = (["compile", "slow.onnx", "slow2.onnx", "-j", "2"], ["compile", "slow.onnx", "--emit", "asm", "-o", "-"],
                    ["compare", "slow.onnx", "--samples", "1000"], ["bench", "slow.onnx", "--seconds", "100"],
                    ["compile", "slow.onnx", "--tune"])
        for command in commands:
            for number, wait in ((signal.SIGINT, 0.1), (signal.SIGTERM, 0.4), (signal.SIGHUP, 0.8)):
                run = subprocess.Popen([CAMEO, *command], cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       env={**os.environ, "TMPDIR": self.path("tmp")})
                time.sleep(wait)
                run.send_signal(number)
                ended = run.wait(timeout=60)
                self.assertIn(ended, (-number, 0), (command, wait))
                self.assertEqual(os.listdir(self.path("tmp")), [], (command, wait))
                for name in set(os.listdir(self.dir)) - set(before):
                    self.assertRegex(name, r"^(slow2?|cameo)\.(so|h)$", (command, wait))
                    os.remove(self.path(name))


if __name__ == "__main__":
    options = command_line()
    CAMEO = options.cameo
    unittest.main(argv=options.rest)
