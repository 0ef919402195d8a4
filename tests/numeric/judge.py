"""What ONNX Runtime computes for a case, and whether another result agrees with it.

ONNX Runtime runs without its graph optimizations: every operator by itself, in the order of the graph.
Where it has no kernel for a type, the same graph is run in a wider type, on the same values.
"""
import ml_dtypes
import numpy as np
import onnxruntime

from case import NUMPY, bundle, bundle_inputs

RELATIVE = {"f64": 1e-9, "f32": 1e-4}  # of the output's largest value
HALF_STEPS = 4
WIDER = {
    **dict.fromkeys(("f16", "bf16", "f64"), "f32"),
    **dict.fromkeys(("i8", "i16", "u8", "u16", "u32"), "i32"),
    "u64": "i64",
}


def widen(array):
    for name, dtype in NUMPY.items():
        if array.dtype == dtype and name in WIDER:
            return array.astype(NUMPY[WIDER[name]])
    return array


def same(array):
    return array


def session_of(case, convert):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    # Without it, products of u8 and s8 saturate in the middle on processors without VNNI.
    options.add_session_config_entry("session.x64quantprecision", "1")
    model = bundle([case], convert).SerializeToString()
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run_onnxruntime(case, convert):
    """Outputs of every run. Raises what ONNX Runtime raises."""
    session = session_of(case, convert)
    results = []
    for run in range(len(case.sizes)):
        inputs = {name: convert(array) for name, array in bundle_inputs([case], run).items()}
        results.append(onnxruntime_call(session, inputs))
    return results


def onnxruntime_call(session, inputs):
    if not any(array.dtype == ml_dtypes.bfloat16 for array in inputs.values()):
        return session.run(None, inputs)
    raise NotImplementedError("NumPy has no bfloat16")


def judgement(case):
    """ONNX Runtime's outputs of every run, whether in a wider type, and why there are none."""
    if not case.judged:
        return None, False, ""
    try:
        return run_onnxruntime(case, same), False, ""
    except Exception as error:  # onnxruntime has a class of its own for each status
        first = str(error)
    try:
        return run_onnxruntime(case, widen), True, ""
    except Exception as error:
        return None, True, f"{first} | {error}"


def tolerance(dtype):
    if dtype in (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)):
        return HALF_STEPS * float(ml_dtypes.finfo(dtype).eps)
    return RELATIVE["f64" if dtype == np.float64 else "f32"]


def difference(expected, actual, wider, steps):
    """What differs, in words; None when the two agree."""
    if expected.shape != actual.shape:
        return f"expected shape {list(expected.shape)}, got {list(actual.shape)}"
    if expected.dtype != actual.dtype and not wider:
        return f"expected {expected.dtype}, got {actual.dtype}"
    if actual.dtype.kind in "biu":
        with np.errstate(all="ignore"):
            expected = expected.astype(actual.dtype)
        close = np.abs(expected.astype(object) - actual.astype(object)) <= steps
        close = np.asarray(close, np.bool_)
    else:
        limit = max(tolerance(actual.dtype), RELATIVE["f32"] if wider else 0)
        expected, actual = expected.astype(np.float64), actual.astype(np.float64)
        finite = np.isfinite(expected)
        largest = np.abs(expected[finite]).max(initial=0)
        with np.errstate(invalid="ignore"):
            close = np.abs(expected - actual) <= limit * (largest or 1)
        alike = (expected == actual) | (np.isnan(expected) & np.isnan(actual))
        close = np.where(finite, close, alike)
    wrong = np.argwhere(~close)
    if not len(wrong):
        return None
    first = tuple(int(i) for i in wrong[0])
    return (
        f"{len(wrong)} of {close.size} elements differ; at {list(first)}"
        f" expected {expected[first]}, got {actual[first]}"
    )


def bits_difference(expected, actual):
    """Where two arrays do not have the same bits, in words; None when they do."""
    if expected.shape != actual.shape:
        return f"expected shape {list(expected.shape)}, got {list(actual.shape)}"
    if expected.tobytes() == actual.tobytes():
        return None
    return difference(expected, actual, False, 0) or "other bits of floating-point numbers"
