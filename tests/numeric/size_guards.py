"""Sizes that an operator requires to fit, in models that give every size a name of its own.

usage: size_guards.py --cameo build/bin/cameo [unittest arguments]

Each row of ROWS is one operator with inputs of open sizes: sizes that fit, for which ONNX Runtime is the judge,
and sizes that do not, which must end the run with an error that names the node, what was expected and what was
found. The context is used again after each error.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
import cameoc
import run_numeric

CAMEO = ""
WRONG_SHAPE, RUN_FAILED = 5, 13
INTEGERS = {"int64": TensorProto.INT64, "int32": TensorProto.INT32, "uint8": TensorProto.UINT8}
OPSET = 23


class Row:
    """One node. `inputs` are names, `name:int64` for integers; those in `constants` are weights. `fits` and
    `fails` are lists of shapes, one an input that is none. The elements of an input follow from its shape by
    `values`, where it is named there. The last size of inputs in `fixed` is a number. judge: whether ONNX Runtime has the operator; else the interpreter judges."""

    def __init__(self, op, inputs, fits, fails, constants=None, values=None, outputs=1, opset=OPSET, judge=True,
                 fixed=(), **attributes):
        self.op, self.opset, self.judge, self.values, self.fixed = op, opset, judge, values or {}, fixed
        self.inputs = [i.partition(":")[::2] for i in inputs.split()]
        self.fits, self.fails = fits, fails
        self.constants = {k: np.asarray(v) for k, v in (constants or {}).items()}
        self.outputs = ["y"] + [""] * (outputs - 2) + (["last"] if outputs > 1 else [])
        self.attributes = attributes

    def __str__(self):
        return f"{self.op} {' '.join(name for name, _ in self.inputs)} {self.attributes}"

    def given(self):
        return [(n, t) for n, t in self.inputs if n != "_" and n not in self.constants]

    def model(self):
        names = ["" if name == "_" else name for name, _ in self.inputs]
        node = helper.make_node(self.op, names, self.outputs, "the_node", **self.attributes)

        def declared(name, shape):
            dims = [f"{name}_{axis}" for axis in range(len(shape))]
            return [*dims[:-1], shape[-1]] if name in self.fixed else dims

        inputs = [
            helper.make_tensor_value_info(name, INTEGERS.get(kind, TensorProto.FLOAT), declared(name, shape))
            for (name, kind), shape in zip(self.given(), self.fits[0])
        ]
        outputs = [helper.make_empty_tensor_value_info(name) for name in self.outputs if name]
        weights = [numpy_helper.from_array(value, name) for name, value in self.constants.items()]
        graph = helper.make_graph([node], "g", inputs, outputs, weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10)

    def feed(self, shapes):
        """Integers are 0: an index that is always valid. Floats are positive, as scales must be."""
        rng = np.random.default_rng(len(shapes))

        def elements(name, kind, shape):
            if name in self.values:
                return np.asarray(self.values[name](shape), kind or np.float32)
            return np.asarray(np.zeros(shape, kind) if kind else rng.random(shape, np.float32) + np.float32(0.25))

        return {name: elements(name, kind, shape) for (name, kind), shape in zip(self.given(), shapes)}


def weights(*shape):
    return np.random.default_rng(1).random(shape, np.float32)


BYTES = {name: lambda shape: np.arange(np.prod(shape)).reshape(shape) % 9 + 1 for name in ("a", "b", "x", "w", "z")}

ROWS = [
    Row("MatMul", "a b", [((2, 3), (3, 4)), ((1, 1), (1, 1))], [((2, 3), (4, 4)), ((2, 1), (3, 4)), ((2, 3), (1, 4))]),
    Row("MatMul", "a b", [((5, 2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((5, 2, 3), (1, 3, 4))],
        [((5, 2, 3), (4, 3, 4)), ((0, 2, 3), (2, 3, 4))]),
    Row("Gemm", "a b c", [((2, 3), (3, 4), (2, 4)), ((2, 3), (3, 4), (1, 4)), ((2, 3), (3, 4), (2, 1)), ((2, 3), (3, 4), (1, 1))],
        [((2, 3), (4, 4), (2, 4)), ((2, 3), (3, 4), (3, 4)), ((2, 3), (3, 4), (2, 3)), ((1, 3), (3, 4), (2, 4))]),
    Row("Gemm", "a b c", [((2, 3), (4, 3), (4,)), ((2, 3), (4, 3), (1,))], [((2, 3), (4, 3), (5,)), ((2, 3), (4, 2), (4,))], transB=1),
    Row("Add", "a b", [((3, 4), (3, 4)), ((1, 4), (3, 1)), ((1, 1), (0, 4))], [((3, 4), (2, 4)), ((3, 4), (0, 4)), ((3, 4), (3, 5))]),
    Row("Sum", "a b c", [((3, 4), (3, 4), (4,)), ((1, 4), (3, 1), (1,))], [((3, 4), (3, 4), (3,)), ((3, 4), (2, 4), (4,)), ((1, 4), (3, 4), (5,))]),
    Row("PRelu", "a b", [((3, 4), (3, 4)), ((3, 4), (1, 4)), ((3, 4), (1, 1))], [((1, 4), (3, 4)), ((3, 4), (2, 4))]),
    Row("Concat", "a b", [((3, 4), (3, 2)), ((1, 4), (1, 0))], [((3, 4), (2, 4)), ((1, 4), (3, 4))], axis=1),
    Row("Einsum", "a b", [((2, 3), (3, 4))], [((2, 3), (5, 4))], equation="ij,jk->ik"),
    Row("Einsum", "a b", [((6, 2, 3), (6, 3, 4))], [((6, 2, 3), (5, 3, 4))], equation="...ij,...jk->...ik"),
    Row("Conv", "x w b", [((1, 3, 8, 8),), ((2, 3, 3, 5),)], [((1, 4, 8, 8),), ((1, 0, 8, 8),)],
        constants={"w": weights(2, 3, 3, 3), "b": weights(2)}),
    Row("Conv", "x w", [((1, 16, 9, 3),)], [((1, 8, 9, 3),), ((1, 32, 9, 3),)], constants={"w": weights(32, 1, 3, 3)}, group=16),
    Row("Conv", "x w", [((2, 10, 33, 3),)], [((2, 5, 33, 3),)], constants={"w": weights(4, 5, 2, 2)}, group=2),
    Row("Conv", "x w", [((2, 6, 9),)], [((2, 7, 9),)], constants={"w": weights(3, 2, 2)}, group=3),
    Row("Conv", "x w", [((2, 6, 5, 4, 3),)], [((2, 7, 5, 4, 3),)], constants={"w": weights(9, 2, 2, 2, 2)}, group=3),
    Row("Conv", "x w b", [((1, 3, 8, 8), (2,))], [((1, 3, 8, 8), (3,)), ((1, 3, 8, 8), (1,))], constants={"w": weights(2, 3, 3, 3)}),
    Row("ConvTranspose", "x w b", [((1, 3, 4, 4), (4,))], [((1, 2, 4, 4), (4,)), ((1, 3, 4, 4), (2,))],
        constants={"w": weights(3, 4, 2, 2)}),
    Row("BatchNormalization", "x s b m v", [((2, 3, 4), (3,), (3,), (3,), (3,))],
        [((2, 4, 4), (3,), (3,), (3,), (3,)), ((2, 3, 4), (1,), (3,), (3,), (3,)), ((2, 3, 4), (3,), (3,), (3,), (4,))]),
    Row("InstanceNormalization", "x s b", [((2, 3, 4), (3,), (3,))], [((2, 3, 4), (4,), (3,)), ((2, 3, 4), (3,), (1,))]),
    Row("GroupNormalization", "x s b", [((2, 6, 4), (6,), (6,))], [((2, 6, 4), (5,), (6,)), ((2, 7, 4), (7,), (7,))], num_groups=3),
    Row("LayerNormalization", "x s b", [((2, 3, 4), (4,), (4,)), ((2, 3, 4), (1,), (4,))], [((2, 3, 4), (5,), (4,)), ((2, 3, 1), (4,), (1,))]),
    Row("DequantizeLinear", "x:uint8 s", [((2, 3), (3,)), ((2, 3), (1,))], [((2, 3), (2,))], axis=1),
    Row("QuantizeLinear", "x s z:uint8", [((2, 3), (3,), (3,))], [((2, 3), (2,), (2,)), ((2, 3), (3,), (2,))], axis=1),
    Row("DequantizeLinear", "x:uint8 s", [((2, 7), (2, 3)), ((2, 6), (2, 2))], [((2, 7), (2, 2)), ((2, 7), (1, 3))],
        axis=1, block_size=3),
    Row("DeformConv", "x w o b m", [((1, 4, 5, 5), (6, 2, 3, 2), (1, 24, 3, 4), (6,), (1, 12, 3, 4))],
        [((1, 6, 5, 5), (6, 2, 3, 2), (1, 24, 3, 4), (6,), (1, 12, 3, 4)), ((1, 4, 5, 5), (6, 2, 3, 2), (1, 12, 3, 4), (6,), (1, 12, 3, 4)),
         ((1, 4, 5, 5), (6, 2, 3, 2), (1, 24, 3, 4), (5,), (1, 12, 3, 4)), ((1, 4, 5, 5), (6, 2, 3, 2), (1, 24, 3, 4), (6,), (1, 6, 3, 4))],
        group=2, offset_group=2),
    Row("Det", "x", [((2, 3, 3),), ((1, 6, 6),), ((2, 1, 1),)], [((2, 3, 4),)]),
    Row("Attention", "q k v", [((2, 3, 8), (2, 5, 8), (2, 5, 8))],
        [((2, 3, 8), (2, 5, 8), (2, 4, 8)), ((2, 3, 8), (2, 5, 4), (2, 5, 8)), ((2, 3, 8), (1, 5, 8), (2, 5, 8)),
         ((2, 3, 7), (2, 5, 7), (2, 5, 8))], q_num_heads=2, kv_num_heads=2),
    Row("Attention", "q k v m", [((2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4), (3, 5))],
        [((2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4), (2, 5)), ((2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4), (3, 6))]),
    Row("ScatterElements", "x i:int64 u", [((3, 4), (2, 2), (2, 2))], [((3, 4), (2, 2), (2, 3)), ((3, 1), (2, 2), (2, 2))], axis=0),
    Row("GatherElements", "x i:int64", [((3, 4), (5, 4))], [((3, 4), (5, 6))], axis=0),
    Row("ScatterND", "x i:int64 u", [((3, 4), (2, 4))], [((3, 4), (2, 3)), ((3, 4), (3, 4))],
        constants={"i": np.zeros((2, 1), np.int64)}),
    Row("LSTM", "x w r b _ h c", [((5, 2, 3), (1, 2, 4), (1, 2, 4))], [((5, 2, 3), (1, 3, 4), (1, 2, 4)), ((5, 2, 3), (1, 2, 4), (1, 2, 5)), ((5, 2, 4), (1, 2, 4), (1, 2, 4))],
        constants={"w": weights(1, 16, 3), "r": weights(1, 16, 4), "b": weights(1, 32)}, outputs=3, hidden_size=4),
    Row("GRU", "x w r _ l:int32 h", [((5, 2, 3), (2,), (1, 2, 4))], [((5, 2, 3), (3,), (1, 2, 4)), ((5, 2, 3), (2,), (1, 1, 4))],
        constants={"w": weights(1, 12, 3), "r": weights(1, 12, 4)}, outputs=2, hidden_size=4),
    # ONNX Runtime wants to be told the hidden size.
    Row("LSTM", "x w r b _ h", [((5, 2, 3), (1, 16, 3), (1, 16, 4), (1, 32), (1, 2, 4)), ((1, 1, 1), (1, 4, 1), (1, 4, 1), (1, 8), (1, 1, 1))],
        [((5, 2, 3), (1, 12, 3), (1, 16, 4), (1, 32), (1, 2, 4)), ((5, 2, 3), (1, 16, 3), (1, 16, 4), (1, 16), (1, 2, 4)),
         ((5, 2, 3), (1, 16, 3), (1, 16, 4), (1, 32), (1, 2, 1))], outputs=3, judge=False),
    Row("GRU", "x w r b", [((5, 2, 3), (2, 12, 3), (2, 12, 4), (2, 24)), ((2, 1, 3), (2, 3, 3), (2, 3, 1), (2, 6))],
        [((5, 2, 3), (1, 12, 3), (1, 12, 4), (1, 24)), ((5, 2, 3), (2, 12, 3), (2, 9, 4), (2, 24))],
        outputs=2, judge=False, direction="bidirectional"),
    Row("GridSample", "x g", [((2, 3, 4, 4), (2, 5, 5, 2))], [((2, 3, 4, 4), (1, 5, 5, 2)), ((2, 3, 4, 4), (2, 5, 5, 3))]),
    Row("RoiAlign", "x r i:int64", [((2, 3, 4, 4), (5, 4), (5,))], [((2, 3, 4, 4), (5, 4), (4,)), ((2, 3, 4, 4), (5, 5), (5,))], opset=16),
    Row("NonMaxSuppression", "b s m:int64", [((1, 6, 4), (1, 2, 6))], [((1, 6, 4), (1, 2, 5)), ((1, 6, 4), (2, 2, 6)), ((1, 6, 5), (1, 2, 6))],
        constants={"m": np.array(3)}),
    Row("DepthToSpace", "x", [((1, 8, 2, 3),)], [((1, 6, 2, 3),)], blocksize=2),
    Row("SpaceToDepth", "x", [((1, 3, 4, 6),)], [((1, 3, 5, 6),), ((1, 3, 4, 7),)], blocksize=2),
    Row("Reshape", "x s:int64", [((2, 12),), ((4, 3),)], [((2, 5),), ((7, 1),)], constants={"s": np.array([-1, 3, 2])}),
    Row("Reshape", "x s:int64", [((2, 12),)], [((2, 5),), ((2, 24),)], constants={"s": np.array([4, 3, 2])}),
    Row("Squeeze", "x a:int64", [((2, 1, 3),)], [((2, 2, 3),), ((2, 0, 3),)], constants={"a": np.array([1])}),
    Row("Split", "x s:int64", [((2, 5),)], [((2, 6),), ((2, 4),)], constants={"s": np.array([2, 3])}, outputs=2, axis=1),
    Row("Expand", "x s:int64", [((1, 4),), ((3, 4),), ((3, 1),)], [((2, 4),), ((3, 5),)], constants={"s": np.array([3, 4])}),
    Row("Compress", "x c", [((3, 4),)], [((1, 4),)], constants={"c": np.array([True, False])}, axis=0),
    Row("TopK", "x k:int64", [((2, 5),)], [((2, 2),)], constants={"k": np.array([3])}, outputs=2),
    Row("NegativeLogLikelihoodLoss", "x t:int64 w", [((3, 5), (3,), (5,))], [((3, 5), (2,), (5,)), ((3, 5), (3,), (4,))], reduction="none"),
    Row("MatMulInteger", "a:uint8 b:uint8 _ z:uint8", [((2, 3), (3, 4), (4,)), ((2, 3), (3, 4), (1,))],
        [((2, 3), (3, 4), (3,)), ((2, 3), (3, 4), (8,)), ((2, 3), (3, 4), (0,)), ((2, 3), (3, 1), (4,))],
        values=BYTES),
    Row("MatMulInteger", "a:uint8 b:uint8 z:uint8", [((2, 3), (3, 4), (2,)), ((2, 3), (3, 4), (1,))],
        [((2, 3), (3, 4), (3,)), ((1, 3), (3, 4), (2,))], values=BYTES, judge=False),
    Row("ConvInteger", "x:uint8 w:uint8 _ z:uint8", [((1, 2, 4, 4), (3, 2, 2, 2), (3,)), ((1, 2, 4, 4), (3, 2, 2, 2), (1,))],
        [((1, 2, 4, 4), (3, 2, 2, 2), (2,)), ((1, 2, 4, 4), (1, 2, 2, 2), (3,))], values=BYTES, judge=False),
    Row("QLinearConv", "x:uint8 xs xz:uint8 w:uint8 ws wz:uint8 ys yz:uint8",
        [((1, 2, 4, 4), (), (), (3,), (3,), (), ()), ((1, 2, 4, 4), (), (), (1,), (1,), (), ())],
        [((1, 2, 4, 4), (), (), (2,), (3,), (), ()), ((1, 2, 4, 4), (), (), (3,), (4,), (), ())],
        constants={"w": np.full((3, 2, 2, 2), 5, np.uint8)}, values=BYTES),
    Row("QLinearConv", "x:uint8 xs xz:uint8 w:uint8 ws wz:uint8 ys yz:uint8", [((1, 2, 4, 4), (1,), (1,), (), (), (1,), (1,))],
        [((1, 2, 4, 4), (2,), (1,), (), (), (1,), (1,)), ((1, 2, 4, 4), (1,), (1,), (), (), (1,), (3,))],
        constants={"w": np.full((3, 2, 2, 2), 5, np.uint8)}, values=BYTES),
    Row("QLinearMatMul", "a:uint8 as az:uint8 b:uint8 bs bz:uint8 ys yz:uint8",
        [((2, 3), (1,), (1,), (3, 4), (4,), (4,), (1,), (1,))],
        [((2, 3), (1,), (1,), (3, 4), (3,), (4,), (1,), (1,)), ((2, 3), (1,), (1,), (3, 4), (4,), (2,), (1,), (1,)),
         ((2, 3), (3,), (3,), (3, 4), (4,), (4,), (1,), (1,)), ((2, 3), (1,), (1,), (3, 4), (4,), (4,), (2,), (1,))],
        values=BYTES),
    Row("Split", "x s:int64", [((2, 6), (2,))], [((2, 6), (3,)), ((2, 6), (1,))],
        values={"s": lambda shape: np.full(shape, 6 // max(*shape, 1))}, outputs=2, axis=1),
    Row("Pad", "x p:int64", [((2, 3), (4,))], [((2, 3), (3,)), ((2, 3), (6,)), ((2, 3), (0,))], values={"p": np.ones}),
    Row("Pad", "x p:int64 _ a:int64", [((2, 3), (2,))], [((2, 3), (4,)), ((2, 3), (1,))], values={"p": np.ones},
        constants={"a": np.array([1])}),
    Row("Pad", "x p:int64 _ a:int64", [((2, 3), (1,))], [((2, 3), (2,)), ((2, 3), (0,))], constants={"p": np.array([1, 2])}),
    Row("Tile", "x r:int64", [((2, 3), (2,))], [((2, 3), (1,)), ((2, 3), (3,))], values={"r": np.ones}),
    Row("CenterCropPad", "x s:int64", [((2, 3), (2,))], [((2, 3), (1,)), ((2, 3), (3,))], values={"s": np.ones}),
    Row("Slice", "x s:int64 e:int64 a:int64 t:int64", [((2, 5), (1,), (1,), (1,))],
        [((2, 5), (2,), (1,), (1,)), ((2, 5), (1,), (2,), (1,)), ((2, 5), (1,), (1,), (0,))],
        constants={"a": np.array([1])}, values={"t": np.ones, "e": np.ones}),
    Row("Resize", "x _ s", [((1, 1, 4, 4), (4,))], [((1, 1, 4, 4), (3,)), ((1, 1, 4, 4), (5,))], values={"s": np.ones}),
    Row("Resize", "x _ _ s:int64", [((1, 1, 4, 4), (4,))], [((1, 1, 4, 4), (2,)), ((1, 1, 0, 4), (4,))],
        values={"s": np.ones}, judge=False),
    Row("Resize", "x _ _ s:int64", [((1, 1, 4, 4),)], [((1, 1, 0, 4),), ((1, 1, 4, 0),)],
        constants={"s": np.array([1, 1, 3, 5])}),
    Row("ScatterND", "x i:int64 u", [((3, 4), (2, 1), (2, 4))], [((3, 4), (2, 2), (2, 4)), ((0, 4), (2, 1), (2, 4))]),
    Row("GatherND", "x i:int64", [((5,), (2, 1))], [((5,), (2, 2)), ((0,), (2, 1))]),
    Row("Gather", "x i:int64", [((5, 3), (2,)), ((0, 3), (0,))], [((0, 3), (2,)), ((0, 0), (2,))]),
    Row("ScatterElements", "x i:int64 u", [((0, 4), (0, 2), (0, 2))], [((0, 4), (2, 2), (2, 2))], axis=0),
    Row("Reshape", "x s:int64", [((2, 3, 4),)], [((0, 3, 4),)], constants={"s": np.array([0, -1])}),
    Row("MaxPool", "x", [((1, 2, 3, 3),)], [((1, 2, 1, 3),), ((1, 2, 3, 0),)], kernel_shape=[2, 2]),
    Row("AveragePool", "x", [((1, 2, 1),)], [((1, 2, 0),)], kernel_shape=[3], auto_pad="SAME_UPPER"),
    Row("Conv", "x w", [((1, 3, 8, 8),)], [((1, 3, 2, 8),), ((1, 3, 8, 0),)], constants={"w": weights(2, 3, 3, 3)}),
    Row("GlobalAveragePool", "x", [((1, 2, 3, 3),), ((0, 2, 3, 3),)], [((1, 2, 0, 3),)]),
    Row("GlobalMaxPool", "x", [((1, 2, 3),)], [((1, 2, 0),)]),
    Row("GridSample", "x g", [((2, 3, 4, 4), (2, 5, 5, 2))], [((2, 3, 0, 4), (2, 5, 5, 2)), ((2, 3, 4, 0), (2, 5, 5, 2))]),
    Row("LinearAttention", "q k v _ d e", [((2, 3, 8), (2, 3, 4), (2, 3, 6), (2, 3, n), (2, 3, m)) for n in (2, 4) for m in (1, 2)],
        [((2, 3, 8), (2, 3, 4), (2, 3, 6), (2, 3, n), (2, 3, m)) for n, m in ((1, 2), (3, 2), (6, 2), (8, 2), (4, 3), (4, 0))]
        + [((2, 3, 8), (2, 3, 4), (2, 3, 6), (2, 2, 4), (2, 3, 2)), ((2, 3, 8), (2, 3, 4), (2, 3, 6), (2, 3, 4), (1, 3, 2))],
        fixed={"q", "k", "v"}, q_num_heads=4, kv_num_heads=2, opset=27, judge=False),
    Row("ConvTranspose", "x w", [((1, 3, 4),)], [((1, 3, 0),)], constants={"w": weights(3, 4, 2)}, strides=[3]),
    Row("DeformConv", "x w o b m", [((1, 2, 4, 5), (1, 8, 3, 4), (3,), (1, 4, 3, 4))],
        [((1, 3, 4, 5), (1, 8, 3, 4), (3,), (1, 4, 3, 4)), ((1, 2, 4, 5), (1, 8, 3, 3), (3,), (1, 4, 3, 4)),
         ((1, 2, 4, 5), (1, 6, 3, 4), (3,), (1, 4, 3, 4)), ((1, 2, 4, 5), (1, 8, 3, 4), (2,), (1, 4, 3, 4)),
         ((1, 2, 4, 5), (1, 8, 3, 4), (3,), (1, 3, 3, 4)), ((1, 2, 1, 5), (1, 8, 0, 4), (3,), (1, 4, 0, 4))],
        constants={"w": weights(3, 2, 2, 2)}),
    Row("RoiAlign", "x r i:int64", [((2, 3, 4, 4), (5, 4), (5,)), ((2, 3, 0, 4), (0, 4), (0,))], [((2, 3, 0, 4), (5, 4), (5,))],
        opset=16),
    Row("DFT", "x", [((2, 5, 1),), ((2, 5, 2),)], [((2, 5, 3),), ((2, 5, 0),)], axis=1, opset=17),
    Row("STFT", "x s:int64 w", [((2, 9, 1), (4,))], [((2, 3, 1), (4,)), ((2, 9, 3), (4,))], constants={"s": np.array(2)}),
    Row("Pad", "x p:int64", [((2, 3),)], [((0, 3),), ((0, 0),)], constants={"p": np.array([1, 0, 0, 0])}, mode="reflect"),
    Row("Compress", "x c", [((3, 4),), ((2, 1),)], [((1, 1),), ((0, 4),)], constants={"c": np.array([True, False])}),
    Row("MaxUnpool", "x i:int64", [((1, 1, 2, 2), (1, 1, 2, 2))], [((1, 1, 2, 2), (1, 1, 2, 1))], kernel_shape=[2, 2], strides=[2, 2]),
]


class SizeGuards(unittest.TestCase):
    def compile(self, row):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = f"{folder.name}/m.onnx"
        onnx.save(row.model(), path)
        done = subprocess.run([CAMEO, "compile", path, "-o", f"{folder.name}/m.so"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.library = cameoc.load(f"{folder.name}/m.so")
        self.path, self.session = path, None
        if not row.judge:
            return
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def expected(self, feed):
        if self.session:
            return self.session.run(["y"], feed)[0]
        with tempfile.TemporaryDirectory() as folder:
            return run_numeric.interpret(CAMEO, self.path, [feed], pathlib.Path(folder))[0][0]

    def check(self, row, shapes):
        feed = row.feed(shapes)
        expected = self.expected(feed)
        actual = self.library.run(feed)["y"]
        self.assertEqual(actual.shape, expected.shape)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * max(1, np.abs(expected).max(initial=0)))

    def refuse(self, row, shapes):
        with self.assertRaises(cameoc.CameoError) as raised:
            self.library.run(row.feed(shapes))
        sentence = str(raised.exception)
        self.assertIn("expected", sentence)
        self.assertIn("got", sentence)
        # Where only one size is possible the input has it, and its own check speaks of the input.
        if raised.exception.status != WRONG_SHAPE:
            self.assertIn("node 'the_node'", sentence)
            self.assertEqual(raised.exception.status, RUN_FAILED)

    def test_rows(self):
        for row in ROWS:
            with self.subTest(row=str(row)):
                self.compile(row)
                for shapes in row.fits:
                    self.check(row, shapes)
                for shapes in row.fails:
                    with self.subTest(shapes=shapes):
                        self.refuse(row, shapes)
                        self.check(row, row.fits[0])

    def test_channels_become_those_of_the_weights(self):
        row = next(row for row in ROWS if row.op == "Conv")
        self.compile(row)
        self.assertEqual(self.library.inputs[0].shape[1], 3)
        with self.assertRaises(cameoc.CameoError) as raised:
            self.library.run(row.feed(row.fails[0]))
        self.assertIn("input 'x': expected dim 1 to be 3, got 4", str(raised.exception))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--cameo", required=True)
    arguments, others = parser.parse_known_args()
    CAMEO = arguments.cameo
    unittest.main(argv=[sys.argv[0], *others])
