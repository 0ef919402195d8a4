"""Checks compiled zoo models against ONNX Runtime.

usage: check.py FOLDER [NAME ...] [--bin build/bin/cameo] [--samples 10] [--threads 1]

Compiles every FOLDER/NAME.onnx and runs random inputs through the library and through ONNX Runtime;
a model with a symbolic batch takes turns with batches of 1, 2 and 5. A model passes when every
output has the same shape, differs by at most 1e-4 of its largest value, and has a cosine similarity
over 0.9999. Ends with `N passed, N failed`; exit status 1 when one failed.
"""
import argparse
import sys
import time

import numpy as np
import onnxruntime

import common

MAX_DIFFERENCE = 1e-4
MIN_COSINE = 0.9999
BATCHES = (1, 2, 5)


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


def check(arguments, path):
    """Worst difference and cosine over all samples and outputs of one model."""
    import cameo

    start = time.perf_counter()
    library = common.compile_model(arguments, path)
    seconds = time.perf_counter() - start
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    batches = BATCHES if common.is_symbolic(session) else (1,)
    generator = np.random.default_rng(arguments.seed)
    worst, lowest = 0.0, 1.0
    names = [value.name for value in session.get_outputs()]
    with cameo.load(str(library), threads=arguments.threads) as compiled:
        for sample in range(arguments.samples):
            inputs = common.random_inputs(session, generator, batches[sample % len(batches)])
            actual = compiled.run(inputs)
            for name, expected in zip(names, session.run(names, inputs)):
                difference, cosine = judge(expected, actual[name])
                worst, lowest = max(worst, difference), min(lowest, cosine)
    return worst, lowest, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    common.add_arguments(parser)
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="keep the compiled libraries")
    arguments = parser.parse_args()
    failed = 0
    paths = common.models(arguments)
    print(f"{'model':26s} {'compile s':>9s} {'difference':>11s} {'cosine':>10s}")
    for path in paths:
        try:
            worst, lowest, seconds = check(arguments, path)
            passed = worst <= MAX_DIFFERENCE and lowest > MIN_COSINE
            verdict = f"{seconds:9.1f} {worst:11.2e} {lowest:10.7f} {'ok' if passed else 'FAILED'}"
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
