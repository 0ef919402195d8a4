"""Runs the ONNX project's test cases with the sizes of their inputs left open.

usage: open_cases.py DIR [--sample] [--only REGEX] [--form NAME]

DIR is what make_cases.py wrote. What compiles with fixed sizes compiles with open ones, and gives the
same numbers: each case of passing.txt that passes compiled runs again with every dim of every input a
symbol of its own ("all"), and with one dim after the other a symbol (its input's number and axis,
"0.1"), while the sizes that the model states for other values are left out. The data stays the case's
own. --sample takes one form of each case, chosen by the case's name. open_refused.txt beside this file
has the cases that may be refused: a pattern of names and the reason, a line each. Any other that fails is
an error, and so are other numbers than the case's, whatever is listed; a pattern none of whose cases was
refused is pointed out.
"""
import argparse
import collections
import concurrent.futures
import pathlib
import re
import shutil
import sys
import tempfile
import zlib

import onnx

import run_cases

REFUSED = pathlib.Path(__file__).resolve().with_name("open_refused.txt")
ALL = "all"

Outcome = collections.namedtuple("Outcome", "case form verdict note")


def read_refused():
    """Patterns of cases; the rest of a line is the reason."""
    return [re.compile(line.split()[0]) for line in REFUSED.read_text().splitlines() if line]


def tensor_type(kind):
    """The tensor type inside sequences and optionals."""
    while kind.WhichOneof("value") in ("sequence_type", "optional_type"):
        kind = getattr(kind, kind.WhichOneof("value")).elem_type
    return kind.tensor_type


def given_inputs(model):
    """The inputs that a caller gives; those with an initializer are constants."""
    constants = {initializer.name for initializer in model.graph.initializer}
    return [port for port in model.graph.input if port.name not in constants]


def forms_of(model):
    """Names of all forms of a model: `all`, and `input.axis` for every dim."""
    dims = [
        f"{number}.{axis}"
        for number, port in enumerate(given_inputs(model))
        for axis in range(len(tensor_type(port.type).shape.dim))
    ]
    return [ALL, *dims] if dims else []


def open_dims(model, form):
    """Makes the dims that a form names symbols, and forgets what is stated of all other values."""
    for number, port in enumerate(given_inputs(model)):
        for axis, dim in enumerate(tensor_type(port.type).shape.dim):
            if form in (ALL, f"{number}.{axis}"):
                dim.dim_param = f"d{number}_{axis}"
    del model.graph.value_info[:]
    for port in model.graph.output:
        tensor_type(port.type).ClearField("shape")


def run_form(arguments, case, form):
    """The outcome of one form of a case."""
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="cameo-open-"))
    folder = arguments.folder / case
    try:
        model = onnx.load(folder / "model.onnx")
        open_dims(model, form)
        onnx.save(model, scratch / "model.onnx")
        program = scratch / "model.so"
        run_cases.call(arguments, "compile", scratch / "model.onnx", "-o", program)
        run_cases.run_data_sets(arguments, folder, model, program, scratch)
        return Outcome(case, form, "passed", "")
    except run_cases.CaseFailed as failure:
        return Outcome(case, form, failure.verdict, str(failure))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def wanted_forms(arguments):
    """Pairs (case, form) to run."""
    cases = sorted(case for case, engine in run_cases.read_manifest() if engine == "compiled")
    wanted = re.compile(arguments.only)
    pairs = []
    for case in filter(wanted.search, cases):
        model = onnx.load(arguments.folder / case / "model.onnx", load_external_data=False)
        forms = forms_of(model)
        chance = zlib.crc32(case.encode())
        if forms and arguments.sample:
            forms = [ALL] if chance % 2 else [forms[1 + chance // 2 % (len(forms) - 1)]]
        pairs += [(case, form) for form in forms if arguments.form in (None, form)]
    return pairs


def report(outcomes, refused, verbose):
    """Prints what failed and the counts; returns how many failures are not listed."""
    counts, failed, seen, needed = collections.Counter(), 0, set(), set()
    for outcome in outcomes:
        counts["all dims" if outcome.form == ALL else "one dim", outcome.verdict] += 1
        patterns = {pattern.pattern for pattern in refused if pattern.fullmatch(outcome.case)}
        seen |= patterns
        if outcome.verdict == "passed":
            continue
        needed |= patterns
        is_listed = patterns and outcome.verdict in ("refused", "unsupported")
        failed += not is_listed
        if verbose or not is_listed:
            print(f"{outcome.verdict}: {outcome.case} {outcome.form}: {outcome.note}")
    for pattern in sorted(seen - needed):
        print(f"open_refused.txt: all of {pattern} pass")
    for (kind, verdict), count in sorted(counts.items()):
        print(f"{kind}: {count} {verdict}")
    return failed


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="what make_cases.py wrote")
    parser.add_argument("--bin", type=pathlib.Path, default=run_cases.ROOT / "build/bin/cameo")
    parser.add_argument("--only", default="", metavar="REGEX", help="cases whose name matches")
    parser.add_argument("--form", help="only this form of each, such as all or 0.1")
    parser.add_argument("--sample", action="store_true", help="one form of each case")
    parser.add_argument("-j", type=int, default=2, metavar="N", help="cases at the same time")
    parser.add_argument("--timeout", type=float, default=60, metavar="SECONDS")
    parser.add_argument("-v", action="store_true", help="also name the listed cases that fail")
    arguments = parser.parse_args()
    arguments.bin = arguments.bin.resolve()
    return arguments


def main():
    arguments = parse_arguments()
    pairs = wanted_forms(arguments)
    with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        outcomes = list(pool.map(lambda pair: run_form(arguments, *pair), pairs))
    failed = report(outcomes, read_refused(), arguments.v)
    print(f"{sum(o.verdict == 'passed' for o in outcomes)} passed, {failed} failed")
    return 1 if failed or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
