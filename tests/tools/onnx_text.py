"""Just enough of the ONNX file format to make the tiny models and tensors of these tests without any
package: protobuf messages as lists of (field number, value), where a value is an int, bytes, str, or
a list of these for a nested message. Field numbers are those of onnx.proto."""
import struct


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def message(fields):
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
            continue
        if isinstance(value, str):
            value = value.encode()
        if isinstance(value, list):
            value = message(value)
        out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


FLOAT, UINT8, INT8, INT32, INT64, STRING, BOOL, FLOAT16 = 1, 2, 3, 6, 7, 8, 9, 10


def tensor(name, dims, values, dtype=FLOAT):
    """TensorProto with raw data."""
    code = {FLOAT: "f", UINT8: "B", INT8: "b", INT32: "i", INT64: "q"}[dtype]
    raw = struct.pack("<%d%s" % (len(values), code), *values)
    return [(1, d) for d in dims] + [(2, dtype), (8, name), (9, raw)]


def external_tensor(name, dims, file, offset, length):
    """TensorProto of float32 whose bytes are in a file beside the model."""
    place = {"location": file, "offset": str(offset), "length": str(length)}
    return ([(1, d) for d in dims] + [(2, FLOAT), (8, name), (14, 1)]
            + [(13, [(1, key), (2, value)]) for key, value in place.items()])


def value_info(name, dims, dtype=FLOAT):
    """ValueInfoProto; a dim is a number or a name."""
    shape = [(1, [(1, d)] if isinstance(d, int) else [(2, d)]) for d in dims]
    return [(1, name), (2, [(1, [(1, dtype), (2, shape)])])]


def attribute(name, value):
    """AttributeProto: an integer, a tuple of integers, or a graph."""
    if isinstance(value, int):
        return [(1, name), (3, value), (20, 2)]
    if isinstance(value, tuple):
        return [(1, name)] + [(8, v) for v in value] + [(20, 7)]
    return [(1, name), (6, value), (20, 5)]


def node(op, inputs, outputs, name="", domain="", **attributes):
    fields = [(1, i) for i in inputs] + [(2, o) for o in outputs] + [(3, name), (4, op)]
    fields += [(5, attribute(key, value)) for key, value in attributes.items()]
    return fields + ([(7, domain)] if domain else [])


def graph(nodes, inputs, outputs, initializers=(), values=()):
    """GraphProto, also of a branch or a loop's body."""
    fields = [(1, n) for n in nodes] + [(2, "g")] + [(5, t) for t in initializers]
    return fields + [(11, i) for i in inputs] + [(12, o) for o in outputs] + [(13, v) for v in values]


def model(nodes, inputs, outputs, initializers=(), opset=20, values=(), properties=()):
    """ModelProto; properties are pairs of metadata_props."""
    return message([(1, 9), (8, [(1, ""), (2, opset)]), (7, graph(nodes, inputs, outputs, initializers, values))]
                   + [(14, [(1, key), (2, value)]) for key, value in properties])


def npy(dims, values, dtype=FLOAT):
    descr, code = {FLOAT: ("<f4", "f"), INT64: ("<i8", "q"), UINT8: ("|u1", "B")}[dtype]
    header = "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }\n" % (
        descr, "".join("%d, " % d for d in dims))
    return (b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
            + struct.pack("<%d%s" % (len(values), code), *values))


def read_npy(data):
    """Values of a float32 .npy."""
    size = struct.unpack("<H", data[8:10])[0]
    assert b"'<f4'" in data[10:10 + size], data[10:10 + size]
    body = data[10 + size:]
    return list(struct.unpack("<%df" % (len(body) // 4), body))
