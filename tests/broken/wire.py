"""ONNX models as bytes, with nothing that would refuse to write a broken one."""
import struct


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, value):
    """A varint for an integer, four bytes for a float, else length-delimited."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def repeated(number, values):
    return b"".join(field(number, value) for value in values)


FLOAT, INT64, STRING, BOOL = 1, 7, 8, 9


def tensor(name, dtype, dims, raw=None, extra=b""):
    data = b"" if raw is None else field(9, raw)
    return repeated(1, dims) + field(2, dtype) + field(8, name) + data + extra


def floats(name, dims, values):
    return tensor(name, FLOAT, dims, struct.pack(f"<{len(values)}f", *values))


def ints(name, values):
    return tensor(name, INT64, [len(values)], struct.pack(f"<{len(values)}q", *values))


def external(name, dims, **entries):
    pairs = [field(1, key) + field(2, str(value)) for key, value in entries.items()]
    return tensor(name, FLOAT, dims, extra=field(14, 1) + repeated(13, pairs))


def value(name, dims=None, dtype=FLOAT):
    """dims of integers and names; None for an unknown rank."""
    kind = field(1, dtype)
    if dims is not None:
        entries = [field(1, dim) if isinstance(dim, int) else field(2, dim) for dim in dims]
        kind += field(2, repeated(1, entries))
    return field(1, name) + field(2, field(1, kind))


def attribute(name, content):
    if isinstance(content, int):
        return field(1, name) + field(3, content) + field(20, 2)
    if isinstance(content, float):
        return field(1, name) + field(2, content) + field(20, 1)
    if isinstance(content, str):
        return field(1, name) + field(4, content) + field(20, 3)
    if isinstance(content, list):
        return field(1, name) + repeated(8, content) + field(20, 7)
    return field(1, name) + field(6, content) + field(20, 5)  # a graph


def tensor_attribute(name, content):
    return field(1, name) + field(5, content) + field(20, 4)


def node(op, inputs, outputs, name="", domain="", attributes=(), **simple):
    attributes = list(attributes) + [attribute(key, content) for key, content in simple.items()]
    return (
        repeated(1, inputs)
        + repeated(2, outputs)
        + field(3, name)
        + field(4, op)
        + repeated(5, attributes)
        + field(7, domain)
    )


def graph(nodes, inputs, outputs, tensors=(), extra=b""):
    return (
        repeated(1, nodes)
        + field(2, "g")
        + repeated(5, tensors)
        + repeated(11, inputs)
        + repeated(12, outputs)
        + extra
    )


def function(name, inputs, outputs, nodes, opset=17):
    return (
        field(1, name)
        + repeated(4, inputs)
        + repeated(5, outputs)
        + repeated(7, nodes)
        + repeated(9, [field(2, opset), field(1, "local") + field(2, 1)])
        + field(10, "local")
    )


def model(body, opset=17, ir_version=8, functions=(), extra=b""):
    opsets = [field(2, opset), field(1, "local") + field(2, 1)]
    return (
        field(1, ir_version)
        + field(7, body)
        + repeated(8, opsets)
        + repeated(25, functions)
        + extra
    )
