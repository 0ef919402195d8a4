"""`cameo simplify`: a smaller model that computes the same, made by onnxslim and checked."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any

import numpy as np
import onnx

from .._errors import CameoError
from . import _cli, _models
from ._deviation import FAIL, Deviation, worst
from ._libraries import library
from ._runners import one_line, reference_runner

_EXAMPLES = """Examples:
  cameo simplify model.onnx -o simple.onnx
      folds constants, removes what has no effect, joins what is one operation
  cameo simplify model.onnx -o simple.onnx --shape x=1x3x224x224 --json
      checks with inputs of this shape; the report as JSON

Nothing is written if the numbers differ; the exit status is 1 then."""


def simplified(model: onnx.ModelProto) -> onnx.ModelProto:
    """What onnxslim makes of a model, which is left as it was. Metadata stays."""
    onnxslim = library("onnxslim")
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    try:
        result: onnx.ModelProto = onnxslim.slim(copy)
    except Exception as error:  # whatever it stumbles over
        raise CameoError(f"onnxslim cannot simplify the model: {one_line(error)}") from None
    for field in ("producer_name", "producer_version", "domain", "model_version", "doc_string"):
        setattr(result, field, getattr(model, field))
    result.graph.doc_string = model.graph.doc_string
    result.graph.name = model.graph.name
    del result.metadata_props[:]
    result.metadata_props.extend(model.metadata_props)
    return result


def checked(
    before: onnx.ModelProto, after: onnx.ModelProto, options: argparse.Namespace
) -> tuple[str, Deviation]:
    """Runs both on random inputs: by what, and the worst deviation."""
    if _models.output_names(before) != _models.output_names(after):
        return "their outputs", Deviation(reason="the outputs have other names")
    dims = {name: int(size) for name, size in _cli.pairs(options.dim, "--dim").items()}
    shapes = {name: _cli.shape_of(text) for name, text in _cli.pairs(options.shape, "--shape").items()}
    inputs = _models.inputs_of(before)
    by, reference = reference_runner(before)
    _, run = reference_runner(after)
    kept = {port.name for port in _models.inputs_of(after)}
    generator = np.random.default_rng(options.seed)
    result = Deviation()
    for _ in range(options.samples):
        feed = _models.random_feed(inputs, generator, dims, shapes)
        expected = reference(feed)
        result = result.worse(worst(expected, run({name: feed[name] for name in kept})))
    return by, result


def _change(before: int, after: int) -> str:
    return "" if before == after else f"{after - before:+d}"


def _text(report: dict[str, Any]) -> str:
    before, after = report["before"], report["after"]
    rows = []
    names = sorted({*before["ops"], *after["ops"]}, key=lambda op: (-before["ops"].get(op, 0), op))
    for name in names:
        counts = before["ops"].get(name, 0), after["ops"].get(name, 0)
        rows.append([name, *map(str, counts), _change(*counts)])
    counts = before["nodes"], after["nodes"]
    rows.append(["all nodes", *map(str, counts), _change(*counts)])
    sizes = before["bytes"], after["bytes"]
    rows.append(["size", *map(_cli.megabytes, sizes), f"{100 * (sizes[1] / sizes[0] - 1):+.1f} %"])
    text = _cli.table(["op", "before", "after", "change"], rows)
    deviation = report["deviation"]
    if "reason" in deviation:
        return f"{text}FAIL: {deviation['reason']}\n"
    measures = f"max difference {deviation['max_difference']:.2e}, cosine {deviation['cosine']:.6f}"
    return f"{text}{report['verdict']} on {_cli.plural(report['samples'], 'sample')} by {report['by']}: {measures}\n"


def _describe(model: onnx.ModelProto, size: int) -> dict[str, Any]:
    ops = _models.op_counts(model)
    return {"nodes": sum(ops.values()), "bytes": size, "ops": ops}


def _parser() -> _cli.Parser:
    parser = _cli.Parser("simplify", "Makes a smaller model that computes the same.", _EXAMPLES)
    parser.add_argument("model", metavar="M.onnx")
    parser.add_argument("-o", "--output", required=True, metavar="S.onnx", help="where to write the result")
    parser.add_argument(
        "--samples",
        type=_cli.positive,
        default=3,
        metavar="N",
        help="random inputs to check with (default 3)",
    )
    parser.add_argument("--json", action="store_true", help="report as JSON")
    _cli.add_size_options(parser)
    return parser


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    start = time.perf_counter()
    model = _models.load(options.model)
    result = simplified(model)
    by, deviation = checked(model, result, options)
    report: dict[str, Any] = {
        "model": options.model,
        "output": options.output,
        "before": _describe(model, _models.size_of(options.model)),
        "after": _describe(result, result.ByteSize()),
        "verdict": deviation.verdict(),
        "samples": options.samples,
        "by": by,
        "deviation": deviation.json(),
        "seconds": round(time.perf_counter() - start, 3),
    }
    if options.json:
        _cli.print_json("simplify", report)
    else:
        sys.stdout.write(_text(report))
    if report["verdict"] == FAIL:
        print(
            f"error: the simplified model computes other numbers: '{options.output}' is not written",
            file=sys.stderr,
        )
        return _cli.NUMBERS_DIFFER
    _models.save(result, options.output)
    return _cli.FINE
