"""Cases of files that are no models, and of weights that are not what their tensors say."""
import os
import random

from cases import case, weights
from wire import *

# Files that are not models.


@case(2)
def empty(folder):
    return b""


@case(2)
def text(folder):
    return b"This is not a model.\n" * 100


@case(2)
def noise(folder):
    return random.Random(1).randbytes(100_000)


@case(2)
def zeros(folder):
    return bytes(1_000_000)


@case(2)
def truncated(folder):
    return weights(floats("w", [2], [1, 2]))[:60]


@case(2)
def length_past_the_end(folder):
    return field(1, 8) + b"\x3a\xff\xff\xff\xff\x7f"


@case(2)
def endless_varint(folder):
    return b"\x08" + b"\xff" * 1000


@case(2)
def groups(folder):
    return field(1, 8) + b"\x3b" * 100_000


@case(2)
def no_graph(folder):
    return field(1, 8) + field(8, field(2, 17))


@case(2)
def tensor_file(folder):
    return floats("x", [2], [1, 2])


@case(2)
def deep_nesting(folder):
    body = b""
    for _ in range(2000):
        body = field(1, field(5, field(6, body)))
    return field(1, 8) + field(7, body)


@case(2)
def deep_types(folder):
    kind = field(1, field(1, FLOAT))
    for _ in range(200):
        kind = field(4, field(1, kind))
    return model(graph([], [field(1, "x") + field(2, kind)], [value("x")]))


@case(2)
def million_nodes(folder):
    return field(1, 8) + field(7, b"\x0a\x00" * 2_000_000)


@case(2)
def million_strings(folder):
    return field(1, 8) + field(7, field(1, b"\x0a\x00" * 5_000_000))


# Tensor data.


@case(2)
def data_too_short(folder):
    return weights(tensor("w", FLOAT, [2], b"\0" * 4))


@case(2)
def data_too_long(folder):
    return weights(tensor("w", FLOAT, [2], b"\0" * 12))


@case(2)
def no_data(folder):
    return weights(tensor("w", FLOAT, [1 << 20, 1 << 20]))


@case(2)
def negative_tensor_size(folder):
    return weights(tensor("w", FLOAT, [-1], b""))


@case(2)
def overflowing_tensor(folder):
    return weights(tensor("w", FLOAT, [1 << 32, 1 << 32], b""))


@case(2)
def sparse_index_outside(folder):
    values, indices = floats("w", [1], [1]), ints("", [1 << 40])
    sparse = field(1, values) + field(2, indices) + field(3, 2)
    nodes = [node("Add", ["x", "w"], ["y"])]
    return model(graph(nodes, [value("x", [2])], [value("y")], extra=field(15, sparse)))


@case(3)
def sparse_bomb(folder):
    values, indices = floats("w", [1], [1]), ints("", [0])
    sparse = field(1, values) + field(2, indices) + field(3, 1 << 36)
    nodes = [node("Add", ["x", "w"], ["y"])]
    return model(graph(nodes, [value("x", [1])], [value("y")], extra=field(15, sparse)))


@case(2)
def external_outside(folder):
    return weights(external("w", [2], location="../../../../../etc/passwd"))


@case(2)
def external_absolute(folder):
    return weights(external("w", [2], location="/etc/passwd"))


@case(2)
def external_symbolic_link(folder):
    link = folder / "link.bin"
    link.unlink(missing_ok=True)
    link.symlink_to("/etc/passwd")
    return weights(external("w", [2], location="link.bin"))


@case(2)
def external_linked_folder(folder):
    link = folder / "folder"
    link.unlink(missing_ok=True)
    link.symlink_to("/etc")
    return weights(external("w", [2], location="folder/passwd"))


@case(2)
def external_hard_link(folder):
    (folder / "original.bin").write_bytes(bytes(8))
    link = folder / "hard.bin"
    link.unlink(missing_ok=True)
    os.link(folder / "original.bin", link)
    return weights(external("w", [2], location="hard.bin"))


@case(2)
def external_pipe(folder):
    pipe = folder / "pipe.bin"
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    return weights(external("w", [2], location="pipe.bin"))


@case(2)
def external_missing(folder):
    return weights(external("w", [2], location="gone.bin"))


@case(2)
def external_past_the_end(folder):
    (folder / "short.bin").write_bytes(bytes(8))
    return weights(external("w", [2], location="short.bin", offset=4))


@case(2)
def external_offset_overflow(folder):
    (folder / "short.bin").write_bytes(bytes(8))
    return weights(external("w", [2], location="short.bin", offset=(1 << 64) - 4))


@case(2)
def external_without_location(folder):
    return weights(external("w", [2], offset=0))


@case(2)
def value_used_by_everyone(folder):
    nodes = [node("Relu", ["x"], [f"y{i}"]) for i in range(60_000)]
    return model(graph(nodes, [value("x", [2])], [value("never")]))


@case(2)
def node_of_many_inputs(folder):
    nodes = [node("Sum", ["x"] * 500_000, ["y"])]
    return model(graph(nodes, [value("x", [2])], [value("never")]))
