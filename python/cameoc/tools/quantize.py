"""`cameo quantize`: an 8-bit, 4-bit or half-precision model of a float one, with proof of what was done."""

from __future__ import annotations

import argparse
import difflib
import sys
import time
from typing import Any, Callable

import numpy as np
import onnx

from .._errors import CameoError
from . import _bias, _cli, _layers, _models, _samples, _sensitivity
from ._models import Feed
from ._quantizer import Quantizer, Settings, prepared

_EXAMPLES = """Examples:
  cameo quantize model.onnx -o small.onnx --mode dynamic
      8-bit weights; the ranges of values are found at run time
  cameo quantize model.onnx -o small.onnx --calibrate samples.npz --per-channel
      static: the ranges of values come from samples as the model will see them
  cameo quantize model.onnx -o small.onnx --calibrate samples.npz --accuracy-target 0.999
      leaves in float what harms most, until outputs have this cosine similarity to the float model's
  cameo quantize model.onnx -o small.onnx --mode int4-weights
      weights of matrix products in 4 bits, in blocks of 32 with a scale each

Exit status: 1 if the accuracy target cannot be met or a request is not honoured; nothing is written then."""

# Enough to tell layers apart; ranking runs the model so often for each.
_RANKING_SAMPLES, _MEASURE_SAMPLES, _RANDOM_SAMPLES = 4, 32, 8


def _number(what: str, least: float, most: float) -> Callable[[str], float]:
    """The type of an argument that is above `least` and at most `most`."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = least
        if not least < value <= most:
            raise argparse.ArgumentTypeError(f"expected a {what} between {least} and {most}, got '{text}'")
        return value

    return parse


def _parser() -> _cli.Parser:
    parser = _cli.Parser(
        "quantize", "Makes an 8-bit, 4-bit or half-precision model of a float one.", _EXAMPLES
    )
    add = parser.add_argument
    add("model", metavar="M.onnx")
    add("-o", "--output", required=True, metavar="Q.onnx", help="where to write the result")
    add(
        "--mode",
        choices=["static", "dynamic", "int4-weights", "fp16"],
        default="static",
        help="default static",
    )
    add(
        "--calibrate", metavar="DIR|FILE.npz", help="samples: arrays by input name, or a folder of such files"
    )
    add(
        "--method",
        choices=["minmax", "percentile", "entropy"],
        help="how ranges come from samples (default minmax)",
    )
    add(
        "--percentile",
        type=_number("percentile", 50, 100),
        metavar="P",
        help="with --method percentile: the share of values within a range (default 99.999)",
    )
    add(
        "--per-channel",
        action="store_true",
        help="a scale for each output channel of a weight, not one for all",
    )
    add(
        "--format",
        choices=["qdq", "qop"],
        help="QuantizeLinear pairs around float operators, or integer operators (default qdq)",
    )
    add("--keep", nargs="+", action="extend", default=[], metavar="NODE", help="nodes to leave in float")
    add(
        "--accuracy-target",
        type=_number("cosine similarity", 0, 1),
        metavar="COSINE",
        help="leave the most sensitive layers in float until outputs are this similar",
    )
    add("--sensitivity", action="store_true", help="rank the layers even if the target holds without")
    add("--no-bias-correction", action="store_true", help="leave biases as they are")
    add("--labels", metavar="FILE.npy", help="the class of each sample: report top-1 accuracy and agreement")
    add("--json", action="store_true", help="report as JSON")
    _cli.add_size_options(parser)
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    """Refuses what a mode would not heed."""
    static = {"--method": options.method, "--format": options.format, "--percentile": options.percentile}
    for flag, value in static.items():
        if value is not None and options.mode != "static":
            raise CameoError(f"{flag}: only --mode static heeds it")
    if options.percentile is not None and options.method != "percentile":
        raise CameoError("--percentile: only --method percentile heeds it")
    if options.per_channel and options.mode in ("int4-weights", "fp16"):
        raise CameoError(f"--per-channel: --mode {options.mode} does not heed it")
    if options.mode == "static" and not options.calibrate:
        raise CameoError(
            "--mode static needs --calibrate: inputs as the model will see them; --mode dynamic does without"
        )
    if options.labels and not options.calibrate:
        raise CameoError("--labels needs --calibrate: the samples that they are of")
    chosen = Settings(mode=options.mode, per_channel=options.per_channel)
    return chosen._replace(
        method=options.method or chosen.method,
        percentile=options.percentile or chosen.percentile,
        format=options.format or chosen.format,
    )


def _samples_of(options: argparse.Namespace, model: onnx.ModelProto) -> list[Feed]:
    """Those given, else random ones."""
    inputs = _models.inputs_of(model)
    if options.calibrate:
        return _samples.read_samples(options.calibrate, inputs)
    dims = {name: int(size) for name, size in _cli.pairs(options.dim, "--dim").items()}
    shapes = {name: _cli.shape_of(text) for name, text in _cli.pairs(options.shape, "--shape").items()}
    generator = np.random.default_rng(options.seed)
    return [_models.random_feed(inputs, generator, dims, shapes) for _ in range(_RANDOM_SAMPLES)]


def _kept(options: argparse.Namespace, model: onnx.ModelProto, ready: onnx.ModelProto) -> list[str]:
    """The nodes of --keep, as the prepared model calls them."""
    names = [node.name for node in model.graph.node if node.name]
    kept: list[str] = []
    for name in options.keep:
        found = _layers.matching(ready, name)
        if not found and name in names:
            raise CameoError(f"--keep: '{name}' is folded into another node before quantization")
        if not found:
            near = difflib.get_close_matches(name, [node.name for node in ready.graph.node], 1)
            raise CameoError(f"--keep: there is no node '{name}'" + (f"; is it '{near[0]}'?" if near else ""))
        kept += found
    return kept


def _top1(outputs: list[list[Any]]) -> list[Any]:
    return [np.asarray(values[0]).argmax(axis=-1).ravel() for values in outputs]


def _agreement(meter: _sensitivity.Meter, model: onnx.ModelProto, labels: list[Any]) -> dict[str, float]:
    """Shares of samples, of the first output's largest value."""
    before, after = _top1(meter.expected), _top1(meter.outputs(model))
    if any(len(classes) != len(label) for classes, label in zip(before, labels)):
        raise CameoError("--labels: the first output does not have one row of classes for each label")
    joined = [np.concatenate(parts) for parts in (before, after, labels)]
    return {
        "float_accuracy": float((joined[0] == joined[2]).mean()),
        "quantized_accuracy": float((joined[1] == joined[2]).mean()),
        "agreement": float((joined[0] == joined[1]).mean()),
    }


class _Work:
    """The steps, with what each adds to the report."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.settings = options, _settings(options)
        model = _models.load(options.model)
        self.samples = _samples_of(options, model)
        self.ready = prepared(model, self.settings.mode)
        self.kept = _kept(options, model, self.ready)
        self.reasons = {name: "--keep" for name in self.kept}
        self.quantizer = Quantizer(self.ready, self.settings, self.samples)
        self.meter = _sensitivity.Meter(model, self.samples[:_MEASURE_SAMPLES])
        self.labels = _samples.read_labels(options.labels, self.samples) if options.labels else []
        self.report: dict[str, Any] = {
            "model": options.model,
            "output": options.output,
            "settings": self.settings._asdict(),
            "samples": {"count": len(self.samples), "random": not options.calibrate},
        }
        self.model = model
        self.result = self.quantizer.make(self.kept)

    def correct_biases(self) -> None:
        """Keeps corrected biases if they bring the outputs nearer."""
        if self.settings.mode != "static" or self.options.no_bias_correction:
            return
        base, count = _bias.corrected(self.ready, self.result, self.meter.samples)
        better = self.quantizer.make(list(self.reasons), base=base)
        before, after = self.meter.quality(self.result), self.meter.quality(better)
        used = count > 0 and after.snr > before.snr and after.cosine >= before.cosine
        self.report["bias_correction"] = {
            "layers": count,
            "used": used,
            "snr_before": before.snr,
            "snr_after": after.snr,
        }
        if used:
            self.result = better

    def reach_target(self) -> bool:
        """Leaves groups in float until the target holds. Whether it does."""
        target = self.options.accuracy_target
        holds = target is None or self.meter.quality(self.result).cosine >= target
        if holds and not self.options.sensitivity:
            return True
        groups = _layers.groups_of(self.ready, self.quantizer.types())
        groups = [group for group in groups if not set(group.nodes) <= set(self.kept)]
        few = _sensitivity.Meter(self.ready, self.samples[:_RANKING_SAMPLES])
        ranking = _sensitivity.ranked(self.quantizer, few, groups, _cli.progress)
        self.report["sensitivity"] = [
            {"layer": entry.group.label, "nodes": len(entry.group.nodes), **entry.quality._asdict()}
            for entry in ranking
        ]
        if holds:
            return True
        left = _sensitivity.left_out(self.quantizer, self.meter, ranking, self.kept, target)
        if left is None:
            return False
        self.reasons |= {
            name: f"left in float for the target ({group.label})" for group in left for name in group.nodes
        }
        self.result = self.quantizer.make(list(self.reasons))
        self.correct_biases()  # of the layers that are still quantized
        self.report["left_in_float"] = [group.label for group in left]
        return True

    def prove(self) -> bool:
        """Reads from the result what it is. Whether all requests are honoured."""
        layers = _layers.layers_of(self.ready, self.result, self.settings, self.reasons)
        requests = _layers.requests_of(
            self.result, layers, self.settings, self.kept, self.quantizer.calibrated
        )
        quality = self.meter.quality(self.result)
        if (target := self.options.accuracy_target) is not None:
            evidence = f"{quality.cosine:.6f} on {_cli.plural(len(self.meter.samples), 'sample')}"
            requests.append(
                _layers.Request(f"accuracy target {target:g}", quality.cosine >= target, evidence)
            )
        if self.labels:
            every = _sensitivity.Meter(self.model, self.samples)
            self.report["top1"] = _agreement(every, self.result, self.labels)
        self.report |= {
            "bytes": {"before": _models.size_of(self.options.model), "after": self.result.ByteSize()},
            "quality": quality._asdict(),
            "layers": [layer._asdict() for layer in layers],
            "requests": [request._asdict() for request in requests],
        }
        return all(request.honoured for request in requests)


def _text(report: dict[str, Any]) -> str:
    text = ""
    if "sensitivity" in report:
        rows = [
            [entry["layer"], f"{entry['snr']:.1f} dB", f"{entry['cosine']:.6f}"]
            for entry in report["sensitivity"]
        ]
        text += _cli.table(["quantized alone", "signal to noise", "cosine"], rows) + "\n"
    rows = [
        [e["name"], e["op"], "yes" if e["is_integer"] else f"no: {e['reason']}"] for e in report["layers"]
    ]
    text += _cli.table(["layer", "operator", "quantized"], rows, (0, 1, 2)) + "\n"
    rows = [[e["request"], "yes" if e["honoured"] else "NO", e["evidence"]] for e in report["requests"]]
    text += _cli.table(["request", "honoured", "shown by"], rows, (0, 1, 2))
    if bias := report.get("bias_correction"):
        change = f"{bias['snr_before']:.1f} to {bias['snr_after']:.1f} dB"
        text += f"bias correction of {_cli.plural(bias['layers'], 'layer')}: {change}{'' if bias['used'] else ', not used'}\n"
    if top1 := report.get("top1"):
        accuracies = f"{top1['float_accuracy']:.1%} in float, {top1['quantized_accuracy']:.1%} quantized"
        text += f"top-1 accuracy: {accuracies}; they agree on {top1['agreement']:.1%}\n"
    sizes, quality = report["bytes"], report["quality"]
    kind = "random inputs, which say little" if report["samples"]["random"] else "the samples"
    text += f"{report['output']}: {_cli.megabytes(sizes['before'])} to {_cli.megabytes(sizes['after'])}; "
    return text + f"on {kind}: cosine {quality['cosine']:.6f}, {quality['snr']:.1f} dB\n"


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    start = time.perf_counter()
    work = _Work(options)
    work.correct_biases()
    reached = work.reach_target()
    good = work.prove() and reached
    work.report["seconds"] = round(time.perf_counter() - start, 3)
    if options.json:
        _cli.print_json("quantize", work.report)
    else:
        sys.stdout.write(_text(work.report))
    if not good:
        missed = [entry["request"] for entry in work.report["requests"] if not entry["honoured"]]
        print(f"error: not honoured: {', '.join(missed)}; '{options.output}' is not written", file=sys.stderr)
        return _cli.NUMBERS_DIFFER
    _models.save(work.result, options.output)
    return _cli.FINE
