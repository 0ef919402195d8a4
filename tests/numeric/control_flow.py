"""Branches and loops in compiled code against ONNX Runtime.

usage: control_flow.py --cameo build/bin/cameo [unittest arguments]

Values captured from outside, carried values that change places, padded convolutions and concatenations
of carried values, nested loops, branches in loops, no iteration at all; one thread and two, and a second
run in the same context.
"""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from graphs import GraphTest, body, branch, cameoc, constant, info, main


class ControlFlow(GraphTest):
    def test_branches(self):
        then = branch([helper.make_node("Identity", ["x"], ["t"])], info("t", [2, 7]))
        ones = numpy_helper.from_array(np.ones((2, 7), np.float32))
        other = branch([helper.make_node("Constant", [], ["e"], value=ones)], info("e", [2, 7]))
        nodes = [
            helper.make_node("If", ["c"], ["v"], then_branch=then, else_branch=other),
            helper.make_node("Neg", ["v"], ["y"]),
        ]
        inputs = [info("x", [2, 7]), info("c", [], TensorProto.BOOL)]
        for condition in (True, False):
            feeds = {"x": self.numbers(2, 7), "c": np.array(condition)}
            self.check(nodes, inputs, [info("y", [2, 7]), info("v", [2, 7])], feeds)

    def test_names_that_a_branch_shares_with_later_nodes(self):
        """A name that a branch makes itself is its own, though a node outside makes the same later."""
        inside = [helper.make_node("Neg", ["x"], ["t"]), helper.make_node("Exp", ["t"], ["r"])]
        then = branch(inside, info("r", [3]))
        other = branch([helper.make_node("Abs", ["x"], ["w"])], info("w", [3]))
        nodes = [
            helper.make_node("If", ["c"], ["v"], then_branch=then, else_branch=other),
            helper.make_node("Neg", ["v"], ["t"]),
            helper.make_node("Sqrt", ["w"], ["y"]),
            helper.make_node("Abs", ["t"], ["w"]),
        ]
        inputs = [info("x", [3]), info("c", [], TensorProto.BOOL)]
        x = self.numbers(3) - np.float32(0.5)
        library = cameoc.load(self.compile(self.unchecked(nodes, inputs, [info("y", [3])])))
        for condition, v in ((True, np.exp(-x)), (False, np.abs(x))):
            got = library.run({"x": x, "c": np.array(condition)})["y"]
            np.testing.assert_allclose(got, np.sqrt(np.abs(-v)), rtol=1e-6)

    def test_values_change_places(self):
        inner = [
            helper.make_node("Identity", ["b"], ["a2"]),
            helper.make_node("Identity", ["a"], ["b2"]),
        ]
        carried = [info("a", [3]), info("b", [3])]
        loop = body(inner, carried, [info("a2", [3]), info("b2", [3])])
        nodes = [helper.make_node("Loop", ["m", "", "x", "y"], ["u", "v"], body=loop)]
        inputs = [info("m", [], TensorProto.INT64), info("x", [3]), info("y", [3])]
        for trips in (0, 1, 4):
            feeds = {"m": np.array(trips), "x": self.numbers(3), "y": self.numbers(3)}
            self.check(nodes, inputs, [info("u", [3]), info("v", [3])], feeds)

    def test_stacked_results_and_captured_values(self):
        inner = [
            helper.make_node("Add", ["a", "b"], ["s"]),
            helper.make_node("Identity", ["b"], ["a2"]),
            helper.make_node("Mul", ["s", "w"], ["s2"]),
            helper.make_node("Cast", ["i"], ["number"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["s", "number"], ["z"]),
        ]
        results = [info("a2", [3]), info("s2", [3]), info("z", [3])]
        loop = body(inner, [info("a", [3]), info("b", [3])], results)
        nodes = [
            helper.make_node("Add", ["x", "x"], ["w"]),
            helper.make_node("Loop", ["m", "", "x", "y"], ["u", "v", "zs"], body=loop),
        ]
        outputs = [info("u", [3]), info("v", [3]), info("zs", [5, 3])]
        feeds = {"x": self.numbers(3), "y": self.numbers(3)}
        trips = [constant("m", np.int64(5))]
        self.check(nodes, [info("x", [3]), info("y", [3])], outputs, feeds, trips)

    def test_while_with_padded_convolution(self):
        shape = ["N", 4, 5, 5]
        inner = [
            helper.make_node("Conv", ["a", "w"], ["c"], pads=[1, 1, 1, 1]),
            helper.make_node("Add", ["c", "a"], ["a2"]),
            helper.make_node("Abs", ["a2"], ["positive"]),
            helper.make_node("ReduceSum", ["positive"], ["sum"], keepdims=0),
            helper.make_node("Less", ["sum", "limit"], ["go_on"]),
        ]
        loop = body(inner, [info("a", shape)], [info("a2", shape)])
        nodes = [helper.make_node("Loop", ["", "start", "x"], ["y"], body=loop)]
        weights = 0.3 * self.random.standard_normal((4, 4, 3, 3)).astype(np.float32)
        initializers = [
            constant("w", weights),
            constant("limit", np.float32(5000)),
            constant("start", True),
        ]
        feeds = {"x": self.numbers(2, 4, 5, 5)}
        self.check(nodes, [info("x", shape)], [info("y", shape)], feeds, initializers)

    def test_nested(self):
        square = branch([helper.make_node("Mul", ["a", "a"], ["t"])], info("t", [2, 7]))
        rotated = [
            helper.make_node("Split", ["a", "parts"], ["h2", "h1"], axis=1),
            helper.make_node("Concat", ["h1", "h2"], ["e"], axis=1),
        ]
        innermost = helper.make_graph(
            [
                helper.make_node("Identity", ["go2"], ["go2_on"]),
                helper.make_node("Add", ["q", "x"], ["q2"]),
            ],
            "innermost",
            [info("j", [], TensorProto.INT64), info("go2", [], TensorProto.BOOL), info("q", [2, 7])],
            [info("go2_on", [], TensorProto.BOOL), info("q2", [2, 7])],
        )
        inner = [
            helper.make_node("Mod", ["i", "two"], ["odd"]),
            helper.make_node("Cast", ["odd"], ["c"], to=TensorProto.BOOL),
            helper.make_node(
                "If", ["c"], ["v"], then_branch=square, else_branch=branch(rotated, info("e", [2, 7]))
            ),
            helper.make_node("Loop", ["i", "", "v"], ["v2"], body=innermost),
        ]
        loop = body(inner, [info("a", [2, 7])], [info("v2", [2, 7]), info("v", [2, 7])])
        nodes = [helper.make_node("Loop", ["m", "", "x"], ["y", "vs"], body=loop)]
        initializers = [
            constant("m", np.int64(4)),
            constant("two", np.int64(2)),
            constant("parts", np.array([3, 4])),
        ]
        outputs = [info("y", [2, 7]), info("vs", [4, 2, 7])]
        self.check(nodes, [info("x", [2, 7])], outputs, {"x": self.numbers(2, 7)}, initializers)

    def test_carried_value_that_grows(self):
        inner = [
            helper.make_node("Concat", ["v", "x"], ["v2"], axis=0),
            helper.make_node("ReduceSum", ["v2"], ["s"], keepdims=0),
        ]
        loop = body(inner, [info("v", [None, 3])], [info("v2", [None, 3]), info("s", [])])
        nodes = [
            helper.make_node("Loop", ["m", "", "x"], ["y", "sums"], body=loop),
            helper.make_node("Neg", ["y"], ["z"]),
        ]
        inputs = [info("m", [], TensorProto.INT64), info("x", ["n", 3])]
        outputs = [info("y", [None, 3]), info("sums", [None]), info("z", [None, 3])]
        feeds = [
            {"m": np.array(trips), "x": self.numbers(size, 3)}
            for trips, size in ((0, 2), (1, 1), (5, 2), (3, 17), (4, 0))
        ]
        self.check(nodes, inputs, outputs, feeds)

    def test_carried_values_that_trade_sizes(self):
        inner = [
            helper.make_node("Identity", ["b"], ["a2"]),
            helper.make_node("Concat", ["a", "b"], ["b2"], axis=0),
        ]
        carried = [info("a", [None]), info("b", [None])]
        loop = body(inner, carried, [info("a2", [None]), info("b2", [None])])
        nodes = [helper.make_node("Loop", ["m", "", "x", "y"], ["u", "v"], body=loop)]
        inputs = [info("m", [], TensorProto.INT64), info("x", ["n"]), info("y", ["k"])]
        feeds = [
            {"m": np.array(trips), "x": self.numbers(2), "y": self.numbers(3)} for trips in range(6)
        ]
        self.check(nodes, inputs, [info("u", [None]), info("v", [None])], feeds)

    def test_stack_of_unknown_length(self):
        inner = [
            helper.make_node("Mul", ["v", "v"], ["v2"]),
            helper.make_node("ReduceMax", ["v2"], ["most"], keepdims=0),
            helper.make_node("Greater", ["most", "limit"], ["go_on"]),
        ]
        loop = body(inner, [info("v", ["n"])], [info("v2", ["n"]), info("v2", ["n"])])
        nodes = [helper.make_node("Loop", ["", "go", "x"], ["y", "all"], body=loop)]
        inputs = [info("go", [], TensorProto.BOOL), info("x", ["n"])]
        feeds = [
            {"go": np.array(go), "x": np.full(size, value, np.float32)}
            for go, size, value in ((True, 3, 0.9), (True, 5, 0.999), (True, 1, 0.1), (True, 4, 0.5))
        ]
        outputs = [info("y", [None]), info("all", [None, None])]
        self.check(nodes, inputs, outputs, feeds, [constant("limit", np.float32(0.01))])

    def test_known_number_of_slices_of_unknown_size(self):
        """What each step of a Scan selects is as long as the run says, how many steps there are is known."""
        inner = [
            helper.make_node("NonZero", ["v"], ["n"]),
            helper.make_node("Squeeze", ["n", "first"], ["at"]),
            helper.make_node("Gather", ["e", "at"], ["z"]),
        ]
        first = [constant("first", np.array([0]))]
        step = helper.make_graph(inner, "step", [info("e", [4])], [info("z", [None])], first)
        for steps in (3, "T"):
            nodes = [helper.make_node("Scan", ["x"], ["y"], body=step, num_scan_inputs=1)]
            inputs = [info("x", [steps, 4]), info("v", [4])]
            for values in ((1, 0, 2, 0), (0, 0, 0, 0), (1, 1, 1, 1)):
                feeds = {"x": self.numbers(3, 4), "v": np.array(values, np.float32)}
                self.check(nodes, inputs, [info("y", [None, None])], feeds)

    def test_slices_of_sizes_that_broadcast(self):
        """The carried value and the slices are as large as the larger of two open sizes."""
        inner = [helper.make_node("Add", ["a", "y"], ["b"]), helper.make_node("Identity", ["b"], ["s"])]
        loop = body(inner, [info("a", [None])], [info("b", [None]), info("s", [None])])
        nodes = [helper.make_node("Loop", ["m", "", "x"], ["last", "all"], body=loop)]
        inputs = [info("m", [], TensorProto.INT64), info("x", ["n"]), info("y", ["k"])]
        feeds = [
            {"m": np.array(3), "x": self.numbers(n), "y": self.numbers(k)}
            for n, k in ((5, 5), (5, 1), (300, 300), (0, 1))
        ]
        self.check(nodes, inputs, [info("last", [None]), info("all", [None, None])], feeds)

    def test_sizes_that_follow_from_the_number_of_iterations(self):
        """What a window, parts and repeats make of a stack is not there before the stack is whole."""
        inner = [helper.make_node("Add", ["a", "y"], ["b"]), helper.make_node("Identity", ["b"], ["s"])]
        loop = body(inner, [info("a", [None])], [info("b", [None]), info("s", [None])])
        nodes = [
            helper.make_node("Loop", ["m", "", "x"], ["last", "all"], body=loop),
            helper.make_node("Unsqueeze", ["all", "fronts"], ["image"]),
            helper.make_node("MaxPool", ["image"], ["pooled"], "pool", kernel_shape=[3, 1]),
            helper.make_node("Tile", ["all", "repeats"], ["tiled"]),
            helper.make_node("Split", ["tiled", "parts"], ["first", "rest"], axis=0),
            helper.make_node("Gather", ["all", "second"], ["row"], "pick"),
        ]
        inputs = [info("m", [], TensorProto.INT64), info("x", ["n"]), info("y", ["n"])]
        given = [constant("fronts", np.array([0, 1])), constant("repeats", np.array([2, 1])),
                 constant("parts", np.array([3, 5])), constant("second", np.int64(2))]
        outputs = [info("pooled", [None] * 4), info("first", [None] * 2), info("rest", [None] * 2), info("row", [None])]
        good = {"m": np.array(4), "x": self.numbers(5), "y": self.numbers(5)}
        self.check(nodes, inputs, outputs, good, given)
        few = {**good, "m": np.array(2)}
        self.check_fault(nodes, inputs, outputs, good, few, "node 'pool': .*at least the kernel's 3, got 2", given)
        nodes, outputs = [nodes[0], nodes[-1]], outputs[-1:]
        self.check_fault(nodes, inputs, outputs, good, few, "node 'pick': index 2 is out of range for an axis of size 2", given[-1:])

    def test_checks_of_a_branch_are_those_of_who_takes_it(self):
        then = branch([helper.make_node("Gather", ["x", "at"], ["t"], "pick")], info("t", []))
        other = branch([helper.make_node("ReduceSum", ["x"], ["e"], keepdims=0)], info("e", []))
        nodes = [helper.make_node("If", ["c"], ["v"], then_branch=then, else_branch=other)]
        inputs = [info("x", ["n"]), info("c", [], TensorProto.BOOL)]
        given = [constant("at", np.int64(4))]
        feeds = [{"x": self.numbers(n), "c": np.array(c)} for n, c in ((5, True), (2, False), (0, False))]
        self.check(nodes, inputs, [info("v", [])], feeds, given)
        bad = {"x": self.numbers(4), "c": np.array(True)}
        self.check_fault(nodes, inputs, [info("v", [])], feeds[1], bad, "node 'pick': index 4 is out of range", given)

    def test_states_of_sizes_that_broadcast(self):
        """A Scan's state keeps its size, whatever of two open sizes is the larger one."""
        inner = [helper.make_node("Add", ["a", "v"], ["b"]), helper.make_node("Identity", ["b"], ["s"])]
        parts = [[info("a", [None]), info("v", [None])], [info("b", [None]), info("s", [None])]]
        step = helper.make_graph(inner, "step", *parts)
        nodes = [helper.make_node("Scan", ["x", "y"], ["last", "all"], body=step, num_scan_inputs=1)]
        inputs = [info("x", ["n"]), info("y", ["t", "k"])]
        feeds = [{"x": self.numbers(n), "y": self.numbers(3, k)} for n, k in ((5, 5), (5, 1), (7, 7))]
        self.check(nodes, inputs, [info("last", [None]), info("all", [None, None])], feeds)

    def test_states_that_would_grow(self):
        inner = [helper.make_node("Add", ["a", "v"], ["b"]), helper.make_node("Identity", ["b"], ["s"])]
        parts = [[info("a", [None]), info("v", [None])], [info("b", [None]), info("s", [None])]]
        step = helper.make_graph(inner, "step", *parts)
        nodes = [helper.make_node("Scan", ["x", "y"], ["last", "all"], "steps", body=step, num_scan_inputs=1)]
        inputs = [info("x", ["n"]), info("y", ["t", "k"])]
        good, bad = ({"x": self.numbers(size), "y": self.numbers(3, 5)} for size in (5, 1))
        outputs = [info("last", [None]), info("all", [None, None])]
        self.check_fault(nodes, inputs, outputs, good, bad, "node 'steps': .*expected dim 0 to stay 1 .*got 5")

    def test_branches_of_different_sizes(self):
        then = branch([helper.make_node("Concat", ["x", "x"], ["t"], axis=0)], info("t", [None]))
        other = branch([helper.make_node("Neg", ["x"], ["e"])], info("e", [None]))
        nodes = [
            helper.make_node("If", ["c"], ["v"], then_branch=then, else_branch=other),
            helper.make_node("Add", ["v", "v"], ["y"]),
        ]
        inputs = [info("c", [], TensorProto.BOOL), info("x", ["n"])]
        feeds = [
            {"c": np.array(c), "x": self.numbers(size)} for c in (True, False) for size in (0, 1, 9)
        ]
        self.check(nodes, inputs, [info("y", [None])], feeds)


if __name__ == "__main__":
    main()
