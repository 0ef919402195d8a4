"""Random graphs over tensors whose rank only the run knows: libraries against ONNX Runtime.

usage: random_ranks.py --cameo build/bin/cameo [unittest arguments]
"""
import numpy as np
import onnxruntime

from graphs import cameoc, constant, info, main
from ranks import BOOL, RankTest, either, node


class RandomGraphs(RankTest):
    """Chains and forks of operators over an input without a shape: what ONNX Runtime computes, for any rank."""

    SEEDS = 40

    def grow(self, random):
        """Nodes over x, of any rank, and z [2, 3]; the names of all values."""
        nodes, names = [], ["x", "x", "x", "z"]

        def add(op, inputs, outputs=1, **attrs):
            made = [f"v{len(nodes)}_{i}" for i in range(outputs)]
            nodes.append(node(op, inputs, made, **attrs))
            return made[0]

        def fork(value):
            flat = f"v{len(nodes)}"
            then = [node("Flatten", [value], [flat + "t"], axis=0)]
            nodes.append(either(then, [node("Neg", [value], [flat + "e"])], "c", flat))
            return flat

        steps = [
            lambda v: add(random.choice(["Neg", "Exp", "Relu", "Tanh"]), [v]),
            lambda v: add(random.choice(["Add", "Mul", "Max"]), [v, random.choice(names)]),
            lambda v: add("ReduceMean", [v], axes=[random.choice([0, -1])], keepdims=int(random.integers(2))),
            lambda v: add("Unsqueeze", [v, random.choice(["first", "last"])]),
            lambda v: add("Squeeze", [v]),
            lambda v: add("Squeeze", [v, "first"]),
            lambda v: add("Transpose", [v]),
            lambda v: add("Softmax", [v], axis=-1),
            lambda v: add("Concat", [v, v], axis=int(random.choice([0, -1]))),
            lambda v: add("ConstantOfShape", [add("Shape", [v])]),
            lambda v: add("Reshape", [v, add("Concat", ["one", add("Shape", [v])], axis=0)]),
            lambda v: add("Reshape", [v, "flat"]),
            lambda v: add("Gather", [v, "zero"], axis=0),
            lambda v: add("MatMul", [v, random.choice(["w", v])]),
            lambda v: add("Slice", [v, "zeros", "one", "last"]),
            lambda v: add("SequenceAt", [add("SequenceConstruct", [v, random.choice(names)]), "minus"]),
            fork,
        ]
        for _ in range(random.integers(3, 9)):
            names.append(random.choice(steps)(random.choice(names)))
        return nodes, names

    def fitting(self, model, random):
        """Inputs of several ranks with what ONNX Runtime gives for them, where it gives anything."""
        try:
            session = onnxruntime.InferenceSession(model.SerializeToString())
        except Exception:
            return []
        runs = []
        for shape in ((), (3,), (2, 3), (1, 2, 3), (2, 1, 1, 3), (0, 3)):
            x, z = self.numbers(*shape), self.numbers(2, 3)
            feed = {"x": np.asarray(x, np.float32), "z": z, "c": np.array(bool(random.integers(2)))}
            try:
                runs.append((feed, session.run(None, feed)))
            except Exception:
                pass
        return runs

    def test_random_graphs(self):
        values = {"first": [0], "last": [-1], "flat": [-1], "zero": 0, "minus": -1, "zeros": [0], "one": [1]}
        constants = [constant(name, value) for name, value in values.items()]
        constants.append(constant("w", self.numbers(3, 2)))
        inputs = [info("x", None), info("z", [2, 3]), info("c", [], BOOL)]
        compared = 0
        for seed in range(self.SEEDS):
            random = np.random.default_rng(seed)
            nodes, names = self.grow(random)
            outputs = [info(name, None) for name in dict.fromkeys(names[-2:]) if name not in "xz"]
            model = self.unchecked(nodes, inputs, outputs, constants)
            runs = self.fitting(model, random)
            with self.subTest(seed=seed):
                path = self.compile(model) if runs else None
                library = cameoc.load(path) if runs else None
                for feed, expected in runs:
                    try:
                        results = library.run(feed)
                    except cameoc.CameoError as error:  # ONNX Runtime reduces scalars, over axes they have not
                        self.assertEqual(self.interpret(path, self.data(feed)).returncode, 2, error)
                        continue
                    for output, want in zip(outputs, expected):
                        self.same(results[output.name], want, output.name)
                compared += len(runs)
        self.assertGreater(compared, self.SEEDS)


if __name__ == "__main__":
    main()
