#!/usr/bin/env python3
"""Damaged libraries: `cameo verify` finds every flipped bit, the program runs none of them, and
cameo_create with CAMEO_VERIFY refuses what it gets to see. And a model in a static program.

  verify_test.py --cameo build/bin/cameo --cc cc [unittest arguments]
"""
import os, random, subprocess, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

CAMEO = CC = ""
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
REFUSED = 3
# Loads a library, or has a model linked in; prints the output for the inputs 1 2 3.
SOURCE = r"""
#include "cameo.h"
#include <stdio.h>
#ifdef MODEL
const cameo_model *MODEL(void);
#else
#include <dlfcn.h>
#endif

int main(int argc, char **argv) {
#ifdef MODEL
  const cameo_model *model = MODEL();
#else
  void *library = dlopen(argv[1], RTLD_NOW);
  const cameo_model *(*entry)(void) = NULL;
  if (library)
    *(void **)&entry = dlsym(library, CAMEO_MODEL_SYMBOL);
  if (!entry)
    return 2;
  const cameo_model *model = entry();
#endif
  char message[300] = "";
  cameo_options options = cameo_default_options();
  options.flags = argc > 2 ? CAMEO_VERIFY : 0;
  options.threads = 2;
  options.message = message;
  options.message_size = sizeof message;
  cameo_context *context;
  if (cameo_create(model, &options, &context)) {
    fprintf(stderr, "%s\n", message);
    return 3;
  }
  float x[3] = {1, 2, 3};
  int64_t dims[2] = {1, 3};
  cameo_value in = {0}, out = {0};
  in.as.tensor = (cameo_tensor){x, dims, sizeof x, CAMEO_FLOAT32, 2};
  if (cameo_run(context, &in, &out))
    return 4;
  const float *y = out.as.tensor.data;
  printf("%g %g %g\n", y[0], y[1], y[2]);
  cameo_destroy(context);
  return 0;
}
"""
RIGHT = "11 22 33\n"


class Verify(FolderCase):
    def setUp(self):
        super().setUp()
        self.write("m.onnx", onnx.model(
            [onnx.node("Add", ["x", "w"], ["s"], "add"), onnx.node("Relu", ["s"], ["y"], "relu")],
            [onnx.value_info("x", ["n", 3])], [onnx.value_info("y", ["n", 3])],
            [onnx.tensor("w", [3], [10, 20, 30])]))
        self.write("x.npy", onnx.npy([1, 3], [1, 2, 3]))
        self.cameo("compile", "m.onnx")
        self.write("main.c", SOURCE.encode())

    def cameo(self, *args, status=0):
        run = subprocess.run([CAMEO, *args], cwd=self.dir, capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        return run

    def program(self, *arguments):
        command = [CC, "-std=gnu11", "-I", os.path.join(ROOT, "runtime", "include"), "main.c", "-o", "main"]
        return subprocess.run(command + list(arguments), cwd=self.dir, capture_output=True, text=True)

    def damaged(self, count, seed):
        """Copies of the library with one bit flipped, anywhere."""
        with open(self.path("m.so"), "rb") as file:
            good = file.read()
        pick = random.Random(seed)
        names = []
        for i in range(count):
            data = bytearray(good)
            data[pick.randrange(len(data))] ^= 1 << pick.randrange(8)
            names.append("d%d.so" % i)
            self.write(names[-1], data)
        return names

    def test_verify_finds_every_bit(self):
        self.assertEqual(self.cameo("verify", "m.so").stdout, "m.so: undamaged\n")
        names = self.damaged(200, 1)
        run = self.cameo("verify", *names, status=2)
        self.assertEqual(run.stdout, "")
        for name, line in zip(names, run.stderr.splitlines(), strict=True):
            self.assertRegex(line, "^error: %s: (is damaged|carries no checksum)" % name)

    def test_what_has_no_checksum(self):
        self.cameo("compile", "m.onnx", "--emit", "o,a")
        for name in ("m.o", "m.a", "m.onnx", "none.so", "."):
            self.cameo("verify", name, status=2)

    def test_damaged_libraries_are_not_run(self):
        for name in self.damaged(12, 2):
            run = subprocess.run([CAMEO, "run", name, "--input", "x.npy"], cwd=self.dir,
                                 capture_output=True, text=True)
            if run.returncode == 0:  # the magic of the checksum itself
                self.assertIn("11 22 33", run.stdout)
            else:
                self.assertEqual(run.returncode, 2, run.stderr)
                self.assertIn("is damaged", run.stderr)

    def test_create_refuses(self):
        self.assertEqual(self.program("-ldl").returncode, 0)
        run = lambda name: subprocess.run(["./main", "./" + name, "verify"], cwd=self.dir,
                                          capture_output=True, text=True)
        self.assertEqual((run("m.so").stdout, run("m.so").returncode), (RIGHT, 0))
        refused = 0
        for name in self.damaged(60, 3):
            result = run(name)
            if result.returncode == 0:
                self.assertEqual(result.stdout, RIGHT)
            elif result.returncode == REFUSED:
                self.assertRegex(result.stderr, "is damaged|does not end in a checksum")
                refused += 1
            else:  # it does not load, or does not get that far
                self.assertEqual(result.stdout, "")
        self.assertGreater(refused, 30)

    def test_static_program(self):
        self.cameo("compile", "m.onnx", "--emit", "a")
        if self.program("-static", "-DMODEL=m", "m.a").returncode:
            self.skipTest("no static C library")
        run = subprocess.run(["./main"], cwd=self.dir, capture_output=True, text=True)
        self.assertEqual((run.stdout, run.stderr), (RIGHT, ""))
        run = subprocess.run(["./main", "", "verify"], cwd=self.dir, capture_output=True, text=True)
        self.assertEqual(run.returncode, REFUSED)
        self.assertIn("does not end in a checksum", run.stderr)


if __name__ == "__main__":
    options = command_line(cc="cc")
    CAMEO, CC = options.cameo, options.cc
    unittest.main(argv=options.rest)
