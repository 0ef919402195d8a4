"""One checkpoint through `cameo export`: exported, checked, compiled, measured."""

from __future__ import annotations

import argparse
import os
import pathlib
import statistics
import tempfile
import time
from typing import Any, Callable

import numpy as np
import onnx

from .. import _compile
from .._errors import CameoError
from . import _cli, _models, _torch_export
from ._checkpoints import Factory, load_module, program_inputs
from ._deviation import FAIL, PASS, WARN, Deviation, worst
from ._libraries import library
from ._models import Feed, Input
from ._runners import Runner, interpreter_runner, library_runner, onnxruntime_runner

# The interpreter is slow; it is exact, so that few samples tell.
_INTERPRETED_SAMPLES = 2
# A size that an open axis has besides that of --input: small axes get one more, images a multiple of 32 more.
_STEPS = {"height": 32, "width": 32}


class Job:
    """What becomes of one checkpoint. `report` is its entry in the report."""

    def __init__(
        self, path: str, target: pathlib.Path, options: argparse.Namespace, factory: Factory | None
    ) -> None:
        self.path, self.target, self.options, self.factory = path, target, options, factory
        self.notes: list[str] = []
        self.report: dict[str, Any] = {"checkpoint": path, "model": str(target), "verdict": PASS}

    def run(self) -> None:
        """Does everything. Raises a CameoError where the model cannot be made."""
        start = time.perf_counter()
        module = load_module(self.path, self.factory, self.options.trust_checkpoints)
        inputs = _sized(self.path, self.options)
        axes = _torch_export.dynamic_axes(inputs, [name for name in self.options.dynamic.split(",") if name])
        model = self._exported(module, inputs, axes)
        _models.save(model, str(self.target))
        feeds = _feeds(inputs, axes, self.options)
        runners = self._runners(module, model, inputs)
        self._compare(runners, feeds)
        is_good = self.report["verdict"] != FAIL
        if not is_good and self.report["exporter"] == "torchscript" and any(axes.values()):
            self.notes.append(
                "a trace may keep sizes of its example; --exporter dynamo (--opset 18 or newer) does not"
            )
        if self.options.quantize and is_good:
            self._quantize(model, feeds)
        if self.options.bench and is_good:
            self._measure(runners, feeds[0])
        self.report |= {"notes": self.notes, "seconds": round(time.perf_counter() - start, 2)}

    def _exported(self, module: Any, inputs: list[Input], axes: dict[str, dict[int, str]]) -> onnx.ModelProto:
        """The model, of the opset that was asked for, with the axes open that were."""
        arrays = _torch_export.example(inputs, np.random.default_rng(self.options.seed), {})
        _run_module(module, arrays)  # its own errors first
        tensors = [library("torch").from_numpy(array) for array in arrays]
        made = _torch_export.to_onnx(module, tensors, axes, self.options.opset, self.options.exporter)
        self.notes += made.notes
        model = made.model
        if self.options.simplify:
            from .simplify import simplified

            model = simplified(model)
        self.notes += _torch_export.unmet_axes(model, axes)
        self.report |= {
            "exporter": made.exporter,
            "opset": _models.opset_of(model),
            "bytes": model.ByteSize(),
        }
        self.report["inputs"] = {
            port.name: [dim or "?" for dim in port.dims] for port in _models.inputs_of(model)
        }
        return model

    def _runners(self, module: Any, model: onnx.ModelProto, inputs: list[Input]) -> dict[str, Runner]:
        """PyTorch first, which the others are compared with. Compiles the model."""
        names = [port.name for port in inputs]
        library("torch").set_num_threads(self.options.threads)
        runners: dict[str, Runner] = {
            "PyTorch": lambda feed: _run_module(module, [feed[name] for name in names])
        }
        runners["ONNX Runtime"] = onnxruntime_runner(str(self.target), self.options.threads)
        runners["interpreter"] = interpreter_runner(str(self.target))
        runners["compiled"] = self._compiled(self.target, self.target.with_suffix(".so"))
        return runners

    def _compiled(self, model: pathlib.Path, library_path: pathlib.Path) -> Runner:
        """Compiled code, which stays as a file with --compile."""
        if self.options.compile:
            _compile.compile(model, library_path)
            self.report.setdefault("libraries", []).append(str(library_path))
            return library_runner(str(library_path), self.options.threads)
        with tempfile.TemporaryDirectory(prefix="cameoc-") as folder:
            made = _compile.compile(model, os.path.join(folder, "model.so"))
            return library_runner(str(made), self.options.threads)  # it stays mapped

    def _compare(self, runners: dict[str, Runner], feeds: list[Feed]) -> None:
        """Deviations of all from PyTorch."""
        reference = runners["PyTorch"]
        samples = feeds[: self.options.validate]
        expected = [reference(feed) for feed in samples]
        entries = []
        for name, run in runners.items():
            if name == "PyTorch" or not samples:
                continue
            count = min(len(samples), _INTERPRETED_SAMPLES) if name == "interpreter" else len(samples)
            result = Deviation()
            for feed, want in list(zip(samples, expected))[:count]:
                result = result.worse(_deviation_of(run, feed, want))
            verdict = result.verdict(self.options.max_deviation)
            entries.append({"runner": name, "samples": count, "verdict": verdict, **result.json()})
        self.report["comparison"] = entries
        self._judge([entry["verdict"] for entry in entries])

    def _judge(self, verdicts: list[str]) -> None:
        order = [PASS, WARN, FAIL]
        self.report["verdict"] = max([self.report["verdict"], *verdicts], key=order.index)

    def _quantize(self, model: onnx.ModelProto, feeds: list[Feed]) -> None:
        """Makes the quantized model, and compares the compiled code with what ONNX defines."""
        from ._quantizer import Settings, quantized

        settings = Settings.of_backend(self.options.quantize, self.options.backend)
        from ._samples import read_samples

        samples = (
            read_samples(self.options.calibrate, _models.inputs_of(model))
            if self.options.calibrate
            else feeds
        )
        result = quantized(model, settings, samples)
        target = self.target.with_name(f"{self.target.stem}.{self.options.quantize}.onnx")
        _models.save(result, str(target))
        reference, got = onnxruntime_runner(model), onnxruntime_runner(str(target))
        compiled = self._compiled(target, target.with_suffix(".so"))
        from_float, from_runtime = Deviation(), Deviation()
        for feed in samples[: max(1, self.options.validate)]:
            expected = got(feed)
            from_float = from_float.worse(worst(reference(feed), expected))
            from_runtime = from_runtime.worse(_deviation_of(compiled, feed, expected))
        self.report["quantized"] = {
            "model": str(target),
            "bytes": result.ByteSize(),
            "from_float": from_float.json(),
            "compiled_from_onnxruntime": from_runtime.json(),
        }
        # A value between two steps may fall to either side, so that only a broken model is far.
        if from_runtime.reason or from_runtime.cosine < 0.99:
            self._judge([FAIL])

    def _measure(self, runners: dict[str, Runner], feed: Feed) -> None:
        """Medians of latencies, of what is fast enough to be measured."""
        self.report["bench"] = {
            "threads": self.options.threads,
            "median_ms": {
                name: _median_ms(run, feed) for name, run in runners.items() if name != "interpreter"
            },
        }


def _sized(path: str, options: argparse.Namespace) -> list[Input]:
    """The inputs, with --batch-size. A program of torch.export knows its own."""
    inputs = [_torch_export.parse_input(text) for text in options.input]
    inputs = inputs or program_inputs(path)
    if len({port.name for port in inputs}) < len(inputs):
        raise CameoError("--input: two inputs have the same name")
    if options.batch_size is None:
        return inputs
    return [
        port._replace(dims=[options.batch_size, *port.dims[1:]]) if port.dims else port for port in inputs
    ]


def _feeds(inputs: list[Input], axes: dict[str, dict[int, str]], options: argparse.Namespace) -> list[Feed]:
    """Random inputs; every second one has other sizes where axes are open."""
    generator = np.random.default_rng(options.seed + 1)
    feeds = []
    for index in range(max(1, options.validate)):
        sizes = {
            port.name: {
                axis: int(port.dims[axis] or 1) + index % 2 * _STEPS.get(name, 1)
                for axis, name in axes[port.name].items()
            }
            for port in inputs
        }
        arrays = _torch_export.example(inputs, generator, sizes)
        feeds.append({port.name: array for port, array in zip(inputs, arrays)})
    return feeds


def _run_module(module: Any, arrays: list[Any]) -> list[Any]:
    torch = library("torch")
    try:
        with torch.no_grad():
            return _torch_export.flat_outputs(module(*[torch.from_numpy(array) for array in arrays]))
    except Exception as error:  # it is the user's code
        shapes = ", ".join("x".join(map(str, array.shape)) for array in arrays)
        # TorchScript's own message is behind two traces of calls.
        text = (
            str(error).splitlines()[-1] if "TorchScript" in str(error) else f"{type(error).__name__}: {error}"
        )
        raise CameoError(f"the module fails on inputs of {shapes}: {' '.join(text.split())}") from None


def _deviation_of(run: Runner, feed: Feed, expected: list[Any]) -> Deviation:
    try:
        got = run(feed)
    except CameoError as error:
        return Deviation(reason=str(error))
    if len(got) != len(expected):
        return Deviation(reason=f"expected {_cli.plural(len(expected), 'output')}, got {len(got)}")
    return worst(expected, got)


def _median_ms(run: Callable[[Feed], Any], feed: Feed) -> float:
    """Of at least 5 runs in about half a second, after one that warms up."""
    run(feed)
    times: list[float] = []
    while len(times) < 5 or sum(times) < 0.5 and len(times) < 1000:
        start = time.perf_counter()
        run(feed)
        times.append(time.perf_counter() - start)
    return round(1000 * statistics.median(times), 4)
