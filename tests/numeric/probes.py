"""Runs of a case with sizes that may not fit.

Where they fit, the results must be those of ONNX Runtime; where they do not, the run must end with an error
that names a node or an input of the case. ONNX Runtime says which of the two holds. Where its answer is its
own and not ONNX's, the reference interpreter decides: ONNX Runtime takes some sizes that must be equal, refuses
some that may be 0, and aborts on others.
"""
import collections
import multiprocessing
import os
import sys

import onnx

import judge
from case import bundle, bundle_inputs, prefixed

# stated: whether the sizes break a symbol that the model states twice, which ONNX Runtime does not look at.
Probe = collections.namedtuple("Probe", "words inputs stated")

RESULTS, REFUSED, UNDECIDED = "results", "refused", "undecided"
# Of ONNX Runtime's sentences, parts of those that say what ONNX does not. The reference interpreter then says
# whether the sizes fit.
OWN_LIMITS = {
    "Only N can be zero": "pools of images without channels are as empty as those without images",
    "Name:''": "the node is one of a function that stands for an operator, with limits of its own",
    "attn_mask": "masks broadcast from 1, and the keys that a shorter one lacks are masked",
    "must be greater than 0": "no heads, queries, keys or images are as many as any",
    "Pad reflect": "an image may be reflected more than once, as in NumPy, which ONNX's reference calls",
    "Unexpected mode of 3": "what is wrapped along one axis may be empty along another",
    "IsScalarOr1ElementVector(a_": "scales and zero points of a product's left side may be one a row",
    "Invalid dim0_offset": "a Scan of no steps has the states that it was given",
    "must be a positive multiple": "columns of no channels are images of none",
    "must be in range [0,0]": "lengths of sequences without elements reverse nothing",
    "Size of X.shape[axis:]": "the normalized axes have no elements, so the result has none",
}
# Operators of which ONNX Runtime's numbers are its own where a size is 0: ONNX leaves the mean of nothing undefined,
# sums of no products are read from memory that nothing was written to, and so are states after no steps.
OWN_RESULTS = ("ReduceMean", "MatMulInteger", "QLinearMatMul", "RNN", "GRU", "LSTM")


def answer(session, inputs, pipe):
    """Sends ONNX Runtime's verdict, with its results or its reason. What it prints when it aborts says nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    try:
        pipe.send((RESULTS, judge.onnxruntime_call(session, inputs)))
    except Exception as error:  # onnxruntime has a class of its own for each status
        own = any(words in str(error) for words in OWN_LIMITS)
        pipe.send((UNDECIDED if own else REFUSED, str(error)))


def is_undefined(case, probe):
    """Whether ONNX Runtime's numbers may be of its own making."""
    is_empty = any(0 in array.shape for array in probe.inputs.values())
    return is_empty and any(kind in OWN_RESULTS for kind, *_ in case.nodes)


def expect(session, case, probe):
    """What ONNX Runtime answers, in a process of its own, which may die."""
    if probe.stated:
        return REFUSED, "the model states the symbol more than once"
    if not session or is_undefined(case, probe):
        return UNDECIDED, None
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
        return REFUSED, str(failure)


def fault(runner, model, k, case, probe, expected):
    """What is wrong with a probe of case K of a loaded bundle, in words; None when nothing is."""
    import cameoc

    inputs = {**bundle_inputs(runner.cases, 0), **prefixed(probe.inputs, k)}
    verdict, values = expected
    try:
        results = runner.split(model.run(inputs).values())[k]
    except cameoc.CameoError as error:
        if f"'c{k}_" not in str(error):
            return f"the error names no node: {error}"
        refused = verdict == REFUSED or interpreted(runner, case, probe)[0] == REFUSED
        return None if refused else f"sizes that fit are refused: {error}"
    judged_by = "ONNX Runtime"
    if verdict == UNDECIDED:
        judged_by, (verdict, values) = "reference", interpreted(runner, case, probe)
    if verdict == REFUSED:
        return f"sizes that do not fit gave results; {judged_by}: {values}"
    pairs = zip(case.outputs, values, results)
    found = ((name, judge.difference(want, got, False, case.steps)) for name, want, got in pairs)
    return next((f"output {name}: {judged_by}: {words}" for name, words in found if words), None)


def check(runner, model, k, case):
    """Yields the faults of all probes of case K."""
    session = judge.session_of(case, judge.same) if case.probes and case.judged else None
    for probe in case.probes:
        found = fault(runner, model, k, case, probe, expect(session, case, probe))
        if found:
            yield f"{probe.words}: {found}"
