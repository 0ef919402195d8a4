"""Strings that the model holds or that branches and loops hand on: interpreter and library must say the
same, and what is written here.

usage: strings.py --cameo build/bin/cameo [unittest arguments]
"""
import subprocess

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import graphs
from graphs import GraphTest, body, branch, info, main

STRING = TensorProto.STRING


def strings(name, *values, shape=None):
    return helper.make_tensor(name, STRING, shape or [len(values)], [v.encode() for v in values])


class Strings(GraphTest):
    def says(self, nodes, inputs, outputs, initializers, runs):
        """`runs` are (inputs by name, the printed outputs)."""
        model = self.model(nodes, inputs, outputs, initializers, opset=20)
        library = self.compile(model)
        for feed, expected in runs:
            for k, (name, value) in enumerate(feed.items()):
                value = np.array(value, None if isinstance(value, (bool, int)) else object)
                with open(f"{self.folder}/input_{k}.pb", "wb") as file:
                    file.write(numpy_helper.from_array(value, name).SerializeToString())
            for program in (library, library.removesuffix(".so") + ".onnx"):
                run = subprocess.run(
                    [graphs.CAMEO, "run", program, "--data", self.folder], capture_output=True, text=True
                )
                self.assertEqual(run.returncode, 0, run.stderr)
                self.assertEqual(run.stdout.strip(), expected, program)

    def test_constants_of_calls(self):
        nodes = [
            helper.make_node("StringConcat", ["x", "first"], ["a"]),
            helper.make_node("StringConcat", ["second", "a"], ["y"]),
        ]
        constants = [strings("first", "1", "2", "", "4", shape=[2, 2]), strings("second", "<")]
        self.says(
            nodes,
            [info("x", [2, 2], STRING)],
            [info("y", [2, 2], STRING)],
            constants,
            [({"x": [["a", "b"], ["c", "ü"]]}, "y: str[2,2] = '<a1' '<b2' '<c' '<ü4'")],
        )

    def test_constants_as_outputs(self):
        nodes = [helper.make_node("Identity", ["c"], ["y"]), helper.make_node("Identity", ["x"], ["z"])]
        outputs = [info("y", [2], STRING), info("z", [1], STRING)]
        runs = [({"x": ["q"]}, "y: str[2] = 'v' 'w'\nz: str[1] = 'q'")]
        self.says(nodes, [info("x", [1], STRING)], outputs, [strings("c", "v", "w")], runs)

    def test_branches_of_other_numbers(self):
        def made(*values):
            node = helper.make_node("Constant", [], ["v"], value=strings("t", *values))
            return branch([node], info("v", [len(values)], STRING))

        nodes = [
            helper.make_node("If", ["c"], ["v"], then_branch=made("a", "b", "c"), else_branch=made()),
            helper.make_node("StringConcat", ["v", "end"], ["y"]),
        ]
        runs = [
            ({"c": True}, "y: str[3] = 'a!' 'b!' 'c!'"),
            ({"c": False}, "y: str[0] ="),
        ]
        self.says(
            nodes, [info("c", [], TensorProto.BOOL)], [info("y", [None], STRING)], [strings("end", "!")], runs
        )

    def test_loops(self):
        inner = [helper.make_node("StringConcat", ["s", "mark"], ["next"])]
        loop = body(inner, [info("s", [2], STRING)], [info("next", [2], STRING)])
        nodes = [helper.make_node("Loop", ["m", "", "x"], ["y"], body=loop)]
        inputs = [info("m", [], TensorProto.INT64), info("x", [2], STRING)]
        runs = [({"m": k, "x": ["a", ""]}, f"y: str[2] = 'a{'+' * k}' '{'+' * k}'") for k in (0, 1, 3)]
        self.says(nodes, inputs, [info("y", [2], STRING)], [strings("mark", "+")], runs)


if __name__ == "__main__":
    main()
