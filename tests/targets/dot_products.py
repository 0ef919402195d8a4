#!/usr/bin/env python3
"""Checks that layers of 8 bits, and of bfloat16 where --precision asks for it, are compiled to the target's
instructions for dot products, or sums of pairs, and to none that the target lacks, on aarch64 by lanes of the input: looks into the assembly of a convolution and
of a product for each CPU.

  dot_products.py --cameo build/bin/cameo
"""
import argparse, os, re, subprocess, sys, tempfile
import numpy as np
import onnx
from onnx import helper, numpy_helper

X86, ARM = "x86_64-linux-gnu", "aarch64-linux-gnu"
# Target, CPU, what integer layers must use, what float layers must use with --precision bf16: all names, in order.
ROWS = (
    (X86, "x86-64-v2", None, None),
    (X86, "x86-64-v3", None, None),
    (X86, "x86-64-v3+avxvnni", "vpdpbusd", None),
    (X86, "x86-64-v4", None, None),
    (X86, "x86-64-v4+vnni", "vpdpbusd", None),
    (X86, "x86-64-v4+vnni+bf16", "vpdpbusd", "vcvtneps2bf16 vdpbf16ps"),
    (ARM, "armv8-a", "sadalp", None),
    (ARM, "armv8-a+dotprod", "[su]dot", None),
    (ARM, "armv8.2-a+i8mm", "u?smmla", None),
    (ARM, "armv8.2-a+bf16", "sadalp", "bf(dot|mmla)"),
)
ANY = re.compile(r"^\s+(?:\{\w+\}\s+)?(vpdp\w+|vdpbf16ps|vcvtneps2bf16|u?sdot|udot|u?s?mmla|bfdot|bfmmla|sadalp)\s", re.M)


LAYERS = {
    "Conv": ([1, 16, 14, 14], [32, 16, 3, 3], [1, 32, 12, 12]),
    "MatMul": ([33, 64], [64, 48], [33, 48]),
}


def model(kind, x, w):
    """One layer of constant weights, of these two element types."""
    given, shape, result = LAYERS[kind]
    integers = np.dtype(w).kind != "f"
    weight = np.random.default_rng(0).integers(0, 100, shape).astype(w)

    def info(name, dtype, dims):
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), dims)

    node = helper.make_node(kind + "Integer" * integers, ["x", "w"], ["y"])
    outputs = [info("y", np.int32 if integers else x, result)]
    weights = [numpy_helper.from_array(weight, "w")]
    graph = helper.make_graph([node], "g", [info("x", x, given)], outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def instructions(cameo, model, target, cpu, *flags):
    """Which dot products and roundings for them the compiled model has, by name."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/m.onnx"
        onnx.save(model, path)
        command = [cameo, "compile", path, "--emit", "asm", "-o", f"{folder}/m.s"]
        done = subprocess.run([*command, "--target", target, "--cpu", cpu, *flags], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        text = open(f"{folder}/m.s").read()
    found = set(ANY.findall(text))
    if found - {"sadalp", "smmla", "usmmla"} and target == ARM and not re.search(r"\sv\d+\.(4b|2h)\[3\]", text):
        found.add("without lanes")
    return " ".join(sorted(found))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cameo", default="build/bin/cameo")
    cameo = parser.parse_args().cameo
    wrong = 0
    for target, cpu, integers, bf16 in ROWS:
        for name, x, w, flags, wanted in (
            ("u8 s8", np.uint8, np.int8, (), integers),
            ("s8 s8", np.int8, np.int8, (), integers),
            ("u8 u8", np.uint8, np.uint8, (), integers),
            ("f32", np.float32, np.float32, (), None),
            ("bf16", np.float32, np.float32, ("--precision", "bf16"), bf16),
        ):
            for kind in LAYERS:
                found = instructions(cameo, model(kind, x, w), target, cpu, *flags)
                good = bool(re.fullmatch(wanted or "", found))
                remark = "" if good else f"  expected {wanted}"
                print(f"{cpu:20s} {name:6s} {kind:7s} {found or '-'}{remark}")
                wrong += not good
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
