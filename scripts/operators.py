#!/usr/bin/env python3
"""Writes docs/operators.md, the operators that Cameo compiles, from the op table; with --check compares it.

How an operator is compiled is read off its row: rows with a selector become kernels, those in Decompose.def simpler
operators, those of Control.def blocks; the others are functions in C. Operators that the table lacks come from the
onnx package, those of other domains from the tables of the frontend.
"""
import pathlib
import re
import sys

import onnx.defs

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "ir"))
import op_table

PAGE = ROOT / "docs" / "operators.md"
HEAD = """# Operators

This page is made from the op table by `scripts/operators.py`. Cameo knows {count} of the {all} operators of ONNX's own domain, up to
opset {opset}. A model of any older opset is read as well: the importer brings its nodes to the version in the second column. [Operators of
ONNX Runtime](#operators-of-onnx-runtime), [of ai.onnx.ml](#operators-of-aionnxml), and operators of your own ([custom-ops.md](custom-ops.md)), come on top.

The last column says how an operator is compiled:

- *kernels*: loops for all threads, with vectors, and with neighbours fused into them;
- *simpler operators*: it is expanded into operators that become kernels;
- *blocks*: control flow of the library itself;
- *a function in C*: portable code on the thread that calls.

`cameo explain model.onnx` says it for each node of a model. A model that needs something else is refused with one error that lists every such
node.

Of the types, `float` are f16, bf16, f32 and f64, `int` all integers of 8 to 64 bits, `num` both, `plain` these but bf16, with bool and strings, and
`all` everything.

| operator | version | types of the inputs | compiled as |
|---|---|---|---|
"""
EXPANDED = """
## Operators of ONNX Runtime

ONNX Runtime's optimizer, its quantizer and exporters of transformers write operators of its own domain, com.microsoft. These are expanded into the
operators above when a model is read, so that they compile as models without them do. An attribute, input or output of theirs
that is not supported is an error that names the node.

{contrib}.

SimplifiedLayerNormalization, which the same tools write into ONNX's own domain, is RMSNormalization.

## Operators of ai.onnx.ml

Converters of scikit-learn and of boosted trees write operators of the domain ai.onnx.ml. Those on numbers are expanded as well; classes and labels that are strings, and
ZipMap, which makes maps, are not supported.

{ml}.
"""
TAIL = """
## Not known

{missing}.
"""


def types_of(row):
    """`x: float, int; indices: i32, i64`, in the table's words."""
    variables = dict(part.split(":", 1) for part in op_table.parts(row.constraints, ";"))
    texts = []
    for formal in op_table.formals(row.inputs):
        if "." in formal.name:  # none of ONNX's
            continue
        words = variables.get(formal.type, formal.type or "any").strip()
        texts.append(f"{formal.name}: {words.replace('|', ', ')}")
    return "; ".join(texts) or "none"


def how(row, selected, decomposed):
    if row.where.startswith("Control.def"):
        return "blocks"
    if row.op in selected:
        return "kernels"
    return "simpler operators" if row.op in decomposed else "a function in C"


def selected_ops():
    text = "\n".join(path.read_text() for path in sorted(op_table.OPS.glob("*.def")))
    graph = re.findall(r"^GRAPH_OP\((\w+),.*?(\w+)\)$", text, re.M)
    return {op for op, selector in graph if selector != "notSelected"} | set(
        re.findall(r"^ELEMENTWISE_OP\((\w+),", text, re.M))


def expanded_ops(files):
    """The names of the tables of such files of the frontend."""
    text = "\n".join(path.read_text() for path in sorted((ROOT / "frontend").glob(files)))
    tables = re.findall(r"Expansion kExpansions\[\] = \{(.*?)^\};", text, re.M | re.S)
    return sorted(name for table in tables for name in re.findall(r'\{"(\w+)",', table))


def page():
    rows = sorted(op_table.onnx_rows(), key=lambda row: row.op)
    selected = selected_ops()
    decomposed = set(re.findall(r"^DECOMPOSE\((\w+),", (ROOT / "lowering/decompose/Decompose.def").read_text(), re.M))
    every = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == "" and not schema.deprecated}
    known = {row.op for row in rows}
    text = HEAD.format(count=len(known & every), all=len(every), opset=onnx.defs.onnx_opset_version())
    for row in rows:
        text += f"| {row.op} | {row.version} | {types_of(row)} | {how(row, selected, decomposed)} |\n"
    text += EXPANDED.format(contrib=", ".join(expanded_ops("Contrib*.cpp")), ml=", ".join(expanded_ops("Ml*.cpp")))
    missing = sorted(every - known)
    return text + (TAIL.format(missing=", ".join(missing)) if missing else "")


def main():
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text)
    elif PAGE.read_text() != text:
        sys.exit("docs/operators.md is not what the op table says: run scripts/operators.py")


if __name__ == "__main__":
    main()
