"""Operands whose elements say where to read, how much to make or how to compute (indices, sizes, pads,
axes, lengths, scales ...), each element replaced by hostile values: limits, negatives, off by one, NaN
and infinities. Inputs and outputs end directly before an unreadable page. Compiled code must do what the
interpreter does, give the same numbers or fail and name the node, and never end in a signal.

usage: hostile_values.py --cameo build/bin/cameo [--all] [OPERATOR ...]
"""
import argparse
import concurrent.futures
import ctypes
import mmap
import os
import pathlib
import pickle
import random
import resource
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
import cameoc

INTEGERS = [*range(-7, 8), 2**31 - 1, 2**31, -(2**31), 2**32, 2**61, 2**62, 2**63 - 1, -(2**63), 1 - 2**63]
REALS = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1e-30, -1e-30, 1e30, -3e38, 2.0**31, 2.0**63, np.inf, -np.inf, np.nan]
# Of data that is computed with: what overflows in 32 bits on the way is no difference worth a word.
NUMBERS = [0.0, -0.0, 0.5, -1.0, 1e-9, 100.0, np.inf, -np.inf, np.nan]
PAGE = mmap.PAGESIZE
# Bytes of address space of whatever runs a case: what asks for more must be refused, not granted.
MEMORY = 3 << 30
NO_MEMORY = ("out of memory", "too large", "cannot have the shape", "memory")


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


class Guarded:
    """Memory whose last byte is the last of its page, with an unreadable page behind it."""

    def __init__(self):
        self.maps = []
        self.libc = ctypes.CDLL(None, use_errno=True)

    def place(self, shape, dtype):
        count = int(np.prod(shape, dtype=object)) * dtype.itemsize
        size = -(-count // PAGE) * PAGE
        memory = mmap.mmap(-1, size + PAGE)
        anchor = ctypes.c_char.from_buffer(memory)
        address = ctypes.addressof(anchor) + size
        del anchor
        if self.libc.mprotect(ctypes.c_void_p(address), PAGE, mmap.PROT_NONE if hasattr(mmap, "PROT_NONE") else 0):
            raise OSError(ctypes.get_errno(), "mprotect")
        self.maps.append(memory)
        return np.frombuffer(memory, dtype, count // dtype.itemsize, size - count).reshape(shape)

    def copy(self, array):
        placed = self.place(array.shape, array.dtype)
        placed[...] = array
        return placed


def i64(*values):
    return np.array(values, np.int64)


def f32(*values):
    return np.array(values, np.float32)


def ramp(*shape):
    return np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape) / 4 + 1


class Case:
    """One node. `feed` are its inputs by name in order, None for an absent one; `hostile` names those that
    say where and how much, `numbers` those that are computed with; both are attacked. `open_` are inputs
    whose sizes are symbols."""

    def __init__(self, op, feed, hostile="", numbers="", results=1, open_=(), **attributes):
        self.op, self.feed, self.results = op, feed, results
        self.hostile, self.numbers = hostile.split(), numbers.split()
        self.open, self.attributes = open_, attributes
        self.name = "".join(c if c.isalnum() else "_" for c in f"{op}_{hostile}_{'_'.join(map(str, attributes.values()))}")

    def model(self):
        names = [name if array is not None else "" for name, array in self.feed.items()]
        outputs = [f"out{k}" for k in range(self.results)]
        node = helper.make_node(self.op, names, outputs, name="look", **self.attributes)
        inputs = [
            helper.make_tensor_value_info(
                name,
                helper.np_dtype_to_tensor_dtype(array.dtype),
                [f"{name}{k}" for k in range(array.ndim)] if name in self.open else array.shape,
            )
            for name, array in self.feed.items()
            if array is not None
        ]
        graph = helper.make_graph([node], "g", inputs, [onnx.ValueInfoProto(name=o) for o in outputs])
        opset = helper.make_opsetid("", 26)
        return helper.make_model(graph, opset_imports=[opset], ir_version=10)

    def feeds(self):
        """Inputs with one element replaced, and how they differ, in words."""
        given = {name: array for name, array in self.feed.items() if array is not None}
        yield "as it should be", given
        for name in self.hostile + self.numbers:
            array = given[name]
            for k in range(array.size):
                for value in NUMBERS if name in self.numbers else values_of(array.dtype):
                    changed = array.copy()
                    changed.reshape(-1)[k] = value
                    yield f"{name}[{k}] = {value}", {**given, name: changed}


def values_of(dtype):
    if dtype.kind == "f":
        return REALS
    limits = np.iinfo(dtype)
    return sorted({limits.min, limits.max, *(v for v in INTEGERS if limits.min <= v <= limits.max)})


def cases():
    x = ramp(3, 4)
    image = ramp(1, 1, 4, 5)
    yield Case("Gather", dict(x=x, i=i64(0, -1)), "i", axis=1)
    yield Case("Gather", dict(x=x, i=i64(0, -1).astype(np.int32)), "i")
    yield Case("GatherElements", dict(x=x, i=i64([0, -1], [1, 0])), "i", axis=1)
    yield Case("GatherND", dict(x=x, i=i64([0, -1], [1, 0])), "i")
    for reduction in ("none", "add", "mul", "max"):
        yield Case("ScatterElements", dict(x=x, i=i64([0, -1]), u=f32([9, 8])), "i", axis=1, reduction=reduction)
        yield Case("ScatterND", dict(x=x, i=i64([0, -1]), u=f32(9)), "i", reduction=reduction)
    for mode in ("linear", "circular"):
        yield Case("TensorScatter", dict(x=ramp(2, 4, 3), u=ramp(2, 2, 3), w=i64(0, 1)), "w", mode=mode)
    yield Case("OneHot", dict(i=i64(0, 2), d=i64(3), v=f32(5, 7)), "i d")
    yield Case("OneHot", dict(i=f32(0, 2), d=f32(3), v=f32(5, 7)), "i d")
    for start, end, step in ((0, 4, 1), (3, -9, -1)):
        yield Case("Slice", dict(x=x, s=i64(start), e=i64(end), a=i64(1), t=i64(step)), "s e a t")
    yield Case("Slice", dict(x=x, s=i64(0, 0), e=i64(3, 4), a=i64(0, 1)), "a")
    yield Case("Slice", dict(x=x, s=i64(1, 1), e=i64(3, 3)), "s e", open_=("x",))
    for mode in ("constant", "edge", "reflect", "wrap"):
        yield Case("Pad", dict(x=x, p=i64(0, 1, 2, 0)), "p", mode=mode)
        yield Case("Pad", dict(x=x, p=i64(1, 2), v=f32(7), a=i64(1)), "p a", mode=mode)
    yield Case("Tile", dict(x=x, r=i64(1, 2)), "r")
    yield Case("Expand", dict(x=ramp(3, 1), s=i64(2, 3, 4)), "s")
    yield Case("Reshape", dict(x=x, s=i64(2, 6)), "s")
    yield Case("Reshape", dict(x=x, s=i64(2, 6)), "s", allowzero=1)
    yield Case("ConstantOfShape", dict(s=i64(2, 3)), "s")
    yield Case("Range", dict(a=np.array(0), b=np.array(5), c=np.array(1)), "a b c")
    yield Case("Range", dict(a=np.array(0, np.int32), b=np.array(5, np.int32), c=np.array(1, np.int32)), "a b c")
    yield Case("Range", dict(a=np.array(0, np.float32), b=np.array(5, np.float32), c=np.array(1, np.float32)), "a b c")
    yield Case("TopK", dict(x=x, k=i64(2)), "k", results=2)
    yield Case("Split", dict(x=x, s=i64(1, 3)), "s", results=2, axis=1)
    yield Case("Unsqueeze", dict(x=x, a=i64(0, 2)), "a")
    yield Case("Squeeze", dict(x=ramp(1, 3, 1), a=i64(0)), "a")
    for op in ("Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare"):
        yield Case(f"Reduce{op}", dict(x=x, a=i64(1)), "a", keepdims=1)
    yield Case("Trilu", dict(x=x, k=np.array(0)), "k")
    yield Case("ReverseSequence", dict(x=x, n=i64(1, 2, 3, 0)), "n")
    yield Case("CenterCropPad", dict(x=x, s=i64(2, 5)), "s")
    for mode in ("nearest", "linear", "cubic"):
        yield Case("Resize", dict(x=image, roi=None, s=f32(1, 1, 2, 1.5)), "s", mode=mode)
        yield Case("Resize", dict(x=image, roi=None, n=None, s=i64(1, 1, 3, 7)), "s", mode=mode)
    yield Case("Resize", dict(x=image, roi=f32(0, 0, 0.1, 0.2, 1, 1, 0.8, 0.9), s=f32(1, 1, 2, 1.5)), "roi s",
               coordinate_transformation_mode="tf_crop_and_resize", mode="linear")
    for mode in ("avg", "max"):
        yield Case("RoiAlign", dict(x=image, r=f32([0, 0, 3, 3]), b=i64(0)), "r b", output_height=2, output_width=2,
                   mode=mode)
        yield Case("RoiAlign", dict(x=image, r=f32([0, 0, 3, 3]), b=i64(0)), "r", output_height=2, output_width=2,
                   sampling_ratio=2, mode=mode)
    yield Case("MaxRoiPool", dict(x=image, r=f32([0, 0, 0, 3, 3])), "r", pooled_shape=[2, 2])
    yield Case("NonMaxSuppression",
               dict(b=f32([[0, 0, 1, 1], [0, 0, 1, 0.9], [2, 2, 3, 3]]), s=f32([[0.9, 0.8, 0.7]]), n=np.array(2),
                    o=np.array(0.5, np.float32), t=np.array(0.1, np.float32)), "b s n o t")
    yield Case("MaxUnpool", dict(x=ramp(1, 1, 2, 2), i=i64([[[0, 5], [8, 15]]])), "i", kernel_shape=[2, 2], strides=[2, 2])
    for mode in ("linear", "nearest", "cubic"):
        for padding in ("zeros", "border", "reflection"):
            yield Case("GridSample", dict(x=image, g=f32([[[0, 0], [0.5, -1]]])), "g", mode=mode, padding_mode=padding)
    for op in ("HannWindow", "HammingWindow", "BlackmanWindow"):
        yield Case(op, dict(n=np.array(6)), "n")
    for op, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        yield Case(op, dict(x=ramp(3, 2, 2), w=ramp(1, 2 * gates, 2) / 9, r=ramp(1, 2 * gates, 2) / 9, b=None,
                            n=i64(3, 2).astype(np.int32)), "n", results=2, hidden_size=2)
    yield Case("RotaryEmbedding", dict(x=ramp(1, 2, 2, 4), c=ramp(5, 2), s=ramp(5, 2), p=i64([0, 4])), "p")
    yield Case("Attention", dict(q=ramp(1, 1, 2, 2), k=ramp(1, 1, 3, 2), v=ramp(1, 1, 3, 2), m=None, pk=None, pv=None,
                                 n=i64(2)), "n", is_causal=1)
    yield Case("Attention", dict(q=ramp(1, 1, 2, 2), k=ramp(1, 1, 3, 2), v=ramp(1, 1, 3, 2), m=f32([0, 0, 0], [0, -1, 0])),
               numbers="q k v m")
    yield Case("Attention", dict(q=ramp(1, 1, 2, 2), k=ramp(1, 1, 3, 2), v=ramp(1, 1, 3, 2),
                                 m=np.array([[True, False, True], [False] * 3])), numbers="q k v")
    labels = i64(0, 2)
    for op in ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"):
        yield Case(op, dict(x=ramp(2, 3), t=labels), "t")
        yield Case(op, dict(x=ramp(2, 3), t=labels, w=f32(1, 2, 3)), "t", "w", ignore_index=-1)
    yield Case("QuantizeLinear", dict(x=ramp(3), s=np.array(0.5, np.float32), z=np.array(3, np.uint8)), "x s z")
    yield Case("DequantizeLinear", dict(x=np.array([3, 250], np.uint8), s=np.array(0.5, np.float32), z=np.array(3, np.uint8)), "x s z")
    yield Case("DynamicQuantizeLinear", dict(x=ramp(3)), "x", results=3)
    yield Case("DynamicQuantizeLinear", dict(x=ramp(2, 3)), "x", results=3)
    yield Case("MatMulInteger", dict(a=np.array([[1, 2]], np.uint8), b=np.array([[3], [4]], np.uint8), za=np.array(1, np.uint8), zb=np.array(2, np.uint8)), "a b za zb")
    yield Case("DeformConv", dict(x=ramp(1, 1, 3, 3), w=ramp(1, 1, 2, 2), o=np.zeros((1, 8, 2, 2), np.float32)), "o", kernel_shape=[2, 2])
    yield Case("Clip", dict(x=x, lo=np.array(2, np.float32), hi=np.array(3, np.float32)), "lo hi")
    yield Case("BitShift", dict(x=i64(1, -8), y=i64(1, 2)), "x y", direction="RIGHT")
    yield Case("MaxPool", dict(x=image), numbers="x", results=2, kernel_shape=[2, 2], pads=[1, 1, 0, 0])
    yield Case("AveragePool", dict(x=image), numbers="x", kernel_shape=[2, 2], pads=[1, 1, 0, 0])
    yield Case("LpPool", dict(x=image), numbers="x", kernel_shape=[2, 2], pads=[1, 1, 0, 0])
    yield Case("Det", dict(x=ramp(2, 2)), numbers="x")
    for op in ("LayerNormalization", "InstanceNormalization"):
        yield Case(op, dict(x=ramp(1, 2, 3), s=ramp(3 if op[0] == "L" else 2), b=ramp(3 if op[0] == "L" else 2)), numbers="x s b")
    yield Case("LpNormalization", dict(x=x), numbers="x")
    yield Case("MeanVarianceNormalization", dict(x=image), numbers="x")
    yield Case("LRN", dict(x=ramp(1, 3, 2, 2)), numbers="x", size=3)


def attack(library, feeds, send):
    """Runs every feed on guarded memory; sends a message or the outputs of each."""
    model = cameoc.load(library)
    for feed in feeds:
        guarded = Guarded()
        placed = {name: guarded.copy(array) for name, array in feed.items()}
        try:
            results = model.run(placed)
            outputs = {name: guarded.place(array.shape, array.dtype) for name, array in results.items()}
            results = model.run(placed, outputs)
            send({name: np.array(array) for name, array in results.items()})
        except cameoc.CameoError as error:
            send(str(error))


def compiled(library, feeds):
    """What `attack` sends, from a process of its own: for a signal, its number in the place of what follows."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        limit_memory()
        with os.fdopen(writer, "wb") as pipe:
            attack(library, feeds, lambda what: (pickle.dump(what, pipe), pipe.flush()))
        os._exit(0)
    os.close(writer)
    answers = []
    with os.fdopen(reader, "rb") as pipe:
        while True:
            try:
                answers.append(pickle.load(pipe))
            except (EOFError, pickle.UnpicklingError):
                break
    status = os.waitpid(child, 0)[1]
    return answers + ([status] if status else [])


def interpreted(program, model, feed, folder):
    """The interpreter's outputs, or its message; a number is another exit status than 0 or 2."""
    folder.mkdir(exist_ok=True)
    arguments = []
    for name, array in feed.items():
        np.save(folder / f"{name}.npy", array)
        arguments += ["--input", f"{name}={folder}/{name}.npy"]
    command = [program, "run", model, *arguments, "--output-dir", folder / "out"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, preexec_fn=limit_memory)
    except subprocess.TimeoutExpired:
        return -1
    if run.returncode:
        return run.stderr if run.returncode == 2 else run.returncode
    outputs = sorted((folder / "out").glob("output_*"))
    return {path.stem.split("_", 2)[2]: np.load(path) for path in outputs}


def difference(want, got):
    """What differs between interpreter and library, in words; None when nothing does."""
    if isinstance(want, int) or isinstance(got, int):
        return f"interpreter {want}, compiled {got}"
    if isinstance(want, str) or isinstance(got, str):
        if isinstance(want, str) and isinstance(got, str):
            named = "'look'" in got or any(words in got for words in NO_MEMORY)
            return None if named else f"names no node: {want} | {got}"
        return f"interpreter: {want} | compiled: {got}"
    for name, a in want.items():
        b = got[name]
        if a.shape != b.shape:
            return f"{name}: interpreter {a.shape}, compiled {b.shape}"
        scale = max(1, np.abs(a[np.isfinite(a)]).max(initial=0)) if a.dtype.kind == "f" else 1
        if not np.allclose(a, b, rtol=1e-5, atol=1e-5 * scale if a.dtype.kind == "f" else 0, equal_nan=True):
            return f"{name}: interpreter {a.ravel()[:8]}, compiled {b.ravel()[:8]}"
    return None


def check(program, case, folder, share, jobs):
    """The number of feeds tried and the differences found."""
    folder.mkdir()
    onnx.save(case.model(), folder / "m.onnx")
    run = subprocess.run([program, "compile", folder / "m.onnx", "-o", folder / "m.so"], capture_output=True, text=True)
    if run.returncode:
        return 0, [f"{case.name}: not compiled: {run.stderr.strip()}"]
    feeds = list(case.feeds())
    chosen = feeds[:1] + random.Random(case.name).sample(feeds[1:], max(1, int(share * (len(feeds) - 1)))) if share < 1 else feeds
    answers = compiled(str(folder / "m.so"), [feed for _, feed in chosen])
    wanted = jobs.map(
        lambda k: interpreted(program, folder / "m.onnx", chosen[k][1], folder / str(k)), range(len(answers))
    )
    wrong = []
    for (what, _), want, got in zip(chosen, wanted, answers):
        if text := difference(want, got):
            wrong.append(f"{case.name}: {what}: {text}")
    if len(answers) < len(chosen):
        wrong.append(f"{case.name}: no answer after {chosen[len(answers) - 1][0]}")
    return len(answers), wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cameo", default="build/bin/cameo")
    parser.add_argument("--all", action="store_true", help="every value, not a sample")
    parser.add_argument("operators", nargs="*")
    options = parser.parse_args()
    program = pathlib.Path(options.cameo).resolve()
    tried, wrong = 0, []
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as jobs:
        for k, case in enumerate(cases()):
            if options.operators and case.op not in options.operators:
                continue
            count, faults = check(program, case, pathlib.Path(folder) / f"{k}", 1 if options.all else 0.1, jobs)
            tried += count
            wrong += faults
            for fault in faults:
                print(" ".join(fault.split())[:400], flush=True)
    print(f"{tried} runs, {len(wrong)} wrong")
    return 1 if wrong or not tried else 0


if __name__ == "__main__":
    sys.exit(main())
