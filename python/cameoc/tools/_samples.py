"""Inputs that a user gives as files, to calibrate and to measure with, and labels for them."""

from __future__ import annotations

import pathlib
import zipfile
from typing import Any

import numpy as np

from .._errors import CameoError
from ._models import Array, Feed, Input


def _read(path: pathlib.Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except OSError as error:
        raise CameoError(f"{path}: {error.strerror or 'not an array of NumPy'}") from None
    except (ValueError, zipfile.BadZipFile, EOFError):
        raise CameoError(f"{path}: not an array of NumPy, or damaged") from None


def _fitting(path: pathlib.Path, port: Input, array: Array) -> Array:
    """The array in the input's type. Its shape must be one that the input has."""
    dims = port.dims
    fits = array.ndim == len(dims) and all(
        not isinstance(d, int) or d == n for d, n in zip(dims, array.shape)
    )
    if not fits or array.dtype.kind != port.dtype.kind and array.dtype.kind not in "fiu":
        shape = "x".join(str(dim or "?") for dim in dims)
        raise CameoError(
            f"{path}: '{port.name}': expected {port.dtype} of {shape}, got {array.dtype} of {'x'.join(map(str, array.shape))}"
        )
    return array.astype(port.dtype)


def _split(path: pathlib.Path, port: Input, array: Array) -> list[Array]:
    """The samples in an array: along an axis in front of the input's, or batches along the input's first axis."""
    if array.ndim == len(port.dims) + 1:
        return [_fitting(path, port, item) for item in array]
    size = port.dims[0] if port.dims and isinstance(port.dims[0], int) else 1
    if array.ndim != len(port.dims) or not array.ndim or array.shape[0] % max(1, size):
        return [_fitting(path, port, array)]  # which says what is wrong
    count = array.shape[0] // max(1, size)
    return [_fitting(path, port, array[i * size : (i + 1) * size]) for i in range(count)]


def _from_npz(path: pathlib.Path, inputs: list[Input], arrays: Any) -> list[Feed]:
    names = set(arrays.files)
    for port in inputs:
        if port.name not in names:
            raise CameoError(f"{path}: has no '{port.name}'; it has {', '.join(sorted(names)) or 'nothing'}")
    columns = {port.name: _split(path, port, arrays[port.name]) for port in inputs}
    counts = {len(column) for column in columns.values()}
    if len(counts) > 1:
        raise CameoError(f"{path}: the inputs have different numbers of samples: {sorted(counts)}")
    return [{name: column[i] for name, column in columns.items()} for i in range(counts.pop())]


def _from_file(path: pathlib.Path, inputs: list[Input]) -> list[Feed]:
    content = _read(path)
    if isinstance(content, np.lib.npyio.NpzFile):
        with content as arrays:
            return _from_npz(path, inputs, arrays)
    if len(inputs) != 1:
        raise CameoError(
            f"{path}: the model has {len(inputs)} inputs: expected a .npz with an array for each"
        )
    return [{inputs[0].name: sample} for sample in _split(path, inputs[0], content)]


def read_samples(path: str, inputs: list[Input]) -> list[Feed]:
    """The samples in a .npz (an array for each input, samples in front) or .npy file, or in all of those of a
    folder, in alphabetical order."""
    place = pathlib.Path(path)
    files = [place]
    if place.is_dir():
        files = sorted(file for file in place.iterdir() if file.suffix in (".npy", ".npz"))
        if not files:
            raise CameoError(
                f"{path}: no .npy or .npz files in this folder: preprocess the data as the model expects it, and save arrays"
            )
    samples = [sample for file in files for sample in _from_file(file, inputs)]
    if not samples:
        raise CameoError(f"{path}: no samples")
    return samples


def read_labels(path: str, samples: list[Feed]) -> list[Array]:
    """The classes of each sample's batch, out of a .npy file with one for every row of all samples."""
    labels = _read(pathlib.Path(path))
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu":
        raise CameoError(f"{path}: expected an array of integers, the classes")
    sizes = [next(iter(sample.values())).shape[0] for sample in samples]
    if labels.shape != (sum(sizes),):
        raise CameoError(
            f"{path}: expected {sum(sizes)} labels, got {'x'.join(map(str, labels.shape)) or 'one'}"
        )
    return list(np.split(labels, np.cumsum(sizes)[:-1]))
