"""Compiles graphs of many nodes in shapes that make careless passes quadratic.

usage: large_graphs.py CAMEO [--nodes N] [--only NAME] [--seconds N]

Each function below makes a model of some N nodes (100,000). Compiling it must succeed within so many
seconds (60) of CPU time. -v prints how long each pass took.
"""
import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile

from wire import *

GRAPHS = {}


def topology(make):
    GRAPHS[make.__name__] = make
    return make


def simple(nodes, outputs, tensors=(), inputs=None):
    inputs = inputs or [value("x", [2])]
    return model(graph(nodes, inputs, [value(name) for name in outputs], tensors))


@topology
def chain(count):
    """One elementwise operator after the other: one kernel."""
    nodes = [node("Relu", [f"x{i}" if i else "x"], [f"x{i + 1}"]) for i in range(count)]
    return simple(nodes, [f"x{count}"])


@topology
def chain_of_products(count):
    """Kernels that cannot join, equal but for their operands, with a constant each."""
    nodes, tensors = [], []
    for i in range(count // 2):
        nodes.append(node("MatMul", [f"x{i}", f"w{i}"], [f"m{i}"], name=f"product{i}"))
        nodes.append(node("Relu", [f"m{i}"], [f"x{i + 1}"], name=f"relu{i}"))
        tensors.append(floats(f"w{i}", [2, 2], [1, 2, 3, i]))
    return simple(nodes, [f"x{count // 2}"], tensors, [value("x0", [3, 2])])


@topology
def ladder(count):
    """Every value has two readers."""
    nodes = [node("Add", [f"x{i}", f"x{max(i - 1, 0)}"], [f"x{i + 1}"]) for i in range(count)]
    return simple(nodes, [f"x{count}"], inputs=[value("x0", [2])])


@topology
def fan(count):
    """One value read by all, all read by one."""
    nodes = [node("Relu", ["x"], [f"y{i}"]) for i in range(count)]
    nodes.append(node("Sum", [f"y{i}" for i in range(count)], ["y"]))
    return simple(nodes, ["y"])


@topology
def fan_of_softmax(count):
    """The same with kernels that cannot join what reads them."""
    nodes = [node("Softmax", ["x"], [f"y{i}"]) for i in range(count)]
    nodes.append(node("Concat", [f"y{i}" for i in range(count)], ["y"], axis=0))
    return simple(nodes, ["y"])


@topology
def concatenations(count):
    """Each takes the one before, and grows."""
    nodes = [node("Concat", [f"x{i}", "x0"], [f"x{i + 1}"], axis=0) for i in range(count)]
    return simple(nodes, [f"x{count}"], inputs=[value("x0", [2])])


@topology
def views(count):
    """Nothing moves but the strides."""
    nodes = []
    for i in range(count // 3):
        nodes.append(node("Transpose", [f"x{i}"], [f"t{i}"], perm=[1, 0]))
        nodes.append(node("Unsqueeze", [f"t{i}", "axis"], [f"u{i}"]))
        nodes.append(node("Squeeze", [f"u{i}", "axis"], [f"x{i + 1}"]))
    inputs_ = [value("x0", [3, 2])]
    return simple(nodes, [f"x{count // 3}"], [ints("axis", [1])], inputs_)


@topology
def slices(count):
    """Each is a part of the one before."""
    nodes = [node("Slice", [f"x{i}", "one", "end"], [f"x{i + 1}"]) for i in range(count)]
    tensors = [ints("one", [1]), ints("end", [1 << 60])]
    return simple(nodes, [f"x{count}"], tensors, [value("x0", [count + 1])])


@topology
def splits(count):
    parts = [f"p{i}" for i in range(count)]
    nodes = [node("Split", ["x"], parts, axis=0), node("Sum", parts, ["y"])]
    return model(
        graph(nodes, [value("x", [count])], [value("y")], [ints("sizes", [1] * count)]), opset=11
    )


@topology
def outputs(count):
    nodes = [node("Relu", ["x"], [f"y{i}"]) for i in range(count)]
    return simple(nodes, [f"y{i}" for i in range(count)])


@topology
def inputs(count):
    nodes = [node("Sum", [f"x{i}" for i in range(count)], ["y"])]
    return simple(nodes, ["y"], inputs=[value(f"x{i}", [2]) for i in range(count)])


@topology
def open_sizes(count):
    """Every value has a size of its own, as some exporters write them. (A tenth as many.)"""
    count //= 10
    nodes = [node("Neg", [f"x{i}"], [f"y{i}"]) for i in range(count)]
    inputs_ = [value(f"x{i}", [f"n{i}"]) for i in range(count)]
    return simple(nodes, [f"y{i}" for i in range(count)], inputs=inputs_)


@topology
def constants(count):
    """Folded at once."""
    nodes = [node("Add", [f"c{i}", "c0"], [f"c{i + 1}"]) for i in range(count)]
    nodes.append(node("Add", ["x", f"c{count}"], ["y"]))
    return simple(nodes, ["y"], [floats("c0", [2], [1, 2])])


@topology
def shape_arithmetic(count):
    nodes = [node("Shape", ["x"], ["s0"])]
    nodes += [node("Add", [f"s{i}", "one"], [f"s{i + 1}"]) for i in range(count)]
    nodes += [node("Expand", ["zero", f"s{count}"], ["y"])]
    tensors = [ints("one", [1]), floats("zero", [1], [0])]
    return simple(nodes, ["y"], tensors, [value("x", ["n"])])


@topology
def dead(count):
    nodes = [node("Softmax", ["x"], [f"y{i}"]) for i in range(count)]
    return simple(nodes, ["y0"])


@topology
def conditions(count):
    """One If after the other. (A hundredth: each branch is a function for LLVM to compile.)"""
    count //= 100
    nodes = []
    for i in range(count):
        branches = [
            graph([node(op, [f"x{i}"], [f"b{i}"])], [], [value(f"b{i}", [2])])
            for op in ("Neg", "Softmax")
        ]
        nodes.append(
            node("If", ["c"], [f"x{i + 1}"], then_branch=branches[0], else_branch=branches[1])
        )
    inputs_ = [value("x0", [2]), value("c", [], BOOL)]
    return simple(nodes, [f"x{count}"], inputs=inputs_)


@topology
def run_time_sizes(count):
    """Sizes that the run finds out, each from the one before. (A hundredth, too.)"""
    count //= 100
    nodes = []
    for i in range(count):
        nodes.append(node("NonZero", [f"x{i}"], [f"n{i}"]))
        nodes.append(node("Cast", [f"n{i}"], [f"x{i + 1}"], to=1))
    return simple(nodes, [f"x{count}"], inputs=[value("x0", [2, 2])])


def complaint(arguments, name, folder):
    path = folder / f"{name}.onnx"
    path.write_bytes(GRAPHS[name](arguments.nodes))
    command = [arguments.cameo, "compile", path, "-o", folder / f"{name}.so", "--time-passes"]
    limit = lambda: resource.setrlimit(resource.RLIMIT_CPU, (arguments.seconds, arguments.seconds))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{name}: {seconds:.1f} s, {path.stat().st_size >> 10} KB", flush=True)
    if arguments.verbose:
        print(result.stderr)
    path.unlink()
    if result.returncode < 0:
        return f"{name}: ended by signal {-result.returncode} after {seconds:.0f} s"
    if result.returncode:
        return f"{name}: status {result.returncode}: {result.stderr.strip()[:300]}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cameo", type=pathlib.Path)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--only", choices=GRAPHS, help="one of them")
    parser.add_argument("-v", "--verbose", action="store_true", help="how long each pass took")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cameo-large-") as folder:
        names = [arguments.only] if arguments.only else list(GRAPHS)
        found = [complaint(arguments, name, pathlib.Path(folder)) for name in names]
    complaints = [text for text in found if text]
    print("\n".join(complaints + [f"{len(names)} large graphs, {len(complaints)} complaints"]))
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
