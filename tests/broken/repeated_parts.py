#!/usr/bin/env python3
"""Models that are small as files and many parts as objects: a field of two bytes, a million times. The program
answers each within 256 MB and three times the file, and 10 s.

  repeated_parts.py CAMEO
"""
import os, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import onnx_text as onnx

SIZES = 1_000_000, 2_000_000, 6_000_000  # bytes
# Valid models are worked on, whatever that takes.
VALID = "nodes with names", "constants", "operands"
MEMORY, SECONDS = 256, 10


def field(number, payload):
    if isinstance(payload, int):
        return onnx.varint(number << 3) + onnx.varint(payload)
    return onnx.varint(number << 3 | 2) + onnx.varint(len(payload)) + payload


def shape(dims):
    return field(2, field(1, field(1, 1) + field(2, dims)))


GRAPH = onnx.message([(1, onnx.node("Relu", ["x"], ["y"])), (2, "g")])
X, Y = field(11, onnx.message(onnx.value_info("x", [3]))), field(12, onnx.message(onnx.value_info("y", [3])))
WEIGHT = field(8, b"w")


def node(parts, op=b"Relu"):
    return GRAPH + X + Y + field(1, field(4, op) + parts)


def attribute(parts):
    return node(field(1, b"x") + field(2, b"q") + field(5, field(1, b"a") + parts))


def families(size):
    """Graphs by what there is much of; a pair has fields of the model as well."""
    many = lambda number, payload=b"": field(number, payload) * (size // len(field(number, payload)))
    plain = GRAPH + X + Y
    yield "dims of an input", GRAPH + Y + field(11, field(1, b"x") + shape(many(1)))
    yield "dims of an output", GRAPH + X + field(12, field(1, b"y") + shape(many(1)))
    yield "dims of a value", plain + field(13, field(1, b"v") + shape(many(1)))
    yield "dims of many values", plain + many(13, field(1, b"v") + shape(field(1, b"") * 64))
    yield "dims of many inputs", plain + b"".join(field(11, field(1, b"i%d" % i) + shape(field(1, b"") * 64)) for i in range(size // 145))
    for number, name in ((1, "nodes"), (5, "tensors"), (11, "inputs"), (12, "outputs"), (13, "values"), (15, "sparse tensors")):
        yield name, plain + many(number)
    yield "nodes with names", plain + b"".join(field(1, field(4, b"Relu") + field(1, b"x") + field(2, b"%d" % i)) for i in range(size // 17))
    yield "constants", plain + b"".join(field(1, field(4, b"Constant") + field(2, b"%d" % i) + field(5, field(1, b"value_int") + field(3, 1)
                                                                              + field(20, 2))) for i in range(size // 38))
    yield "absent operands", node(many(1) + field(2, b"q"), b"Sum")
    yield "operands", node(many(1, b"x") + field(2, b"q"), b"Sum")
    yield "results", node(field(1, b"x") + many(2), b"Split")
    yield "attributes", node(field(1, b"x") + field(2, b"q") + many(5))
    yield "integers of an attribute", attribute(field(8, b"\1" * size) + field(20, 7))
    yield "strings of an attribute", attribute(many(9) + field(20, 8))
    yield "tensors of an attribute", attribute(many(10))
    yield "graphs of an attribute", attribute(many(11))
    yield "dims of a tensor", plain + field(5, WEIGHT + field(2, 1) + field(1, b"\1" * size))
    yield "integers", plain + field(5, WEIGHT + field(2, 7) + field(1, size) + field(7, b"\1" * size))
    yield "strings", plain + field(5, WEIGHT + field(2, 8) + field(1, size // 2) + many(6))
    yield "places of external data", plain + field(5, WEIGHT + field(2, 1) + field(14, 1) + many(13))
    yield "nested types", plain + many(13, field(2, field(4, field(1, field(4, b"")))))
    for number, name in ((8, "operator sets"), (14, "properties"), (25, "functions")):
        yield name, (plain, many(number))
    yield "nodes of a function", (plain, field(25, field(1, b"f") + many(7)))


def run(cameo, path):
    """Status, largest memory in MB, seconds, messages."""
    start = time.time()
    process = subprocess.Popen([cameo, "explain", path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    messages = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss / 1024, time.time() - start, messages


def main():
    failures = tried = 0
    with tempfile.TemporaryDirectory(prefix="cameo_repeated_") as folder:
        path = os.path.join(folder, "m.onnx")
        for size in SIZES:
            for name, graph in families(size):
                if name in VALID and size > SIZES[1]:
                    continue
                graph, rest = graph if isinstance(graph, tuple) else (graph, b"")
                with open(path, "wb") as file:
                    file.write(onnx.message([(1, 9), (8, [(1, ""), (2, 20)])]) + field(7, graph) + rest)
                status, memory, seconds, messages = run(sys.argv[1], path)
                tried += 1
                if status not in (0, 2, 3) or memory > MEMORY + 3 * size / 1e6 or seconds > SECONDS:
                    failures += 1
                    print("%s in %.0f MB: status %d, %.0f MB, %.1f s, %s" % (name, size / 1e6, status, memory, seconds, messages[:200]))
    print("%d of %d models answered within limits" % (tried - failures, tried))
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
