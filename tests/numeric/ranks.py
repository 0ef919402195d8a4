"""Tensors whose rank only the run knows: interpreter and library against ONNX Runtime.

usage: ranks.py --cameo build/bin/cameo [unittest arguments]

Each graph runs with values of several ranks in one context. What does not fit, and what the model declares
wrong, must end a run with an error that names a node.
"""
import subprocess
import tempfile

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import graphs
from graphs import GraphTest, body, branch, cameoc, constant, info, main

INT64, BOOL, FLOAT = TensorProto.INT64, TensorProto.BOOL, TensorProto.FLOAT
node = helper.make_node


def either(then, otherwise, condition="c", output="v"):
    """An If between two lists of nodes, which make values of their own names."""
    branches = [branch(nodes, info(nodes[-1].output[0], None)) for nodes in (then, otherwise)]
    return node("If", [condition], [output], then_branch=branches[0], else_branch=branches[1])


class RankTest(GraphTest):
    def agree(self, nodes, inputs, outputs, feeds, initializers=(), opset=17):
        """Library and interpreter give what ONNX Runtime gives, for each of the feeds; the library twice."""
        model = self.unchecked(nodes, inputs, outputs, initializers, opset)
        session = onnxruntime.InferenceSession(model.SerializeToString())
        expected = [session.run(None, feed) for feed in feeds]
        path = self.compile(model)
        library = cameoc.load(path)
        for _ in range(2):
            for feed, wanted in zip(feeds, expected):
                results = library.run(feed)
                for output, want in zip(outputs, wanted):
                    self.same(results[output.name], want, output.name)
        for feed, wanted in zip(feeds, expected):
            for output, want, got in zip(outputs, wanted, self.interpreted(path, feed, len(outputs))):
                self.same(got, want, output.name)
        return library

    def same(self, got, want, name):
        want = np.asarray(want)
        self.assertEqual(got.shape, want.shape, name)
        scale = max(1, np.abs(want).max(initial=0))
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5 * scale)

    def data(self, feed):
        """A folder with the inputs as files."""
        folder = tempfile.mkdtemp(dir=self.folder)
        for k, (name, value) in enumerate(feed.items()):
            with open(f"{folder}/input_{k}.pb", "wb") as file:
                file.write(numpy_helper.from_array(np.asarray(value), name).SerializeToString())
        return folder

    def interpret(self, path, folder):
        command = [graphs.CAMEO, "run", path.removesuffix(".so") + ".onnx", "--data", folder]
        return subprocess.run([*command, "--output-dir", folder], capture_output=True, text=True)

    def interpreted(self, path, feed, count):
        folder = self.data(feed)
        run = self.interpret(path, folder)
        self.assertEqual(run.returncode, 0, run.stderr)
        tensors = []
        for k in range(count):
            tensor = TensorProto()
            with open(f"{folder}/output_{k}.pb", "rb") as file:
                tensor.ParseFromString(file.read())
            tensors.append(numpy_helper.to_array(tensor))
        return tensors

    def fault(self, library, feed, message):
        with self.assertRaisesRegex(Exception, message):
            library.run(feed)

    def refused(self, nodes, inputs, outputs, message, initializers=()):
        model = self.unchecked(nodes, inputs, outputs, initializers)
        path = f"{self.folder}/refused.onnx"
        graphs.onnx.save(model, path)
        command = [graphs.CAMEO, "compile", path, "-o", f"{self.folder}/refused.so"]
        run = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(run.returncode, 3, run.stderr)
        self.assertRegex(run.stderr, message)


class Ranks(RankTest):
    # Branches

    def pooled(self, *rest):
        """v is x [n, 4], or its maxima [n]; nodes that follow."""
        pool = [node("ReduceMax", ["x"], ["t"], axes=[1], keepdims=0)]
        return [either(pool, [node("Identity", ["x"], ["whole"])]), *rest]

    def both(self, *rows):
        return [{"x": self.numbers(n, 4), "c": np.array(c)} for n in rows for c in (True, False)]

    X = [info("x", ["n", 4]), info("c", [], BOOL)]

    def test_branches_of_two_ranks(self):
        nodes = self.pooled(node("Reshape", ["v", "flat"], ["y"]))
        self.agree(nodes, self.X, [info("y", [None])], self.both(3, 1, 0), [constant("flat", [-1])])

    def test_what_follows_has_two_ranks_too(self):
        nodes = self.pooled(
            node("Exp", ["v"], ["a"]),
            node("Shape", ["a"], ["s"]),
            node("ConstantOfShape", ["s"], ["zeros"]),
            node("Add", ["a", "zeros"], ["y"]),
            node("ReduceSum", ["y"], ["z"], keepdims=0),
        )
        self.agree(nodes, self.X, [info("y", None), info("z", []), info("s", ["r"], INT64)], self.both(3, 1))

    def test_what_else_reads_the_results(self):
        """Between the ops that follow from the rank there are others, which read them or are read."""
        nodes = self.pooled(
            node("Neg", ["v"], ["a"]),
            node("ReduceMax", ["a"], ["m"], keepdims=0),
            node("Neg", ["x"], ["other"]),
            node("Add", ["m", "other"], ["late"]),
            node("Abs", ["a"], ["b"]),
            node("ReduceMax", ["b"], ["k"], keepdims=0),
            node("Mul", ["late", "k"], ["y"]),
            node("ReduceMax", ["late"], ["l"], keepdims=0),
            node("Mul", ["b", "l"], ["z"]),
        )
        self.agree(nodes, self.X, [info("y", ["n", 4]), info("z", None)], self.both(2))

    def test_one_rank_works(self):
        nodes = self.pooled(node("Transpose", ["v"], ["y"], perm=[1, 0]))
        feeds = self.both(3)
        library = self.agree(nodes, self.X, [info("y", [4, "n"])], feeds[1:])
        self.fault(library, feeds[0], r"node 'Transpose_1': expected rank 2, got rank 1")

    def test_a_later_operator_excludes_a_rank(self):
        nodes = self.pooled(node("Exp", ["v"], ["a"]), node("Transpose", ["a"], ["y"], perm=[1, 0]))
        feeds = self.both(3)
        library = self.agree(nodes, self.X, [info("y", [4, "n"])], feeds[1:])
        self.fault(library, feeds[0], "node 'Exp_1': expected rank 2, as node 'Transpose_2' does, got rank 1")

    def test_rank_asked_for(self):
        """What scripted LSTM cells do: whether to unsqueeze is decided by the rank."""
        nodes = self.pooled(
            node("Size", ["shape"], ["r"]),
            node("Equal", ["r", "one"], ["flat"]),
            either([node("Unsqueeze", ["v", "last"], ["up"])], [node("Identity", ["v"], ["as"])], "flat", "w"),
            node("ReduceMax", ["w"], ["y"], axes=[1], keepdims=1),
        )
        nodes.insert(1, node("Shape", ["v"], ["shape"]))
        self.agree(nodes, self.X, [info("y", ["n", 1])], self.both(3), [constant("one", 1), constant("last", [-1])])

    def test_branch_that_no_rank_takes(self):
        nodes = self.pooled(
            node("Shape", ["v"], ["shape"]),
            node("Size", ["shape"], ["r"]),
            node("Equal", ["r", "three"], ["deep"]),
            either([node("Transpose", ["v"], ["t2"], perm=[2, 0, 1])], [node("Neg", ["v"], ["n"])], "deep", "y"),
        )
        self.agree(nodes, self.X, [info("y", None)], self.both(3), [constant("three", 3)])

    def test_two_values_of_two_ranks(self):
        also = [node("ReduceMin", ["x"], ["t2"], axes=[1], keepdims=0)]
        nodes = [
            *self.pooled(),
            either([node("Identity", ["x"], ["e2"])], also, "d", "u"),
            node("Add", ["v", "u"], ["y"]),
        ]
        feeds = [{**feed, "d": np.array(d)} for feed in self.both(4) for d in (True, False)]
        self.agree(nodes, [*self.X, info("d", [], BOOL)], [info("y", None)], feeds)

    def test_branches_in_branches(self):
        inner = either([node("Neg", ["v"], ["p"])], [node("Unsqueeze", ["v", "first"], ["q"])], "d", "in")
        nodes = self.pooled(either([inner], [node("ReduceMax", ["v"], ["one"], keepdims=0)], "e", "y"))
        flags = [(d, e) for d in (True, False) for e in (True, False)]
        feeds = [{**f, "d": np.array(d), "e": np.array(e)} for f in self.both(3) for d, e in flags]
        inputs = [*self.X, info("d", [], BOOL), info("e", [], BOOL)]
        self.agree(nodes, inputs, [info("y", None)], feeds, [constant("first", [0])])

    # Squeeze without axes

    def test_squeeze_of_open_sizes(self):
        nodes = [node("Squeeze", ["x"], ["v"]), node("Relu", ["v"], ["y"])]
        shapes = ((3, 1, 4, 2), (1, 1, 4, 1), (1, 1, 4, 5), (0, 1, 4, 1))
        feeds = [{"x": self.numbers(*shape) - 0.5} for shape in shapes]
        self.agree(nodes, [info("x", ["a", 1, 4, "b"])], [info("y", None), info("v", None)], feeds)

    def test_declared_output_does_not_limit_ranks(self):
        """Exporters declare the rank of the example they saw."""
        nodes = [node("Squeeze", ["x"], ["v"]), node("MatMul", ["v", "w"], ["y"])]
        feeds = [{"x": self.numbers(n, 4, 1, 1)} for n in (3, 1)]
        w = [constant("w", self.numbers(4, 2))]
        self.agree(nodes, [info("x", ["n", 4, 1, 1])], [info("y", ["n", 2])], feeds, w)

    def test_conditions_that_are_squeezed(self):
        inner = [
            node("Add", ["a", "x"], ["a2"]),
            node("ReduceSum", ["a2"], ["sum"], keepdims=1),
            node("Less", ["sum", "limit"], ["less"]),
            node("Squeeze", ["less"], ["go_on"]),
        ]
        loop = body(inner, [info("a", ["n", "m"])], [info("a2", ["n", "m"])])
        nodes = [node("Loop", ["", "", "x"], ["y"], body=loop)]
        feeds = [{"x": self.numbers(1, 2) + 1}, {"x": self.numbers(2, 3) + 1}]
        self.agree(nodes, [info("x", ["n", "m"])], [info("y", ["n", "m"])], feeds, [constant("limit", np.float32(40))])

    # Axes and shapes of any number

    def test_shape_of_unknown_length(self):
        inputs = [info("x", ["n", 6]), info("s", ["r"], INT64)]
        x = self.numbers(2, 6)
        feeds = [{"x": x, "s": np.array(s, np.int64)} for s in ([12], [3, 4], [2, 1, -1], [1, 2, 3, 2])]
        self.agree([node("Reshape", ["x", "s"], ["v"]), node("Neg", ["v"], ["y"])], inputs, [info("y", None)], feeds)
        feeds = [{"x": x, "s": np.array(s, np.int64)} for s in ([6], [2, 6], [3, 1, 1], [1])]
        self.agree([node("Expand", ["x", "s"], ["y"])], inputs, [info("y", None)], feeds)
        nodes = [node("ConstantOfShape", ["s"], ["v"]), node("Add", ["v", "one"], ["y"])]
        feeds = [{"s": np.array(s, np.int64)} for s in ([], [3], [0, 2], [2, 3, 1])]
        library = self.agree(nodes, inputs[1:], [info("y", None)], feeds, [constant("one", np.float32(1))])
        self.fault(library, {"s": np.ones(9, np.int64)}, r"node 'ConstantOfShape_0'.* got 9")

    def test_shape_of_no_sizes(self):
        nodes = [node("Reshape", ["x", "s"], ["v"]), node("Neg", ["v"], ["y"])]
        inputs = [info("x", ["n"]), info("s", [0], INT64)]
        none = np.zeros(0, np.int64)
        library = self.agree(nodes, inputs, [info("y", [])], [{"x": self.numbers(1), "s": none}])
        self.fault(library, {"x": self.numbers(2), "s": none}, "input 'x': expected dim 0 to be 1, got 2")

    def test_bounds_of_any_rank(self):
        nodes = [node("Range", ["zero", "x", "one"], ["y"])]
        feeds = [{"x": np.full(shape, n, np.int64)} for shape in ((), (1,)) for n in (4, 0)]
        constants = [constant("zero", 0), constant("one", 1)]
        library = self.agree(nodes, [info("x", None, INT64)], [info("y", ["n"], INT64)], feeds, constants)
        self.fault(library, {"x": np.array([4, 5])}, "node 'Range_0'.*one element")

    def test_axes_of_unknown_number(self):
        inputs = [info("x", [1, "n", 1]), info("s", ["r"], INT64)]
        for op, axes in (
            ("Squeeze", ([0], [2, 0], [-1])),
            ("Unsqueeze", ([0], [1, 4], [2])),
            ("ReduceSum", ([0], [1, 2], [-1, 0, 1])),
        ):
            attrs = {"keepdims": 0} if op == "ReduceSum" else {}
            nodes = [node(op, ["x", "s"], ["v"], **attrs), node("Neg", ["v"], ["y"])]
            feeds = [{"x": self.numbers(1, 5, 1), "s": np.array(a, np.int64)} for a in axes]
            self.agree(nodes, inputs, [info("y", None)], feeds)

    def test_axes_that_cannot_be_so_many(self):
        """There is no code for as many axes as would leave a scalar of twelve elements."""
        nodes = [node("Squeeze", ["x", "s"], ["y"])]
        feeds = [{"x": self.numbers(1, 3, 4), "s": np.array([0])}]
        library = self.agree(nodes, [info("x", [1, 3, 4]), info("s", ["r"], INT64)], [info("y", None)], feeds)
        self.fault(library, {"x": feeds[0]["x"], "s": np.array([0, 1, 2])}, "node 'Squeeze_0'")

    # Sequences and loops

    def test_elements_of_two_ranks(self):
        nodes = [
            node("Unsqueeze", ["x", "first"], ["up"]),
            node("SequenceConstruct", ["x", "up"], ["seq"]),
            node("SequenceAt", ["seq", "k"], ["v"]),
            node("Neg", ["v"], ["y"]),
        ]
        inputs = [info("x", ["n"]), info("k", [], INT64)]
        feeds = [{"x": self.numbers(n), "k": np.array(k)} for n in (3, 1) for k in (0, 1, -1)]
        self.agree(nodes, inputs, [info("y", None)], feeds, [constant("first", [0])])

    def test_carried_value_that_changes_rank(self):
        inner = [node("Unsqueeze", ["a", "first"], ["a2"])]
        loop = body(inner, [info("a", None)], [info("a2", None)])
        nodes = [node("Loop", ["m", "", "x"], ["v"], body=loop), node("Exp", ["v"], ["y"])]
        inputs = [info("m", [], INT64), info("x", ["n"])]
        feeds = [{"m": np.array(m), "x": self.numbers(n)} for m, n in ((0, 3), (1, 3), (4, 2), (2, 0))]
        library = self.agree(nodes, inputs, [info("y", None)], feeds, [constant("first", [0])])
        self.fault(library, {"m": np.array(20), "x": self.numbers(2)}, "expected rank 0 to 8, got rank 9")

    def test_stacked_slices_declared(self):
        inner = [node("Identity", ["a"], ["a2"]), node("Gather", ["a", "i"], ["row"]), node("Squeeze", ["row"], ["z"])]
        loop = body(inner, [info("a", ["n", "k"])], [info("a2", ["n", "k"]), info("z", ["k"])])
        nodes = [node("Loop", ["m", "", "x"], ["v", "y"], body=loop)]
        inputs = [info("m", [], INT64), info("x", ["n", "k"])]
        feeds = [{"m": np.array(3), "x": self.numbers(4, 2)}]
        library = self.agree(nodes, inputs, [info("y", [None, None])], feeds)
        wrong = {"m": np.array(1), "x": self.numbers(4, 1)}
        self.fault(library, wrong, "expected rank 1, which the model declares for 'z', got rank 0")

    def test_stacked_slices_of_any_rank(self):
        inner = [
            node("Identity", ["a"], ["a2"]),
            node("Cast", ["i"], ["number"], to=FLOAT),
            node("Mul", ["a", "number"], ["scaled"]),
            node("Squeeze", ["scaled"], ["z"]),
        ]
        results = [info("a2", ["n", "k"]), info("number", []), info("z", None)]
        loop = body(inner, [info("a", ["n", "k"])], results)
        nodes = [node("Loop", ["m", "", "x"], ["v", "numbers", "w"], body=loop), node("Neg", ["w"], ["y"])]
        inputs = [info("m", [], INT64), info("x", ["n", "k"])]
        shapes = ((3, 4, 2), (1, 1, 5), (2, 1, 1), (2, 0, 3), (0, 1, 1))
        feeds = [{"m": np.array(m), "x": self.numbers(n, k)} for m, n, k in shapes]
        outputs = [info("y", None), info("numbers", [None]), info("w", None)]
        self.agree(nodes, inputs, outputs, feeds)

    def test_scan_that_squeezes(self):
        inner = [node("Add", ["s", "e"], ["s2"]), node("Squeeze", ["s2"], ["z"])]
        state, slices = [info("s", ["k"]), info("e", ["k"])], [info("s2", ["k"]), info("z", ["k"])]
        scan = helper.make_graph(inner, "scan", state, slices)
        nodes = [node("Scan", ["x", "xs"], ["v", "y"], body=scan, num_scan_inputs=1)]
        inputs = [info("x", ["k"]), info("xs", ["t", "k"])]
        feeds = [{"x": self.numbers(3), "xs": self.numbers(t, 3)} for t in (4, 1)]
        library = self.agree(nodes, inputs, [info("y", [None, None]), info("v", ["k"])], feeds)
        one = {"x": self.numbers(1), "xs": self.numbers(2, 1)}
        self.fault(library, one, "expected rank 1, which the model declares for 'z', got rank 0")
        scan.output[1].type.tensor_type.ClearField("shape")
        nodes = [node("Scan", ["x", "xs"], ["v", "y"], body=scan, num_scan_inputs=1)]
        self.refused(nodes, inputs, [info("y", None)], "Scan_0.*rank of output 1 .'y'.: expected a declared shape")

    def test_scan_over_a_value_of_any_rank(self):
        """ONNX Runtime wants shapes of what is stacked."""
        inner = [
            node("Exp", ["e"], ["exp"]),
            node("ReduceSum", ["exp"], ["sum"], keepdims=0),
            node("Add", ["s", "sum"], ["s2"]),
        ]
        scan = helper.make_graph(inner, "scan", [info("s", []), info("e", None)], [info("s2", []), info("sum", [])])
        nodes = [node("Scan", ["x", "xs"], ["v", "y"], body=scan, num_scan_inputs=1)]
        feeds = [{"x": self.numbers(), "xs": self.numbers(*shape)} for shape in ((3,), (2, 4), (2, 1, 3))]
        self.agree(nodes, [info("x", []), info("xs", None)], [info("y", ["t"]), info("v", [])], feeds)

    def test_loops_over_a_value_whose_rank_follows(self):
        """Where the import knows no rank and the operator takes one alone."""
        carried = body([node("Neg", ["a"], ["a2"])], [info("a", None)], [info("a2", None)])
        inner = [node("Add", ["s", "e"], ["s2"]), node("Exp", ["e"], ["z"])]
        results = [info("s2", ["k"]), info("z", ["k"])]
        scan = helper.make_graph(inner, "scan", [info("s", ["k"]), info("e", ["k"])], results)
        nodes = [
            node("Transpose", ["xs"], ["t"], perm=[1, 0]),
            node("Scan", ["x", "t"], ["v", "y"], body=scan, num_scan_inputs=1),
            node("Loop", ["m", "", "t"], ["u"], body=carried),
        ]
        feeds = [{"x": self.numbers(2), "xs": self.numbers(2, 5), "m": np.array(3)}]
        outputs = [info("y", None), info("v", ["k"]), info("u", None)]
        self.agree(nodes, [info("x", ["k"]), info("xs", None), info("m", [], INT64)], outputs, feeds)

    def test_map_over_elements_of_two_ranks(self):
        inner = helper.make_graph([node("Relu", ["e"], ["r"])], "map", [info("e", None)], [info("r", None)])
        nodes = [
            node("Unsqueeze", ["x", "first"], ["up"]),
            node("SequenceConstruct", ["x", "up"], ["seq"]),
            node("SequenceMap", ["seq"], ["mapped"], body=inner),
            node("SequenceAt", ["mapped", "k"], ["y"]),
        ]
        feeds = [{"x": self.numbers(3) - 0.5, "k": np.array(k)} for k in (0, 1)]
        self.agree(nodes, [info("x", ["n"]), info("k", [], INT64)], [info("y", None)], feeds, [constant("first", [0])])

    def test_softmax_of_old_models(self):
        """Its axis split the dims in two before opset 13."""
        feeds = [{"x": self.numbers(*shape)} for shape in ((3, 4, 2), (1, 4, 5), (1, 4, 1))]
        for axis in (1, 0, -1):
            nodes = [node("Squeeze", ["x"], ["v"]), node("Softmax", ["v"], ["y"], axis=axis)]
            good = feeds[:2] if axis == 1 else feeds
            self.agree(nodes, [info("x", ["a", 4, "b"])], [info("y", None)], good, opset=12)

    # Inputs without a shape

    def test_input_of_any_rank(self):
        nodes = [node("Exp", ["x"], ["v"]), node("ReduceSum", ["v"], ["s"], keepdims=0), node("Div", ["v", "s"], ["y"])]
        feeds = [{"x": self.numbers(*shape)} for shape in ((), (3,), (2, 3), (0, 2), (1, 2, 3, 1, 2), (1,) * 8)]
        library = self.agree(nodes, [info("x", None)], [info("y", None)], feeds)
        self.assertIsNone(library.inputs[0].shape)
        self.fault(library, {"x": np.zeros((1,) * 9, np.float32)}, "expected rank 0 to 8, got rank 9")

    def test_input_of_the_rank_that_works(self):
        nodes = [node("Conv", ["x", "w"], ["y"])]
        feeds = [{"x": self.numbers(2, 3, 5, 4)}]
        w = [constant("w", self.numbers(2, 3, 3, 3))]
        library = self.agree(nodes, [info("x", None)], [info("y", None)], feeds, w)
        self.fault(library, {"x": self.numbers(2, 3, 5)}, "node 'Conv_0': expected rank 4, got rank 3")
        self.fault(library, {"x": self.numbers(2, 4, 5, 4)}, "node 'Conv_0'.*3")

    def test_branch_that_the_rank_excludes(self):
        nodes = [
            node("Conv", ["x", "w"], ["v"]),
            node("Shape", ["v"], ["shape"]),
            node("Size", ["shape"], ["r"]),
            node("Equal", ["r", "three"], ["flat"]),
            either([node("Transpose", ["v"], ["t"], perm=[2, 0, 1])], [node("Identity", ["v"], ["e"])], "flat", "y"),
        ]
        feeds = [{"x": self.numbers(2, 3, 5, 4)}]
        constants = [constant("w", self.numbers(2, 3, 3, 3)), constant("three", 3)]
        self.agree(nodes, [info("x", None)], [info("y", None)], feeds, constants)

    def test_two_inputs_of_any_rank(self):
        nodes = [node("Sub", ["x", "z"], ["y"])]
        shapes = (((2, 3), (3,)), ((), (2, 1, 2)), ((4,), (4,)))
        feeds = [{"x": self.numbers(*a), "z": self.numbers(*b)} for a, b in shapes]
        library = self.agree(nodes, [info("x", None), info("z", None)], [info("y", None)], feeds)
        self.fault(library, {"x": self.numbers(2), "z": self.numbers(3)}, "node 'Sub_0'")

    def test_more_combinations_than_there_is_code_for(self):
        inputs = [info(name, None) for name in "abc"]
        self.refused([node("Max", list("abc"), ["y"])], inputs, [info("y", None)], "Max_0.*unknown rank.*--shape")

    def test_rank_that_only_the_model_declares(self):
        """A value that nothing else is known of has the rank that value_info says, which the run checks."""
        nodes = [node("Identity", ["x"], ["v"]), node("Neg", ["v"], ["y"])]
        model = self.unchecked(nodes, [info("x", None)], [info("y", None)])
        model.graph.value_info.append(info("v", [7, -1]))
        library = cameoc.load(self.compile(model))
        x = self.numbers(3, 2)
        np.testing.assert_array_equal(library.run({"x": x})["y"], -x)
        expected = "node 'Identity_0': expected rank 2, which the model declares for 'v', got rank 3"
        self.fault(library, {"x": self.numbers(3, 2, 1)}, expected)

    def test_strings_of_any_rank(self):
        nodes = [node("Squeeze", ["s"], ["v"]), node("StringConcat", ["v", "end"], ["y"])]
        end = helper.make_tensor("end", TensorProto.STRING, [], [b"."])
        outputs = [info(name, None, TensorProto.STRING) for name in "yv"]
        model = self.unchecked(nodes, [info("s", [1, "n"], TensorProto.STRING)], outputs, [end], opset=20)
        path = self.compile(model)
        two, one = ("str[2] = 'a.' 'bc.'", "str[2] = 'a' 'bc'"), ("str[] = 'd.'", "str[] = 'd'")
        for strings, (y, v) in ((["a", "bc"], two), (["d"], one)):
            folder = self.data({"s": np.array([strings], object)})
            for program in (path, path.removesuffix(".so") + ".onnx"):
                command = [graphs.CAMEO, "run", program, "--data", folder]
                run = subprocess.run(command, capture_output=True, text=True)
                self.assertEqual(run.stdout.strip(), f"y: {y}\nv: {v}", run.stderr)


if __name__ == "__main__":
    main()
