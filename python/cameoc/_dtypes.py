"""ONNX element types as numpy types.

Types that numpy lacks come from ml_dtypes; without it they appear as unsigned integers of their size
holding the bits, and int4, int2 as int8. Types under 8 bits are packed in the library and have one
element a byte in numpy.
"""

from __future__ import annotations

import importlib
import math
from typing import Any, NamedTuple

import numpy as np

try:
    _ml_dtypes: Any = importlib.import_module("ml_dtypes")
except ImportError:
    _ml_dtypes = None

Array = np.ndarray[Any, Any]


class Dtype(NamedTuple):
    number: int
    name: str
    numpy: np.dtype[Any]
    bits: int

    def bytes(self, count: int) -> int:
        """Bytes of so many elements."""
        return (count * self.bits + 7) // 8

    @property
    def packed(self) -> bool:
        """Whether a byte holds several elements."""
        return self.bits < 8


def _make(number: int, name: str, bits: int, plain: str, special: str | None = None) -> Dtype:
    found = getattr(_ml_dtypes, special, None) if special else None
    return Dtype(number, name, np.dtype(found or plain), bits)


_ALL = [
    _make(1, "float32", 32, "f4"),
    _make(2, "uint8", 8, "u1"),
    _make(3, "int8", 8, "i1"),
    _make(4, "uint16", 16, "u2"),
    _make(5, "int16", 16, "i2"),
    _make(6, "int32", 32, "i4"),
    _make(7, "int64", 64, "i8"),
    _make(9, "bool", 8, "?"),
    _make(10, "float16", 16, "f2"),
    _make(11, "float64", 64, "f8"),
    _make(12, "uint32", 32, "u4"),
    _make(13, "uint64", 64, "u8"),
    _make(14, "complex64", 64, "c8"),
    _make(15, "complex128", 128, "c16"),
    _make(16, "bfloat16", 16, "u2", "bfloat16"),
    _make(17, "float8e4m3fn", 8, "u1", "float8_e4m3fn"),
    _make(18, "float8e4m3fnuz", 8, "u1", "float8_e4m3fnuz"),
    _make(19, "float8e5m2", 8, "u1", "float8_e5m2"),
    _make(20, "float8e5m2fnuz", 8, "u1", "float8_e5m2fnuz"),
    _make(21, "uint4", 4, "u1", "uint4"),
    _make(22, "int4", 4, "i1", "int4"),
    _make(23, "float4e2m1", 4, "u1", "float4_e2m1fn"),
    _make(24, "float8e8m0", 8, "u1", "float8_e8m0fnu"),
    _make(25, "uint2", 2, "u1", "uint2"),
    _make(26, "int2", 2, "i1", "int2"),
]
STRING = 8  # no type of numpy

BY_NUMBER = {dtype.number: dtype for dtype in _ALL}


def pack(array: Array, dtype: Dtype) -> Array:
    """The bytes of an array of a type under 8 bits, first element in the low bits."""
    per_byte = 8 // dtype.bits
    codes = array.astype(np.int8) if "int" in dtype.name else array.view(np.uint8)
    codes = codes.reshape(-1).view(np.uint8) & ((1 << dtype.bits) - 1)
    codes = np.pad(codes, (0, -codes.size % per_byte)).reshape(-1, per_byte)
    packed = np.zeros(len(codes), np.uint8)
    for i in range(per_byte):
        packed |= codes[:, i] << np.uint8(i * dtype.bits)
    return packed


def unpack(packed: Array, shape: tuple[int, ...], dtype: Dtype) -> Array:
    """The inverse of pack."""
    shifts = np.arange(0, 8, dtype.bits, dtype=np.uint8)
    codes = (packed[:, None] >> shifts & ((1 << dtype.bits) - 1)).reshape(-1)[: math.prod(shape)]
    codes = codes.astype(np.uint8)
    if dtype.name.startswith("int"):
        free = np.uint8(8 - dtype.bits)
        codes = (codes << free).view(np.int8) >> np.int8(free)
        return codes.astype(dtype.numpy).reshape(shape)
    if "int" in dtype.name:
        return codes.astype(dtype.numpy).reshape(shape)
    return codes.view(dtype.numpy).reshape(shape)
