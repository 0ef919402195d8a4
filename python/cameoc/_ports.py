"""What models say of their inputs and outputs."""

from __future__ import annotations

from typing import Any, Collection, NamedTuple

import numpy as np

from . import _abi, _dtypes
from ._errors import CameoError

_KINDS = {
    _abi.TENSOR: "tensor",
    _abi.STRINGS: "tensor",
    _abi.SEQUENCE: "sequence",
    _abi.OPTIONAL: "optional",
}


class Port(NamedTuple):
    """An input or output. A dim is an int, a symbol's name, or None where it has none; the shape is None
    where only a run knows the rank. `kind` is "tensor", "sequence" or "optional"; of the last two, dtype and
    shape are those of the tensors inside. Strings have dtype object."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | str | None, ...] | None
    kind: str = "tensor"


_ONNX_NAMES = {"float32": "float", "float64": "double", "object": "string"}


def tensor_type(dtype: np.dtype[Any]) -> str:
    """The type of a tensor with such elements as ONNX writes it: "tensor(float)"."""
    return f"tensor({_ONNX_NAMES.get(dtype.name, dtype.name)})"


def check_names(
    what: str, names: Collection[str], given: Collection[str], needs_all: bool = False
) -> None:
    """Raises an error that says which of the given names are none of the inputs' or outputs' (`what` is
    "input" or "output"), and which of those are missing if all are needed."""
    extra = [name for name in given if name not in names]
    missing = [name for name in names if name not in given] if needs_all else []
    if missing or extra:
        parts = [f"no {what} '{name}'" for name in extra] + [f"'{name}' missing" for name in missing]
        raise CameoError(f"{', '.join(parts)}; the {what}s are {', '.join(map(repr, names))}")


def port_of(what: str, io: _abi.Io, dim_names: Any) -> Port:
    """The port that a structure of the library describes; `what` names it in errors."""
    if io.kind not in _KINDS:
        raise CameoError(f"{what}: maps are not supported")
    if io.dtype == _dtypes.STRING:
        dtype: np.dtype[Any] = np.dtype(object)
    elif io.dtype in _dtypes.BY_NUMBER:
        dtype = _dtypes.BY_NUMBER[io.dtype].numpy
    else:
        raise CameoError(f"{what}: unknown element type {io.dtype}")
    shape = None
    if io.rank >= 0:
        encoded = [io.dims[i] for i in range(io.rank)]
        names = [None if d >= 0 else dim_names[-1 - d] for d in encoded]
        shape = tuple(d if d >= 0 else name and name.decode() for d, name in zip(encoded, names))
    return Port(io.name.decode(), dtype, shape, _KINDS[io.kind])
