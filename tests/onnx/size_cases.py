"""Runs the ONNX project's test cases in other sizes than their own.

usage: size_cases.py DIR [--sample [N]] [--only REGEX] [--form NAME]

One library a case, with every dim of every input a symbol of its own, runs on data of other sizes: one larger, 1 and 0
in place of a size, wherever the case's own data has it ("sizes.3.4": 4 for 3) and in one place alone ("one.0.1.4": 4
in axis 1 of input 0). The data is the case's own, repeated or cut.
The reference interpreter says what is right, on the same model. Sizes that it and the library refuse must not fit:
ONNX Runtime, or the reference evaluator of the onnx package, has to refuse them as well. A result where one of
the two refuses is an error, and so are other numbers. size_refused.txt beside this file has the cases whose
sizes may be refused though both judges take them: a pattern of names and the reason, a line each. --sample takes
some forms of each case, or of one of N, chosen by the case's name.
"""
import concurrent.futures
import itertools
import json
import multiprocessing
import pathlib
import re
import sys
import tempfile
import threading
import zlib

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper, reference

import case_forms
import compare
import open_cases
import run_cases

REFUSED = pathlib.Path(__file__).resolve().with_name("size_refused.txt")
DATA = "test_data_set_0"
FORMS_OF_A_SAMPLE = 3
LONG = "real/"  # networks, for which the interpreter takes minutes


class Judges:
    """ONNX Runtime and the reference evaluator, in a process of their own, as some sizes end it."""

    def __init__(self):
        self.lock, self.pool = threading.Lock(), None

    def refuse(self, path, arrays):
        with self.lock:
            self.pool = self.pool or concurrent.futures.ProcessPoolExecutor(
                1, multiprocessing.get_context("spawn")
            )
            try:
                return self.pool.submit(refuses, path, arrays).result(timeout=60)
            except (concurrent.futures.process.BrokenProcessPool, TimeoutError):
                self.pool = None
                return True


def refuses(path, arrays):
    """Whether one of them refuses a model's inputs."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    evaluators = (
        lambda: onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]),
        lambda: reference.ReferenceEvaluator(path),
    )
    for evaluator in evaluators:
        try:
            evaluator().run(None, arrays)
        except Exception:  # each has many classes of them
            return True
    return False


JUDGES = Judges()


def tensors_of(model, folder):
    """Number and data of the inputs that are tensors with dims."""
    tensors = {}
    for number, port in enumerate(case_forms.given_inputs(model)):
        if port.type.WhichOneof("value") == "tensor_type":
            content = (folder / DATA / f"input_{number}.pb").read_bytes()
            array = numpy_helper.to_array(onnx.TensorProto.FromString(content))
            if array.ndim and 0 not in array.shape:
                tensors[number] = array
    return tensors


def forms_of(model, folder):
    """Names of the sizes to try."""
    places = [(n, d, size) for n, x in tensors_of(model, folder).items() for d, size in enumerate(x.shape)]
    sizes = sorted({size for _, _, size in places})
    forms = [f"sizes.{size}.{other}" for size in sizes for other in (size + 1, 1, 0) if other != size]
    shared = [place for place in places if sum(place[2] == size for _, _, size in places) > 1]
    return forms + [f"one.{n}.{d}.{other}" for n, d, size in shared for other in (size + 1, 1) if other != size]


def resized(array, axis, size):
    """Of another size along an axis: repeated or cut."""
    return np.take(array, np.arange(size) % array.shape[axis], axis)


def write_data(tensors, form, source, target):
    """The inputs of a form; returns those that are tensors."""
    kind, first, *rest = form.split(".")
    target.mkdir(parents=True)
    for file in source.glob("input_*.pb"):
        (target / file.name).write_bytes(file.read_bytes())
    changed = {}
    for number, array in tensors.items():
        for axis, size in enumerate(array.shape):
            in_place = size == int(first) if kind == "sizes" else (number, axis) == (int(first), int(rest[0]))
            array = resized(array, axis, int(rest[-1])) if in_place else array
        changed[number] = array
        (target / f"input_{number}.pb").write_bytes(numpy_helper.from_array(array).SerializeToString())
    return changed


def outcome_of_run(arguments, program, data, outputs):
    """Why a run was refused; None if there are results. Raises CaseFailed for anything else."""
    outputs.mkdir(parents=True, exist_ok=True)
    try:
        run_cases.call(arguments, "run", program, "--data", data, "--output-dir", outputs)
    except run_cases.CaseFailed as failure:
        if failure.verdict != "refused":
            raise
        return str(failure)
    return None


def check(arguments, folder, form, scratch):
    """Compares a library, scratch/model.so, with the interpreter. Raises CaseFailed."""
    path = scratch / "model.onnx"
    model = onnx.load(path)
    data, interpreted = scratch / form / "data", scratch / form / "interpreted"
    arrays = write_data(tensors_of(model, folder), form, folder / DATA, data)
    expected = outcome_of_run(arguments, path, data, interpreted)
    actual = outcome_of_run(arguments, scratch / "model.so", data, scratch / form / "compiled")
    if (expected is None) != (actual is None):
        raise run_cases.CaseFailed(f"interpreter: {expected or 'results'}; compiled code: {actual or 'results'}")
    names = [port.name for port in case_forms.given_inputs(model)]
    if expected is None:
        tolerance = json.loads((folder / "tol.json").read_text())
        values = not compare.is_random(model)
        run_cases.check_outputs(model, interpreted, scratch / form / "compiled", tolerance, values)
    elif len(arrays) == len(names):
        if not JUDGES.refuse(str(path), {names[number]: array for number, array in arrays.items()}):
            raise run_cases.CaseFailed(f"refused, but fits: {actual}", "refused")


def wanted(arguments, case, folder):
    """The forms of a case to run."""
    forms = forms_of(onnx.load(folder / "model.onnx"), folder)
    if arguments.sample and forms:
        chance = zlib.crc32(case.encode())
        forms = [forms[(chance >> 8 * k) % len(forms)] for k in range(FORMS_OF_A_SAMPLE)]
    return [form for form in dict.fromkeys(forms) if arguments.form in (None, form)]


def run_case(arguments, case):
    """The outcomes of a case. What does not compile is open_cases.py's."""
    folder, outcomes = arguments.folder / case, []
    with tempfile.TemporaryDirectory(prefix="cameo-size-") as name:
        scratch = pathlib.Path(name)
        model = onnx.load(folder / "model.onnx")
        open_cases.make(model, open_cases.ALL, folder, scratch)
        onnx.save(model, scratch / "model.onnx")
        try:
            run_cases.call(arguments, "compile", scratch / "model.onnx", "-o", scratch / "model.so")
        except run_cases.CaseFailed:
            return []
        for form in wanted(arguments, case, folder):
            try:
                check(arguments, folder, form, scratch)
                outcomes.append(case_forms.Outcome(case, form, "passed", ""))
            except run_cases.CaseFailed as failure:
                outcomes.append(case_forms.Outcome(case, form, failure.verdict, str(failure)))
    return outcomes


def main():
    arguments = case_forms.parse_arguments(sys.modules[__name__])
    pattern = re.compile(arguments.only)
    listed = sorted(case for case, engine in run_cases.read_manifest() if engine == "compiled" and pattern.search(case))
    cases = [case for case in listed if not case.startswith(LONG)]
    if arguments.sample:
        cases = [case for case in cases if zlib.crc32(case.encode()) % arguments.sample == 0]
    with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        of_cases = pool.map(lambda case: run_case(arguments, case), cases)
        failed = case_forms.report(itertools.chain.from_iterable(of_cases), REFUSED, arguments.v)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
