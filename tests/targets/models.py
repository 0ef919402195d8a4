"""A model of what the run finds out: sizes from data, a sequence, a value that grows in a loop, a rank."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper, save


def write_boxes(path):
    def info(name, shape, dtype=TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, dtype, shape)

    constants = {
        "zero": np.float32(0),
        "first": np.int64(0),
        "one": np.int64(1),
        "rows": np.array([2, -1], np.int64),
        "trips": np.int64(3),
    }
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Concat", ["v", "found"], ["v2"], axis=0),
        ],
        "body",
        [info("i", [], TensorProto.INT64), info("go", [], TensorProto.BOOL), info("v", [None])],
        [info("go_on", [], TensorProto.BOOL), info("v2", [None])],
    )
    nodes = [
        helper.make_node("Greater", ["x", "zero"], ["positive"]),
        helper.make_node("NonZero", ["positive"], ["where"]),
        helper.make_node("Transpose", ["where"], ["tuples"], perm=[1, 0]),
        helper.make_node("GatherND", ["x", "tuples"], ["found"]),
        helper.make_node("Size", ["found"], ["count"]),
        helper.make_node("Range", ["first", "count", "one"], ["numbers"]),
        helper.make_node("Cast", ["numbers"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("SequenceConstruct", ["found", "floats"], ["sequence"]),
        helper.make_node("ConcatFromSequence", ["sequence"], ["both"], axis=0),
        helper.make_node("Reshape", ["both", "rows"], ["y"]),
        helper.make_node("Loop", ["trips", "", "found"], ["z"], body=body),
        helper.make_node("Squeeze", ["x"], ["squeezed"]),
        helper.make_node("Neg", ["squeezed"], ["w"]),
    ]
    initializers = [numpy_helper.from_array(np.array(v), name) for name, v in constants.items()]
    outputs = [info("y", [2, None]), info("z", [None]), info("w", None)]
    graph = helper.make_graph(nodes, "boxes", [info("x", ["n", 9])], outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(model, path)
