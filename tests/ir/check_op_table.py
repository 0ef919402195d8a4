"""Compares the graph rows of the op table with the operator schemas of the onnx package.

usage: check_op_table.py     (needs the `onnx` package; exit status 1 and one line a difference)

Version, inputs and outputs with their optionality, attributes with kinds and defaults, and element
types must agree, but for what the table leaves out on purpose: element types DType has no name for,
and the ways to write a Constant that the importer rewrites.
"""
import math
import re
import sys

import numpy
import onnx
from onnx import defs

import op_table
from op_table import parts

# The newest opset that the table follows; a newer onnx package knows later ones.
OPSET = 28
NAMES = {
    "float": "f32", "uint8": "u8", "int8": "i8", "uint16": "u16", "int16": "i16", "int32": "i32",
    "int64": "i64", "string": "str", "bool": "bool", "float16": "f16", "double": "f64",
    "uint32": "u32", "uint64": "u64", "bfloat16": "bf16",
}
FLOATS = {"f16", "bf16", "f32", "f64"}
INTS = {"u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"}
GROUPS = {"float": FLOATS, "int": INTS, "num": FLOATS | INTS, "all": set(NAMES.values()),
          "plain": set(NAMES.values()) - {"bf16"}}
KINDS = {
    "INT": "i", "FLOAT": "f", "STRING": "s", "INTS": "is", "FLOATS": "fs", "STRINGS": "ss",
    "TENSOR": "t", "GRAPH": "g", "TYPE_PROTO": "s",  # types as their text
}
OMITTED = {
    "Constant": {"sparse_value", "value_float", "value_floats", "value_int", "value_ints",
                 "value_string", "value_strings"},
}
# What passes note, and models do not have.
ADDED = {"Loop": {"iteration"}}
ANY = "any"


def table_types(name, constraints):
    """The set of types a formal's type allows, as `f32` or `seq(f32)`, or ANY."""
    if not name or constraints.get(name) == ANY:
        return ANY
    text = constraints.get(name, name)
    wrap = re.match(r"(seq|opt)\((.*)\)$", text)
    types = set()
    for part in parts(wrap.group(2) if wrap else text, "|"):
        types |= GROUPS.get(part, {part})
    return {f"{wrap.group(1)}({t})" for t in types} if wrap else types


def onnx_type(text):
    """`seq(f32)` for `seq(tensor(float))`; None for element types the table leaves out."""
    match = re.match(r"(?:(seq|optional)\()?(?:(seq)\()?tensor\((\w+)\)", text)
    if not match or match.group(3) not in NAMES:
        return None
    name = NAMES[match.group(3)]
    if match.group(2):
        return f"opt(seq({name}))"
    return {"seq": f"seq({name})", "optional": f"opt({name})", None: name}[match.group(1)]


def onnx_types(type_str, schema):
    texts = [type_str]
    for constraint in schema.type_constraints:
        if constraint.type_param_str == type_str:
            texts = constraint.allowed_type_strs
    types = {onnx_type(text) for text in texts} - {None}
    # The table has one name for mixtures of tensors, sequences and optionals.
    wrappers = {t.rsplit("(", 1)[0] if "(" in t else "" for t in types}
    return ANY if len(wrappers) > 1 else types


def is_own(name):
    """What passes add to an operator has a dot in its name, which nothing of ONNX's has."""
    return "." in name


def formals_differ(what, row, schema_formals, constraints, schema):
    row = [formal for formal in op_table.formals(row) if not is_own(formal.name)]
    if len(row) != len(schema_formals):
        yield f"{what}s: {len(row)}, onnx has {len(schema_formals)}"
        return
    options = {"Single": "", "Optional": "?", "Variadic": "*"}
    for (name, type_name, mark), formal in zip(row, schema_formals):
        if name != formal.name:
            yield f"{what} {name}: onnx calls it {formal.name}"
        if mark != options[formal.option.name]:
            yield f"{what} {name}: '{mark}', onnx has '{options[formal.option.name]}'"
        # Variadic formals of several types have none in the table.
        wanted = ANY if mark == "*" and not formal.is_homogeneous else None
        wanted = wanted or onnx_types(formal.type_str, schema)
        got = table_types(type_name, constraints)
        if got != wanted:
            yield f"{what} {name}: types {sorted(got)}, onnx has {sorted(wanted)}"


def default_of(attribute, kind):
    """The default as the table writes it; None if there is none."""
    if not attribute.default_value or not attribute.default_value.name:
        return None
    value = onnx.helper.get_attribute_value(attribute.default_value)
    if kind == "d":
        return NAMES_BY_NUMBER.get(value)
    text = lambda item: item.decode() if isinstance(item, bytes) else str(item)
    return " ".join(map(text, value)) if isinstance(value, list) else text(value)


NAMES_BY_NUMBER = {
    number: NAMES[name.lower()]
    for name, number in onnx.TensorProto.DataType.items()
    if name.lower() in NAMES
}


def same_default(kind, got, wanted):
    if got is None or wanted is None or kind != "f":
        return got == wanted
    return math.isclose(numpy.float32(got), numpy.float32(wanted), rel_tol=1e-7, abs_tol=0)


def attributes_differ(op, text, schema):
    seen = set()
    for name, kind, required, default in op_table.attributes(text):
        if is_own(name):
            continue
        seen.add(name)
        if name in ADDED.get(op, set()):
            continue
        if name not in schema.attributes:
            yield f"attribute {name}: onnx has none"
            continue
        attribute = schema.attributes[name]
        wanted = KINDS.get(attribute.type.name, attribute.type.name)
        if kind != wanted and not (kind == "d" and wanted == "i"):
            yield f"attribute {name}: kind {kind}, onnx has {wanted}"
        if required != attribute.required and op not in OMITTED:
            yield f"attribute {name}: required differs"
        if not same_default(kind, default, default_of(attribute, kind)):
            yield f"attribute {name}: default {default}, onnx has {default_of(attribute, kind)}"
    for name in set(schema.attributes) - seen - OMITTED.get(op, set()):
        yield f"attribute {name} is missing"


def row_differs(row):
    try:
        schema = defs.get_schema(row.op, OPSET, "")
    except defs.SchemaError:
        yield "onnx has no such operator"
        return
    if int(row.version) != schema.since_version:
        yield f"version {row.version}, onnx has {schema.since_version}"
    constraints = dict(
        re.match(r"(\w+): *(.*)", part).groups() for part in parts(row.constraints, ";")
    )
    yield from formals_differ("input", row.inputs, schema.inputs, constraints, schema)
    yield from formals_differ("output", row.outputs, schema.outputs, constraints, schema)
    yield from attributes_differ(row.op, row.attributes, schema)


def main():
    if defs.onnx_opset_version() < OPSET:
        print(f"skipped: onnx {onnx.__version__} ends at opset {defs.onnx_opset_version()}")
        return 0
    rows = list(op_table.onnx_rows())
    differences = [f"{row.where}: {row.op}: {text}" for row in rows for text in row_differs(row)]
    print("\n".join(differences) or f"{len(rows)} rows agree with onnx {onnx.__version__}")
    return 1 if differences or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
