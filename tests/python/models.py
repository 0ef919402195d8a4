"""ONNX models of a node or two, made with the onnx package."""

import onnx
from onnx import TensorProto, helper


def model(nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, "graph", inputs, outputs, constants, doc_string="a graph")
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    made.producer_name, made.domain, made.model_version = "tests", "org.example", 3
    made.doc_string = "a model"
    helper.set_model_props(made, {"classes": "cat,dog"})
    onnx.checker.check_model(made)
    return made


def tensor(name, shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def sums():
    """y = x + b, z = -x for any number of rows."""
    nodes = [helper.make_node("Add", ["x", "b"], ["y"]), helper.make_node("Neg", ["x"], ["z"])]
    inputs = [tensor("x", ["batch", 3]), tensor("b", [3])]
    return model(nodes, inputs, [tensor("y", ["batch", 3]), tensor("z", ["batch", 3])])


def strings():
    """The strings of a and b next to each other."""
    ports = [tensor(name, ["n"], TensorProto.STRING) for name in "abc"]
    return model([helper.make_node("StringConcat", ["a", "b"], ["c"])], ports[:2], ports[2:])


def sequences():
    """A sequence with a tensor more, its length, and an optional that holds the tensor."""
    sequence = [helper.make_tensor_sequence_value_info(name, TensorProto.FLOAT, None) for name in "st"]
    nodes = [
        helper.make_node("SequenceInsert", ["s", "x"], ["t"]),
        helper.make_node("SequenceLength", ["t"], ["n"]),
        helper.make_node("Optional", ["x"], ["o"]),
    ]
    element = helper.make_tensor_type_proto(TensorProto.FLOAT, ["k"])
    optional = helper.make_value_info("o", helper.make_optional_type_proto(element))
    return model(
        nodes,
        [sequence[0], tensor("x", ["k"])],
        [sequence[1], tensor("n", [], TensorProto.INT64), optional],
    )


def has_element():
    """Whether an optional has a tensor."""
    element = helper.make_tensor_type_proto(TensorProto.FLOAT, ["k"])
    optional = helper.make_value_info("o", helper.make_optional_type_proto(element))
    return model(
        [helper.make_node("OptionalHasElement", ["o"], ["y"])],
        [optional],
        [tensor("y", [], TensorProto.BOOL)],
    )


def product(w):
    """A product with a constant matrix, which --precision bf16 changes."""
    return model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        [tensor("x", [4, 64])],
        [tensor("y", [4, 8])],
        [onnx.numpy_helper.from_array(w, "w")],
    )
