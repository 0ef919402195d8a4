"""Runs libraries made by Cameo, with numpy arrays in and out.

    model = cameo.load("resnet50.so", threads=2)
    result = model.run({"x": array})["y"]

Inputs that are contiguous and of the right type are not copied. The wrapper keeps its structures from
call to call, so that a call with the arrays or shapes of the one before costs a few microseconds.

A model may be used from any thread, one run after the other. For runs at the same time, load it several
times: the code and the weights are in memory once.
"""

import ctypes
import json
import math
import os
import platform
import threading
from typing import NamedTuple

import numpy as np

from . import _abi, _dtypes

__all__ = ["CameoError", "Model", "Port", "load"]


class CameoError(RuntimeError):
    """What went wrong, in a sentence; `status` is the code of cameo.h, None if it has none."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


class Port(NamedTuple):
    """An input or output. A dim is an int, a symbol's name, or None where it has none; the shape is None
    where only a run knows the rank."""

    name: str
    dtype: np.dtype
    shape: tuple | None


def load(path, threads=1, **options):
    """Loads a shared library made by Cameo.

    threads: how many a run uses; -1 is one for each usable CPU.
    weights: path of the weights file, where it is not in the library.
    seed: of random operators.
    huge_pages: whether to copy the weights to huge pages.
    verify: whether to check the library and its weights by their checksums.
    max_iterations, max_seconds: limits of a run; None for none. A run that comes to one raises a
        CameoError.
    """
    return Model(path, threads, **options)


_MAX_RANK = 64  # of a value whose rank only the run knows


def _address(array, addressof=ctypes.addressof, from_buffer=ctypes.c_char.from_buffer):
    try:  # a tenth of the time of the other way
        return addressof(from_buffer(array))
    except (TypeError, ValueError, BufferError):  # read-only, empty, or a type without a buffer
        return array.__array_interface__["data"][0]


class _Slot:
    """One input or output: its description, and its structure in the array passed to the library."""

    def __init__(self, what, io, dim_names, value):
        self.name = io.name.decode()
        self.what = f"{what} '{self.name}'"
        if io.kind != _abi.TENSOR or io.dtype not in _dtypes.BY_NUMBER:
            raise CameoError(f"{self.what}: only tensors of numbers are supported")
        self.dtype = _dtypes.BY_NUMBER[io.dtype]
        self.numpy = self.dtype.numpy
        self.rank = io.rank
        self.boxed = io.boxed != 0
        encoded = [io.dims[i] for i in range(io.rank)]
        names = [None if d >= 0 else dim_names[-1 - d] for d in encoded]
        shape = tuple(
            d if d >= 0 else name and name.decode() for d, name in zip(encoded, names)
        )
        self.port = Port(self.name, self.numpy, shape if io.rank >= 0 else None)
        self.dims = (ctypes.c_int64 * (max(io.rank, 1) if io.rank >= 0 else _MAX_RANK))()
        value.kind = _abi.TENSOR
        self.tensor = value.contents.tensor
        self.tensor.dims = ctypes.addressof(self.dims)
        self.tensor.dtype = io.dtype
        self.tensor.rank = io.rank
        self.array = None  # whose address the structure holds
        self.shape = None
        self.held = None  # keeps a converted copy alive

    def bind(self, given):
        """Makes the structure point to an input; whether its shape is new."""
        array = given if isinstance(given, np.ndarray) else self.convert(given)
        if array.dtype != self.numpy:
            raise CameoError(f"{self.what}: expected {self.dtype.name}, got {array.dtype}")
        shape = array.shape
        if self.dtype.packed:
            array = _dtypes.pack(array, self.dtype)
        elif not (array.flags.c_contiguous and array.flags.aligned):
            array = array.copy(order="C")
        self.held = array
        self.array = given if array is given else None
        self.tensor.data = _address(array)
        self.tensor.capacity = array.nbytes
        if shape == self.shape:
            return False
        self.shape = shape
        self.tensor.rank = len(shape)
        if len(shape) > len(self.dims):  # a wrong rank, which the library will report
            self.dims = (ctypes.c_int64 * len(shape))()
            self.tensor.dims = ctypes.addressof(self.dims)
        self.dims[: len(shape)] = shape
        return True

    def convert(self, given):
        try:
            return np.asarray(given, self.numpy)
        except (TypeError, ValueError, OverflowError) as error:
            raise CameoError(f"{self.what}: {error}") from None

    def allocate(self):
        """A fresh array of the known shape for an output."""
        array = np.empty(self.shape, self.numpy)
        self.tensor.data = _address(array)
        self.tensor.capacity = array.nbytes
        return array

    def use(self, array):
        """Makes an output go to an array of the caller."""
        good = array.dtype == self.numpy and array.flags.c_contiguous and array.flags.writeable
        if not good or self.dtype.packed:
            raise CameoError(
                f"{self.what}: expected a writeable contiguous array of {self.dtype.name}"
            )
        self.array = array
        self.tensor.data = _address(array)
        self.tensor.capacity = array.nbytes

    def made(self):
        """The shape that an output has after a run."""
        return tuple(self.dims[: self.tensor.rank])

    def copy(self):
        """An output in the context's memory, as an array of its own."""
        shape = self.made()
        if self.dtype.packed:
            array = np.empty(self.dtype.bytes(math.prod(shape)), np.uint8)
        else:
            array = np.empty(shape, self.numpy)
        ctypes.memmove(_address(array), self.tensor.data, array.nbytes)
        return _dtypes.unpack(array, shape, self.dtype) if self.dtype.packed else array


# Machines by their numbers in ELF files.
_MACHINES = {62: "x86_64", 183: "aarch64", 40: "armv7", 243: "riscv64"}


def _reason(path, error):
    """Why a library could not be loaded; names the machine where it is made for another one."""
    try:
        with open(path, "rb") as file:
            head = file.read(20)
    except OSError:
        head = b""
    machine = _MACHINES.get(int.from_bytes(head[18:20], "little"))
    if head.startswith(b"\x7fELF") and machine not in (None, platform.machine()):
        return f"cannot load {path}: made for {machine}, cannot run on this machine"
    return f"cannot load {path}: {error}"


class Model:
    """A loaded model with a context of its own; calls of run wait for each other."""

    def __init__(
        self,
        path,
        threads=1,
        *,
        weights=None,
        seed=0,
        huge_pages=False,
        verify=False,
        max_iterations=None,
        max_seconds=None,
    ):
        self._context = None
        self._lock = threading.Lock()  # of the context, and of the structures for its values
        self._alive = threading.Lock()  # of the context's being there
        path = os.path.abspath(os.fspath(path))
        try:
            self._library = ctypes.CDLL(path)
            entry = getattr(self._library, _abi.MODEL_SYMBOL)
        except OSError as error:
            raise CameoError(_reason(path, error)) from None
        except AttributeError:
            raise CameoError(f"{path} is not a library made by Cameo") from None
        entry.restype = ctypes.POINTER(_abi.Model)
        self._model = entry()
        model = self._model.contents
        if model.abi_version != _abi.ABI_VERSION:
            raise CameoError(
                f"{path} has ABI version {model.abi_version}, expected {_abi.ABI_VERSION}"
            )
        self._api = model.api.contents
        self._describe(model)
        options = _abi.Options(struct_size=ctypes.sizeof(_abi.Options), threads=threads, seed=seed)
        options.flags = huge_pages * _abi.HUGE_PAGES | verify * _abi.VERIFY
        options.weights_path = os.fsencode(weights) if weights is not None else None
        options.max_iterations = max_iterations or 0
        options.max_seconds = max_seconds or 0
        self._create(path, options)
        self._call = self._api.run
        self._known = False  # whether the slots of the outputs hold their shapes

    def _describe(self, model):
        self.name = model.name.decode()
        self.cpu = model.cpu.decode()
        self.weights_size = model.weights_size
        self.metadata = json.loads(model.metadata)
        self._input_values = (_abi.Value * max(model.num_inputs, 1))()
        self._output_values = (_abi.Value * max(model.num_outputs, 1))()
        self._inputs = [
            _Slot("input", model.inputs[i], model.dim_names, self._input_values[i])
            for i in range(model.num_inputs)
        ]
        self._outputs = [
            _Slot("output", model.outputs[i], model.dim_names, self._output_values[i])
            for i in range(model.num_outputs)
        ]
        self.inputs = [slot.port for slot in self._inputs]
        self.outputs = [slot.port for slot in self._outputs]
        self._symbols = [(model.dim_names[i] or b"").decode() for i in range(model.num_symbols)]
        self._input_address = ctypes.addressof(self._input_values)
        self._output_address = ctypes.addressof(self._output_values)

    def _create(self, path, options):
        message = ctypes.create_string_buffer(1024)
        options.message = ctypes.cast(message, ctypes.c_char_p)
        options.message_size = len(message)
        context = ctypes.c_void_p()
        status = self._api.create(self._model, options, context)
        if status:
            text = message.value or self._api.status_string(status)
            raise CameoError(f"{path}: {text.decode()}", status)
        self._context = context.value

    def run(self, inputs, outputs=None):
        """Runs the model on arrays by input name; returns arrays by output name.

        The arrays returned belong to the caller. With `outputs`, arrays by name, results are written
        to those instead where a name occurs; they must be of the right type and large enough.
        """
        with self._lock:
            return self._run(inputs, outputs)

    def cancel(self):
        """Makes the run that is in progress, in another thread, raise a CameoError soon."""
        with self._alive:
            if self._context:
                self._api.cancel(self._context)

    def _run(self, inputs, outputs):
        new = False
        try:
            for slot in self._inputs:
                given = inputs[slot.name]
                if (
                    given is not slot.array
                    or given.shape != slot.shape
                    or given.dtype is not slot.numpy
                ):
                    new |= slot.bind(given)
        except KeyError:
            self._explain_names(inputs)
        if len(inputs) != len(self._inputs):
            self._explain_names(inputs)
        if new:
            self._known = False
        results = self._place(outputs)
        status = self._call(self._context, self._input_address, self._output_address)
        if status:
            self._known = False
            text = self._api.last_error(self._context) or self._api.status_string(status)
            raise CameoError(text.decode(), status)
        return self._collect(results)

    def _place(self, outputs):
        """Says where outputs go; None in the result for those in the context's memory."""
        results = {}
        for slot in self._outputs:
            if slot.rank < 0:
                slot.tensor.rank = len(slot.dims)  # how many there is room for
            given = outputs.get(slot.name) if outputs else None
            if given is not None:
                if given is not slot.array:
                    slot.use(given)
                results[slot.name] = given
            elif self._known and not slot.boxed and not slot.dtype.packed:
                slot.array = None
                results[slot.name] = slot.allocate()
            else:
                slot.array = slot.tensor.data = None
                results[slot.name] = None
        return results

    def _collect(self, results):
        if self._known:
            for slot in self._outputs:
                if results[slot.name] is None:
                    results[slot.name] = slot.copy()
                elif slot.boxed:
                    results[slot.name] = self._cut(slot, results[slot.name])
            return results
        for slot in self._outputs:
            slot.shape = slot.made()
            if results[slot.name] is None:
                results[slot.name] = slot.copy()
            else:
                results[slot.name] = self._cut(slot, results[slot.name])
        self._known = True
        return results

    @staticmethod
    def _cut(slot, array):
        """The part of a caller's array that a run has written, in its shape."""
        shape = slot.made()
        if array.shape == shape:
            return array
        return array.reshape(-1)[: math.prod(shape)].reshape(shape)

    def _explain_names(self, inputs):
        names = [slot.name for slot in self._inputs]
        missing = [name for name in names if name not in inputs]
        extra = [name for name in inputs if name not in names]
        parts = [f"no input '{name}'" for name in extra] + [f"'{name}' missing" for name in missing]
        raise CameoError(f"{', '.join(parts)}; the inputs are {', '.join(map(repr, names))}")

    def workspace_size(self, dims=None, threads=1):
        """Bytes of workspace of a run with these sizes of symbols, by name."""
        dims = dims or {}
        missing = [name for name in self._symbols if name not in dims]
        if missing:
            raise CameoError(f"no size given for {', '.join(map(repr, missing))}")
        symbols = (ctypes.c_int64 * max(len(self._symbols), 1))(*map(dims.get, self._symbols))
        size = self._api.workspace_size(self._model, symbols, threads)
        if size < 0:
            raise CameoError(self._api.status_string(-size).decode(), -size)
        return size

    def close(self):
        """Frees the context, after a run that is in progress; the model cannot be run any more."""
        with self._lock, self._alive:
            context, self._context = self._context, None
            self._call = self._closed
            if context:
                self._api.destroy(context)

    @staticmethod
    def _closed(*_):
        raise CameoError("the model is closed")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_context", None):
            self.close()
