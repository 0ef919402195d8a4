#!/usr/bin/env python3
"""The packages of scripts/package.sh: their size and files, and the wheel in a clean environment, where it does all that the
tree does. Minutes; needs PyPI for the tools and NumPy.

  wheel_test.py [--keep] [unittest arguments]      --keep takes the packages that are in dist/
"""
import glob, json, os, pathlib, shutil, subprocess, sys, tempfile, time, unittest, zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples/digits"
INSIDE = {"llvm-19-dev", "liblld-19", "libfmt-dev", "libprotobuf-dev", "libzstd-dev", "zlib1g-dev", "libcli11-dev", "nlohmann-json3-dev",
          "libstdc++-12-dev"}


def setUpModule():
    if "--keep" in sys.argv:
        sys.argv.remove("--keep")
    else:
        subprocess.run([ROOT / "scripts/package.sh"], check=True)


def package(pattern):
    [found] = glob.glob(str(ROOT / "dist" / pattern))
    return found


def check_contents(case, document, program):
    """A list of what is inside, and that nothing else is asked for when the program starts."""
    case.assertEqual(document["bomFormat"], "CycloneDX")
    case.assertLessEqual(INSIDE, {component["name"] for component in document["components"]})
    for component in document["components"]:
        case.assertTrue(component["version"] and component["licenses"][0]["license"]["text"]["content"], component["name"])
    needed = subprocess.run(["readelf", "-d", program], check=True, capture_output=True, text=True).stdout
    libraries = {line.split("[")[1].rstrip("]") for line in needed.splitlines() if "(NEEDED)" in line}
    case.assertLessEqual(libraries, {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"})


class Files(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="cameo_wheel_")
        self.addCleanup(shutil.rmtree, self.dir)

    def test_wheel(self):
        wheel = package("cameoc-*.whl")
        self.assertIn("-py3-none-manylinux_", wheel)
        self.assertLessEqual(os.path.getsize(wheel), 40e6)
        with zipfile.ZipFile(wheel) as file:
            file.extractall(self.dir)
        [bill] = glob.glob(self.dir + "/cameoc-*.dist-info/sboms/cameo.cdx.json")
        check_contents(self, json.loads(pathlib.Path(bill).read_text()), self.dir + "/cameoc/bin/cameo")

    def test_debian_package(self):
        subprocess.run(["dpkg-deb", "-x", package("cameo_*.deb"), self.dir], check=True)
        self.assertEqual(set(os.listdir(self.dir)), {"usr"})
        bill = pathlib.Path(self.dir, "usr/share/doc/cameo/cameo.cdx.json")
        check_contents(self, json.loads(bill.read_text()), self.dir + "/usr/bin/cameo")
        subprocess.run([self.dir + "/usr/bin/cameo", "compile", DIGITS / "digits.onnx", "-o", self.dir + "/"], check=True)
        code = "import importlib.util, site, sys; site.addsitedir(sys.argv[1]); print(importlib.util.find_spec('cameoc').origin)"
        found = subprocess.run([sys.executable, "-S", "-c", code, self.dir + "/usr/lib/python3/dist-packages"],
                               check=True, capture_output=True, text=True).stdout
        self.assertEqual(os.path.realpath(found.strip()), os.path.realpath(self.dir + "/usr/lib/cameo/python/cameoc/__init__.py"))

    def test_sources(self):
        subprocess.run(["tar", "-xf", package("cameo-*.tar.gz"), "-C", self.dir, "--strip-components=1"], check=True)
        names = subprocess.run(["git", "ls-tree", "-r", "--name-only", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True)
        for name in names.stdout.splitlines():
            self.assertTrue(os.path.lexists(os.path.join(self.dir, name)), name)


SNIPPET = """
import pathlib, sys, time
import numpy as np
import cameoc
root, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
assert pathlib.Path(cameoc.__file__).is_relative_to(sys.prefix), cameoc.__file__
images, labels = np.load(root / "inputs.npy"), np.load(root / "labels.npy")
library = cameoc.compile(root / "digits.onnx", work / "python.so", dim={"batch": 300})
logits = cameoc.load(library, threads=2).run({"image": images})["logits"]
assert (logits.argmax(1) == labels).sum() >= 285
session = cameoc.InferenceSession(root / "digits.onnx", providers=["CPUExecutionProvider"])
[again] = session.run(None, {session.get_inputs()[0].name: images})
assert np.allclose(again, logits, atol=1e-4)
print(cameoc.__version__)
"""


class Clean(unittest.TestCase):
    """An environment with the wheel and NumPy, outside of the tree, whose variables and PATH have no trace of it."""

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="cameo_venv_")
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        cls.times = {}
        subprocess.run([sys.executable, "-m", "venv", cls.dir + "/venv"], check=True)
        cls.timed("pip install", cls.dir + "/venv/bin/pip", "install", "-q", package("cameoc-*.whl"))

    @classmethod
    def timed(cls, what, *command):
        start = time.monotonic()
        environment = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        done = subprocess.run(command, cwd=cls.dir, capture_output=True, text=True,
                              env={**environment, "PATH": cls.dir + "/venv/bin:/usr/bin:/bin"})
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        print("%s: %.2f s" % (what, time.monotonic() - start), file=sys.stderr)
        return done.stdout

    def test_program(self):
        model = str(DIGITS / "digits.onnx")
        self.timed("compile", "cameo", "compile", model)
        self.timed("run", "cameo", "run", "digits.so", "--input", f"image={DIGITS}/inputs.npy", "--output-dir", "out")
        self.assertIn("PASS", self.timed("compare", "cameo", "compare", model))
        self.assertIn("p50", self.timed("bench", "cameo", "bench", model))
        self.assertIn("cameo", self.timed("python -m", "python", "-m", "cameoc", "--version"))
        for target in "aarch64-linux-gnu", "armv7-linux-gnueabihf", "riscv64-linux-gnu", "wasm32":
            self.timed("compile for " + target, "cameo", "compile", model, "--target", target, "-o", target + "/")

    def test_package(self):
        pathlib.Path(self.dir, "snippet.py").write_text(SNIPPET)
        version = self.timed("Python", "python", "snippet.py", str(DIGITS), self.dir)
        self.assertEqual(version.strip(), (ROOT / "VERSION").read_text().strip())

    def test_cmake(self):
        prefix = self.timed("prefix", "python", "-c", "import cameoc; print(cameoc.__path__[0])").strip()
        self.timed("configure", "cmake", "-S", str(ROOT / "examples/cpp"), "-B", "build", "-DCMAKE_PREFIX_PATH=" + prefix)
        self.timed("build", "cmake", "--build", "build")


if __name__ == "__main__":
    unittest.main()
