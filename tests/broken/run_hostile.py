"""Compiles hostile models and runs those that compile: nothing crashes, nothing takes forever.

usage: run_hostile.py CAMEO CASES [--count N] [--seed N] [--first N] [--keep DIR] [--sanitized]

CASES is what tests/onnx/make_cases.py wrote; hostile.py says what the models are. Of each, `cameo
compile` must end with status 0, 2 or 3 (and then one line of an error) within 10 seconds of CPU
time, in 256 MB and three times the file. What compiles and has small inputs is then given to `cameo
compare`, which must not end by a signal or with status 4 either; running may take its time. --keep
has the models of all complaints.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

import onnx

import hostile

SECONDS = 10
MEGABYTES = 256
# Comparing is the interpreter's and the compiled code's time: only inputs of few elements.
SMALL_INPUTS = 100_000
ADDRESS_SPACE = 8 << 30

Run = collections.namedtuple("Run", "code stderr memory")


def run(command, limits):
    """Exit status (a signal's number is negative), stderr, and peak memory in bytes."""

    def limit():
        for what, value in limits.items():
            resource.setrlimit(what, (value, value))
        os.setsid()

    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            preexec_fn=limit,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        return Run(process.returncode, errors.read().decode(errors="replace"), usage.ru_maxrss * 1024)


def out_of_time(code):
    return code in (-9, -24)  # SIGKILL and SIGXCPU are what RLIMIT_CPU sends


def compile_complaint(result, path, limited):
    # Notes of what was taken for what may come before.
    lines = [line for line in result.stderr.splitlines() if not line.startswith("note: ")]
    first = (lines or [""])[0]
    if out_of_time(result.code):
        return "takes too long"
    if result.code not in (0, 2, 3):
        return f"status {result.code}: {result.stderr.strip()[:300]}"
    if result.code and not (first.startswith("error: ") and len(first) < 1000):
        return f"status {result.code} without one line of an error: {first[:100]}"
    if limited and result.memory > (MEGABYTES << 20) + 3 * path.stat().st_size:
        return f"used {result.memory >> 20} MB"
    return None


def has_small_inputs(model):
    """Whether inputs of open sizes 1 have few elements."""
    total = 0
    for value in model.graph.input:
        elements = 1
        for dim in value.type.tensor_type.shape.dim:
            elements *= max(dim.dim_value, 1) if dim.HasField("dim_value") else 1
        total += elements
    return total <= SMALL_INPUTS


def judge(arguments, bases, index, folder):
    """(name, what `compile` ended with, whether it ran, complaint or None)."""
    op, model = hostile.hostile_model(bases, index, arguments.seed)
    name = f"{index:05}_{op}"
    path = folder / f"{name}.onnx"
    library = folder / f"{name}.so"
    path.write_bytes(model.SerializeToString())
    cpu = {resource.RLIMIT_CPU: SECONDS * (5 if arguments.sanitized else 1)}
    compiled = run([arguments.cameo, "compile", path, "-o", library], cpu)
    complaint = compile_complaint(compiled, path, not arguments.sanitized)
    ran = complaint is None and compiled.code == 0 and has_small_inputs(model)
    if ran:
        limits = cpu if arguments.sanitized else {**cpu, resource.RLIMIT_AS: ADDRESS_SPACE}
        compared = run([arguments.cameo, "compare", path, library, "--samples", "1"], limits)
        if not out_of_time(compared.code) and compared.code not in (0, 1, 2, 3):
            complaint = f"compare: status {compared.code}: {compared.stderr.strip()[:300]}"
    if complaint and arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        onnx.save(model, arguments.keep / path.name)
    for made in (path, library, library.with_suffix(".h")):
        made.unlink(missing_ok=True)
    return name, compiled.code, ran, complaint


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cameo", type=pathlib.Path)
    parser.add_argument("cases", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=3000, help="models to try")
    parser.add_argument("--first", type=int, default=0, help="the first one's number")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=pathlib.Path, help="folder for models with complaints")
    parser.add_argument("--sanitized", action="store_true", help="more time, any memory")
    arguments = parser.parse_args()
    arguments.cameo = arguments.cameo.resolve()
    bases = hostile.Bases(arguments.cases)
    with tempfile.TemporaryDirectory(prefix="cameo-hostile-") as folder:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            indices = range(arguments.first, arguments.first + arguments.count)
            one = lambda index: judge(arguments, bases, index, pathlib.Path(folder))
            outcomes = []
            for outcome in pool.map(one, indices):
                outcomes.append(outcome)
                if outcome[-1]:
                    print(f"{outcome[0]}: {outcome[-1]}", flush=True)
    statuses = collections.Counter(code for _, code, _, _ in outcomes)
    complaints = sum(bool(complaint) for *_, complaint in outcomes)
    print(
        f"{len(outcomes)} hostile models: {statuses[0]} compiled, {statuses[2]} bad, "
        f"{statuses[3]} unsupported, {sum(ran for *_, ran, _ in outcomes)} run, {complaints} complaints"
    )
    sys.exit(complaints > 0)


if __name__ == "__main__":
    main()
