"""Compiles ONNX models to native libraries, and runs these with NumPy arrays in and out.

    library = cameoc.compile("resnet50.onnx", "resnet50.so")
    model = cameoc.load(library, threads=2)
    result = model.run({"x": array})["y"]

What was written for onnxruntime runs as it is, with compiled code:

    import cameoc as ort
    session = ort.InferenceSession("resnet50.onnx")
    result, = session.run(None, {"x": array})
"""

from __future__ import annotations

from . import _abi
from ._binding import IOBinding, OrtValue
from ._bundle import Bundle, load_bundle
from ._compile import compile
from ._errors import CameoError
from ._library import Pool
from ._model import Model, load
from ._ports import Port
from ._session import (
    ExecutionMode,
    GraphOptimizationLevel,
    InferenceSession,
    ModelMetadata,
    NodeArg,
    RunOptions,
    SessionOptions,
    get_all_providers,
    get_available_providers,
    get_device,
    set_default_logger_severity,
)
from ._version import __version__

__all__ = [
    "Bundle",
    "CameoError",
    "ExecutionMode",
    "GraphOptimizationLevel",
    "IOBinding",
    "InferenceSession",
    "Model",
    "ModelMetadata",
    "NodeArg",
    "OrtValue",
    "Pool",
    "Port",
    "RunOptions",
    "SessionOptions",
    "__version__",
    "compile",
    "get_all_providers",
    "get_available_providers",
    "get_device",
    "load",
    "load_bundle",
    "set_default_logger_severity",
]
