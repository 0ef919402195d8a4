"""Runs the ONNX project's test cases with inputs as constants, and with constants as inputs.

usage: constant_cases.py DIR [--sample [N]] [--only REGEX] [--form NAME]

DIR is what make_cases.py wrote. Each case of passing.txt that passes compiled runs again in other forms: with
one input after the other as an initializer ("constant.0"), with all but the first ("constant.rest") and with all of
them ("constant.all"), which folds the model; and, where the model has initializers or constants, with
those as inputs ("given"). The numbers are those of the case's first data set. --sample takes one
form of each case, or of one of N, chosen by the case's name.
constant_refused.txt beside this file has the cases that may be refused: a pattern of names and the reason, a line
each. Any other that fails is an error, and so are other numbers than the case's, whatever is listed; a
pattern none of whose cases was refused is pointed out.
"""
import pathlib
import shutil
import sys

import onnx
from onnx import helper

import case_forms

REFUSED = pathlib.Path(__file__).resolve().with_name("constant_refused.txt")
GIVEN = "given"
TENSOR = "tensor_type"


def constant_of(node):
    """The tensor that a Constant node is; None for other nodes, and constants of no tensor."""
    if node.op_type != "Constant" or len(node.attribute) != 1 or node.attribute[0].name != "value":
        return None
    tensor = onnx.TensorProto()
    tensor.CopyFrom(node.attribute[0].t)
    tensor.name = node.output[0]
    return tensor


def constants(graph):
    return [*graph.initializer, *filter(None, map(constant_of, graph.node))]


def forms_of(model):
    """Names of all forms of a model."""
    ports = case_forms.given_inputs(model)
    fixed = [i for i, port in enumerate(ports) if port.type.WhichOneof("value") == TENSOR]
    forms = [GIVEN] if constants(model.graph) else []
    forms += ["constant.all"] if fixed and len(fixed) == len(ports) else []
    forms += ["constant.rest"] if len(fixed) > 2 else []
    return forms + ([f"constant.{number}" for number in fixed] if len(ports) > 1 else [])


def fixed_by(model, form):
    """The inputs that a form makes constants, by number."""
    every = [*range(len(case_forms.given_inputs(model)))]
    some = {GIVEN: [], "constant.all": every, "constant.rest": every[1:]}
    return some[form] if form in some else [int(form.removeprefix("constant."))]


def give_constants(model):
    """Makes initializers and constants inputs behind those there are; returns their tensors."""
    graph = model.graph
    tensors = constants(graph)
    names = {tensor.name for tensor in tensors}
    kept = [port for port in graph.input if port.name not in names]
    nodes = [node for node in graph.node if constant_of(node) is None]
    del graph.input[:], graph.initializer[:], graph.node[:]
    graph.node.extend(nodes)
    graph.input.extend(kept)
    graph.input.extend(
        helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims) for tensor in tensors
    )
    return tensors


def make(model, form, folder, scratch):
    """Changes the model to a form and lays out the first data set for it."""
    data, target = folder / "test_data_set_0", scratch / "case/test_data_set_0"
    target.mkdir(parents=True)
    shutil.copy(folder / "tol.json", target.parent)
    for file in data.glob("output_*.pb"):
        shutil.copy(file, target)
    ports = case_forms.given_inputs(model)
    files = {number: data / f"input_{number}.pb" for number in range(len(ports))}
    extra = give_constants(model) if form == GIVEN else []
    for number in fixed_by(model, form):
        tensor = onnx.TensorProto.FromString(files.pop(number).read_bytes())
        tensor.name = ports[number].name
        model.graph.initializer.append(tensor)
        model.graph.input.remove(ports[number])
    contents = [file.read_bytes() for file in files.values()]
    contents += [tensor.SerializeToString() for tensor in extra]
    for number, content in enumerate(contents):
        (target / f"input_{number}.pb").write_bytes(content)
    return target.parent


if __name__ == "__main__":
    sys.exit(case_forms.main(sys.modules[__name__]))
