"""Checks compiled zoo models against ONNX Runtime.

usage: check.py FOLDER [NAME ...] [--bin build/bin/cameo] [--samples 10] [--threads 1]

Compiles every FOLDER/NAME.onnx and runs random inputs through the library and through ONNX Runtime;
open dims take turns with several sizes. A model passes when every
output has the same shape, differs by at most 1e-4 of its largest value, and has a cosine similarity
over 0.9999; halves and quantized models have limits of their own, see precision.py. Ends with
`N passed, N failed`; exit status 1 when one failed.

Where the last layer's input is quantized as it comes, an output may differ by one input that fell to the other side
between two steps, a multiple of one row of the weights; what remains keeps to the limit.

Quantized models whose layers are integer operators must give the bits of the interpreter; with --runner, every
quantized model those of the library made for this machine.
"""
import argparse
import contextlib
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime

import common
import precision

EXACT_SAMPLES = 2  # held against the interpreter, bit for bit


def judge(expected, actual):
    """Largest difference relative to the largest value, and cosine similarity.

    Raises RuntimeError where shapes or types differ, or one has a NaN or infinity the other lacks.
    """
    if expected.shape != actual.shape or expected.dtype != actual.dtype:
        raise RuntimeError(
            f"expected {expected.dtype}{list(expected.shape)},"
            f" got {actual.dtype}{list(actual.shape)}"
        )
    expected, actual = (np.asarray(x, np.float64).ravel() for x in (expected, actual))
    finite = np.isfinite(expected)
    if not np.array_equal(expected[~finite], actual[~finite], equal_nan=True):
        raise RuntimeError("a NaN or infinity where the other has none")
    expected, actual = expected[finite], actual[finite]
    if not np.isfinite(actual).all():
        raise RuntimeError("a NaN or infinity where the other has none")
    largest = np.abs(expected).max(initial=0)
    difference = np.abs(expected - actual).max(initial=0) / (largest or 1)
    norms = np.linalg.norm(expected) * np.linalg.norm(actual)
    cosine = expected @ actual / norms if norms else float(not expected.any() and not actual.any())
    return float(difference), float(cosine)


def interpret(arguments, path, inputs):
    """What the reference interpreter computes, in the order of the outputs."""
    with tempfile.TemporaryDirectory(prefix="cameo-check-") as scratch:
        folder = pathlib.Path(scratch)
        command = [arguments.bin, "run", path, "--output-dir", folder / "out"]
        for index, (name, value) in enumerate(inputs.items()):
            np.save(folder / f"{index}.npy", value)
            command += ["--input", f"{name}={folder / str(index)}.npy"]
        subprocess.run(command, check=True, capture_output=True)
        files = (folder / "out").glob("output_*.npy")
        return [np.load(file) for file in sorted(files, key=lambda f: int(f.stem.split("_")[1]))]


class Emulated:
    """A library of another machine, run by a command such as tests/targets/emulate.sh."""

    def __init__(self, arguments, library, outputs):
        self.command = [*arguments.runner, library]
        self.threads, self.outputs = arguments.threads, outputs

    def run(self, inputs):
        with tempfile.TemporaryDirectory(prefix="cameo-check-") as scratch:
            files = [pathlib.Path(scratch) / str(i) for i in range(len(inputs) + len(self.outputs))]
            for file, value in zip(files, inputs.values()):
                value.tofile(file)
            batch = next(iter(inputs.values())).shape[0]  # the only dim that may be open
            subprocess.run([*self.command, str(batch), str(self.threads), *files], check=True)
            return {
                output.name: np.fromfile(file, common.numpy_type(output))
                for file, output in zip(files[len(inputs) :], self.outputs)
            }


def in_order_of(expected, actual):
    """A detector's rows in the order of ONNX Runtime's: of equal scores, either may come first, and
    two implementations need not agree on which are equal. Other models' outputs as they are."""
    if set(expected) != {"boxes", "labels", "scores"}:
        return actual
    if any(expected[name].shape != actual[name].shape for name in expected):
        return actual
    left = list(range(len(actual["boxes"])))
    order = []
    for box, label, score in zip(expected["boxes"], expected["labels"], expected["scores"]):
        def distance(row):
            far = np.abs(actual["boxes"][row] - box).max() + abs(actual["scores"][row] - score)
            return (actual["labels"][row] != label, far)

        order.append(min(left, key=distance))
        left.remove(order[-1])
    return {name: output[order] for name, output in actual.items()}


def on_host(arguments, path, samples):
    """What the model compiled for this machine computes of each sample."""
    import cameoc

    here = argparse.Namespace(**vars(arguments))
    here.compile_flag, here.work = [], arguments.work / "host"
    here.work.mkdir(exist_ok=True)
    library = common.compile_model(here, path)
    with cameoc.load(str(library), threads=arguments.threads) as model:
        return [model.run(inputs) for inputs, _ in samples]


class Deviation:
    """The worst that was seen of a model's outputs, and whether it is within the model's limits."""

    def __init__(self, limits):
        self.limits = limits
        self.difference, self.cosine, self.steps, self.ties = 0.0, 1.0, 0.0, 0

    def add(self, name, expected, actual):
        difference, cosine = judge(expected, actual)
        if difference > self.limits.difference and name in self.limits.rows:
            self.ties += 1
            difference, cosine = judge(expected, precision.tie(self.limits.rows[name], expected, actual))
        self.cosine = min(self.cosine, cosine)
        self.difference = max(self.difference, difference)
        if name in self.limits.step:
            distance = np.abs(np.subtract(expected, actual, dtype=np.float64)).max(initial=0)
            self.steps = max(self.steps, distance / self.limits.step[name])

    def is_close(self):
        if self.cosine <= self.limits.cosine:
            return False
        if self.limits.step:
            return self.steps < self.limits.steps + 0.5
        return self.difference <= self.limits.difference

    def remark(self):
        if self.ties:
            return f" (but for a tie in the last layer of {self.ties} outputs)"
        return f" ({round(self.steps)} quantization steps)" if self.limits.step else ""


def session_of(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Without it, products of u8 and s8 saturate in the middle on processors without VNNI.
    options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Checked:
    """One model's samples: inputs, what ONNX Runtime and compiled code make of them."""

    def __init__(self, arguments, path):
        self.arguments, self.path = arguments, path
        self.limits = precision.limits(path)
        self.worst = Deviation(self.limits)
        self.samples, self.computed = [], []
        self.wrong = 0  # elements that must have other bits

    def run(self, library):
        import cameoc

        arguments = self.arguments
        session = session_of(self.path, arguments.threads)
        self.names = [value.name for value in session.get_outputs()]
        generator = np.random.default_rng(arguments.seed)
        with contextlib.ExitStack() as stack:
            if arguments.runner:
                compiled = Emulated(arguments, library, session.get_outputs())
            else:
                compiled = stack.enter_context(cameoc.load(str(library), threads=arguments.threads))
            for sample in range(arguments.samples):
                inputs = common.random_inputs(session, generator, sample)
                outputs = session.run(self.names, inputs)
                if arguments.runner:
                    actual = compiled.run(inputs)
                    outputs = [output.ravel() for output in outputs]  # it says nothing of shapes
                else:
                    actual = in_order_of(dict(zip(self.names, outputs)), compiled.run(inputs))
                self.samples.append((inputs, outputs))
                self.computed.append(actual)
                for name, expected in zip(self.names, outputs):
                    self.worst.add(name, expected, actual[name])

    def compare_bits(self):
        if self.limits.exact:
            for (inputs, _), actual in zip(self.samples[:EXACT_SAMPLES], self.computed):
                exact = interpret(self.arguments, self.path, inputs)
                self.count(dict(zip(self.names, exact, strict=True)), actual)
        if self.limits.step and self.arguments.runner:
            for here, there in zip(on_host(self.arguments, self.path, self.samples), self.computed):
                self.count(here, there)

    def count(self, expected, actual):
        for name in self.names:
            self.wrong += np.count_nonzero(expected[name].ravel() != actual[name].ravel())


def check(arguments, path):
    """One model: whether it passes, and its line of the table."""
    start = time.perf_counter()
    library = common.compile_model(arguments, path)
    seconds = time.perf_counter() - start
    checked = Checked(arguments, path)
    checked.run(library)
    checked.compare_bits()
    worst = checked.worst
    remark = worst.remark()
    if checked.wrong:
        remark += f" ({checked.wrong} elements differ from the interpreter's or this machine's)"
    passed = worst.is_close() and not checked.wrong
    verdict = "ok" if passed else "FAILED"
    figures = f"{seconds:9.1f} {worst.difference:11.2e} {worst.cosine:10.7f}"
    return passed, f"{figures} {verdict}{remark}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    common.add_arguments(parser)
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runner", type=str.split, help="a command that runs the libraries, which "
                        "are another machine's: tests/targets/emulate.sh")
    parser.add_argument("--keep", action="store_true", help="keep the compiled libraries")
    arguments = parser.parse_args()
    failed = 0
    paths = common.models(arguments)
    print(f"{'model':26s} {'compile s':>9s} {'difference':>11s} {'cosine':>10s}")
    for path in paths:
        try:
            passed, verdict = check(arguments, path)
        except Exception as error:  # one model's failure must not stop the others
            passed, verdict = False, f"FAILED {error}"
        failed += not passed
        print(f"{path.stem:26s} {verdict}", flush=True)
        if not arguments.keep:
            (arguments.work / f"{path.stem}.so").unlink(missing_ok=True)
    print(f"{len(paths) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
