"""A small model with its inputs, made step by step, and several of them bundled into one.

A Case knows its nodes, weights, and the values of its inputs for one run or more. From it come an ONNX
model of its own, which ONNX Runtime judges, and a part of a bundle: a model of many cases that share
nothing, so that a hundred of them cost one compilation.
"""
import math
import zlib

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 21

NUMPY = {
    "f64": np.dtype(np.float64),
    "f32": np.dtype(np.float32),
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "bool": np.dtype(np.bool_),
    **{f"i{bits}": np.dtype(f"i{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"u{bits}": np.dtype(f"u{bits // 8}") for bits in (8, 16, 32, 64)},
}
FLOATS = ("f64", "f32", "f16", "bf16")
INTEGERS = ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64")
SYMBOL = "N"


class Sizes(tuple):
    """A dim of other sizes in other runs: the size in each of them."""


def sizes_of(values):
    """A dim of these sizes, a run each: Sizes, or an int where they are one."""
    values = Sizes(int(value) for value in values)
    return values[0] if len(set(values)) == 1 else values


def in_run(shape, run):
    """The dims that a shape has in one run."""
    return [dim[run] if isinstance(dim, Sizes) else dim for dim in shape]


def onnx_type(dtype):
    """The number in TensorProto.DataType of one of our names."""
    return helper.np_dtype_to_tensor_dtype(NUMPY[dtype])


def name_of(numpy_dtype):
    return next(name for name, dtype in NUMPY.items() if dtype == numpy_dtype)


def pick(rng, values):
    return values[int(rng.integers(len(values)))]


def float_type(k):
    """float32 most of the time; the others often enough to meet every kernel."""
    return ("f32", "f32", "f16", "f32", "bf16", "f32", "f64", "f32")[k % 8]


class Case:
    """One small model. `sizes` are those of the symbol N, a run each; None where there is no symbol.

    exact: the reference interpreter must give the same bits. steps: by how many units an integer
    output may differ from ONNX Runtime's. judged: whether ONNX Runtime is asked at all; where it
    lacks the operator or departs from the specification, the reference interpreter judges alone.
    """

    def __init__(self, name, sizes=(None,), exact=False, steps=0, judged=True, opset=OPSET):
        self.name, self.sizes, self.opset = name, sizes, opset
        self.exact, self.steps, self.judged = exact, steps, judged
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.nodes, self.weights, self.outputs = [], {}, []
        self.declared = {}  # dims of each input
        self.runs = [{} for _ in sizes]
        self.probes = []  # inputs of further runs, which need not fit; see probes.py
        self.count = 0

    def fresh(self, stem):
        self.count += 1
        return f"{stem}{self.count}"

    def random(self, shape, dtype="f32", low=-1.0, high=1.0):
        """Numbers between two bounds; floats of the type exactly, integers with both bounds."""
        if dtype == "bool":
            return self.rng.integers(0, 2, shape).astype(np.bool_)
        if dtype in FLOATS:
            return np.asarray(self.rng.uniform(low, high, shape)).astype(NUMPY[dtype])
        low = max(int(low), int(np.iinfo(NUMPY[dtype]).min))
        high = min(int(high), int(np.iinfo(NUMPY[dtype]).max))
        return self.rng.integers(low, high, shape, NUMPY[dtype], endpoint=True)

    def input(self, shape, dtype="f32", low=-1.0, high=1.0, declared=None):
        """An input of random numbers; the dim "N" is a symbol. `declared` is the shape that the model
        states, where it is another one."""
        name = self.fresh("x")
        self.declared[name] = list(declared or shape)
        for k, (size, run) in enumerate(zip(self.sizes, self.runs)):
            actual = [size if dim == SYMBOL else dim for dim in in_run(shape, k)]
            run[name] = np.asarray(self.random(actual, dtype, low, high))
        return name

    def given(self, array):
        """An input with this value."""
        name = self.fresh("x")
        self.declared[name] = list(array.shape)
        for run in self.runs:
            run[name] = np.asarray(array)
        return name

    def weight(self, array, dtype=None):
        name = self.fresh("w")
        self.weights[name] = np.asarray(array, NUMPY[dtype] if dtype else None)
        return name

    def ints(self, *values):
        return self.weight(np.array(values, np.int64))

    def tensor(self, constant, shape, dtype="f32", low=-1.0, high=1.0):
        """Random numbers as a weight or as an input."""
        if constant:
            return self.weight(self.random(shape, dtype, low, high))
        return self.input(shape, dtype, low, high)

    def op(self, kind, *inputs, results=1, domain="", **attributes):
        """Appends a node; its result's name, or a list of names. An absent input is None. A graph as an
        attribute is a function that makes it and is given what names of the case become in a model."""
        names = [self.fresh("v") for _ in range(results)]
        inputs = ["" if name is None else name for name in inputs]
        self.nodes.append((kind, inputs, names, domain, attributes))
        return names[0] if results == 1 else names

    def output(self, *names):
        self.outputs += names
        return self

    def parts(self, prefix="", convert=lambda array: array):
        """Nodes, inputs, outputs and weights as ONNX messages, their names after `prefix`. The symbol N
        alone is one of all cases."""

        def rename(name):
            return prefix + name if name else ""

        def rename_dim(dim):
            return prefix + dim if isinstance(dim, str) and dim != SYMBOL else dim

        nodes = []
        for kind, inputs, outputs, domain, attributes in self.nodes:
            if "to" in attributes:
                target = convert(np.empty(0, NUMPY[attributes["to"]])).dtype
                attributes = {**attributes, "to": helper.np_dtype_to_tensor_dtype(target)}
            attributes = {k: v(rename) if callable(v) else v for k, v in attributes.items()}
            nodes.append(
                helper.make_node(
                    kind,
                    [rename(i) for i in inputs],
                    [rename(o) for o in outputs],
                    name=f"{prefix}{kind}_{outputs[0]}",
                    domain=domain,
                    **attributes,
                )
            )
        inputs = []
        for name, array in self.runs[0].items():
            element = helper.np_dtype_to_tensor_dtype(convert(array).dtype)
            dims = [rename_dim(dim) for dim in self.declared[name]]
            inputs.append(helper.make_tensor_value_info(rename(name), element, dims))
        outputs = [onnx.ValueInfoProto(name=rename(name)) for name in self.outputs]
        weights = [
            numpy_helper.from_array(convert(array), rename(name))
            for name, array in self.weights.items()
        ]
        return nodes, inputs, outputs, weights


def bundle(cases, convert=lambda array: array):
    """One model of all cases, which have the same sizes and opset. Names begin with `cK_`."""
    parts = [case.parts(f"c{k}_", convert) for k, case in enumerate(cases)]
    nodes, inputs, outputs, weights = ([x for part in parts for x in part[i]] for i in range(4))
    graph = helper.make_graph(nodes, "bundle", inputs, outputs, weights)
    domains = {"": cases[0].opset, "com.microsoft": 1, "ai.onnx.ml": 3}
    opsets = [helper.make_opsetid(domain, version) for domain, version in domains.items()]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def prefixed(inputs, k=0):
    """Inputs of a bundle's case K by their names there."""
    return {f"c{k}_{name}": array for name, array in inputs.items()}


def bundle_inputs(cases, run):
    return {k: v for i, case in enumerate(cases) for k, v in prefixed(case.runs[run], i).items()}
