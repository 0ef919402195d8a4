"""How much each layer's quantization changes the model's outputs, and what to leave in float so that they
change no more than is allowed."""

from __future__ import annotations

import math
from typing import Any, Callable, NamedTuple

import numpy as np
import onnx

from . import _cli
from ._deviation import cosine
from ._layers import Group
from ._models import Feed
from ._quantizer import Quantizer
from ._runners import onnxruntime_runner


class Quality(NamedTuple):
    """Of a model's outputs, beside those of the float model: the smallest cosine similarity, and the ratio of
    signal to noise in decibels, of any output."""

    cosine: float
    snr: float


class Sensitivity(NamedTuple):
    """The outputs' quality when a group alone is quantized."""

    group: Group
    quality: Quality


def _flat(values: list[Any]) -> list[Any]:
    return [
        np.asarray(value, np.float64).ravel() for value in values if np.asarray(value).dtype.kind in "fiub"
    ]


class Meter:
    """Measures models on samples, beside the float model."""

    def __init__(self, model: onnx.ModelProto, samples: list[Feed]) -> None:
        self.samples = samples
        run = onnxruntime_runner(model)
        self.expected = [run(sample) for sample in samples]

    def outputs(self, model: onnx.ModelProto) -> list[list[Any]]:
        """Of all samples."""
        run = onnxruntime_runner(model)
        return [run(sample) for sample in self.samples]

    def quality(self, model: onnx.ModelProto) -> Quality:
        """The worst of all outputs and samples."""
        least, worst_ratio = 1.0, math.inf
        for want, got in zip(self.expected, self.outputs(model)):
            for expected, actual in zip(_flat(want), _flat(got)):
                least = min(least, cosine(expected, actual))
                signal = float(np.square(expected).sum())
                noise = float(np.square(actual - expected).sum())
                worst_ratio = min(
                    worst_ratio, 10 * math.log10(max(signal, 1e-30) / noise) if noise else math.inf
                )
        return Quality(least, worst_ratio)


def ranked(
    quantizer: Quantizer, meter: Meter, groups: list[Group], report: Callable[[str], None]
) -> list[Sensitivity]:
    """The groups, that which alone does most harm first. Each is quantized alone and measured."""
    found = []
    for index, group in enumerate(groups, 1):
        quality = meter.quality(quantizer.make(only=group.nodes))
        report(f"[{index}/{len(groups)}] {group.label}: {quality.snr:.1f} dB")
        found.append(Sensitivity(group, quality))
    return sorted(found, key=lambda entry: (entry.quality.snr, entry.group.label))


def fewest(limit: int, holds: Callable[[int], bool]) -> int | None:
    """The smallest number up to the limit for which it holds, which it does for all larger ones; it is not
    asked more often than that takes. None where it holds for none."""
    low, high = 1, 1
    while high < limit and not holds(high):
        low, high = high + 1, min(limit, 2 * high)
    if high == limit and not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return high


def left_out(
    quantizer: Quantizer, meter: Meter, ranking: list[Sensitivity], kept: list[str], target: float
) -> list[Group] | None:
    """The first groups of the ranking, as few as let the target hold."""

    def excluded(count: int) -> list[str]:
        return [*kept, *(name for entry in ranking[:count] for name in entry.group.nodes)]

    def holds(count: int) -> bool:
        reached = meter.quality(quantizer.make(excluded(count))).cosine
        _cli.progress(f"{_cli.plural(count, 'group')} in float: cosine {reached:.6f}")
        return reached >= target

    count = fewest(len(ranking), holds)
    return None if count is None else [entry.group for entry in ranking[:count]]
