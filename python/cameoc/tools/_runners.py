"""Ways to run a model, all with the same call: values by input name in, a list of outputs back."""

from __future__ import annotations

import os
import pathlib
import tempfile
from typing import Any, Callable

import numpy as np
import onnx

from .. import _compile
from .._errors import CameoError
from .._model import load
from ._libraries import library
from ._models import Feed, output_names, save

Runner = Callable[[Feed], list[Any]]


def onnxruntime_session(model: onnx.ModelProto | str, threads: int = 1) -> Any:
    """A session of ONNX Runtime, of a model or its file. Its log is kept quiet."""
    onnxruntime = library("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    source = model if isinstance(model, str) else model.SerializeToString()
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions have no common base
        raise CameoError(f"ONNX Runtime does not take the model: {one_line(error)}") from None


def onnxruntime_runner(model: onnx.ModelProto | str, threads: int = 1) -> Runner:
    """ONNX Runtime."""
    session = onnxruntime_session(model, threads)

    def run(feed: Feed) -> list[Any]:
        try:
            return list(session.run(None, feed))
        except Exception as error:
            raise CameoError(f"ONNX Runtime does not run the model: {one_line(error)}") from None

    return run


def interpreter_runner(path: str) -> Runner:
    """The reference interpreter, on the model in a file."""

    def run(feed: Feed) -> list[Any]:
        with tempfile.TemporaryDirectory(prefix="cameoc-") as folder:
            arguments = ["run", path, "--output-dir", os.path.join(folder, "out")]
            for index, (name, value) in enumerate(feed.items()):
                file = os.path.join(folder, f"{index}.npy")
                np.save(file, value)
                arguments += ["--input", f"{name}={file}"]
            _compile.run_program(arguments)
            files = pathlib.Path(folder, "out").glob("output_*.npy")
            return [np.load(file) for file in sorted(files, key=lambda f: int(f.stem.split("_")[1]))]

    return run


def library_runner(path: str, threads: int = 1) -> Runner:
    """Compiled code."""
    model = load(path, threads)

    def run(feed: Feed) -> list[Any]:
        results = model.run(feed)
        return [results[port.name] for port in model.outputs]

    return run


def reference_runner(model: onnx.ModelProto) -> tuple[str, Runner]:
    """ONNX Runtime, or the interpreter where that is not installed or does not take the model; its name first."""
    try:
        return "ONNX Runtime", onnxruntime_runner(model)
    except (ModuleNotFoundError, CameoError):
        pass
    folder = tempfile.TemporaryDirectory(prefix="cameoc-")
    path = os.path.join(folder.name, "model.onnx")
    save(model, path)
    interpret = interpreter_runner(path)

    def run(feed: Feed) -> list[Any]:
        assert folder  # which is removed with this function
        return interpret(feed)

    return "the reference interpreter", run


def with_outputs(model: onnx.ModelProto, names: list[str]) -> onnx.ModelProto:
    """A copy that gives these values of its graph as further outputs."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    known = set(output_names(copy))
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    return copy


def one_line(error: object) -> str:
    """The first line of an error's words that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
