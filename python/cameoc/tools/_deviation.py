"""How far numbers are from those expected: three measures, and the class of the worst.

As in `cameo compare`, differences are divided by the output's scale, max(1, max |expected|).
"""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence

import numpy as np

Array = np.ndarray[Any, Any]

PASS, WARN, FAIL = "PASS", "WARN", "FAIL"
# Not below the first a measure is WARN, not below the second FAIL; cosine similarities are the other way round. The
# program has the same limits (bench/Deviation.h).
MAX_LIMITS, MSE_LIMITS, COSINE_LIMITS = (1e-5, 1e-4), (1e-10, 1e-8), (0.9999, 0.999)


class Deviation(NamedTuple):
    """Of an output, or the worst of several."""

    max: float = 0.0
    mse: float = 0.0
    cosine: float = 1.0
    reason: str = ""  # why the two cannot be compared

    def worse(self, other: Deviation) -> Deviation:
        """The worst of both in each measure."""
        return Deviation(
            max(self.max, other.max),
            max(self.mse, other.mse),
            min(self.cosine, other.cosine),
            self.reason or other.reason,
        )

    def verdict(self, most: float = MAX_LIMITS[1]) -> str:
        """PASS, WARN or FAIL; a difference of `most` or more fails."""
        # Of a mean squared error, the limit goes with the square of the difference's.
        fair = self.max < most and self.mse < MSE_LIMITS[1] * (most / MAX_LIMITS[1]) ** 2
        good = fair and self.max < MAX_LIMITS[0] and self.mse < MSE_LIMITS[0]
        if self.reason or not fair or self.cosine <= COSINE_LIMITS[1]:
            return FAIL
        return PASS if good and self.cosine > COSINE_LIMITS[0] else WARN

    def json(self) -> dict[str, Any]:
        """For reports."""
        if self.reason:
            return {"reason": self.reason}
        return {"max_difference": self.max, "mse": self.mse, "cosine": self.cosine}

    def cells(self) -> list[str]:
        """Of a table with columns for the three measures."""
        if self.reason:
            return ["-", "-", "-"]
        return [f"{self.max:.2e}", f"{self.mse:.2e}", f"{self.cosine:.6f}"]


def cosine(expected: Array, got: Array) -> float:
    """Cosine similarity; two vectors of zeros have 1."""
    norms = float(np.linalg.norm(expected) * np.linalg.norm(got))
    if not norms:
        return float(not expected.any() and not got.any())
    return min(1.0, float(expected @ got) / norms)


def deviation(expected: Any, got: Any) -> Deviation:
    """Of one output. NaN and infinity must be where they are expected."""
    want, have = np.asarray(expected), np.asarray(got)
    if want.shape != have.shape:
        return Deviation(reason=f"expected shape {list(want.shape)}, got {list(have.shape)}")
    if want.dtype.kind not in "fiubV":
        return Deviation(reason="" if np.array_equal(want, have) else "strings differ")
    want, have = want.astype(np.float64).ravel(), have.astype(np.float64).ravel()
    finite = np.isfinite(want)
    same = np.array_equal(want[~finite], have[~finite], equal_nan=True)
    want, have = want[finite], have[finite]
    if not same or not np.isfinite(have).all():
        return Deviation(reason="a NaN or infinity where the other has none")
    scale = max(1.0, float(np.abs(want).max(initial=0)))
    difference = (have - want) / scale
    largest = float(np.abs(difference).max(initial=0))
    mse = float(np.square(difference).mean()) if difference.size else 0.0
    return Deviation(largest, mse, cosine(want, have))


def worst(expected: Sequence[Any], got: Sequence[Any]) -> Deviation:
    """Of all outputs."""
    result = Deviation()
    for want, have in zip(expected, got):
        result = result.worse(deviation(want, have))
    return result
