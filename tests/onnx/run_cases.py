"""Runs the ONNX project's test cases through compiled code and the reference interpreter.

usage: run_cases.py DIR [--engine compiled|reference|both] [--only REGEX] [--listed] [--update]

DIR is what make_cases.py wrote. passing.txt beside this file lists the cases that pass, one a line,
followed by the engine where only one of the two passes. A listed case that fails is an error. An
unlisted one may fail; if it passes, a hint says so, and --update adds it: the list only grows.
--listed leaves unlisted cases out, which is quicker. Ends with `N passed, N failed`; exit status 1
when a listed case failed.
"""
import argparse
import collections
import concurrent.futures
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import onnx

import compare

ROOT = pathlib.Path(__file__).resolve().parents[2]
MANIFEST = pathlib.Path(__file__).resolve().with_name("passing.txt")
ENGINES = ("compiled", "reference")
UNSUPPORTED = 3  # exit status of cameo

Outcome = collections.namedtuple("Outcome", "case engine verdict note")


class CaseFailed(Exception):
    """The case did not pass; `verdict` is failed (wrong or missing results), refused (exit status 1 or
    2), unsupported or crashed."""

    def __init__(self, note, verdict="failed"):
        super().__init__(note)
        self.verdict = verdict


def read_manifest():
    """Pairs (case, engine) that pass."""
    pairs = set()
    if MANIFEST.exists():
        for line in MANIFEST.read_text().splitlines():
            case, *engines = line.split()
            pairs.update((case, engine) for engine in engines or ENGINES)
    return pairs


def write_manifest(pairs):
    lines = []
    for case in sorted({case for case, _ in pairs}):
        engines = [engine for engine in ENGINES if (case, engine) in pairs]
        lines.append(" ".join([case] if len(engines) == len(ENGINES) else [case, *engines]))
    MANIFEST.write_text("".join(line + "\n" for line in lines))


def call(arguments, *command):
    """Runs the compiler's program; anything but exit status 0 fails the case."""
    try:
        result = subprocess.run(
            [arguments.bin, *command], capture_output=True, timeout=arguments.timeout
        )
    except subprocess.TimeoutExpired:
        raise CaseFailed(f"{command[0]}: no answer in {arguments.timeout:g} s") from None
    status = result.returncode
    if status:
        words = result.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        verdict = "unsupported" if status == UNSUPPORTED else "refused"
        if status < 0 or status > UNSUPPORTED:
            verdict = "crashed"
        raise CaseFailed(f"{command[0]}: exit status {status}: {' '.join(words[:2])}", verdict)


def file_index(path):
    """12 of output_12.pb."""
    return int(re.findall(r"\d+", path.stem)[-1])


def check_outputs(model, expected_folder, actual_folder, tolerance, values):
    for expected_path in sorted(expected_folder.glob("output_*.pb"), key=file_index):
        index = file_index(expected_path)
        actual_path = actual_folder / expected_path.name
        if not actual_path.exists():
            raise CaseFailed(f"no {expected_path.name} was written")
        kind = model.graph.output[index].type.WhichOneof("value")
        expected = compare.read_value(expected_path, kind)
        actual = compare.read_value(actual_path, kind)
        found = compare.difference(
            expected, actual, tolerance["rtol"], tolerance["atol"], values
        )
        if found:
            raise CaseFailed(f"{expected_folder.name} output {index}: {found}")


def run_engine(arguments, folder, engine, scratch):
    """Compiles and runs all data sets of a case. Raises CaseFailed."""
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    program = folder / "model.onnx"
    if engine == "compiled":
        program = scratch / "model.so"
        call(arguments, "compile", folder / "model.onnx", "-o", program)
    run_data_sets(arguments, folder, model, program, scratch)


def run_data_sets(arguments, folder, model, program, scratch):
    """Runs a library or model on all data sets of a case. Raises CaseFailed."""
    tolerance = json.loads((folder / "tol.json").read_text())
    values = not compare.is_random(model)
    for data in sorted(folder.glob("test_data_set_*")):
        outputs = scratch / data.name
        outputs.mkdir()
        call(arguments, "run", program, "--data", data, "--output-dir", outputs)
        check_outputs(model, data, outputs, tolerance, values)


def run_case(arguments, pair):
    """The outcome of one case with one engine."""
    case, engine = pair
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="cameo-case-"))
    try:
        run_engine(arguments, arguments.folder / case, engine, scratch)
        return Outcome(case, engine, "passed", "")
    except CaseFailed as failure:
        return Outcome(case, engine, failure.verdict, str(failure))
    except Exception as error:  # e.g. an output file that cannot be read
        return Outcome(case, engine, "failed", f"{type(error).__name__}: {error}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def wanted_pairs(arguments, listed):
    """Pairs to run; listed ones whose files are missing are among them, and will fail."""
    found = {path.parent for path in arguments.folder.glob("*/*/model.onnx")}
    cases = {path.relative_to(arguments.folder).as_posix() for path in found}
    engines = ENGINES if arguments.engine == "both" else (arguments.engine,)
    pairs = listed | {(case, engine) for case in cases for engine in ENGINES}
    if arguments.listed:
        pairs = set(listed)
    wanted = re.compile(arguments.only)
    return sorted(p for p in pairs if p[1] in engines and wanted.search(p[0]))


def report(outcomes, listed, verbose):
    """Prints the failures that matter, hints, and the counts; returns the newly passing pairs."""
    newly, unlisted, failed = set(), collections.Counter(), 0
    for outcome in outcomes:
        pair = (outcome.case, outcome.engine)
        passed = outcome.verdict == "passed"
        failed += pair in listed and not passed
        if pair not in listed:
            unlisted[outcome.verdict] += 1
            newly.update([pair] if passed else [])
        if not passed and (verbose or pair in listed or outcome.verdict == "crashed"):
            known = "" if pair in listed else " (unlisted)"
            print(f"{outcome.verdict}{known}: {outcome.case} {outcome.engine}: {outcome.note}")
    if unlisted:
        counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(unlisted.items()))
        print(f"not in passing.txt: {counts}")
    passed = sum(outcome.verdict == "passed" for outcome in outcomes)
    return newly, passed, failed


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="what make_cases.py wrote")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bin/cameo")
    parser.add_argument("--engine", choices=[*ENGINES, "both"], default="both")
    parser.add_argument("--only", default="", metavar="REGEX", help="cases whose name matches")
    parser.add_argument("--listed", action="store_true", help="only the cases of passing.txt")
    parser.add_argument("--update", action="store_true", help="add what passes to passing.txt")
    parser.add_argument("-j", type=int, default=2, metavar="N", help="cases at the same time")
    parser.add_argument("--timeout", type=float, default=60, metavar="SECONDS")
    parser.add_argument("-v", action="store_true", help="also name the unlisted cases that fail")
    arguments = parser.parse_args()
    if not arguments.bin.exists():
        parser.error(f"no program {arguments.bin}: build it, or name another with --bin")
    arguments.bin = arguments.bin.resolve()
    return arguments


def main():
    arguments = parse_arguments()
    listed = read_manifest()
    pairs = wanted_pairs(arguments, listed)
    with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        outcomes = list(pool.map(lambda pair: run_case(arguments, pair), pairs))
    newly, passed, failed = report(outcomes, listed, arguments.v)
    if newly and arguments.update:
        write_manifest(listed | newly)
        print(f"passing.txt: {len(newly)} added")
    elif newly:
        print(f"{len(newly)} pass and are not in passing.txt yet; --update adds them")
    if not pairs:
        print("nothing to run: no case matches")
        return 0 if arguments.listed and not listed else 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
