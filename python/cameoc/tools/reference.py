"""Runs a model in ONNX Runtime for `cameo compare` and `cameo bench`: `reference JOB.json`.

The job has `model`, `threads`, and `samples`: for each, a file `inputs` (.npz, arrays called by the inputs'
positions). Where a sample has a file `outputs`, the outputs are written to that, called by position; `values` may
name other values of the graph to be given behind the model's own outputs, of which those that the graph has are.
With `seconds`, the first sample is run again for as long. Prints JSON: the version, and of the runs, how long and
how much memory they took."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Sequence

import numpy as np

from .._errors import CameoError
from ._libraries import library


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _memory(field: str) -> int:
    """Of this process, in bytes: `VmRSS`, or `VmHWM` for the most so far."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field + ":"))


def _forget_peak() -> None:
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass  # the peak is then that of the whole process


def _with_values(path: str, names: list[str]) -> tuple[bytes, list[str]]:
    """The model with these values of its graph as further outputs, and those that it has."""
    onnx = library("onnx")
    model = onnx.load(path, load_external_data=False)
    made = {name for node in model.graph.node for name in node.output if name}
    known = {value.name for value in model.graph.output}
    found = [name for name in dict.fromkeys(names) if name in made - known]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in found)
    return model.SerializeToString(), found


class _Session:
    """A session with one call for all samples."""

    def __init__(self, job: dict[str, Any]) -> None:
        onnxruntime = library("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = job["threads"]
        source: str | bytes = job["model"]
        self.further: list[str] = []
        if job.get("values"):
            source, self.further = _with_values(job["model"], job["values"])
            folder = os.path.dirname(os.path.abspath(job["model"]))
            options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
        try:
            self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions have no common base
            raise CameoError(f"ONNX Runtime does not take {job['model']}: {_one_line(error)}") from None
        self.outputs = [output.name for output in self._session.get_outputs()]

    def feed(self, path: str) -> dict[str, Any]:
        """Inputs of a sample; one that is missing is an optional that is left out."""
        with np.load(path) as arrays:
            given = {name: arrays[name] for name in arrays.files}
        inputs = self._session.get_inputs()
        for port in inputs:
            if port.type in ("tensor(bfloat16)", "tensor(float8e4m3fn)", "tensor(float8e5m2)"):
                raise CameoError(f"ONNX Runtime's Python package does not take the input '{port.name}' of {port.type}")
        return {
            port.name: given[str(i)].astype(object) if port.type == "tensor(string)" else given[str(i)]
            for i, port in enumerate(inputs)
            if str(i) in given
        }

    def run(self, feed: dict[str, Any]) -> list[Any]:
        """Outputs in order."""
        try:
            results: list[Any] = self._session.run(None, feed)
            return results
        except Exception as error:
            raise CameoError(f"ONNX Runtime does not run the model: {_one_line(error)}") from None


def _write(path: str, session: _Session, results: list[Any]) -> None:
    arrays: dict[str, Any] = {}
    own = len(session.outputs) - len(session.further)
    for i, (name, value) in enumerate(zip(session.outputs, results)):
        if value is None:
            continue
        if not isinstance(value, np.ndarray):
            raise CameoError(f"the output '{name}' is no tensor: --against onnxruntime compares tensors only")
        arrays[str(i) if i < own else "value:" + name] = value.astype(str) if value.dtype == object else value
    np.savez(path, **arrays)


def _again(session: _Session, feed: dict[str, Any], seconds: float) -> list[float]:
    latencies: list[float] = []
    end = time.perf_counter() + seconds
    while not latencies or time.perf_counter() < end:
        begin = time.perf_counter()
        session.run(feed)
        latencies.append(time.perf_counter() - begin)
    return latencies


def main(arguments: Sequence[str]) -> int:
    """Does the job."""
    with open(arguments[0], encoding="utf-8") as file:
        job = json.load(file)
    version = library("onnxruntime").__version__
    _forget_peak()
    before, begin = _memory("VmRSS"), time.perf_counter()
    session = _Session(job)
    report: dict[str, Any] = {"version": version, "load_seconds": time.perf_counter() - begin}
    for number, sample in enumerate(job["samples"]):
        feed = session.feed(sample["inputs"])
        begin = time.perf_counter()
        results = session.run(feed)
        if number == 0:
            report["first_run_seconds"] = time.perf_counter() - begin
            report["memory_bytes"] = max(0, _memory("VmHWM") - before)
            if "seconds" in job:
                report["latencies"] = _again(session, feed, job["seconds"])
        if "outputs" in sample:
            _write(sample["outputs"], session, results)
    print(json.dumps(report))
    return 0
