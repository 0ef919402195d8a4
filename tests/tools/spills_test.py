#!/usr/bin/env python3
"""No register tile that the planner chooses spills: the innermost loops of micro-kernels, as LLVM compiles
them, move no vector to or from the stack. On aarch64 they multiply by lanes, and broadcast nothing. Compiles
products and convolutions of many shapes to assembly for each kind of target. Needs nothing but Python.

  spills_test.py --cameo build/bin/cameo [unittest arguments]
"""
import os, re, subprocess, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

CAMEO = ""
TARGETS = [("x86_64-linux-gnu", "x86-64-v3"), ("x86_64-linux-gnu", "x86-64-v4+vnni+bf16"),
           ("aarch64-linux-gnu", "armv8-a"), ("aarch64-linux-gnu", "armv8.2-a+dotprod+bf16"),
           ("aarch64-linux-gnu", "armv8.2-a+i8mm")]
ROWS, COLUMNS = (1, 3, 7, 20, 49, 100, 197, 800), (8, 16, 40, 96, 144, 320, 800)


def products(constant=False):
    """A product of every number of rows with every number of columns."""
    inputs = [onnx.value_info("a%d" % rows, [rows, 64]) for rows in ROWS]
    weights = []
    for columns in COLUMNS:
        if constant:
            weights.append(onnx.tensor("b%d" % columns, [64, columns], [1.0] * 64 * columns))
        else:
            inputs.append(onnx.value_info("b%d" % columns, [64, columns]))
    pairs = [(rows, columns) for rows in ROWS for columns in COLUMNS]
    nodes = [onnx.node("MatMul", ["a%d" % rows, "b%d" % columns], ["y%dx%d" % (rows, columns)]) for rows, columns in pairs]
    outputs = [onnx.value_info("y%dx%d" % pair, list(pair)) for pair in pairs]
    return onnx.model(nodes, inputs, outputs, weights)


def products_of_bytes():
    """The same with constant weights of bytes."""
    inputs = [onnx.value_info("a%d" % rows, [rows, 64], onnx.UINT8) for rows in ROWS]
    weights = [onnx.tensor("b%d" % columns, [64, columns], [1] * 64 * columns, onnx.INT8) for columns in COLUMNS]
    pairs = [(rows, columns) for rows in ROWS for columns in COLUMNS]
    nodes = [onnx.node("MatMulInteger", ["a%d" % rows, "b%d" % columns], ["y%dx%d" % (rows, columns)]) for rows, columns in pairs]
    outputs = [onnx.value_info("y%dx%d" % pair, list(pair), onnx.INT32) for pair in pairs]
    return onnx.model(nodes, inputs, outputs, weights)


def convolutions():
    """Windows, some of whose taps are loops, and images that the last tiles do not fill."""
    nodes, inputs, outputs = [], [], []
    for size in (7, 14, 33):
        inputs.append(onnx.value_info("x%d" % size, [1, 24, size, size]))
        for channels in (16, 40, 96):
            for kernel, stride in ((1, 1), (3, 2), (5, 1)):
                w, y, pad = "w%dx%d" % (channels, kernel), "y%d" % len(nodes), kernel // 2
                if size == 7:
                    inputs.append(onnx.value_info(w, [channels, 24, kernel, kernel]))
                nodes.append(onnx.node("Conv", ["x%d" % size, w], [y], "", pads=(pad,) * 4, strides=(stride, stride)))
                out = (size - 1) // stride + 1
                outputs.append(onnx.value_info(y, [1, channels, out, out]))
    return onnx.model(nodes, inputs, outputs)


def patches_of_bytes():
    """Patches of a vision transformer, whose taps are loops."""
    w = onnx.tensor("w", [96, 3, 16, 16], [1] * (96 * 3 * 16 * 16), onnx.INT8)
    nodes = [onnx.node("ConvInteger", ["x", "w"], ["y"], "", strides=(16, 16))]
    inputs, outputs = [onnx.value_info("x", [1, 3, 224, 224], onnx.UINT8)], [onnx.value_info("y", [1, 96, 14, 14], onnx.INT32)]
    return onnx.model(nodes, inputs, outputs, [w])


def first_layers():
    """Windows over images of one to four channels, with constant weights."""
    nodes, inputs, outputs, weights = [], [], [], []
    for channels in (1, 3, 4):
        inputs.append(onnx.value_info("x%d" % channels, [1, channels, 56, 56]))
        for columns, kernel, stride in ((16, 3, 2), (32, 3, 1), (64, 7, 2), (96, 4, 4), (80, 14, 14)):
            w, y, pad = "w%d" % len(nodes), "y%d" % len(nodes), kernel // 2 if kernel % 2 else 0
            shape = [columns, channels, kernel, kernel]
            weights.append(onnx.tensor(w, shape, [1.0] * (columns * channels * kernel * kernel)))
            nodes.append(onnx.node("Conv", ["x%d" % channels, w], [y], "", pads=(pad,) * 4, strides=(stride, stride)))
            out = (56 + 2 * pad - kernel) // stride + 1
            outputs.append(onnx.value_info(y, [1, columns, out, out]))
    return onnx.model(nodes, inputs, outputs, weights)


def innermost_loops(lines):
    """The lines of each loop without a loop inside: from a label to the first branch back to it. A block that
    branches back to where the function goes on, and returns, is none."""
    labels, loops = {}, []
    for number, line in enumerate(lines):
        label = re.match(r"(\.L\w+):", line)
        if label:
            labels[label[1]] = number
        branch = re.match(r"\s+(?:j\w+|b\.?\w*|cbn?z|tbn?z)\s.*?(\.LBB\w+)$", line)
        if branch and branch[1] in labels and not any(first >= labels[branch[1]] for first, _ in loops):
            loops.append((labels[branch[1]], number))
    return [lines[first:last] for first, last in loops if not any(re.match(r"\s+ret", line) for line in lines[first:last])]


def spills(lines):
    """What innermost loops do with vectors on the stack (the end of a loop may be there: it is read once an iteration).
    %rbp is a register like others unless it is the frame pointer."""
    frame = any(re.search(r"movq\s+%rsp, %rbp", line) for line in lines)
    stack = r"\[sp|\(%rsp|\(%rbp" if frame else r"\[sp|\(%rsp"
    vector = r"%[xyz]mm|\b[qvds]\d+\b"
    return [line for loop in innermost_loops(lines) for line in loop if re.search(stack, line) and re.search(vector, line)]


def micro_kernels(text):
    """The lines of each function that is a register tile, by name."""
    found = re.findall(r"(?ms)^(fn\.tile_[\w.]+):(.*?)^\.Lfunc_end", text)
    return {name: body.splitlines() for name, body in found}


class Spills(FolderCase):
    def cameo(self, *arguments):
        """What it says."""
        return subprocess.run([CAMEO, *arguments], cwd=self.dir, check=True, capture_output=True, text=True).stderr

    def assembly(self, model, triple, cpu, *more):
        self.write("model.onnx", model)
        self.cameo("compile", "model.onnx", "--target", triple, "--cpu", cpu, "--emit", "asm", "-o", "model.s", *more)
        return self.read("model.s")

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def check(self, model, *more, least=10):
        for triple, cpu in TARGETS:
            kernels = micro_kernels(self.assembly(model, triple, cpu, *more))
            self.assertGreater(len(kernels), least, cpu)
            for name, lines in kernels.items():
                self.assertTrue(innermost_loops(lines), name)
                self.assertEqual(spills(lines), [], "%s of %s" % (name, cpu))

    def test_products(self):
        self.check(products())

    def test_products_in_bf16(self):
        self.check(products(constant=True), "--precision", "bf16")

    def test_products_of_bytes(self):
        self.check(products_of_bytes())

    def test_patches_of_bytes(self):
        self.check(patches_of_bytes(), least=0)

    def test_convolutions(self):
        self.check(convolutions(), "--winograd", "off")

    def test_first_layers(self):
        self.check(first_layers(), "--winograd", "off", least=3)

    def test_first_layers_in_bf16(self):
        self.check(first_layers(), "--winograd", "off", "--precision", "bf16", least=3)

    def test_lanes_are_factors(self):
        for triple, cpu in TARGETS:
            for more in ((), ("--precision", "bf16")) if "aarch64" in triple else ():
                kernels = micro_kernels(self.assembly(products(constant=True), triple, cpu, *more))
                for name, lines in kernels.items():
                    loops = innermost_loops(lines)
                    steps = [loop for loop in loops if any(re.search(r"\[3\]$", line) for line in loop)]
                    self.assertTrue(steps, "%s of %s" % (name, cpu))
                    for loop in steps:
                        self.assertFalse(re.search(r"\s(ld1r|dup)\s", "\n".join(loop)), "%s of %s" % (name, cpu))

    def test_a_tile_that_is_too_large_is_found(self):
        self.write("model.onnx", products())
        target = ("--target", "x86_64-linux-gnu", "--cpu", "x86-64-v4")
        self.cameo("compile", "model.onnx", *target, "--stop-after", "plan-tiles", "--emit", "ir", "-o", "tiles.cir")
        self.write("tiles.cir", re.sub(r"tile_rows = 9, tile_panels = 3", "tile_rows = 11, tile_panels = 3", self.read("tiles.cir")))
        said = self.cameo("-v", "compile", "tiles.cir", *target, "--emit", "asm", "-o", "tiles.s")
        kernels = micro_kernels(self.read("tiles.s"))
        spilling = [name for name, lines in kernels.items() if spills(lines)]
        self.assertTrue(any("tile_11x48" in name for name in spilling), spilling)
        self.assertEqual(set(re.findall(r"'(fn\.tile_.*)' spills", said)), set(spilling))


if __name__ == "__main__":
    options = command_line()
    CAMEO = options.cameo
    unittest.main(argv=options.rest)
