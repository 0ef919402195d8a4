"""The graph rows of the op table, read from ir/ops/*.def, for tests that go over all operators."""
import collections
import pathlib
import re

OPS = pathlib.Path(__file__).resolve().parents[2] / "ir" / "ops"
# Elementwise rows have no column of operations, and a meaning instead of evaluator and selector.
SIGNATURE = r'"(.*?)", *"(.*?)", *"(.*?)", *"(.*?)", *(\w+)'
ROWS = {
    "GRAPH_OP": re.compile(rf"^GRAPH_OP\((\w+), *(\d+), *\w+, *{SIGNATURE}, *\w+, *\w+\)$"),
    "ELEMENTWISE_OP": re.compile(rf"^ELEMENTWISE_OP\((\w+), *(\d+), *{SIGNATURE}, *.+\)$"),
}

Row = collections.namedtuple("Row", "op version inputs outputs constraints attributes rule where")
# mark is `?` for an optional formal, `*` for any number of it, `?*` for both; type is a variable or a type.
Formal = collections.namedtuple("Formal", "name type mark")
# kind as in ir/ops/Ops.def; default is its text or None.
Attribute = collections.namedtuple("Attribute", "name kind required default")


def parts(text, separator=","):
    return [part.strip() for part in text.split(separator) if part.strip()]


def formals(text):
    result = []
    for part in parts(text):
        name, _, rest = part.partition(":")
        bare = (rest or name).rstrip("?*")
        mark = (rest or name)[len(bare):]
        result.append(Formal(name.rstrip("?*"), bare if rest else "", mark))
    return result


def attributes(text):
    """The attributes; ValueError names a part that is none."""
    result = []
    for part in parts(text):
        match = re.match(r"([\w.]+):(\w+)(!?)(?:=(.*))?$", part)
        if not match:
            raise ValueError(f"attribute '{part}' is malformed")
        name, kind, required, default = match.groups()
        result.append(Attribute(name, kind, bool(required), default))
    return result


def onnx_rows():
    """The rows of ONNX's own operators; ValueError for a line that is no row."""
    for path in sorted(OPS.glob("*.def")):
        if path.name in ("Ops.def", "Custom.def"):  # the latter has what ONNX does not
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            row = ROWS.get(line.partition("(")[0])
            if not row:
                continue
            match = row.match(line)
            where = f"{path.name}:{number}"
            if not match:
                raise ValueError(f"{where}: not a row of the table's format: {line}")
            yield Row(*match.groups(), where)
