#!/usr/bin/env python3
"""Headers and symbols of libraries whose models and tensors have hostile names: they compile as C and C++, with
warnings as errors and every header of the standard library around them, link, and run. Models of one name in one
program are told apart or do not link.

  headers_test.py --cameo build/bin/cameo --cc gcc --cxx g++ [unittest arguments]
"""
import os, subprocess, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

CAMEO = CC = CXX = ""

MODELS = """NULL EOF INFINITY NAN I std uint8_t size_t int class concept char8_t co_await errno stdin main malloc read
time signal index log sin j0 y1 gamma assert complex isnan offsetof va_start true bool and xor_eq noreturn thread_local
linux unix INT8_MAX PRId64 SIGINT SEEK_SET environ exit _exit _Bool __LINE__ __x _start _end _init pthread_create
cameo_run cameo_rt_run cameo_model model sizes workspace prepare code text kernel0 team0 floor memcpy fmod
__aeabi_ldivmod inputs x best 7zip a-b c++ ü""".split() + ["*", "a b", "??/", "\\", '"', "'"]
TENSORS = ["NULL", "EOF", "std", "uint8_t", "int", "count", "*/", "/*", "*/*", "//", "a/*b*/c", "??/", "??", "\\", "a\\", "\"", "%s%n", "\u202e",
           "\u2066evil\u2069", "\u061c", "\u2028", "\ufeff", "\x9b31m", "é", "a", "A", "a_2", "1", "", "#define x", "\U000e0041", "x" * 300, "_"]
C_HEADERS = """assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg
stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype
unistd pthread fcntl dlfcn sys/stat sys/socket sys/time sys/wait dirent poll termios regex netdb""".split()
CXX_HEADERS = """algorithm any array atomic barrier bit bitset charconv chrono codecvt compare complex concepts
condition_variable coroutine deque exception execution filesystem forward_list fstream functional future
initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map memory memory_resource mutex
new numbers numeric optional ostream queue random ranges ratio regex scoped_allocator semaphore set shared_mutex
source_location span sstream stack stdexcept stop_token streambuf string string_view system_error thread tuple
type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector version cassert cctype
cerrno cfenv cfloat cinttypes climits clocale cmath csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib cstring
ctime cuchar cwchar cwctype""".split()
STRICT = ["-Wall", "-Wextra", "-Werror", "-Wpedantic"]

RUN = """
static int run(const cameo_model *model, float expected) {
  cameo_context *context;
  float x[3] = {0, 0, 0}, y[3] = {0, 0, 0};
  int64_t dims[1] = {3}, shape[1] = {3};
  cameo_value in[1], out[1];
  cameo_tensor xs = {x, dims, sizeof x, CAMEO_FLOAT32, 1}, ys = {y, shape, sizeof y, CAMEO_FLOAT32, 1};
  in[0].kind = out[0].kind = CAMEO_TENSOR;
  in[0].as.tensor = xs;
  out[0].as.tensor = ys;
  if (cameo_create(model, 0, &context) || cameo_run(context, in, out))
    return 1;
  cameo_destroy(context);
  return y[1] != expected;
}
"""


def add(value=1, x="x", y="y"):
    return onnx.model([onnx.node("Add", [x, "w"], [y], "add")], [onnx.value_info(x, [3])], [onnx.value_info(y, [3])],
                      [onnx.tensor("w", [3], [value] * 3)])


def entry_of(header):
    return header[header.index("CAMEO_INLINE"):].split("*")[1].split("(")[0]


class Case(FolderCase):
    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def command(self, *args, fails=False):
        run = subprocess.run(args, cwd=self.dir, capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode != 0, fails, (args, run.stdout, run.stderr))
        return run.stdout + run.stderr

    def compile(self, model, *flags):
        self.write("m.onnx", model)
        self.command(CAMEO, "compile", "m.onnx", *flags)


class Names(Case):
    def check_syntax(self, headers):
        """All headers in one file of C11 and one of C++20, with the standard library's before and after."""
        own = "".join('#include "%s"\n' % header for header in headers)
        for language, standard, names, compiler in (("c", "c11", [h + ".h" for h in C_HEADERS], CC),
                                                    ("c", "gnu11", [h + ".h" for h in C_HEADERS], CC),
                                                    ("c++", "c++20", CXX_HEADERS, CXX)):
            system = "".join("#include <%s>\n" % name for name in names)
            for text in (own, own + system, system + own):
                self.write("all.txt", text + "int none;\n")
                self.command(compiler, "-x", language, "-std=" + standard, *STRICT, "-fsyntax-only", "all.txt")

    def test_models(self):
        headers, main, entries = [], "", set()
        for i, name in enumerate(MODELS):
            self.compile(add(i), "--name", name, "-o", "m%d.o" % i, "--cpu", "x86-64-v3")
            header = self.read("m%d.h" % i)
            entry = entry_of(header)
            if entry in entries:  # names that differ in nothing that an identifier may have
                continue
            entries.add(entry)
            headers.append("m%d.h" % i)
            main += "  if (run(%s(), %d)) { puts(\"%s\"); return 1; }\n" % (entry, i, entry)
        self.check_syntax(headers)
        # And all in one program.
        self.write("main.c", "".join('#include "%s"\n' % h for h in headers) + "#include <stdio.h>\n" + RUN
                   + "int main(void) {\n" + main + "  return 0;\n}\n")
        objects = [header[:-1] + "o" for header in headers]
        self.command(CC, "-std=c11", *STRICT, "main.c", *objects, "-lm", "-lpthread", "-o", "main")
        self.command("./main")

    def test_shared_libraries(self):
        for name in "read", "memcpy", "floor", "_start", "_init", "environ", "main", "model", "sizes", "NULL":
            self.compile(add(7), "--name", name, "-o", "m.so")
            entry = entry_of(self.read("m.h"))
            self.write("main.c", '#include "m.h"\n#include <stdio.h>\n' + RUN + "int main(void) { return run(%s(), 7); }\n" % entry)
            self.command(CC, "-std=c11", *STRICT, "main.c", "./m.so", "-lm", "-Wl,-rpath,$ORIGIN", "-o", "main")
            self.command("./main")

    def test_tensors(self):
        headers = []
        for i, name in enumerate(TENSORS):
            if not name:
                continue
            self.compile(add(1, name, name + "'"), "--name", "t%d" % i, "-o", "t%d.so" % i)
            headers.append("t%d.h" % i)
        # Names that differ in nothing that an identifier may have, all in one model.
        names = ["a.b", "a-b", "a_b", "a_b_2", "count", "count_2", "é", "ü", "__"]
        self.compile(onnx.model([onnx.node("Sum", names, ["y"])], [onnx.value_info(n, [3]) for n in names],
                                [onnx.value_info("y", [3])]), "--name", "same", "-o", "same.so")
        headers.append("same.h")
        # The name of a size stands in the header as well.
        for i, name in enumerate(TENSORS):
            if name:
                self.compile(onnx.model([onnx.node("Relu", ["x"], ["y"])], [onnx.value_info("x", [name, 3])],
                                        [onnx.value_info("y", [name, 3])]), "--name", "d%d" % i, "-o", "d%d.so" % i)
                headers.append("d%d.h" % i)
        self.check_syntax(headers)


class Example(Case):
    def test_compiles_and_runs(self):
        """The program in a header's comment, as it stands there."""
        f32, i64 = onnx.FLOAT, onnx.INT64
        models = {"plain": add(), "sizes": onnx.model([onnx.node("Relu", ["x"], ["y"])], [onnx.value_info("x", ["n", 3])],
                                                     [onnx.value_info("y", ["n", 3])]),
                  "none": onnx.model([onnx.node("Identity", ["w"], ["y"])], [], [onnx.value_info("y", [2], i64)],
                                     [onnx.tensor("w", [2], [1, 2], i64)]),
                  "found": onnx.model([onnx.node("NonZero", ["x"], ["y"])], [onnx.value_info("x", [3], f32)],
                                      [onnx.value_info("y", [1, "found"], i64)]),
                  "cameo": add(2)}
        for name, model in models.items():
            self.compile(model, "--name", name, "-o", name + ".so")
            header = "m_cameo.h" if name == "cameo" else name + ".h"
            comment = self.read(header).split("*/")[0]
            program = "\n".join(line[7:] for line in comment.split("without error checks:\n")[1].splitlines())
            self.assertIn('#include "%s"' % header, program)
            self.write("main.c", program)
            for standard in "c99", "c17":
                self.command(CC, "-std=" + standard, *STRICT, "main.c", "./%s.so" % name, "-Wl,-rpath,$ORIGIN", "-o", "main")
                self.command("./main")


class SameName(Case):
    """Two models called `best`."""

    def setUp(self):
        super().setUp()
        for name, value in ("one", 1), ("two", 2):
            self.compile(add(value), "--name", "best", "-o", name + "/best.a", "--emit", "a,o,so,header")
            self.write(name + ".c", '#include "%s/best.h"\n' % name + RUN + "int %s(void) { return run(best(), %d); }\n" % (name, value))
        self.write("both.c", "int one(void);\nint two(void);\nint main(void) { return one() + two(); }\n")
        self.write("first.c", "int one(void);\nint main(void) { return one(); }\n")

    def link(self, *files, fails=False):
        return self.command(CC, *files, "-lpthread", "-Wl,-rpath,$ORIGIN", "-Wl,-rpath,$ORIGIN/three", "-o", "program", fails=fails)

    def test_static(self):
        for kind in "a", "o":
            for libraries in (["one/best." + kind, "two/best." + kind], ["two/best." + kind, "one/best." + kind]):
                text = self.link("both.c", "one.c", "two.c", *libraries, fails=True)
                self.assertRegex(text, r"multiple definition of .best'")

    def test_header_of_the_other(self):
        for kind in "a", "o", "so":
            text = self.link("first.c", "one.c", "./two/best." + kind, fails=True)
            self.assertRegex(text, r"undefined reference to .best_of_model_[0-9a-f]{16}'")

    def test_shared(self):
        # Of two libraries in files of one name, programs have one.
        for libraries in (["one/best.so", "two/best.so"], ["two/best.so", "one/best.so"]):
            text = self.link("both.c", "one.c", "two.c", *libraries, fails=True)
            self.assertRegex(text, r"undefined reference to .best_of_model_[0-9a-f]{16}'")
        # In files of two names each header finds its own, whatever their order.
        for name, value in ("one", 1), ("two", 2):
            self.compile(add(value), "--name", "best", "-o", name + ".so")
        for libraries in (["./one.so", "./two.so"], ["./two.so", "./one.so"]):
            self.link("both.c", "one.c", "two.c", *libraries)
            self.command("./program")

    def test_headers_in_one_file(self):
        self.write("two_headers.c", '#include "one/best.h"\n#include "two/best.h"\n')
        self.assertIn("redefinition", self.command(CC, "-fsyntax-only", "two_headers.c", fails=True))

    def test_once_more_is_no_error(self):
        # The same header in several files, the same archive several times, and the same model compiled again.
        self.write("again.c", '#include "one/best.h"\n#include "one/best.h"\n' + RUN + "int two(void) { return run(best(), 1); }\n")
        self.link("both.c", "one.c", "again.c", "one/best.a", "one/best.a")
        self.command("./program")
        self.compile(add(1), "--name", "best", "-o", "three/best.so", "--cpu", "x86-64-v3")
        self.link("first.c", "one.c", "./three/best.so")
        self.command("./program")

    def test_what_makes_another_model(self):
        def bound(model, *flags):
            self.compile(model, "--name", "best", "-o", "b.so", *flags)
            return self.read("b.h").split("#ifndef CAMEO_MODEL_")[1].split("_H\n")[0]
        relu = lambda dim: onnx.model([onnx.node("Relu", ["x"], ["y"])], [onnx.value_info("x", [dim, 3])], [onnx.value_info("y", [dim, 3])])
        large = lambda last: onnx.model([onnx.node("Add", ["x", "w"], ["y"])], [onnx.value_info("x", [9999])], [onnx.value_info("y", [9999])],
                                        [onnx.tensor("w", [9999], [0] * 9998 + [last])])
        different = [bound(add(1)), bound(add(2)), bound(add(1, "z")), bound(large(1)), bound(large(2)), bound(relu("n")),
                     bound(relu("n"), "--dim", "n=4"), bound(relu("n"), "--dim", "n=5")]
        self.assertEqual(len(set(different)), len(different), different)
        self.assertEqual(bound(add(1)), bound(add(1), "--cpu", "x86-64-v2"))
        self.assertEqual(bound(relu(4)), bound(relu("n"), "--dim", "n=4"))


class UsersOps(Case):
    def test_function_of_the_model_s_name(self):
        self.write("op.c", '#include "cameo_op.h"\nint32_t scale(cameo_call *call) { (void)call; return 0; }\n')
        model = onnx.model([onnx.node("Scale", ["x"], ["y"], "n", "my.ops")], [onnx.value_info("x", [3])], [onnx.value_info("y", [3])])
        self.write("none.c", "int none;\n")
        self.command(CC, "-c", "none.c", "-o", "none.o")
        self.command("ar", "rc", "none.a", "none.o")
        self.write("m.onnx", model)
        text = self.command(CAMEO, "compile", "m.onnx", "--ops", "none.a", fails=True)
        name = text.split("no library has '")[1].split("'")[0]
        text = self.command(CAMEO, "compile", "m.onnx", "--ops", "none.a", "--name", name, fails=True)
        self.assertIn("--name", text)


if __name__ == "__main__":
    options = command_line(cc="cc", cxx="c++")
    CAMEO, CC, CXX = options.cameo, options.cc, options.cxx
    unittest.main(argv=options.rest)
