"""Operators that draw random numbers: what compiled code draws is what the interpreter draws, each run of a context draws
other numbers and a context of the same seed the same ones, and they are distributed as the operators say.

usage: random_numbers.py --cameo build/bin/cameo
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))
import cameoc

ROWS = 400
FLOATS = {TensorProto.FLOAT: 1e-6, TensorProto.FLOAT16: 2e-3, TensorProto.DOUBLE: 1e-13}


def model():
    """Every operator, of several types, with and without a seed of its own."""
    nodes, outputs = [], []

    def op(kind, inputs, type_, **attributes):
        name = f"{kind}{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        outputs.append(helper.make_tensor_value_info(name, type_, None))

    for dtype in FLOATS:
        op("RandomNormalLike", ["x"], dtype, dtype=dtype, mean=3.0, scale=0.5)
        op("RandomUniformLike", ["x"], dtype, dtype=dtype, low=-2.0, high=4.0)
    op("RandomNormal", [], TensorProto.FLOAT, shape=[ROWS, 50])
    op("RandomUniform", [], TensorProto.FLOAT, shape=[ROWS, 50], seed=7.0)
    op("RandomNormalLike", ["x"], TensorProto.FLOAT, seed=7.0)
    for dtype in (TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT16, TensorProto.BOOL):
        op("Bernoulli", ["p"], dtype, dtype=dtype)
    for dtype in (TensorProto.INT32, TensorProto.INT64):
        op("Multinomial", ["logits"], dtype, dtype=dtype, sample_size=50)
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 50]),
        helper.make_tensor_value_info("p", TensorProto.FLOAT, ["N", 50]),
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 3]),
    ]
    graph = helper.make_graph(nodes, "random", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)


def interpreted(binary, path, inputs, seed, folder):
    np.savez(folder / "inputs.npz", **inputs)
    out = folder / f"seed{seed}"
    words = [binary, "run", path, "--input", folder / "inputs.npz", "--output-dir", out, "--seed", str(seed)]
    subprocess.run([str(word) for word in words], check=True, capture_output=True)
    files = sorted(out.glob("output_*.npy"), key=lambda f: int(f.name.split("_")[1]))
    return [np.load(file) for file in files]


def same_numbers(values, expected):
    for (name, value), other in zip(values.items(), expected):
        assert value.dtype == other.dtype and value.shape == other.shape, name
        if value.dtype.kind == "f":
            most = {np.dtype(helper.tensor_dtype_to_np_dtype(k)): v for k, v in FLOATS.items()}[value.dtype]
            assert np.abs(value.astype(float) - other).max() <= most * 8, name
        else:
            assert (value == other).all(), name


def check_distributions(values, weights):
    for name, value in values.items():
        value = value.astype(float)
        spread = 6 / value.size**0.5  # six deviations of a mean
        if name.startswith("RandomNormalLike") and value.dtype == float and abs(value.mean()) > 1:
            assert abs(value.mean() - 3) < 0.5 * spread and abs(value.std() - 0.5) < 0.5 * spread, name
        elif name.startswith("RandomNormal"):
            assert abs(value.mean()) < spread and abs(value.std() - 1) < spread, name
        elif name.startswith("RandomUniformLike"):
            assert value.min() >= -2 and value.max() <= 4 and abs(value.mean() - 1) < 2 * spread, name
        elif name.startswith("RandomUniform"):
            assert value.min() >= 0 and value.max() < 1 and abs(value.mean() - 0.5) < spread, name
        elif name.startswith("Bernoulli"):
            assert abs(value.mean() - 0.3) < spread and set(np.unique(value)) == {0, 1}, name
        else:
            counts = np.bincount(value.astype(int).ravel(), minlength=3) / value.size
            assert np.abs(counts - weights).max() < spread, name


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cameo", type=pathlib.Path, default=ROOT / "build/bin/cameo")
    binary = parser.parse_args().cameo.resolve()
    weights = np.array([0.5, 0.2, 0.3])
    inputs = dict(
        x=np.zeros([ROWS, 50], np.float32),
        p=np.full([ROWS, 50], 0.3, np.float32),
        logits=np.tile(np.log(weights * 7), [ROWS, 1]).astype(np.float32),
    )
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        path, library = folder / "random.onnx", folder / "random.so"
        onnx.save(model(), path)
        subprocess.run([binary, "compile", path, "-o", library], check=True, capture_output=True)
        with cameoc.load(str(library), seed=5) as context:
            first, second = context.run(inputs), context.run(inputs)
        with cameoc.load(str(library), seed=5) as context:
            again = context.run(inputs)
        for seed, values in ((5, first), (6, second), (5, again)):
            same_numbers(values, interpreted(binary, path, inputs, seed, folder))
            check_distributions(values, weights)
        fixed = {node.output[0] for node in model().graph.node if any(a.name == "seed" for a in node.attribute)}
        for name, value in first.items():
            assert (value.tobytes() == second[name].tobytes()) == (name in fixed), name
            assert value.tobytes() == again[name].tobytes(), name
        drawn = [value.tobytes() for name, value in first.items() if name not in fixed and value.dtype == np.float32]
        assert len(set(drawn)) == len(drawn), "two nodes draw the same numbers"
        subprocess.run([binary, "compare", path, library, "--dim", "N=3"], check=True, capture_output=True)
    print("random numbers are as they should be")


if __name__ == "__main__":
    main()
