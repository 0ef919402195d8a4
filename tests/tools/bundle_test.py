#!/usr/bin/env python3
"""`cameo bundle`: what one library of many models has of each, what it has once, and what is refused. Runs the
program and a C compiler; needs nothing but Python.

  bundle_test.py --cameo build/bin/cameo --cc cc [unittest arguments]
"""
import json, os, re, subprocess, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

CAMEO = CC = ""

# Runs all models of a bundle on one pool, on ones; prints their names and results, and those of lookups.
PROGRAM = r"""
#include "heads.h"
#include <stdio.h>

static void run(const cameo_model *model, cameo_pool *pool) {
  char message[256] = "";
  float data[64];
  int64_t axes[1] = {1};
  int64_t one[1] = {1};
  cameo_options options = cameo_default_options();
  cameo_context *context;
  cameo_value inputs[2] = {{0}}, outputs[1] = {{0}};
  int64_t dims[2] = {2, 0};
  options.pool = pool;
  options.message = message;
  options.message_size = sizeof message;
  for (int i = 0; i < 64; i++)
    data[i] = 1;
  if (model->inputs[0].dtype == CAMEO_INT64) {
    inputs[0].as.tensor.data = axes;
    inputs[0].as.tensor.dims = one;
    inputs[0].as.tensor.rank = 1;
    inputs[0].as.tensor.dtype = CAMEO_INT64;
  } else {
    dims[1] = model->inputs[0].dims[1];
    inputs[0].as.tensor.data = data;
    inputs[0].as.tensor.dims = dims;
    inputs[0].as.tensor.rank = 2;
    inputs[0].as.tensor.dtype = CAMEO_FLOAT32;
  }
  if (cameo_create(model, &options, &context)) {
    printf("%s: %s\n", model->name, message);
    return;
  }
  for (int again = 0; again < 2; again++)
    if (cameo_run(context, inputs, outputs))
      printf("%s: %s\n", model->name, cameo_last_error(context));
  printf("%s", model->name);
  int64_t count = 1;
  for (int i = 0; i < outputs[0].as.tensor.rank; i++)
    count *= outputs[0].as.tensor.dims[i];
  for (int64_t i = 0; i < count; i++)
    printf(" %g", ((float *)outputs[0].as.tensor.data)[i]);
  printf("\n");
  cameo_destroy(context);
}

int main(void) {
  const cameo_bundle *bundle = heads();
  cameo_pool *pool;
  if (cameo_pool_create(cameo_bundle_model(bundle, 0), 3, &pool))
    return 1;
  for (int i = 0; i < cameo_bundle_count(bundle); i++)
    run(cameo_bundle_model(bundle, i), pool);
  cameo_pool_destroy(pool);
  printf("find");
  for (int i = 0; i < cameo_bundle_count(bundle); i++)
    printf(" %d", cameo_bundle_find(bundle, cameo_bundle_model(bundle, i)->name));
  printf(" %d %d\n", cameo_bundle_find(bundle, "head"), cameo_bundle_find(bundle, "zzz"));
  const char *kinds[] = {"even", "odd", "eve", "none"};
  for (int k = 0; k < 4; k++) {
    printf("%s", kinds[k]);
    for (int i = 0; (i = cameo_bundle_find_by(bundle, "kind", kinds[k], i)) >= 0; i++)
      printf(" %d", i);
    printf("\n");
  }
  printf("none %d %d %d\n", cameo_bundle_find_by(bundle, "kin", "even", 0), cameo_bundle_model(bundle, -1) == NULL,
         cameo_bundle_count(NULL));
  printf("constants %d %d\n", heads_model_head_3, heads_model_count);
  return 0;
}
"""


def head(rows, columns, scale, **properties):
    """y = x w + b with w[i][j] = scale (i - j) and b[j] = j."""
    w = [scale * (i - j) for i in range(rows) for j in range(columns)]
    constants = [onnx.tensor("w", [rows, columns], w), onnx.tensor("b", [columns], range(columns))]
    model = onnx.model([onnx.node("Gemm", ["x", "w", "b"], ["y"], "gemm")], [onnx.value_info("x", ["batch", rows])],
                       [onnx.value_info("y", ["batch", columns])], constants)
    return model + onnx.message([(14, [(1, key), (2, value)]) for key, value in properties.items()])


def result(rows, columns, scale):
    return [sum(scale * (i - j) for i in range(rows)) + j for j in range(columns)]


def sums(scale):
    """Sums of a constant over axes that are an input: a function in C that reads weights."""
    constants = [onnx.tensor("w", [2, 3], [scale * i for i in range(6)])]
    return onnx.model([onnx.node("ReduceSum", ["w", "axes"], ["y"], "sum", keepdims=0)],
                      [onnx.value_info("axes", [1], onnx.INT64)], [onnx.value_info("y", ["n"])], constants)


# Of the models of the bundle: rows, columns, scale. Two differ in their weights alone, two in nothing but the name.
HEADS = {"head-1": (8, 3, 1), "head-2": (8, 3, 2), "head-3": (8, 3, 2), "head-4": (16, 5, 1), "head-5": (32, 19, 1)}


class Bundle(FolderCase):
    def setUp(self):
        super().setUp()
        for number, (name, shape) in enumerate(HEADS.items()):
            self.write(f"{name}.onnx", head(*shape, kind="odd" if number % 2 else "even", classes=str(shape[1])))

    def cameo(self, *args, status=0):
        run = subprocess.run([CAMEO, *args], cwd=self.dir, capture_output=True, text=True, timeout=300)
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        if args[0] == "bundle":  # results are files: what was made is told as `compile` does
            self.assertEqual(run.stdout, "")
        return run.stderr if status or args[0] == "bundle" else run.stdout

    def run_program(self, *libraries, program=PROGRAM):
        self.write("main.c", program)
        subprocess.run([CC, "-Wall", "-Wextra", "-Werror", "-std=c11", "main.c", *libraries, "-o", "main", "-pthread", "-Wl,-rpath,."],
                       cwd=self.dir, check=True, timeout=300)
        run = subprocess.run(["./main"], cwd=self.dir, capture_output=True, text=True, timeout=300, check=True)
        return dict(line.split(" ", 1) if " " in line else (line, "") for line in run.stdout.splitlines())

    def check_program(self, *libraries):
        said = self.run_program(*libraries)
        for name, shape in HEADS.items():
            self.assertEqual([float(x) for x in said[name].split()], 2 * result(*shape), name)
        self.assertEqual([float(x) for x in said["sums-1"].split()], [3, 12])
        self.assertEqual([float(x) for x in said["sums-2"].split()], [6, 24])
        self.assertEqual(said["find"], "0 1 2 3 4 5 6 -1 -1")
        self.assertEqual((said["even"], said["odd"], said["eve"]), ("0 2 4", "1 3", ""))
        self.assertEqual(said["none"], "-1 1 0")
        self.assertEqual(said["constants"], f"2 {len(HEADS) + 2}")

    def test_code_in_parts(self):
        """Heads of twelve shapes: their code is several objects when the library is linked."""
        shapes = {f"head-{n:02}": (8 + 2 * n, 7 + 20 * n, 1) for n in range(1, 13)}
        for name, shape in shapes.items():
            self.write(f"many/{name}.onnx", head(*shape))
        self.cameo("bundle", "many/*.onnx", "-o", "heads.so")
        one = {min(os.sched_getaffinity(0))}
        subprocess.run([CAMEO, "bundle", "many/*.onnx", "-o", "again/heads.so"], cwd=self.dir, check=True, timeout=300,
                       capture_output=True, preexec_fn=lambda: os.sched_setaffinity(0, one))
        with open(self.path("heads.so"), "rb") as many, open(self.path("again/heads.so"), "rb") as few:
            self.assertEqual(many.read(), few.read())
        said = self.run_program("./heads.so", program=PROGRAM.replace("model_head_3", "model_head_03"))
        for name, shape in shapes.items():
            self.assertEqual([float(x) for x in said[name].split()], 2 * result(*shape), name)

    def test_every_model_computes_what_it_computes_alone(self):
        self.write("sums-1.onnx", sums(1))
        self.write("sums-2.onnx", sums(2))
        for library in ("heads.so", "heads.a", "heads.o"):
            with self.subTest(library):
                self.cameo("bundle", "head-*.onnx", "sums-*.onnx", "-o", library)
                self.check_program(library)
        self.assertEqual(self.cameo("verify", "heads.so"), "heads.so: undamaged\n")

    def test_equal_functions_and_weights_are_there_once(self):
        text = self.cameo("bundle", "head-*.onnx", "-o", "heads.so")
        functions, all_functions = map(int, re.search(r"(\d+) of (\d+) functions", text).groups())
        # Of those of head-2 and head-3 there is but the function of each that knows where its weights are.
        self.write("more-6.onnx", head(*HEADS["head-3"]))
        more = self.cameo("bundle", "head-*.onnx", "more-6.onnx", "-o", "more.so")
        again, all_again = map(int, re.search(r"(\d+) of (\d+) functions", more).groups())
        alone = self.cameo("bundle", "head-3.onnx", "-o", "alone.so")
        self.assertEqual(all_again - all_functions, int(re.search(r"of (\d+) functions", alone).group(1)))
        self.assertEqual(again, functions)
        once, every = re.search(r"([\d.]+ k?B) of ([\d.]+ k?B) of weights", more).groups()
        before_once, before_every = re.search(r"([\d.]+ k?B) of ([\d.]+ k?B) of weights", text).groups()
        self.assertEqual(once, before_once)
        self.assertNotEqual(every, before_every)

    def test_the_same_models_give_the_same_bytes_however_many_at_a_time(self):
        self.cameo("bundle", "head-*.onnx", "-o", "one/heads.so", "-j", "1")
        self.cameo("bundle", "head-5.onnx", "head-[1-4].onnx", "-o", "three/heads.so", "-j", "3")
        for name in ("heads.so", "heads.h"):
            self.assertEqual(self.read(f"one/{name}"), self.read(f"three/{name}"), name)

    def test_what_cannot_be_bundled_is_one_sentence_and_no_file(self):
        self.write("broken.onnx", self.read("head-5.onnx")[:200])
        ports = [onnx.value_info("x", [1])], [onnx.value_info("y", [1])]
        self.write("strange.onnx", onnx.model([onnx.node("Strange", ["x"], ["y"], "odd one")], *ports))
        self.write("other/head-1.onnx", head(8, 3, 1))
        self.write("file", "")
        before = self.files()
        for arguments, status, words in [
                (("head-*.onnx", "none*.onnx", "-o", "b.so"), 2, "error: no file matches 'none*.onnx'"),
                (("head-*.onnx", "gone.onnx", "-o", "b.so"), 2, "error: cannot open 'gone.onnx': No such file or directory"),
                (("head-*.onnx", "broken.onnx", "-o", "b.so"), 2, "error: broken.onnx: "),
                (("broken.onnx", "strange.onnx", "-o", "b.so", "-j", "2"), 2, "error: broken.onnx: "),
                (("head-*.onnx", "strange.onnx", "-o", "b.so"), 3, "error: strange.onnx: "),
                (("head-1.onnx", "other/head-1.onnx", "-o", "b.so"), 2,
                 "error: 'head-1.onnx' and 'other/head-1.onnx' would both be called 'head-1' in the bundle: "
                 "--output-template '{parent}_{stem}' tells them apart"),
                (("head-*.onnx", "-o", "b.so", "--output-template", "{folder}_{stem}"), 2,
                 "error: --output-template: 'head-1.onnx' has no {folder}: possible are {stem}, {parent}, {parent2}, ..."),
                (("head-*.onnx", "-o", "b.so", "--output-template", "{parent99}"), 2, "error: --output-template: 'head-1.onnx' has no {parent99}"),
                (("head-*.onnx", "-o", "b.so", "--output-template", "x"), 2, "error: 'head-1.onnx' and 'head-2.onnx' would both be called 'x'"),
                (("head-*.onnx", "-o", "b.txt"), 2, "error: --output: expected a file with the extension .so, .a, .o or .wasm, got 'b.txt'"),
                (("head-*.onnx", "-o", "b.wasm"), 2, "error: a .wasm module can be made for wasm32 only"),
                (("head-*.onnx", "-o", "head-1.onnx"), 2, "error: --output: expected a file with the extension"),
                (("head-*.onnx", "-o", "b.so", "--dim", "batch=x"), 2, "error: --dim: "),
                (("head-*.onnx", "-o", "file/b.so"), 2, "error: --output: cannot create the folder 'file'")]:
            with self.subTest(" ".join(arguments)):
                said = self.cameo("bundle", *arguments, status=status)
                self.assertTrue(said.startswith(words), said)
                self.assertEqual(self.files(), before)

    def test_names_from_folders(self):
        for folder in "a", "b":
            self.write(f"{folder}/best.onnx", head(8, 3, 1))
        self.cameo("bundle", "[ab]/best.onnx", "-o", "b.so", "--output-template", "{parent}/{stem}!")
        self.assertEqual(sorted(json.loads(self.cameo("inspect", "b.so:a/best!", "--json"))["metadata"]["cameo"])[:2], ["cpu", "dims"])
        run = subprocess.run([CAMEO, "compile", "[ab]/best.onnx", "-o", "out", "--output-template", "{stem}_{parent}"], cwd=self.dir,
                             capture_output=True, text=True, timeout=300)
        self.assertEqual((run.returncode, run.stdout), (0, ""), run.stderr)
        self.assertLessEqual({"out/best_a.so", "out/best_b.h"}, self.files())
        self.assertIn("best_b(void)", self.read("out/best_b.h").decode())
        self.assertIn("expected a name without '/', got 'a/best'",
                      self.cameo("compile", "a/best.onnx", "-o", "out", "--output-template", "{parent}/{stem}", status=2))

    def test_one_model_of_a_bundle(self):
        self.cameo("bundle", "head-*.onnx", "-o", "b.so", "--optimize", "size")
        rows, columns, scale = HEADS["head-4"]
        self.write("x.npy", onnx.npy([1, rows], [1] * rows))
        self.cameo("run", "b.so:head-4", "--input", "x.npy", "--output-dir", "out")
        self.assertEqual(onnx.read_npy(self.read("out/output_0_y.npy")), result(rows, columns, scale))
        self.assertIn("PASS", self.cameo("compare", "head-4.onnx", "b.so:head-4"))
        self.cameo("compare", "head-5.onnx", "b.so:head-4", status=1)
        text = self.cameo("bench", "head-1.onnx", "b.so:head-1", "head-4.onnx", "b.so:head-4", "--seconds", "0.02", "--no-reference")
        self.assertEqual(text.count("compiled, 1 thread"), 4)
        said = json.loads(self.cameo("inspect", "b.so:head-4", "--json"))
        self.assertEqual((said["name"], said["entry"], said["inputs"]), ("head-4", "b", [{"name": "x", "type": "f32[batch,16]"}]))
        self.assertEqual((said["metadata"]["property.kind"], said["metadata"]["cameo"]["optimize"]), ("odd", "size"))
        self.assertGreaterEqual(said["workspace_bytes"], 0)
        self.assertEqual([model["name"] for model in json.loads(self.cameo("inspect", "b.so", "--json"))["models"]], list(HEADS))
        self.assertRegex(self.cameo("inspect", "b.so"), r"(?m)^head-4 +x f32\[batch,16\] +y f32\[batch,5\]$")

    def test_which_model(self):
        self.cameo("bundle", "head-*.onnx", "-o", "b.so")
        self.cameo("compile", "head-1.onnx")
        for arguments, words in ((("run", "b.so"), "b.so: a bundle of 5 models: expected the name of one of them, as in b.so:head-1"),
                                 (("run", "b.so:heat-1"), "b.so: the bundle has no model 'heat-1': did you mean 'head-1'?"),
                                 (("inspect", "b.so:heat-1"), "b.so: the library has no model 'heat-1': did you mean 'head-1'?"),
                                 (("run", "head-1.so:x"), "head-1.so: a library of one model, not a bundle that has a model 'x'"),
                                 (("compile", "b.so:head-1"), "'b.so:head-1' is compiled already"),
                                 (("run", "gone.so:x"), "gone.so")):
            with self.subTest(arguments):
                self.assertIn(words, self.cameo(*arguments, status=2))

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def files(self):
        return {os.path.join(folder, name)[len(self.dir) + 1:] for folder, _, names in os.walk(self.dir) for name in names}


if __name__ == "__main__":
    options = command_line(cc="cc")
    CAMEO, CC = options.cameo, options.cc
    unittest.main(argv=options.rest)
