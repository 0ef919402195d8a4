#!/usr/bin/env python3
"""What `--optimize` promises of the size of libraries (docs/cli.md), and what `compile` and `explain` say of it.
Runs the program; needs nothing but Python.

  optimize_test.py --cameo build/bin/cameo [unittest arguments]
"""
import json, os, subprocess, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

CAMEO = ""
TARGET = ("--target", "x86_64-linux-gnu", "--cpu", "x86-64-v3")
CODE = 300e3  # bytes of a library that are no weights, at most


def weights(name, *dims):
    count = 1
    for dim in dims:
        count *= dim
    return onnx.tensor(name, dims, [((i * 37) % 101 - 50) / 500 for i in range(count)])


def net(rows):
    """Convolutions that Winograd's algorithm can compute, and a product of so many rows."""
    nodes = [onnx.node("Conv", ["a", "w1"], ["b"], "first", pads=(1, 1, 1, 1)),
             onnx.node("Conv", ["b", "w1"], ["ya"], "second", pads=(1, 1, 1, 1)),
             onnx.node("Conv", ["c", "w2"], ["d"], "third", pads=(1, 1, 1, 1)),
             onnx.node("Conv", ["d", "w3"], ["yc"], "fourth", pads=(1, 1, 1, 1)),
             onnx.node("MatMul", ["e", "w4"], ["ye"], "product")]
    constants = [weights("w1", 64, 64, 3, 3), weights("w2", 128, 128, 3, 3), weights("w3", 128, 128, 3, 3), weights("w4", 512, 640)]
    inputs = [onnx.value_info("a", [1, 64, 56, 56]), onnx.value_info("c", [1, 128, 14, 14]), onnx.value_info("e", [rows, 512])]
    outputs = [onnx.value_info("ya", [1, 64, 56, 56]), onnx.value_info("yc", [1, 128, 14, 14]), onnx.value_info("ye", [rows, 640])]
    return onnx.model(nodes, inputs, outputs, constants)


MODEL = 4 * (9 * 64 * 64 + 2 * 9 * 128 * 128 + 512 * 640)  # bytes of its weights


class Optimize(FolderCase):
    def setUp(self):
        super().setUp()
        self.write("product.onnx", net(6000))  # takes most of the time
        self.write("net.onnx", net(1))

    def cameo(self, *args, status=0):
        run = subprocess.run([CAMEO, *args], cwd=self.dir, capture_output=True, text=True, timeout=300)
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        return run.stdout + run.stderr

    def library(self, model, *flags, target=TARGET):
        """What compile says, and the library's bytes."""
        text = self.cameo("compile", model, "-o", "m.so", *target, *flags)
        return text, os.path.getsize(self.path("m.so"))

    def explained(self, model, *flags, target=TARGET):
        return json.loads(self.cameo("explain", model, "--json", *target, *flags))["weights"]

    def test_the_library_has_the_size_that_was_asked_for(self):
        text, speed = self.library("product.onnx", "--optimize", "speed")
        self.assertGreater(speed, 2 * MODEL)
        self.assertNotIn("smaller weights", text)
        text, balanced = self.library("product.onnx")
        self.assertLess(balanced, 1.5 * MODEL + CODE)
        self.assertGreater(balanced, MODEL + 3 * 4 * 9 * 64 * 64)  # what saves most for its bytes
        self.assertRegex(text, r"(?m)^\d layers? ha(s|ve) smaller weights than the fastest algorithm: .* MB instead of ")
        text, size = self.library("product.onnx", "--optimize", "size")
        self.assertLess(size, MODEL + CODE)
        self.assertIn("4 layers have smaller weights", text)

    def test_what_makes_a_model_much_faster_may_be_large(self):
        text, balanced = self.library("net.onnx", "--optimize", "balanced")
        self.assertGreater(balanced, 2 * MODEL)
        self.assertNotIn("smaller weights", text)

    def test_explain_says_what_each_choice_costs(self):
        for setting in ("speed", "balanced", "size"):
            found = self.explained("product.onnx", "--optimize", setting)
            self.assertEqual(found["model_bytes"], MODEL)
            settings = {row["optimize"]: row for row in found["settings"]}
            self.assertEqual(found["weight_bytes"], settings[setting]["weight_bytes"])
            self.assertEqual(settings["size"]["weight_bytes"], MODEL)
            self.assertLessEqual(settings["balanced"]["weight_bytes"], 1.5 * MODEL)
            self.assertLess(settings["speed"]["estimated_cycles"], settings["balanced"]["estimated_cycles"])
            self.assertLess(settings["balanced"]["estimated_cycles"], settings["size"]["estimated_cycles"])
            self.assertEqual({row["nodes"] for row in found["layers"]}, {"first", "second", "third", "fourth"})
            chosen = {row["algorithm"] for row in found["layers"]}
            self.assertEqual(chosen == {"direct"}, setting == "size")
            _, bytes_ = self.library("product.onnx", "--optimize", setting)
            self.assertLess(abs(bytes_ - found["weight_bytes"]), CODE)
        text = self.cameo("explain", "product.onnx", *TARGET)
        for word in ("winograd-", "fourth", "speed", "balanced", "size"):
            self.assertIn(word, text)
        self.assertNotIn("Layers with a choice", self.cameo("explain", "product.onnx", *TARGET, "--winograd", "off"))

    def test_a_batch_counts_as_its_images(self):
        """Layers that have a choice, and one of stride 2 that has none."""
        def cycles(batch):
            nodes = [onnx.node("Conv", ["a", "w1"], ["b"], "first", pads=(1, 1, 1, 1)),
                     onnx.node("Conv", ["b", "w2"], ["y"], "second", pads=(1, 1, 1, 1), strides=(2, 2))]
            self.write("batch.onnx", onnx.model(nodes, [onnx.value_info("a", [batch, 64, 56, 56])], [onnx.value_info("y", [batch, 64, 28, 28])],
                                                [weights("w1", 64, 64, 3, 3), weights("w2", 64, 64, 3, 3)]))
            return {row["optimize"]: row["estimated_cycles"] for row in self.explained("batch.onnx")["settings"]}

        one, eight = cycles(1), cycles(8)
        self.assertLess(one["speed"], one["size"])
        for setting in one:
            self.assertAlmostEqual(eight[setting] / one[setting], 8, delta=0.01)

    def test_pieces_count_as_well(self):
        """f32 as three bf16 (decision 036): half as many bytes again, of products too; one whose depth is cut is whole in the sum."""
        target = ("--target", "x86_64-linux-gnu", "--cpu", "x86-64-v4+amx")
        nodes = [onnx.node("MatMul", ["a", "w1"], ["b"], "first"), onnx.node("MatMul", ["b", "w2"], ["ya"], "second"),
                 onnx.node("MatMul", ["e", "w3"], ["ye"], "few")]
        constants = [weights("w1", 256, 1408), weights("w2", 1408, 256), weights("w3", 2048, 1024)]
        inputs = [onnx.value_info("a", [1024, 256]), onnx.value_info("e", [4, 2048])]
        self.write("mlp.onnx", onnx.model(nodes, inputs, [onnx.value_info("ya", [1024, 256]), onnx.value_info("ye", [4, 1024])], constants))
        model, pieces = 4 * (2 * 256 * 1408 + 2048 * 1024), 2 * 2 * 256 * 1408  # bytes of the model, and what pieces add
        for setting, added in (("speed", pieces), ("balanced", pieces), ("size", 0)):
            found = self.explained("mlp.onnx", "--optimize", setting, target=target)
            self.assertEqual((found["model_bytes"], found["weight_bytes"]), (model, model + added))
            self.assertEqual({row["optimize"]: row["weight_bytes"] for row in found["settings"]}[setting], model + added)
            self.assertEqual({(row["algorithm"], row["pieces"]) for row in found["layers"]}, {("direct", 3 if added else 1)})
            _, bytes_ = self.library("mlp.onnx", "--optimize", setting, target=target)
            self.assertLess(abs(bytes_ - model - added), CODE)
        self.assertIn("direct in pieces", self.cameo("explain", "mlp.onnx", *target))

    def test_plans_of_a_cache_keep_to_the_size(self):
        """A file of plans has what is fastest; the limit is that of the compilation."""
        kernel = "kernel [3, 3] strides [1, 1] dilations [1, 1] group 1"
        self.write("plans.txt", "cameo plans 1\ncpu x86-64-v3 generic\n" + "".join(
            "algorithm f32<1, %d, %d, %d> -> <1, %d, %d, %d> %s = {algorithm = \"winograd-4x4\"}\n" % (*image, *image, kernel)
            for image in ((64, 56, 56), (128, 14, 14))))
        cached = ("--tune-cache", "plans.txt")
        self.assertGreater(self.library("product.onnx", *cached, "--optimize", "speed")[1], 2 * MODEL)
        self.assertLess(self.library("product.onnx", *cached)[1], 1.5 * MODEL + CODE)
        self.assertLess(self.library("product.onnx", *cached, "--optimize", "size")[1], MODEL + CODE)

    def test_settings_are_three(self):
        self.cameo("compile", "net.onnx", "--optimize", "small", status=2)


if __name__ == "__main__":
    options = command_line()
    CAMEO = options.cameo
    unittest.main(argv=options.rest)
