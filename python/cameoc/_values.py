"""Values of all kinds as structures of cameo.h, and back: tensors, strings, sequences, optionals."""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np

from . import _abi, _dtypes
from ._errors import CameoError

MAX_RANK = 64  # of a value whose rank only the run knows


def address(array: Any) -> int:
    """Where the elements of an array are."""
    try:  # a tenth of the time of the other way
        return ctypes.addressof(ctypes.c_char.from_buffer(array))
    except (TypeError, ValueError, BufferError):  # read-only, empty, or a type without a buffer
        return int(array.__array_interface__["data"][0])


def plain(array: np.ndarray[Any, Any], dtype: _dtypes.Dtype, what: str) -> np.ndarray[Any, Any]:
    """The array as the library reads it: its element type, contiguous, packed where that is under 8 bits."""
    if array.dtype != dtype.numpy:
        raise CameoError(f"{what}: expected {dtype.name}, got {array.dtype}")
    if dtype.packed:
        return _dtypes.pack(array, dtype)
    if not (array.flags.c_contiguous and array.flags.aligned):
        return array.copy(order="C")
    return array


def converted(given: Any, dtype: _dtypes.Dtype, what: str) -> np.ndarray[Any, Any]:
    """What is no array yet as one of the element type."""
    if isinstance(given, np.ndarray):
        return given
    try:
        return np.asarray(given, dtype.numpy)
    except (TypeError, ValueError, OverflowError) as error:
        raise CameoError(f"{what}: {error}") from None


class Writer:
    """Fills structures from Python values, and keeps alive what they point to."""

    def __init__(self, what: str, dtype: int) -> None:
        self._what = what
        self._dtype = dtype  # number of the element type
        self._held: list[Any] = []

    def write(self, value: _abi.Value, kind: int, given: Any) -> None:
        """Makes the structure hold a value of the kind."""
        if kind == _abi.OPTIONAL:
            self._optional(value, given)
        elif kind == _abi.SEQUENCE:
            self._sequence(value, given)
        elif self._dtype == _dtypes.STRING:
            self._strings(value, given)
        else:
            self._tensor(value, given)

    def _hold(self, held: Any) -> Any:
        self._held.append(held)
        return held

    def _optional(self, value: _abi.Value, given: Any) -> None:
        value.kind = _abi.OPTIONAL
        value.contents.pointer = None
        if given is not None:
            content = self._hold(_abi.Value())
            inside = _abi.SEQUENCE if isinstance(given, (list, tuple)) else _abi.TENSOR
            self.write(content, inside, given)
            value.contents.pointer = ctypes.addressof(content)

    def _sequence(self, value: _abi.Value, given: Any) -> None:
        if not isinstance(given, (list, tuple)):
            raise CameoError(f"{self._what}: expected a list, got {type(given).__name__}")
        items = self._hold((_abi.Value * max(len(given), 1))())
        for item, element in zip(items, given):
            self.write(item, _abi.TENSOR, element)
        value.kind = _abi.SEQUENCE
        value.contents.sequence.items = ctypes.addressof(items)
        value.contents.sequence.count = len(given)

    def _dims(self, shape: tuple[int, ...]) -> int:
        return ctypes.addressof(self._hold((ctypes.c_int64 * max(len(shape), 1))(*shape)))

    def _strings(self, value: _abi.Value, given: Any) -> None:
        array = np.asarray(given, object)
        texts = []
        for text in array.reshape(-1):
            if not isinstance(text, (str, bytes)):
                raise CameoError(f"{self._what}: expected strings, got {type(text).__name__}")
            texts.append(text.encode() if isinstance(text, str) else text)
        strings = value.contents.strings
        value.kind = _abi.STRINGS
        strings.data = ctypes.addressof(self._hold((ctypes.c_char_p * max(len(texts), 1))(*texts)))
        lengths = (ctypes.c_int64 * max(len(texts), 1))(*map(len, texts))
        strings.lengths = ctypes.addressof(self._hold(lengths))
        strings.dims = self._dims(array.shape)
        strings.rank = array.ndim

    def _tensor(self, value: _abi.Value, given: Any) -> None:
        dtype = _dtypes.BY_NUMBER[self._dtype]
        array = converted(given, dtype, self._what)
        data = self._hold(plain(array, dtype, self._what))
        value.kind = _abi.TENSOR
        tensor = value.contents.tensor
        tensor.data = address(data)
        tensor.dims = self._dims(array.shape)
        tensor.capacity = data.nbytes
        tensor.dtype = self._dtype
        tensor.rank = array.ndim


def _numbers(at: int | None, count: int) -> list[int]:
    return list((ctypes.c_int64 * count).from_address(at)) if at and count else []


def _read_strings(strings: _abi.Strings) -> np.ndarray[Any, Any]:
    shape = tuple(_numbers(strings.dims, strings.rank))
    count = math.prod(shape)
    array = np.empty(count, object)
    data: Any = (ctypes.c_void_p * count).from_address(strings.data) if count else []
    lengths = _numbers(strings.lengths, count) or [-1] * count
    for i, (text, length) in enumerate(zip(data, lengths)):
        array[i] = ctypes.string_at(text or 0, length).decode() if length else ""
    return array.reshape(shape)


def read_tensor(data: int | None, shape: tuple[int, ...], number: int) -> np.ndarray[Any, Any]:
    """A copy of the elements at an address."""
    dtype = _dtypes.BY_NUMBER[number]
    if dtype.packed:
        array = np.empty(dtype.bytes(math.prod(shape)), np.uint8)
    else:
        array = np.empty(shape, dtype.numpy)
    if data:
        ctypes.memmove(address(array), data, array.nbytes)
    return _dtypes.unpack(array, shape, dtype) if dtype.packed else array


def read(value: _abi.Value) -> Any:
    """The value that a structure holds, as Python's own: arrays, lists of them, None."""
    contents = value.contents
    if value.kind == _abi.TENSOR:
        tensor = contents.tensor
        return read_tensor(tensor.data, tuple(_numbers(tensor.dims, tensor.rank)), tensor.dtype)
    if value.kind == _abi.STRINGS:
        return _read_strings(contents.strings)
    if value.kind == _abi.OPTIONAL:
        at = contents.pointer
        return read(_abi.Value.from_address(at)) if at else None
    if value.kind == _abi.SEQUENCE:
        count = contents.sequence.count
        items = (_abi.Value * count).from_address(contents.sequence.items) if count else []
        return [read(item) for item in items]
    raise CameoError("a map came out, which cannot be read")
