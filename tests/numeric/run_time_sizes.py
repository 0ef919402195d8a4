"""Sizes that depend on values, in compiled code against ONNX Runtime: several sizes in one context, and
what happens when a value does not fit.

usage: run_time_sizes.py --cameo build/bin/cameo [unittest arguments]
"""
import numpy as np
from onnx import TensorProto, helper

from graphs import GraphTest, constant, info, main

INT64 = TensorProto.INT64


def ints(*values):
    return np.array(values, np.int64)


class RunTimeSizes(GraphTest):
    def test_nonzero_and_what_follows(self):
        nodes = [
            helper.make_node("NonZero", ["x"], ["where"]),
            helper.make_node("Transpose", ["where"], ["rows"], perm=[1, 0]),
            helper.make_node("GatherND", ["x", "rows"], ["found"]),
            helper.make_node("Mul", ["found", "found"], ["squares"]),
            helper.make_node("ReduceSum", ["squares"], ["sum"], keepdims=0),
            helper.make_node("Concat", ["found", "squares", "found"], ["all"], axis=0),
        ]
        feeds = []
        for shape in ((4, 5), (1, 1), (0, 3), (7, 31)):
            x = self.numbers(*shape)
            feeds.append({"x": np.where(x > 0.6, x, np.float32(0))})
        outputs = [
            info("where", [2, None], INT64),
            info("found", [None]),
            info("sum", []),
            info("all", [None]),
        ]
        self.check(nodes, [info("x", ["n", "k"])], outputs, feeds)

    def test_layers_on_rows_that_were_picked(self):
        """A product, a softmax and a normalization whose number of rows only the run knows."""
        nodes = [
            helper.make_node("Compress", ["x", "keep"], ["rows"], axis=0),
            helper.make_node("MatMul", ["rows", "w"], ["z"]),
            helper.make_node("Relu", ["z"], ["r"]),
            helper.make_node("Softmax", ["r"], ["s"], axis=1),
            helper.make_node("Transpose", ["s"], ["t"], perm=[1, 0]),
            helper.make_node("MatMul", ["s", "t"], ["y"]),
        ]
        feeds = []
        for rows in (1, 6, 33):
            keep = self.random.random(rows) > 0.4
            feeds.append({"x": self.numbers(rows, 20), "keep": keep})
        feeds.append({"x": self.numbers(3, 20), "keep": np.zeros(3, bool)})
        inputs = [info("x", ["n", 20]), info("keep", ["n"], TensorProto.BOOL)]
        outputs = [info("s", [None, 35]), info("y", [None, None])]
        self.check(nodes, inputs, outputs, feeds, [constant("w", self.numbers(20, 35))])

    def test_images_of_a_computed_size(self):
        """A convolution and a pool on what a Resize and a Pad of run-time sizes make."""
        nodes = [
            helper.make_node("Resize", ["x", "", "", "sizes"], ["big"], mode="nearest"),
            helper.make_node("Pad", ["big", "pads"], ["padded"]),
            helper.make_node("Conv", ["padded", "w"], ["c"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["c"], ["r"]),
            helper.make_node("MaxPool", ["r"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
        ]
        feeds = [
            {"x": self.numbers(1, 3, 4, 5), "sizes": ints(1, 3, *size), "pads": ints(*pads)}
            for size, pads in (
                ((8, 10), (0, 0, 0, 0, 0, 0, 0, 0)),
                ((7, 5), (0, 0, 1, 2, 0, 0, 3, 0)),
                ((12, 15), (0, 0, 2, 2, 0, 0, 2, 2)),
            )
        ]
        inputs = [info("x", [1, 3, 4, 5]), info("sizes", [4], INT64), info("pads", [8], INT64)]
        outputs = [info("y", [None, 18, None, None])]
        self.check(nodes, inputs, outputs, feeds, [constant("w", self.numbers(18, 3, 3, 3))])

    def test_shapes_from_tensors(self):
        nodes = [
            helper.make_node("Reshape", ["x", "shape"], ["a"]),
            helper.make_node("Expand", ["a", "wide"], ["b"]),
            helper.make_node("Slice", ["b", "start", "end", "axes", "steps"], ["c"]),
            helper.make_node("Tile", ["c", "times"], ["d"]),
            helper.make_node("TopK", ["d", "k"], ["values", "indices"], axis=1),
        ]
        names = ("shape", "wide", "start", "end", "steps", "times", "k")
        choices = (
            ((3, 1, -1), (1, 2, 1), (0, 0), (9, 9), (1, 1), (1, 2, 1), (3,)),
            ((-1, 2, 4), (1, 2, 4), (-1, 1), (-9, 3), (-1, 1), (1, 3, 1), (2,)),
            ((0, 1, 6), (1, 5, 1), (3, 4), (-4, 0), (-2, -3), (2, 1, 1), (0,)),
        )
        feeds = []
        for values in choices:
            feeds.append({"x": self.numbers(4, 6), **{n: ints(*v) for n, v in zip(names, values)}})
        inputs = [info("x", ["n", "m"])] + [
            info(name, [size], INT64) for name, size in zip(names, (3, 3, 2, 2, 2, 3, 1))
        ]
        outputs = [info("d", [None] * 3), info("values", [None] * 3), info("indices", [None] * 3, INT64)]
        self.check(nodes, inputs, outputs, feeds, [constant("axes", ints(2, 1))])

    def test_constant_slices_of_open_axes(self):
        """Bounds inside and outside, from either end, forwards and backwards, of axes that are shorter."""
        far, nodes, outputs, constants = 2**63 - 1, [], [], [constant("zero", ints(0))]
        bounds = [
            (start, end, step)
            for start in (-far - 1, -(2**31), -7, -3, -1, 0, 1, 5, 2**31, far)
            for end in (-far - 1, -5, -1, 0, 2, 4, far)
            for step in (1, 3, -1, -2)
            if end != far or step > 0  # which ONNX Runtime takes for the beginning
        ]
        for k, values in enumerate(bounds):
            names = [f"{name}{k}" for name in ("start", "end", "step")]
            constants += [constant(name, ints(value)) for name, value in zip(names, values)]
            inputs = ["x", *names[:2], "zero", names[2]]
            nodes.append(helper.make_node("Slice", inputs, [f"y{k}"]))
            outputs.append(info(f"y{k}", [None]))
        feeds = [{"x": np.arange(n, dtype=np.float32)} for n in (7, 0, 1, 2, 3, 5)]
        self.check(nodes, [info("x", ["n"])], outputs, feeds, constants)

    def test_lists_of_any_length(self):
        """As many bounds and pads as the run gives, at most one an axis; updates that say how long tuples are."""
        nodes = [
            helper.make_node("Slice", ["x", "start", "end", "axes", "steps"], ["a"]),
            helper.make_node("Slice", ["x", "start", "end"], ["b"]),
            helper.make_node("Pad", ["x", "pads", "", "axes"], ["c"], mode="edge"),
            helper.make_node("Split", ["x", "parts"], ["d", "e"], axis=1),
            helper.make_node("ScatterND", ["x", "at", "rows"], ["f"]),
        ]
        feeds = [
            {
                "x": self.numbers(4, 6, 3),
                **{name: ints(*values) for name, values in zip(("start", "end", "axes", "steps", "pads"), lists)},
                "parts": ints(split, 6 - split),
                "at": self.random.integers(-4, 4, (3, 1)),
                "rows": np.zeros((3, 6, 3), np.float32),
            }
            for split, *lists in (
                (2, (), (), (), (), ()),
                (0, (1,), (9,), (-2,), (2,), (1, 2)),
                (6, (-3, 1), (4, 5), (0, 1), (1, 3), (0, 3, 2, -1)),
                (1, (0, -1, 1), (3, -9, 2), (2, 1, 0), (2, -2, 1), (1, 0, 2, 0, 5, 0)),
            )
        ]
        lengths = dict(start="k", end="k", axes="k", steps="k", pads="m", parts="p")
        inputs = [info(name, [length], INT64) for name, length in lengths.items()]
        inputs += [info("x", ["a", "b", "c"]), info("at", ["q", "t"], INT64), info("rows", ["q", "b", "c"])]
        outputs = [info(name, [None] * 3) for name in "abcdef"]
        self.check(nodes, inputs, outputs, feeds, opset=18)
        good = feeds[2]
        for wrong, message in (
            (dict(axes=ints(1, 1)), "axis 1 is named twice"),
            (dict(axes=ints(0, 3)), "axis 3 is out of range for rank 3"),
            (dict(pads=ints(1, 1)), "expected dim 0 to be 4"),
            (dict(start=ints(0)), "input '[a-z]*': .*k"),
            (dict(parts=ints(1, 2, 3)), "expected dim 0 to be 2"),
            (dict(parts=ints(7, -1)), "value 7 is not allowed here"),
        ):
            with self.subTest(message=message):
                self.check_fault(nodes, inputs, outputs, good, {**good, **wrong}, message, opset=18)
        good, long = ({"x": good["x"], "start": ints(*[0] * k), "end": ints(*[1] * k)} for k in (3, 4))
        inputs = [port for port in inputs if port.name in good]
        self.check_fault(nodes[1:2], inputs, outputs[1:2], good, long, "expected dim 0 to be at most 3")

    def test_calls_of_which_only_a_size_is_used(self):
        """The constants that a function in C reads are weights, also where nobody reads its result."""
        nodes = [
            helper.make_node("NonMaxSuppression", ["boxes", "scores", "most", "iou"], ["picked"]),
            helper.make_node("Shape", ["picked"], ["count"]),
        ]
        inputs = [info("boxes", [1, "n", 4]), info("scores", [1, 2, "n"])]
        feeds = [{"boxes": self.numbers(1, n, 4), "scores": self.numbers(1, 2, n)} for n in (1, 9, 3)]
        given = [constant("most", np.int64(2)), constant("iou", np.float32(0.3))]
        self.check(nodes, inputs, [info("count", [2], INT64)], feeds, given)

    def test_grids_and_unpooled_images_of_a_given_size(self):
        nodes = [
            helper.make_node("AffineGrid", ["theta", "size"], ["grid"]),
            helper.make_node("GridSample", ["x", "grid"], ["a"]),
            helper.make_node("MaxUnpool", ["x", "where", "image"], ["b"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Resize", ["x", "unread", "scales"], ["c"], mode="linear"),
        ]
        feeds = [
            {
                "theta": self.numbers(2, 2, 3),
                "size": ints(2, 3, *size),
                "x": self.numbers(2, 3, height, 2),
                "where": np.arange(12 * height).reshape(2, 3, height, 2) * 4,
                "image": ints(2, 3, 2 * height, 4),
                "unread": self.numbers(unread),
                "scales": np.array([1, 1, *scales], np.float32),
            }
            for size, height, unread, scales in (((4, 5), 2, 8, (2, 3)), ((1, 7), 3, 3, (0.5, 1)))
        ]
        inputs = [info("theta", ["n", 2, 3]), info("x", ["n", 3, "h", "w"]), info("where", ["n", 3, "h", "w"], INT64)]
        inputs += [info("unread", ["u"]), info("scales", ["s"])]
        inputs += [info(name, [length], INT64) for name, length in (("size", "k"), ("image", "m"))]
        outputs = [info(name, [None] * 4) for name in "abc"]
        self.check(nodes, inputs, outputs, feeds, opset=20)
        for wrong, message in (
            (dict(size=ints(3, 3, 4, 5)), "dims 3 and 2 differ"),
            (dict(image=ints(2, 3, 3, 4)), "index"),
            (dict(image=ints(2, 3, -4, 4)), "a dim would be -4"),
            (dict(size=ints(2, 3, 4, 5, 6)), "expected dim 0 to be 4"),
        ):
            with self.subTest(message=message):
                self.check_fault(nodes, inputs, outputs, feeds[0], {**feeds[0], **wrong}, message, opset=20)

    def test_lists_that_the_run_makes(self):
        """Lists as long as something that is found, where no other length will do."""
        nodes = [
            helper.make_node("NonZero", ["x"], ["where"]),
            helper.make_node("Squeeze", ["where", "zero"], ["found"]),
            helper.make_node("Slice", ["y", "found", "far", "zero"], ["a"]),
            helper.make_node("TopK", ["y", "found"], ["b", "which"], axis=1),
            helper.make_node("Tile", ["z", "found"], ["c"]),
        ]
        constants = [constant("zero", ints(0)), constant("far", ints(99))]
        inputs = [info("x", ["n"]), info("y", [5, 6]), info("z", [3])]
        outputs = [info("a", [None, 6]), info("b", [5, None]), info("c", [None])]

        def feed(*x):
            return {"x": np.array(x, np.float32), "y": self.numbers(5, 6), "z": self.numbers(3)}

        feeds = [feed(0, 0, 1), feed(1), feed(0, 3, 0, 0, 0)]
        self.check(nodes, inputs, outputs, feeds, constants)
        self.check_fault(nodes, inputs, outputs, feeds[0], feed(1, 1), "expected dim 0 to be", constants)

    def test_ranges(self):
        scalar = [info(name, [], INT64) for name in ("a", "b", "c")]
        nodes = [
            helper.make_node("Range", ["a", "b", "c"], ["r"]),
            helper.make_node("Cast", ["r"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("CumSum", ["f", "zero"], ["y"]),
        ]
        feeds = [
            {"a": np.array(a), "b": np.array(b), "c": np.array(c)}
            for a, b, c in ((0, 10, 1), (0, 10, 3), (5, -5, -4), (3, 3, 1), (5, 1, 1))
        ]
        outputs = [info("r", [None], INT64), info("y", [None])]
        self.check(nodes, scalar, outputs, feeds, [constant("zero", np.array(0))])

    def test_unique_and_suppression(self):
        nodes = [
            helper.make_node("NonMaxSuppression", ["boxes", "scores", "most", "iou"], ["picked"]),
            helper.make_node("Slice", ["picked", "two", "three", "one"], ["column"]),
            helper.make_node("Squeeze", ["column", "one"], ["index"]),
            helper.make_node("Unique", ["index"], ["once", "", "inverse", "counts"]),
            helper.make_node("Gather", ["boxes", "once"], ["kept"], axis=1),
        ]
        feeds = []
        for count in (1, 6, 40):
            corner = self.numbers(1, count, 2)
            boxes = np.concatenate([corner, corner + self.numbers(1, count, 2)], axis=2)
            feeds.append({"boxes": boxes, "scores": self.numbers(1, 3, count)})
        initializers = [
            constant("most", ints(10)),
            constant("iou", np.array([0.4], np.float32)),
            constant("one", ints(1)),
            constant("two", ints(2)),
            constant("three", ints(3)),
        ]
        inputs = [info("boxes", [1, "n", 4]), info("scores", [1, 3, "n"])]
        outputs = [
            info("picked", [None, 3], INT64),
            info("kept", [1, None, 4]),
            info("inverse", [None], INT64),
            info("counts", [None], INT64),
        ]
        self.check(nodes, inputs, outputs, feeds, initializers)

    def test_values_that_do_not_fit(self):
        x = {"x": self.numbers(4, 6)}

        def fault(op, other, good, bad, message, rank=2, **attributes):
            nodes = [helper.make_node(op, ["x", "s"], ["y"], name="bad one", **attributes)]
            inputs = [info("x", [4, 6]), info("s", [len(good)], INT64)]
            outputs = [info("y", [None] * rank)] + other
            nodes[0].output.extend(output.name for output in other)
            good, bad = ({**x, "s": ints(*values)} for values in (good, bad))
            self.check_fault(nodes, inputs, outputs, good, bad, f"node 'bad one': {message}")

        fault("Reshape", [], (3, -1), (5, -1), "cannot reshape 24 elements into 20")
        fault("Reshape", [], (3, 8), (-3, -8), "a dim would be -3, expected at least 0")
        fault("Expand", [], (2, 4, 6), (2, 4, 5), "dims 6 and 5 do not broadcast", rank=3)
        fault("Tile", [], (1, 2), (-1, 1), "value -1 is not allowed here, the limit is 0")
        indices = [info("i", [None, None], INT64)]
        fault("TopK", indices, (2,), (9,), "value 9 is not allowed here, the limit is 6")
        fault("TopK", indices, (6,), (-1,), "a dim would be -1, expected at least 0")

    def test_sizes_too_large(self):
        nodes = [helper.make_node("ConstantOfShape", ["s"], ["y"])]
        inputs, outputs = [info("s", [2], INT64)], [info("y", [None, None])]
        good, huge, more = ({"s": ints(*s)} for s in ((2, 3), (1 << 40, 1 << 40), (1 << 40, 1 << 20)))
        self.check_fault(nodes, inputs, outputs, good, huge, "negative or too large")
        self.check_fault(nodes, inputs, outputs, good, more, "memory")


if __name__ == "__main__":
    main()
