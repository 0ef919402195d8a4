"""Convolutions and products compiled with --precision bf16, against ONNX Runtime in float32.

usage: bf16.py [--cameo build/bin/cameo] [--work DIR]

Inputs and weights are rounded to bfloat16, products and sums are in float32: with eps = 2^-8, no element may be
further than 2 eps + eps^2 times the sum of |a||b| from the exact one; where inputs and weights are
bfloat16 already, not further than float32 sums are. ONNX Runtime computes the sum of |a||b|, too: the same
layer on absolute values. On this machine, on x86-64-v3, which lacks the instruction, and on aarch64 under an
emulator where there is one (tests/targets/emulate.sh).
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import ml_dtypes
import numpy as np
import onnx

from case import Case, bundle, bundle_inputs, pick
from judge import run_onnxruntime
from quantized import random_conv

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))
import cameoc

EPSILON = 2.0**-8
ROUNDED = 2 * EPSILON + EPSILON**2
FLOAT = 1e-5  # float32 sums of up to a thousand products in whatever order
TARGETS = (("host", "native"), ("host", "x86-64-v3"), ("aarch64-linux-gnu", "armv8.2-a+bf16"))


def convolutions():
    for k in range(40):
        rng = np.random.default_rng([21, k])
        attributes, x_shape, w_shape, groups = random_conv(rng)
        if 0 in x_shape:
            continue
        case = Case(f"bf16/conv{k}")
        bias = case.weight(case.random(w_shape[:1])) if k % 2 else None
        w = case.weight(case.random(w_shape))
        yield case.output(case.op("Conv", case.input(x_shape), w, bias, group=groups, **attributes))


def large_images():
    """Of a size for Winograd's algorithm, which computes in float32."""
    for channels, size in ((64, 56), (128, 28)):
        case = Case(f"bf16/conv{channels}x{size}")
        w = case.weight(case.random([32, channels, 3, 3]))
        yield case.output(case.op("Conv", case.input([1, channels, size, size]), w, pads=[1] * 4))


def products():
    sizes = (1, 2, 3, 5, 16, 17, 31, 33, 64, 65, 130)
    for k in range(40):
        rng = np.random.default_rng([22, k])
        rows, depth, columns = (pick(rng, sizes) for _ in range(3))
        case = Case(f"bf16/product{k}/{rows}x{depth}x{columns}")
        w_shape = [columns, depth] if k % 2 else [depth, columns]
        w = case.weight(case.random(w_shape))
        if k % 4 < 2:
            x, bias = case.input([rows, depth]), case.weight(case.random([columns]))
            yield case.output(case.op("Gemm", x, w, bias, transB=k % 2))
        elif k % 2 == 0:
            yield case.output(case.op("MatMul", case.input([2, rows, depth]), w))


def to_bf16(array):
    return array.astype(ml_dtypes.bfloat16).astype(np.float32)


def same(array):
    return array


class Library:
    """A bundle compiled for one target; `run` gives its outputs in order."""

    def __init__(self, arguments, folder, target, cpu, model):
        self.arch, self.folder, self.work = target.split("-")[0], folder, arguments.work
        self.path, self.outputs = folder / "bundle.so", [value.name for value in model.graph.output]
        onnx.save(model, folder / "bundle.onnx")
        command = [arguments.cameo, "compile", folder / "bundle.onnx", "-o", self.path]
        flags = ["--target", target, "--cpu", cpu, "--precision", "bf16"]
        subprocess.run([*command, *flags], check=True, capture_output=True)

    def run(self, inputs, expected):
        if self.arch == "host":
            with cameoc.load(str(self.path), threads=2) as model:
                results = model.run(inputs)
                return [results[name] for name in self.outputs]
        files = [self.folder / str(i) for i in range(len(inputs) + len(expected))]
        for file, value in zip(files, inputs.values()):
            value.tofile(file)
        emulate = ROOT / "tests/targets/emulate.sh"
        subprocess.run([emulate, self.arch, self.work, self.path, "1", "2", *files], check=True)
        results = files[len(inputs) :]
        return [np.fromfile(f, np.float32).reshape(e.shape) for f, e in zip(results, expected)]


def check(arguments, target, cpu, cases, convert, limit):
    """The number of cases beyond the limit, and the largest error of all as a part of it."""
    expected = [run_onnxruntime(case, convert)[0][0] for case in cases]
    sums = [run_onnxruntime(case, lambda a: np.abs(convert(a)))[0][0] for case in cases]
    inputs = {name: convert(value) for name, value in bundle_inputs(cases, 0).items()}
    with tempfile.TemporaryDirectory(prefix="cameo-bf16-") as scratch:
        library = Library(arguments, pathlib.Path(scratch), target, cpu, bundle(cases, convert))
        actual = library.run(inputs, expected)
    failed, worst = 0, 0.0
    for case, want, room, got in zip(cases, expected, sums, actual):
        if want.shape != got.shape:
            sys.exit(f"{case.name}: expected shape {want.shape}, got {got.shape}")
        error = np.abs(want - got) / np.maximum(room, 1e-30)
        if not (error <= limit).all():
            failed += 1
            print(f"{cpu}: {case.name}: error {error.max():.2e} of the sum of |a||b|, limit {limit:.2e}")
        worst = max(worst, float(error.max(initial=0)))
    print(f"{cpu}: {len(cases)} cases, largest error {worst:.2e} of the sum of |a||b|, limit {limit:.2e}")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cameo", type=pathlib.Path, default=ROOT / "build/bin/cameo")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/bf16")
    arguments = parser.parse_args()
    cases = [*convolutions(), *large_images(), *products()]
    failed = 0
    for target, cpu in TARGETS:
        arch = target.split("-")[0]
        if arch != "host":
            probe = [ROOT / "tests/targets/emulate.sh", arch, arguments.work]
            if subprocess.run(probe).returncode:
                print(f"{cpu}: left out, there is no emulator")
                continue
        elif cpu != "native" and subprocess.run(["grep", "-q", "avx2", "/proc/cpuinfo"]).returncode:
            continue
        failed += check(arguments, target, cpu, cases, same, ROUNDED + FLOAT)
        failed += check(arguments, target, cpu, cases, to_bf16, FLOAT)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
