#!/usr/bin/env python3
"""`cmake --install`, and what C and C++ programs make of it: find_package and cameo_add_model, pkg-config, the headers in
every standard, the metadata of models, the example with a camera's pictures.

  install_test.py --cameo build/bin/cameo --build build --cmake cmake --cc gcc --cxx g++ [unittest arguments]
"""
import json, os, pathlib, re, shutil, subprocess, sys, tempfile, tomllib, unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/tools"))
import onnx_text as onnx
from folder import FolderCase, command_line

OPTIONS = None
PREFIX = ""
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def setUpModule():
    global PREFIX
    PREFIX = tempfile.mkdtemp(prefix="cameo_prefix_")
    unittest.addModuleCleanup(shutil.rmtree, PREFIX)
    install(PREFIX)


def install(prefix, *flags):
    subprocess.run([OPTIONS.cmake, "--install", OPTIONS.build, "--prefix", prefix, *flags], check=True,
                   stdout=subprocess.DEVNULL)


def files(folder):
    return {str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*") if path.is_file()}


def tracked(folder):
    """Sources of the Python package."""
    return {str(path.relative_to(ROOT / "python")) for path in (ROOT / "python").rglob("*")
            if path.is_file() and "__pycache__" not in path.parts}


PROGRAM = {"bin/cameo", "include/cameo.h", "include/cameo.hpp", "include/cameo_bundle.h", "include/cameo_op.h", "lib/cmake/cameo/cameo-config.cmake",
           "lib/cmake/cameo/cameo-config-version.cmake", "lib/cmake/cameo/CameoAddModel.cmake", "lib/pkgconfig/cameo.pc"}


def scale(value, properties=(), external=False):
    """y = value * x, of three floats."""
    weights = (onnx.external_tensor("w", [3], "w.bin", 0, 12) if external else onnx.tensor("w", [3], [value] * 3))
    return onnx.model([onnx.node("Mul", ["x", "w"], ["y"])], [onnx.value_info("x", [3])], [onnx.value_info("y", [3])],
                      [weights], properties=properties)


class Case(FolderCase):
    def command(self, *args, cwd=".", fails=False, **env):
        run = subprocess.run([str(arg) for arg in args], cwd=self.path(cwd), capture_output=True, text=True, timeout=300,
                             env={**os.environ, **env})
        self.assertEqual(run.returncode != 0, fails, (args, run.stdout, run.stderr))
        return run.stdout + run.stderr

    def cameo(self, *args):
        return self.command(os.path.join(PREFIX, "bin/cameo"), *args)


class Tree(Case):
    def test_files(self):
        system = {"lib/cameo/VERSION", "share/doc/cameo/copyright"} | {"lib/cameo/python/" + file for file in tracked("python")}
        pages = pathlib.Path(OPTIONS.build, "share/man/man1")
        shared = {"share/man/man1/" + page.name for page in pages.iterdir()} | {
            "share/bash-completion/completions/cameo", "share/zsh/site-functions/_cameo",
            "share/fish/vendor_completions.d/cameo.fish"}
        self.assertIn("share/man/man1/cameo-compile.1", shared)
        self.assertEqual(files(PREFIX), PROGRAM | system | shared)

    def test_what_the_wheel_takes(self):
        with open(ROOT / "pyproject.toml", "rb") as file:
            project = tomllib.load(file)
        settings = project["tool"]["scikit-build"]
        for component in settings["install"]["components"]:
            install(self.dir, "--component", component)
        self.assertEqual(files(self.dir), PROGRAM)
        self.assertEqual(settings["wheel"]["packages"], ["python/cameoc"])
        pattern, text = settings["metadata"]["version"]["regex"], (ROOT / settings["metadata"]["version"]["input"]).read_text()
        version = re.match(pattern, text)["value"]
        self.assertIn(f"cameo {version} ", self.cameo("--version"))
        module, function = project["project"]["scripts"]["cameo"].split(":")
        self.assertEqual(function, "main")
        self.assertTrue((ROOT / "python" / (module.replace(".", "/") + ".py")).is_file())

    def test_python(self):
        code = "import cameoc, cameoc._compile as c; print(cameoc.__version__, c.run_program(['--version']))"
        path = os.path.join(PREFIX, "lib/cameo/python")
        environment = {"PYTHONPATH": path, "CAMEO": ""}
        if "No module named 'numpy'" in subprocess.run([sys.executable, "-c", "import numpy"], capture_output=True, text=True).stderr:
            self.skipTest("there is no NumPy")
        version = (ROOT / "VERSION").read_text().strip()
        self.assertEqual(self.command(sys.executable, "-c", code, **environment).split()[:3], [version, "cameo", version])
        self.assertIn(version, self.command(sys.executable, "-m", "cameoc", "--version", **environment))


class Headers(Case):
    def test_standards(self):
        self.write("m.onnx", scale(2))
        self.cameo("compile", "m.onnx")
        self.write("all.txt", '#include "m.h"\n#include <cameo_op.h>\nint none;\n')
        include = ["-I.", "-isystem", "none", "-I", os.path.join(PREFIX, "include")]
        for standard in "c90", "c99", "c11", "c17", "gnu89":
            self.command(OPTIONS.cc, "-x", "c", f"-std={standard}", *WARNINGS, *include, "-fsyntax-only", "all.txt")
        self.write("all.txt", '#include "m.h"\n#include <cameo.hpp>\n' + SPANS)
        for flags in ["-std=c++17"], ["-std=c++20"], ["-std=c++23"], ["-std=c++17", "-fno-exceptions"]:
            self.command(OPTIONS.cxx, "-x", "c++", *flags, *WARNINGS, "-Wshadow", "-Wconversion", *include, "-fsyntax-only", "all.txt")

    def test_metadata(self):
        self.write("m.onnx", scale(2, [("author", "me"), ("opset", "their own"), ("empty", "")]))
        self.cameo("compile", "m.onnx")
        keys = ["author", "opset", "ir_version", "auth", "authors", ""]
        self.write("main.c", '#include "m.h"\n#include <stdio.h>\nint main(void) {\n  cameo_model old;\n' + "".join(
            '  printf("%%s\\n", cameo_metadata(m(), "%s") ? cameo_metadata(m(), "%s") : "NULL");\n' % (key, key) for key in keys)
            + '  old = *m();\n  old.struct_size = offsetof(cameo_model, properties);\n'
            '  printf("%s\\n", cameo_metadata(m(), NULL) || cameo_metadata(&old, "author") ? "?" : "NULL");\n  puts(m()->metadata);\n  return 0;\n}\n')
        self.command(OPTIONS.cc, "-std=c90", *WARNINGS, "main.c", "./m.so", "-Wl,-rpath,$ORIGIN", "-o", "main")
        *found, text = self.command("./main").splitlines()
        self.assertEqual(found, ["me", "their own", "9", "NULL", "NULL", "NULL", "NULL"])
        self.assertEqual(json.loads(text)["property.author"], "me")
        self.assertEqual(json.loads(text)["opset"], "20")

    def test_model_of_the_header_s_name(self):
        for name in "cameo", "cameo_op":
            self.write(f"{name}.onnx", scale(2))
            self.assertIn(f"m_{name}.h", self.cameo("compile", f"{name}.onnx"))
            self.write("main.c", f'#include "m_{name}.h"\nint main(void) {{ return !m_{name}()->name; }}\n')
            self.command(OPTIONS.cc, *WARNINGS, "main.c", f"./{name}.so", "-Wl,-rpath,$ORIGIN", "-o", "main")
            self.command("./main")

    def test_wrapper(self):
        self.write("m.onnx", scale(2, [("author", "me")]))
        self.cameo("compile", "m.onnx")
        self.write("main.cpp", WRAPPER)
        flags = self.command("pkg-config", "--cflags", "--libs", "cameo", PKG_CONFIG_PATH=os.path.join(PREFIX, "lib/pkgconfig")).split()
        program = self.command("pkg-config", "--variable=program", "cameo", PKG_CONFIG_PATH=os.path.join(PREFIX, "lib/pkgconfig"))
        self.assertTrue(os.path.samefile(program.strip(), os.path.join(PREFIX, "bin/cameo")))
        self.command(OPTIONS.cxx, "-std=c++17", *WARNINGS, "main.cpp", "./m.so", *flags, "-Wl,-rpath,$ORIGIN", "-o", "main")
        self.assertEqual(self.command("./main").splitlines(), [
            "m: x 1", "me", "y: 2 4 6", "buffer: 20 40 60", "input 'z' is none of the model's", "input 'x' is missing",
            "input 'x' was given twice", "output 'z' is none of the model's", "there is no output 'z'",
            "output 'y' has elements of another type", "3: input 'x': expected float32, got int32",
            "1: input 'x': has 8 bytes, its dims need 12", "moved: 2 4 6"])


SPANS = """
#if __cplusplus >= 202002L
#include <span>
std::span<const float> converted(cameo::Span<const float> x) { return x; }
cameo::Span<const float> back(std::span<const float> x) { return x; }
#endif
int none;
"""

WRAPPER = r"""
#include "m.h"
#include <cameo.hpp>
#include <cstdio>

static void print(const char *name, cameo::Span<const float> values) {
  std::printf("%s:", name);
  for (float value : values)
    std::printf(" %g", double(value));
  std::puts("");
}

template <class F> static void failing(F &&f, bool withStatus = false) {
  try {
    f();
  } catch (const cameo::Error &error) {
    if (withStatus)
      std::printf("%d: ", error.status());
    std::puts(error.what());
  }
}

int main() {
  cameo::Model model(m());
  std::printf("%s: %s %zu\n%s\n", std::string(model.name()).c_str(), std::string(model.input(0).name()).c_str(),
              model.input(0).dims().size(), std::string(*model.metadata("author")).c_str());
  if (model.metadata("nothing") || model.findOutput("x"))
    return 1;
  cameo::Context context(model);
  const std::vector<float> x = {1, 2, 3};
  const std::vector<float> large = {10, 20, 30};
  std::vector<float> y(3);
  std::vector<int32_t> whole(3);
  cameo::Tensor tensor = cameo::tensor(x, {3});
  print("y", context.run({{"x", tensor}})["y"].data<float>());
  context.run({{"x", cameo::tensor(large, {3})}}, {{"y", cameo::tensor(y)}});
  print("buffer", y);
  failing([&] { context.run({{"z", tensor}}); });
  failing([&] { context.run({}); });
  failing([&] { context.run({{"x", tensor}, {"x", tensor}}); });
  failing([&] { context.run({{"x", tensor}}, {{"z", tensor}}); });
  failing([&] { context.run({{"x", tensor}})["z"]; });
  failing([&] { context.run({{"x", tensor}})[0].data<double>(); });
  failing([&] { context.run({{"x", cameo::tensor(whole, {3})}}); }, true);
  failing([&] { context.run({{"x", cameo::tensor(cameo::Span<const float>(x.data(), 2), {3})}}); }, true);
  cameo::Context other = std::move(context);
  print("moved", other.run({{"x", tensor}})["y"].data<float>());
}
"""


class Projects(Case):
    def build(self, source, **variables):
        if not os.path.exists(self.path("out")):
            self.command(OPTIONS.cmake, "-S", source, "-B", "out", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={PREFIX}",
                         f"-DCMAKE_C_COMPILER={OPTIONS.cc}", f"-DCMAKE_CXX_COMPILER={OPTIONS.cxx}")
        return self.command(OPTIONS.cmake, "--build", "out")

    def test_example(self):
        self.build(ROOT / "examples/cpp")
        count = 5
        digits = ROOT / "examples/digits"
        self.command(sys.executable, ROOT / "tests/examples/pictures.py", digits / "inputs.npy", self.dir, count)
        answer = self.command("out/digits", *("%d.ppm" % i for i in range(count)))
        self.assertEqual(answer, "".join("this is a %d\n" % i for i in (digits / "labels.npy").read_bytes()[-300 * 8::8][:count]))

    def test_dependencies(self):
        for kind in "STATIC", "SHARED":
            shutil.rmtree(self.path("out"), ignore_errors=True)
            self.write("a model.onnx", scale(2))
            self.write("w.bin", onnx.tensor("", [3], [5] * 3)[-1][1])
            self.write("large.onnx", scale(0, external=True))
            self.write("main.c", '#include "one.h"\n#include "two.h"\n#include <stdio.h>\n' + RUN)
            self.write("CMakeLists.txt", PROJECT % (kind, kind))
            self.build(self.dir)
            self.assertEqual(self.command("out/main"), "2 5\n")
            self.assertIn("no work to do", self.build(self.dir))
            self.write("a model.onnx", scale(3))
            self.build(self.dir)
            self.assertEqual(self.command("out/main"), "3 5\n")
            self.write("w.bin", onnx.tensor("", [3], [7] * 3)[-1][1])
            self.build(self.dir)
            self.assertEqual(self.command("out/main"), "3 7\n")

    def test_wrong_arguments(self):
        for arguments, words in (("one m.onnx SIZE n=1", "unknown arguments: SIZE;n=1"), ("one m.onnx DIM", "no value for DIM"),
                                 ("one m.onnx STATIC SHARED", "not both")):
            self.write("CMakeLists.txt", "cmake_minimum_required(VERSION 3.20)\nproject(p NONE)\nfind_package(cameo REQUIRED)\n"
                       f"cameo_add_model({arguments})\n")
            self.assertIn(words, self.command(OPTIONS.cmake, "-S", ".", "-B", "out", f"-DCMAKE_PREFIX_PATH={PREFIX}", fails=True))


PROJECT = """cmake_minimum_required(VERSION 3.20)
project(models C)
find_package(cameo 0.1 REQUIRED)
cameo_add_model(one "a model.onnx" %s SHAPE x=3)
cameo_add_model(two large.onnx %s CPU native OPTIONS --optimize size)
add_executable(main main.c)
target_link_libraries(main PRIVATE one two)
"""

RUN = """
static float run(const cameo_model *model) {
  cameo_context *context;
  float x[3] = {1, 1, 1}, y[3] = {0, 0, 0};
  int64_t dims[1] = {3};
  cameo_value in = {0}, out = {0};
  in.as.tensor.data = x;
  in.as.tensor.dims = dims;
  in.as.tensor.dtype = CAMEO_FLOAT32;
  in.as.tensor.rank = 1;
  out.as.tensor.data = y;
  out.as.tensor.capacity = sizeof y;
  if (cameo_create(model, NULL, &context) || cameo_run(context, &in, &out))
    return -1;
  cameo_destroy(context);
  return y[2];
}
int main(void) { return printf("%g %g\\n", (double)run(one()), (double)run(two())) < 0; }
"""


if __name__ == "__main__":
    OPTIONS = command_line(build="build", cmake="cmake", cc="cc", cxx="c++")
    unittest.main(argv=OPTIONS.rest)
