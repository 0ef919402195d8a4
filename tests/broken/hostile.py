"""Makes hostile models: valid models of one operator, with shapes, attributes and constants that are not.

Every operator of the op table has at least one valid model: those of the ONNX project's own test cases
that have the operator in them, and BASES below. hostile_model(index) takes the index-th operator
in turn, places its operands as inputs, with fixed or open sizes, or as constants, and then changes one
to three things: every attribute, operand and result of the table's row can be hit. The same
index and seed always give the same model.
"""
import pathlib
import random
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "ir"))
import op_table  # noqa: E402

SIZES = [0, 1, 2, 3, 5, 7, -1, 1 << 31, 1 << 32, 1 << 34, 1 << 40, 1 << 61, 1 << 62, (1 << 63) - 1]
INTEGERS = SIZES + [-2, -3, 100, (1 << 31) - 1, -(1 << 31), -(1 << 62), -(1 << 63) + 1, -(1 << 63)]
SMALL = [0, 1, 2, 3, 5, 7, 16, 17]
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 1e38, -1e38, 1e10, float("inf"), float("-inf"), float("nan")]
STRINGS = ["", "no such word", "\u202e", "a" * 300]
# Models of operators that the ONNX project has no test case of: inputs as (element type, shape).
F32, I64 = TensorProto.FLOAT, TensorProto.INT64
BASES = {
    "GlobalLpPool": ([(F32, [1, 2, 4, 5])], {"p": 2}),
    "MaxRoiPool": ([(F32, [1, 2, 8, 8]), (F32, [2, 5])], {"pooled_shape": [2, 2]}),
    "Multinomial": ([(F32, [2, 5])], {"sample_size": 3}),
    "RandomNormal": ([], {"shape": [2, 3]}),
    "RandomNormalLike": ([(F32, [2, 3])], {}),
    "RandomUniform": ([], {"shape": [2, 3]}),
    "RandomUniformLike": ([(F32, [2, 3])], {}),
    "Optional": ([(F32, [2, 3])], {}),
}
# Test cases of whole networks are no place to look for an operator in.
MOST_NODES = 12


def base_of(op, inputs, attributes):
    names = [f"x{i}" for i in range(len(inputs))]
    values = [helper.make_tensor_value_info(n, t, s) for n, (t, s) in zip(names, inputs)]
    node = helper.make_node(op, names, ["y"], **attributes)
    result = helper.make_tensor_value_info("y", F32, None)
    if op == "Optional":
        result = helper.make_value_info("y", helper.make_optional_type_proto(values[0].type))
    graph = helper.make_graph([node], "g", values, [result])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)


class Bases:
    """The valid models by operator, each with the values of its inputs."""

    def __init__(self, cases):
        self.rows = {row.op: row for row in op_table.onnx_rows()}
        self.models = {op: [] for op in self.rows}
        # What string attributes may be, by operator and attribute.
        self.words = {}
        for path in sorted(cases.glob("*/*/model.onnx")):
            if "_expanded" not in path.parent.name:
                self.add(onnx.load(path), path.parent)
        for op, (inputs, attributes) in BASES.items():
            self.add(base_of(op, inputs, attributes), None)
        missing = [op for op in self.models if not self.models[op]]
        if missing:
            raise SystemExit(f"no valid model of {', '.join(missing)}: add one to BASES")
        # Operators take turns, each as often as it has operands and attributes to get wrong.
        self.turns = []
        for op, row in self.rows.items():
            targets = len(op_table.formals(row.inputs)) + len(op_table.attributes(row.attributes))
            self.turns += [op] * max(targets, 1)
        random.Random(0).shuffle(self.turns)

    def add(self, model, folder):
        if len(model.graph.node) > MOST_NODES:
            return
        for op in {node.op_type for node in model.graph.node if node.domain == ""}:
            if op in self.models:
                self.models[op].append((model, folder))
        for node in model.graph.node:
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.STRING:
                    words = self.words.setdefault((node.op_type, attribute.name), [])
                    words.append(attribute.s.decode())


def given_values(model, folder):
    """The tensors a test case gives the inputs, by name; other inputs are left out."""
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for index, value in enumerate(model.graph.input if folder else ()):
        path = folder / f"test_data_set_0/input_{index}.pb"
        if not value.type.HasField("tensor_type") or not path.exists():
            continue
        tensor = TensorProto()
        tensor.ParseFromString(path.read_bytes())
        values[value.name] = numpy_helper.to_array(tensor)
    return values


class Subject:
    """A model under change: its node of the operator, and its constants as arrays."""

    def __init__(self, rng, bases, op):
        model, folder = rng.choice(bases.models[op])
        self.rng, self.row, self.words = rng, bases.rows[op], bases.words
        self.model = onnx.ModelProto()
        self.model.CopyFrom(model)
        self.graph = self.model.graph
        del self.graph.value_info[:]
        self.node = next(node for node in self.graph.node if node.op_type == op)
        # Results follow from the operands: stated shapes would refuse most models at once.
        for value in self.graph.output:
            if value.type.HasField("tensor_type"):
                value.type.tensor_type.ClearField("shape")
        self.constants = {}
        self.place_operands(given_values(model, folder))
        del self.graph.initializer[:]

    def place_operands(self, values):
        for value in list(self.graph.input):
            if value.name not in values:
                continue
            array = values.pop(value.name)
            small = array.size <= 16 and array.dtype.kind in "iub"
            if self.rng.random() < (0.7 if small else 0.25):
                self.graph.input.remove(value)
                self.constants[value.name] = array
            elif self.rng.random() < 0.3:
                self.open_sizes(value)
        self.constants.update(values)

    def open_sizes(self, value):
        """Names for some or all of an input's sizes, some of them the same name."""
        for dim in value.type.tensor_type.shape.dim:
            if self.rng.random() < 0.7:
                dim.dim_param = self.rng.choice("abcdefgh")

    def tensors(self):
        """The types of tensors among the inputs, those in sequences and optionals too."""
        for value in self.graph.input:
            kind = value.type
            while not kind.HasField("tensor_type"):
                kind = getattr(kind, kind.WhichOneof("value")).elem_type
            yield kind.tensor_type

    def finished(self):
        for name, array in self.constants.items():
            self.graph.initializer.append(numpy_helper.from_array(array, name))
        return self.model


# What can be changed. Each takes a Subject and says whether there was something to change.


def wanted_attribute(subject, kinds):
    attributes = [a for a in op_table.attributes(subject.row.attributes) if a.kind in kinds]
    return subject.rng.choice(attributes) if attributes else None


def put_attribute(node, name, attribute):
    kept = [a for a in node.attribute if a.name != name]
    del node.attribute[:]
    node.attribute.extend(kept + [attribute])


def changed_list(rng, values, choices):
    """One element, all of them, or the length changed."""
    values = list(values)
    way = rng.random()
    if way < 0.5 and values:
        values[rng.randrange(len(values))] = rng.choice(choices)
    elif way < 0.7 and values:
        values = [rng.choice(choices)] * len(values)
    elif way < 0.8 and values:
        values.pop()
    else:
        values = [rng.choice(choices) for _ in range(rng.choice([0, 1, 2, 3, 4, 6, 8, 70]))]
    return values


def change_attribute(subject):
    rng, node = subject.rng, subject.node
    attribute = wanted_attribute(subject, ("i", "d", "f", "s", "is", "fs", "ss", "t"))
    if not attribute:
        return False
    name, kind = attribute.name, attribute.kind
    types = {"is": onnx.AttributeProto.INTS, "fs": onnx.AttributeProto.FLOATS, "ss": onnx.AttributeProto.STRINGS}
    # One that change_attribute_kind made is of another type.
    present = {a.name: helper.get_attribute_value(a) for a in node.attribute if a.type == types.get(kind)}
    old = list(present.get(name, []))
    words = STRINGS + subject.words.get((node.op_type, name), [])
    if kind == "i":
        made = helper.make_attribute(name, rng.choice(INTEGERS))
    elif kind == "d":
        made = helper.make_attribute(name, rng.choice(list(range(25)) + INTEGERS))
    elif kind == "f":
        made = helper.make_attribute(name, rng.choice(FLOATS))
    elif kind == "s":
        made = helper.make_attribute(name, rng.choice(words))
    elif kind == "is":
        values = changed_list(rng, old or [1] * rng.randrange(5), INTEGERS)
        made = helper.make_attribute(name, values, attr_type=types[kind])
    elif kind == "fs":
        values = changed_list(rng, old, FLOATS)
        made = helper.make_attribute(name, values, attr_type=types[kind])
    elif kind == "ss":
        values = changed_list(rng, old, words)
        made = helper.make_attribute(name, values, attr_type=types[kind])
    else:
        shape = [rng.choice(SMALL) for _ in range(rng.randrange(4))]
        dtype = rng.choice([np.float32, np.int64, np.int8, np.float16, np.bool_])
        made = helper.make_attribute(name, numpy_helper.from_array(np.ones(shape, dtype)))
    put_attribute(node, name, made)
    return True


def drop_attribute(subject):
    if not subject.node.attribute:
        return False
    del subject.node.attribute[subject.rng.randrange(len(subject.node.attribute))]
    return True


def change_attribute_kind(subject):
    attribute = wanted_attribute(subject, ("i", "d", "f", "s", "is", "fs", "ss", "t", "g"))
    if not attribute:
        return False
    wrong = subject.rng.choice([3, 0.5, "word", [1, 2], [0.5]])
    put_attribute(subject.node, attribute.name, helper.make_attribute(attribute.name, wrong))
    return True


def set_dim(rng, dim):
    size = rng.choice(SIZES + ["n", "m", ""])
    if isinstance(size, int):
        dim.dim_value = size
    elif size:
        dim.dim_param = size
    else:
        dim.Clear()


def change_size(subject):
    dims = [dim for tensor in subject.tensors() for dim in tensor.shape.dim]
    if not dims:
        return False
    set_dim(subject.rng, subject.rng.choice(dims))
    return True


def change_size_everywhere(subject):
    """A size that operands share stays shared: what an operator must be able to compute with."""
    dims = [dim for tensor in subject.tensors() for dim in tensor.shape.dim]
    sizes = sorted({dim.dim_value for dim in dims if dim.HasField("dim_value")})
    if not sizes:
        return False
    size = subject.rng.choice(sizes)
    new = onnx.TensorShapeProto.Dimension()
    set_dim(subject.rng, new)
    for dim in dims:
        if dim.dim_value == size:
            dim.CopyFrom(new)
    return True


def empty_and_huge(subject):
    """No elements, but a size that nothing may count up to."""
    dims = [dim for tensor in subject.tensors() for dim in tensor.shape.dim]
    sizes = sorted({dim.dim_value for dim in dims if dim.HasField("dim_value")})
    if len(sizes) < 2:
        return False
    empty, huge = subject.rng.sample(sizes, 2)
    large = subject.rng.choice([1 << 40, 1 << 60, 1 << 62])
    for dim in dims:
        if dim.HasField("dim_value") and dim.dim_value in (empty, huge):
            dim.dim_value = 0 if dim.dim_value == empty else large
    return True


def change_rank(subject):
    rng, tensors = subject.rng, list(subject.tensors())
    if not tensors:
        return False
    tensor = rng.choice(tensors)
    way = rng.randrange(5)
    if way == 0:
        tensor.ClearField("shape")
    elif way == 1 and tensor.shape.dim:
        tensor.shape.dim.pop()
    elif way == 2:
        tensor.shape.SetInParent()
        del tensor.shape.dim[:]
    else:
        for _ in range(rng.choice([1, 1, 1, 2, 5, 70])):
            tensor.shape.dim.add().dim_value = rng.choice([1, 1, 2, 3])
    return True


def change_type(subject):
    tensors = list(subject.tensors())
    if not tensors:
        return False
    subject.rng.choice(tensors).elem_type = subject.rng.randrange(0, 25)
    return True


def change_types(subject):
    """All inputs of one type take another: operators on types that few models have."""
    tensors = list(subject.tensors())
    if not tensors:
        return False
    old, new = subject.rng.choice(tensors).elem_type, subject.rng.randrange(1, 17)
    for tensor in tensors:
        if tensor.elem_type == old:
            tensor.elem_type = new
    for name, array in subject.constants.items():
        if old == 8 or new in (8, 14, 15):  # strings and complex numbers
            break
        if helper.np_dtype_to_tensor_dtype(array.dtype) == old:
            subject.constants[name] = array.astype(helper.tensor_dtype_to_np_dtype(new))
    return True


def drop_operand(subject):
    if not subject.node.input:
        return False
    index = subject.rng.randrange(len(subject.node.input))
    if subject.rng.random() < 0.5:
        subject.node.input[index] = ""
    else:
        del subject.node.input[index:]
    return True


def add_operand(subject):
    """An operand more: one of the model's values, or a constant."""
    rng = subject.rng
    names = [value.name for value in subject.graph.input] + list(subject.constants)
    if rng.random() < 0.5 or not names:
        shape = [rng.choice(SMALL) for _ in range(rng.randrange(4))]
        subject.constants["extra"] = np.ones(shape, rng.choice([np.float32, np.int64, np.bool_]))
        names = ["extra"]
    position = rng.randrange(len(op_table.formals(subject.row.inputs)) + 2)
    while len(subject.node.input) <= position:
        subject.node.input.append("")
    subject.node.input[position] = rng.choice(names)
    return True


def change_constant(subject):
    rng = subject.rng
    names = [name for name, array in subject.constants.items() if array.size]
    if not names:
        return False
    name = rng.choice(names)
    array = np.array(subject.constants[name])
    kind = array.dtype.kind
    where = ... if rng.random() < 0.3 else np.unravel_index(rng.randrange(array.size), array.shape)
    if kind in "iu":
        limits = np.iinfo(array.dtype)
        array[where] = min(max(rng.choice(INTEGERS), limits.min), limits.max)
    elif kind == "f":
        with np.errstate(over="ignore"):
            array[where] = rng.choice(FLOATS)
    elif kind in "OSU":
        array = array.astype(object)
        array[where] = rng.choice(STRINGS)
    else:
        array[where] = not array[where].any()
    subject.constants[name] = array
    return True


def change_constant_shape(subject):
    rng = subject.rng
    if not subject.constants:
        return False
    name = rng.choice(list(subject.constants))
    array = subject.constants[name]
    shape = list(array.shape)
    if shape and rng.random() < 0.6:
        shape[rng.randrange(len(shape))] = rng.choice(SMALL)
    elif shape and rng.random() < 0.3:
        shape.pop()
    else:
        shape.insert(rng.randrange(len(shape) + 1), rng.choice(SMALL))
    if np.prod(shape) > 100_000 or array.dtype.kind in "OSU":
        return False
    subject.constants[name] = np.resize(array, shape) if array.size else np.ones(shape, array.dtype)
    return True


def change_constant_type(subject):
    names = [name for name, array in subject.constants.items() if array.dtype.kind in "iufb"]
    if not names:
        return False
    name = subject.rng.choice(names)
    dtype = subject.rng.choice("int8 uint8 int32 int64 uint64 float16 float32 float64 bool".split())
    with np.errstate(all="ignore"):
        subject.constants[name] = subject.constants[name].astype(dtype)
    return True


def replace_by_splat(subject):
    """A float operand becomes a ConstantOfShape of a shape that no file could hold."""
    rng = subject.rng
    values = [v for v in subject.graph.input if v.type.tensor_type.elem_type == F32]
    if not values:
        return False
    value = rng.choice(values)
    shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
    shape = changed_list(rng, shape or [1], SIZES)
    subject.graph.input.remove(value)
    name = value.name + ".shape"
    subject.constants[name] = np.array(shape, np.int64)
    made = helper.make_node("ConstantOfShape", [name], [value.name])
    subject.graph.node.insert(0, made)
    subject.node = next(n for n in subject.graph.node if n.op_type == subject.row.op)
    return True


def change_results(subject):
    node = subject.node
    if subject.rng.random() < 0.5 and len(node.output) > 1:
        dropped = node.output.pop()
        kept = [value for value in subject.graph.output if value.name != dropped]
        del subject.graph.output[:]
        subject.graph.output.extend(kept)
    else:
        name = f"more{len(node.output)}"
        node.output.append(name)
        subject.graph.output.append(helper.make_tensor_value_info(name, F32, None))
    return True


def change_opset(subject):
    for entry in subject.model.opset_import:
        if not entry.domain:
            entry.version = subject.rng.randrange(1, 29)
    return True


CHANGES = {
    change_attribute: 6,
    drop_attribute: 1,
    change_attribute_kind: 1,
    change_size: 4,
    change_size_everywhere: 6,
    empty_and_huge: 2,
    change_rank: 2,
    change_type: 1,
    change_types: 2,
    drop_operand: 1,
    add_operand: 2,
    change_constant: 5,
    change_constant_shape: 2,
    change_constant_type: 1,
    replace_by_splat: 1,
    change_results: 1,
    change_opset: 1,
}


def hostile_model(bases, index, seed=0):
    """The operator, and a model with it in which something does not make sense."""
    rng = random.Random(f"{seed}/{index}")
    op = bases.turns[index % len(bases.turns)]
    subject = Subject(rng, bases, op)
    left = rng.choice([1, 1, 1, 2, 3])
    while left:
        [change] = rng.choices(list(CHANGES), CHANGES.values())
        left -= change(subject)
    return op, subject.finished()
