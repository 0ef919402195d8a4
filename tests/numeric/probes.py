"""Runs of a case with sizes that may not fit.

Where they fit, the results must be those of ONNX Runtime; where they do not, the run must end with an error
that names a node or an input of the case. ONNX Runtime says which of the two holds. Where its answer is its
own and not ONNX's, the reference interpreter decides: ONNX Runtime takes some sizes that must be equal, refuses
some that may be 0, and aborts on others.
"""
import collections
import multiprocessing

import onnx

import judge
from case import bundle, bundle_inputs, prefixed

# stated: whether the sizes break a symbol that the model states twice, which ONNX Runtime does not look at.
Probe = collections.namedtuple("Probe", "words inputs stated")

RESULTS, REFUSED, UNDECIDED = "results", "refused", "undecided"
OWN_LIMITS = ("Only N can be zero",)  # of ONNX Runtime's sentences, those that say what ONNX does not


def answer(session, inputs, pipe):
    """Sends ONNX Runtime's verdict and its results."""
    try:
        pipe.send((RESULTS, judge.onnxruntime_call(session, inputs)))
    except Exception as error:  # onnxruntime has a class of its own for each status
        own = any(words in str(error) for words in OWN_LIMITS)
        pipe.send((UNDECIDED if own else REFUSED, None))


def expect(session, probe):
    """What ONNX Runtime answers, in a process of its own, which may die."""
    if probe.stated:
        return REFUSED, None
    context = multiprocessing.get_context("fork")
    pipe, end = context.Pipe(duplex=False)
    process = context.Process(target=answer, args=(session, prefixed(probe.inputs), end))
    process.start()
    end.close()
    try:
        return pipe.recv()
    except EOFError:
        return UNDECIDED, None
    finally:
        process.join()


def interpreted(runner, case, probe):
    """What the reference interpreter answers."""
    from run_numeric import CommandFailed, interpret

    path = runner.folder / "alone.onnx"
    onnx.save(bundle([case]), path)
    try:
        return RESULTS, interpret(runner.binary, path, [prefixed(probe.inputs)], runner.folder)[0]
    except CommandFailed as failure:
        if failure.status != 2:
            raise
        return REFUSED, None


def fault(runner, model, k, case, probe, expected):
    """What is wrong with a probe of case K of a loaded bundle, in words; None when nothing is."""
    import cameo

    inputs = {**bundle_inputs(runner.cases, 0), **prefixed(probe.inputs, k)}
    verdict, values = expected
    try:
        results = runner.split(model.run(inputs).values())[k]
    except cameo.CameoError as error:
        if f"'c{k}_" not in str(error):
            return f"the error names no node: {error}"
        refused = verdict == REFUSED or interpreted(runner, case, probe)[0] == REFUSED
        return None if refused else f"sizes that fit are refused: {error}"
    judged_by = "ONNX Runtime"
    if verdict == UNDECIDED:
        judged_by, (verdict, values) = "reference", interpreted(runner, case, probe)
    if verdict == REFUSED:
        return f"sizes that do not fit gave results{' (stated)' if probe.stated else ''}"
    pairs = zip(case.outputs, values, results)
    found = ((name, judge.difference(want, got, False, case.steps)) for name, want, got in pairs)
    return next((f"output {name}: {judged_by}: {words}" for name, words in found if words), None)


def check(runner, model, k, case):
    """Yields the faults of all probes of case K."""
    session = judge.session_of(case, judge.same) if case.probes else None
    for probe in case.probes:
        found = fault(runner, model, k, case, probe, expect(session, probe))
        if found:
            yield f"{probe.words}: {found}"
