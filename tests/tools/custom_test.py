#!/usr/bin/env python3
"""Operators of the user's own (docs/custom-ops.md): compiled with a C compiler, linked by Cameo, run; and
what may be wrong with them.

  custom_test.py --cameo build/bin/cameo --cc cc [unittest arguments]
"""
import os, subprocess, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

CAMEO = CC = ""
INCLUDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "runtime", "include")
SOURCE = r"""
#include "cameo_op.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Y = times * X */
int32_t my_ops_Scale(cameo_call *call) {
  const cameo_tensor *x = &call->inputs[0]->as.tensor;
  float *y = cameo_call_tensor(call, 0, CAMEO_FLOAT32, x->rank, x->dims);
  if (!y)
    return 1;
  for (int64_t i = 0; i < cameo_call_count(x->rank, x->dims); i++)
    y[i] = (float)cameo_call_int(call, "times", 1) * ((const float *)x->data)[i];
  return 0;
}

/* sqrt of the positive elements */
int32_t my_ops_Roots(cameo_call *call) {
  const cameo_tensor *x = &call->inputs[0]->as.tensor;
  int64_t count = 0, size = cameo_call_count(x->rank, x->dims);
  float *kept = malloc((size_t)size * sizeof *kept + 1);
  for (int64_t i = 0; i < size; i++)
    if (((const float *)x->data)[i] > 0)
      kept[count++] = powf(((const float *)x->data)[i], 0.5f);
  float *y = cameo_call_tensor(call, 0, CAMEO_FLOAT32, 1, &count);
  if (y)
    memcpy(y, kept, (size_t)count * sizeof *kept);
  free(kept);
  return !y;
}

int32_t my_ops_Fails(cameo_call *call) { return cameo_call_fail(call, "does not feel like it"); }
int32_t my_ops_Lazy(cameo_call *call) { return 0 * call->num_inputs; }
int32_t my_ops_Silent(cameo_call *call) { return 1 + 0 * call->num_inputs; }
"""
# A member of its own: only who needs it finds out.
OTHER = r"""
#include "cameo_op.h"
extern int nowhere(void);
int32_t needs_Nowhere(cameo_call *call) { return nowhere() + call->num_inputs; }
"""


class Custom(FolderCase):
    def setUp(self):
        super().setUp()
        self.write("ops.c", SOURCE)
        self.write("other.c", OTHER)
        self.tool(CC, "-O1", "-fPIC", "-I", INCLUDE, "-c", "ops.c", "other.c")
        self.tool("ar", "rcs", "libops.a", "ops.o", "other.o")

    def tool(self, *args):
        subprocess.run(args, cwd=self.dir, check=True, timeout=120)

    def cameo(self, *args):
        return subprocess.run([CAMEO, *args], cwd=self.dir, capture_output=True, text=True, timeout=120)

    def compile(self, op, dims, *flags, domain="my.ops", **attributes):
        """Y = Neg(op(X)) of X: f32[N,2]."""
        nodes = [onnx.node(op, ["x"], ["t"], "mine", domain, **attributes), onnx.node("Neg", ["t"], ["y"])]
        values = [onnx.value_info("t", dims)] if dims is not None else []
        self.write("m.onnx", onnx.model(nodes, [onnx.value_info("x", ["N", 2])], [onnx.value_info("y", [])],
                                        values=values))
        return self.cameo("compile", "m.onnx", *(flags or ("--ops", "libops.a")))

    def run_with(self, values):
        self.write("x.npy", onnx.npy([len(values) // 2, 2], values))
        return self.cameo("run", "m.so", "--input", "x=x.npy")

    def gives(self, values, text):
        run = self.run_with(values)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn(text, run.stdout)

    def refused(self, status, done, words):
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertIn(words, done.stderr)

    def built(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_same_size(self):
        self.built(self.compile("Scale", ["N", 2], times=3))
        self.gives([1, 2, 3, 4], "y: f32[2,2] = -3 -6 -9 -12")
        self.gives([], "y: f32[0,2]")

    def test_attributes_called_as_those_of_kernels(self):
        self.built(self.compile("Scale", ["N", 2], times=3, kind=1, form=2, algorithm=3, combiner=4, tile=5))
        self.gives([1, 2], "y: f32[1,2] = -3 -6")
        explained = self.cameo("explain", "m.onnx", "--ops", "libops.a")
        self.assertEqual(explained.returncode, 0, explained.stderr)
        self.assertIn("call (my_ops_Scale)", explained.stdout)

    def test_size_of_the_result_is_found_out(self):
        self.built(self.compile("Roots", ["found"]))
        self.gives([4, -1, 0, 9], "y: f32[2] = -2 -3")
        self.gives([-1, -2], "y: f32[0]")

    def test_nothing_but_the_entry_is_exported(self):
        self.built(self.compile("Roots", ["found"]))
        symbols = subprocess.run(["nm", "-D", "--defined-only", "m.so"], cwd=self.dir, capture_output=True, text=True)
        names = sorted(line.split()[-1] for line in symbols.stdout.splitlines())
        self.assertEqual(names[:2], ["cameo_model", "m"])
        self.assertRegex(" ".join(names[2:]), "^m_of_model_[0-9a-f]{16}$")

    def test_declared_sizes_are_checked(self):
        self.built(self.compile("Scale", [3, 2]))
        self.gives([1, 2, 3, 4, 5, 6], "y: f32[3,2]")
        self.refused(2, self.run_with([1, 2]), "node 'mine': dims 1 and 3 differ, expected the same")
        self.built(self.compile("Scale", ["a"]))
        self.refused(2, self.run_with([1, 2]), "node 'mine': expected rank 1, got 2")

    def test_failures(self):
        self.built(self.compile("Fails", ["a"]))
        self.refused(2, self.run_with([1, 2]), "node 'mine': does not feel like it")
        self.built(self.compile("Lazy", ["a"]))
        self.refused(2, self.run_with([1, 2]), "node 'mine': result 0 was not made")
        self.built(self.compile("Silent", ["a"]))
        self.refused(2, self.run_with([1, 2]), "node 'mine': the operator failed")

    def test_what_is_missing(self):
        self.refused(3, self.compile("Scale", ["a"], "--emit", "so"), "operators of domain 'my.ops' are not supported")
        self.refused(2, self.compile("Unheard", ["a"]), "--ops: no library has 'my_ops_Unheard', which node 'mine' needs")
        self.refused(3, self.compile("rt_fail", ["a"], domain="cameo"), "begin with 'cameo'")
        self.refused(2, self.compile("Nowhere", ["a"], domain="needs"), "--ops: no library has 'nowhere'")
        self.refused(2, self.compile("Scale", None), "output 't': expected a declared tensor type with a rank")
        self.refused(2, self.compile("Scale", ["a"], "--ops", "none.a"), "none.a: cannot open")
        self.refused(2, self.compile("Scale", ["a"], "--ops", "ops.c"), "'ops.c' is no static library")
        self.refused(2, self.compile("Scale", ["a"], "--ops", "libops.a", "--target", "aarch64-linux-gnu"),
                     "'libops.a' is for")
        self.refused(2, self.compile("Scale", ["a"], "--ops", "libops.a", "--target", "wasm32"), "wasm")

    def test_code_in_parts(self):
        """Twelve products and the rows behind them: the code is several objects when the library is linked."""
        nodes, outputs, constants = [onnx.node("Scale", ["x"], ["t"], "mine", "my.ops", times=3)], [], []
        for k in range(12):
            width = 5 + 9 * k
            constants.append(onnx.tensor(f"w{k}", [2, width], [i % width for i in range(2 * width)]))
            nodes += [onnx.node("MatMul", ["t", f"w{k}"], [f"m{k}"], f"product{k}"),
                      onnx.node("ReduceMean" if k % 2 else "ReduceMax", [f"m{k}"], [f"y{k}"], f"row{k}")]
            outputs.append(onnx.value_info(f"y{k}", []))
        self.write("m.onnx", onnx.model(nodes, [onnx.value_info("x", ["N", 2])], outputs, constants,
                                        values=[onnx.value_info("t", ["N", 2])]))
        self.built(self.cameo("compile", "m.onnx", "--ops", "libops.a"))
        run = self.run_with([1, 1])
        self.assertEqual(run.returncode, 0, run.stderr)
        for k in range(12):
            most = 5 + 9 * k - 1  # of the elements of w, which each row has once
            self.assertIn(f"y{k}: f32[1,1] = {3 * most if k % 2 else 6 * most}\n", run.stdout + "\n")

    def test_static_library(self):
        self.built(self.compile("Scale", ["N", 2], "--ops", "libops.a", "--emit", "a,header"))
        undefined = subprocess.run(["nm", "-u", "m.a"], cwd=self.dir, capture_output=True, text=True).stdout
        self.assertIn("my_ops_Scale", undefined)

    def test_the_interpreter_refuses(self):
        self.compile("Scale", ["N", 2])
        self.refused(3, self.cameo("compare", "m.onnx", "--ops", "libops.a"), "cannot evaluate")


if __name__ == "__main__":
    options = command_line(cc="cc")
    CAMEO, CC = options.cameo, options.cc
    unittest.main(argv=options.rest)
