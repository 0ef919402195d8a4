"""Runs the ONNX project's test cases changed in some way: what open_cases.py and constant_cases.py share.

A module of forms says in its docstring what they are, and has

    forms_of(model)                         names of all forms of a model, the hardest first; up to a dot the kind
    make(model, form, folder, scratch)      changes the model; the folder of the form's data, laid out as a case
    REFUSED                                 file of what may be refused: a pattern of cases and a reason a line
"""
import argparse
import collections
import concurrent.futures
import pathlib
import re
import shutil
import tempfile
import zlib

import onnx

import run_cases

Outcome = collections.namedtuple("Outcome", "case form verdict note")


def given_inputs(model):
    """The inputs that a caller gives; those with an initializer are constants."""
    constants = {initializer.name for initializer in model.graph.initializer}
    return [port for port in model.graph.input if port.name not in constants]


def read_refused(path):
    """Patterns of cases; the rest of a line is the reason."""
    return [re.compile(line.split()[0]) for line in path.read_text().splitlines() if line]


def run_form(module, arguments, case, form):
    """The outcome of one form of a case."""
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="cameo-form-"))
    try:
        model = onnx.load(arguments.folder / case / "model.onnx")
        folder = module.make(model, form, arguments.folder / case, scratch)
        onnx.save(model, scratch / "model.onnx")
        program = scratch / "model.so"
        run_cases.call(arguments, "compile", scratch / "model.onnx", "-o", program)
        run_cases.run_data_sets(arguments, folder, model, program, scratch)
        return Outcome(case, form, "passed", "")
    except run_cases.CaseFailed as failure:
        return Outcome(case, form, failure.verdict, str(failure))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def wanted_forms(module, arguments):
    """Pairs (case, form) to run."""
    cases = sorted(case for case, engine in run_cases.read_manifest() if engine == "compiled")
    wanted = re.compile(arguments.only)
    pairs = []
    for case in filter(wanted.search, cases):
        chance, sample = zlib.crc32(case.encode()), arguments.sample
        if sample and chance % sample:
            continue
        forms = module.forms_of(onnx.load(arguments.folder / case / "model.onnx", load_external_data=False))
        if forms and sample:  # the first one of every other case
            chance //= sample
            forms = [forms[0] if chance % 2 else forms[chance // 2 % len(forms)]]
        pairs += [(case, form) for form in forms if arguments.form in (None, form)]
    return pairs


def report(outcomes, path, verbose):
    """Prints what failed and the counts; returns how many failures are not listed in a file of patterns."""
    patterns = read_refused(path)
    counts, failed, seen, needed = collections.Counter(), 0, set(), set()
    for outcome in outcomes:
        counts[outcome.form.split(".")[0], outcome.verdict] += 1
        matching = {pattern.pattern for pattern in patterns if pattern.fullmatch(outcome.case)}
        seen |= matching
        if outcome.verdict == "passed":
            continue
        needed |= matching
        is_listed = matching and outcome.verdict in ("refused", "unsupported")
        failed += not is_listed
        if verbose or not is_listed:
            print(f"{outcome.verdict}: {outcome.case} {outcome.form}: {outcome.note}")
    for pattern in sorted(seen - needed):
        print(f"{path.name}: all of {pattern} pass")
    for (kind, verdict), count in sorted(counts.items()):
        print(f"{kind}: {count} {verdict}")
    return failed


def parse_arguments(module):
    parser = argparse.ArgumentParser(description=module.__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="what make_cases.py wrote")
    parser.add_argument("--bin", type=pathlib.Path, default=run_cases.ROOT / "build/bin/cameo")
    parser.add_argument("--only", default="", metavar="REGEX", help="cases whose name matches")
    parser.add_argument("--form", help="only this form of each")
    parser.add_argument("--sample", type=int, nargs="?", const=1, metavar="N", help="one form of each case, or of one of N")
    parser.add_argument("-j", type=int, default=2, metavar="N", help="cases at the same time")
    parser.add_argument("--timeout", type=float, default=60, metavar="SECONDS")
    parser.add_argument("-v", action="store_true", help="also name the listed cases that fail")
    arguments = parser.parse_args()
    arguments.bin = arguments.bin.resolve()
    return arguments


def main(module):
    arguments = parse_arguments(module)
    pairs = wanted_forms(module, arguments)
    with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        outcomes = list(pool.map(lambda pair: run_form(module, arguments, *pair), pairs))
    failed = report(outcomes, module.REFUSED, arguments.v)
    print(f"{sum(o.verdict == 'passed' for o in outcomes)} passed, {failed} failed")
    return 1 if failed or not outcomes else 0
