"""`cameo export`: PyTorch checkpoints to ONNX models, checked, and compiled."""

from __future__ import annotations

import argparse
import sys
import textwrap
import time
from typing import Any

from .._errors import CameoError
from . import _checkpoints, _cli, _export_options
from ._deviation import FAIL, PASS, WARN, Deviation
from ._export_run import Job
from ._libraries import library


def _compared(entry: dict[str, Any]) -> list[str]:
    cells = (
        Deviation(reason=entry["reason"])
        if "reason" in entry
        else Deviation(entry["max_difference"], entry["mse"], entry["cosine"])
    )
    reason = textwrap.shorten(entry.get("reason", ""), 120, placeholder=" ...")
    verdict = entry["verdict"] + (f": {reason}" if reason else "")
    return [f"  {entry['runner']}", str(entry["samples"]), *cells.cells(), verdict]


def _text(report: dict[str, Any]) -> str:
    """What there is to say of a checkpoint, below its line of progress."""
    text = ""
    if report.get("comparison"):
        rows = [_compared(entry) for entry in report["comparison"]]
        text += _cli.table(
            ["  beside PyTorch", "samples", "max difference", "mse", "cosine", "class"], rows, (0, 5)
        )
    if quantized := report.get("quantized"):
        size = _cli.megabytes(quantized["bytes"])
        near = quantized["compiled_from_onnxruntime"].get("cosine", 0.0)
        far = quantized["from_float"].get("cosine", 0.0)
        text += f"  {quantized['model']} ({size}): cosine {far:.6f} to the float model, compiled code {near:.6f} to ONNX Runtime\n"
    for path in report.get("libraries", []):
        text += f"  {path}\n"
    if bench := report.get("bench"):
        times = ", ".join(f"{name} {value:.3g} ms" for name, value in bench["median_ms"].items())
        text += f"  median with {_cli.plural(bench['threads'], 'thread')}: {times}\n"
    for line in report.get("notes", []):
        text += f"  note: {line}\n"
    return text


def _progress(index: int, total: int, report: dict[str, Any], seconds: float) -> str:
    head = f"[{index}/{total}] {report['checkpoint']}: "
    if "error" in report:
        return f"{head}failed: {report['error']}"
    size = _cli.megabytes(report["bytes"])
    return f"{head}{report['verdict']} {report['model']} ({size}, opset {report['opset']}) in {seconds:.1f} s"


def _one(job: Job) -> int:
    """Runs a job; what goes wrong is in its report. Returns its exit status."""
    try:
        job.run()
    except CameoError as error:
        job.report |= {"verdict": FAIL, "error": str(error), "notes": job.notes}
        return error.status if error.status == _cli.NOT_SUPPORTED else _cli.BAD
    except Exception as error:  # a bug, which must not stop the others
        job.report |= {
            "verdict": FAIL,
            "error": f"a bug in cameo: {type(error).__name__}: {error}",
            "notes": job.notes,
        }
        return _cli.OUR_BUG
    return _cli.NUMBERS_DIFFER if job.report["verdict"] == FAIL else _cli.FINE


def _summary(reports: list[dict[str, Any]]) -> str:
    counts = {
        name: sum(r["verdict"] == name and "error" not in r for r in reports) for name in (PASS, WARN, FAIL)
    }
    counts["failed"] = sum("error" in report for report in reports)
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit status."""
    options: argparse.Namespace = _export_options.parse(arguments)
    for name in ("torch", "onnxruntime"):  # before hours of work
        library(name)
    paths = _checkpoints.find(options.checkpoints, options.pattern)
    targets = _checkpoints.outputs(paths, options.output, options.output_template)
    factory = _checkpoints.factory_of(options.model) if options.model else None
    status, reports = _cli.FINE, []
    for index, path in enumerate(paths, 1):
        start = time.perf_counter()
        job = Job(path, targets[path], options, factory)
        status = max(status, _one(job))
        reports.append(job.report)
        line = _progress(index, len(paths), job.report, time.perf_counter() - start)
        if options.json:
            _cli.progress(line)
        else:
            sys.stdout.write(line + "\n" + _text(job.report))
            sys.stdout.flush()
    if options.json:
        _cli.print_json("export", {"checkpoints": reports})
    elif len(paths) > 1:
        print(f"{_cli.plural(len(paths), 'checkpoint')}: {_summary(reports)}")
    return status
