"""A context: the memory of one run at a time, and the structures that go to it.

The structures are kept from call to call, so that a call with the arrays or shapes of the one before costs a
few microseconds.
"""

from __future__ import annotations

import ctypes
import math
import os
from typing import Any, Mapping, NamedTuple, Union

import numpy as np

from . import _abi, _dtypes
from ._errors import CameoError
from ._library import Library, Pool
from ._ports import check_names
from ._values import MAX_RANK, Writer, address, converted, plain, read, read_tensor

Array = np.ndarray[Any, Any]


class Options(NamedTuple):
    """What a context is made with; see cameoc.load."""

    threads: int = 1
    pool: Pool | None = None
    weights: str | os.PathLike[str] | None = None
    seed: int = 0
    huge_pages: bool = False
    verify: bool = False
    max_iterations: int | None = None
    max_seconds: float | None = None


class TensorSlot:
    """An input or output that is a tensor: its structure in the array passed to the library."""

    def __init__(self, what: str, io: _abi.Io, value: _abi.Value) -> None:
        self.name = io.name.decode()
        self.what = f"{what} '{self.name}'"
        self.dtype = _dtypes.BY_NUMBER[io.dtype]
        self.numpy = self.dtype.numpy
        self.rank = io.rank
        self.boxed = io.boxed != 0
        self.dims = (ctypes.c_int64 * (max(io.rank, 1) if io.rank >= 0 else MAX_RANK))()
        value.kind = _abi.TENSOR
        self.tensor = value.contents.tensor
        self.tensor.dims = ctypes.addressof(self.dims)
        self.tensor.dtype = io.dtype
        self.tensor.rank = io.rank
        self.array: Any = None  # whose address the structure holds
        self.shape: tuple[int, ...] | None = None
        self.held: Array | None = None  # keeps a converted copy alive

    def bind(self, given: Any) -> bool:
        """Makes the structure point to an input; whether its shape is new."""
        array = converted(given, self.dtype, self.what)
        shape = array.shape
        self.held = plain(array, self.dtype, self.what)
        self.array = given if self.held is given else None
        self.tensor.data = address(self.held)
        self.tensor.capacity = self.held.nbytes
        if shape == self.shape:
            return False
        self.shape = shape
        self.tensor.rank = len(shape)
        if len(shape) > len(self.dims):  # a wrong rank, which the library will report
            self.dims = (ctypes.c_int64 * len(shape))()
            self.tensor.dims = ctypes.addressof(self.dims)
        self.dims[: len(shape)] = shape
        return True

    def allocate(self) -> Array:
        """A fresh array of the known shape for an output."""
        assert self.shape is not None
        array: Array = np.empty(self.shape, self.numpy)
        self.tensor.data = address(array)
        self.tensor.capacity = array.nbytes
        return array

    def use(self, array: Any) -> None:
        """Makes an output go to an array of the caller."""
        good = (
            isinstance(array, np.ndarray)
            and array.dtype == self.numpy
            and array.flags.c_contiguous
            and array.flags.writeable
        )
        if not good or self.dtype.packed:
            raise CameoError(f"{self.what}: expected a writeable contiguous array of {self.dtype.name}")
        self.array = array
        self.tensor.data = address(array)
        self.tensor.capacity = array.nbytes

    def ask(self) -> None:
        """Makes an output go to the memory of the context."""
        self.array = self.tensor.data = None

    def made(self) -> tuple[int, ...]:
        """The shape that an output has after a run."""
        return tuple(self.dims[: self.tensor.rank])

    def copy(self) -> Array:
        """An output in the context's memory, as an array of its own."""
        return read_tensor(self.tensor.data, self.made(), self.dtype.number)


class ValueSlot:
    """An input or output that is no tensor of numbers: it is written and read anew in each run."""

    numpy = shape = None
    boxed = True
    rank = 0  # of a structure that a run fills in whole
    array: Any = object()  # is no value that anybody gives

    def __init__(self, what: str, io: _abi.Io, value: _abi.Value) -> None:
        self.name = io.name.decode()
        self.what = f"{what} '{self.name}'"
        self.kind = io.kind
        self.number = io.dtype
        self.value = value
        self.writer: Writer | None = None

    def bind(self, given: Any) -> bool:
        """Makes the structure hold an input. Shapes inside may be new."""
        self.writer = Writer(self.what, self.number)
        self.writer.write(self.value, self.kind, given)
        return True

    def use(self, array: Any) -> None:
        """There are no arrays to write such an output to."""
        raise CameoError(f"{self.what}: only tensors of numbers can be written to an array")

    def ask(self) -> None:
        """Makes an output go to the memory of the context."""
        ctypes.memset(ctypes.addressof(self.value), 0, ctypes.sizeof(self.value))
        self.value.kind = self.kind

    def copy(self) -> Any:
        """An output in the context's memory, as a value of its own."""
        return read(self.value)


Slot = Union[TensorSlot, ValueSlot]


def _slots(what: str, ios: Any, values: Any, count: int) -> list[Slot]:
    def slot(io: _abi.Io, value: _abi.Value) -> Slot:
        is_numbers = io.kind == _abi.TENSOR and io.dtype != _dtypes.STRING
        return TensorSlot(what, io, value) if is_numbers else ValueSlot(what, io, value)

    return [slot(ios[i], values[i]) for i in range(count)]


class Context:
    """One context of a library. Belongs to one caller at a time."""

    def __init__(self, library: Library, options: Options) -> None:
        self._library = library
        self._pool = options.pool  # must outlive the context
        model = library.model
        self._input_values = (_abi.Value * max(model.num_inputs, 1))()
        self._output_values = (_abi.Value * max(model.num_outputs, 1))()
        self._inputs = _slots("input", model.inputs, self._input_values, model.num_inputs)
        self._outputs = _slots("output", model.outputs, self._output_values, model.num_outputs)
        self._input_address = ctypes.addressof(self._input_values)
        self._output_address = ctypes.addressof(self._output_values)
        self._context: int | None = None
        self._create(options)
        self._call = library.api.run
        self._known = False  # whether the slots of the outputs hold their shapes

    def _create(self, given: Options) -> None:
        library = self._library
        options = _abi.Options(
            struct_size=ctypes.sizeof(_abi.Options), threads=given.threads, seed=given.seed
        )
        if given.pool is not None:
            options.pool = given.pool._pointer(library)
        options.flags = given.huge_pages * _abi.HUGE_PAGES | given.verify * _abi.VERIFY
        options.weights_path = os.fsencode(given.weights) if given.weights is not None else None
        options.max_iterations = given.max_iterations or 0
        options.max_seconds = given.max_seconds or 0
        message = ctypes.create_string_buffer(1024)
        options.message = ctypes.cast(message, ctypes.c_char_p)
        options.message_size = len(message)
        context = ctypes.c_void_p()
        status = library.api.create(library.pointer, options, context)
        if status:
            text = message.value.decode() or library.status(status)
            raise CameoError(f"{library.path}: {text}", status)
        self._context = context.value

    def run(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any] | None) -> dict[str, Any]:
        """As Model.run."""
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
            self._check_inputs(inputs)
            raise
        if len(inputs) != len(self._inputs):
            self._check_inputs(inputs)
        if new:
            self._known = False
        results = self._place(outputs)
        status = self._call(self._context, self._input_address, self._output_address)
        if status:
            self._known = False
            text = self._library.api.last_error(self._context).decode()
            raise CameoError(text or self._library.status(status), status)
        return self._collect(results)

    def _check_inputs(self, inputs: Mapping[str, Any]) -> None:
        check_names("input", [slot.name for slot in self._inputs], inputs, needs_all=True)

    def _place(self, outputs: Mapping[str, Any] | None) -> dict[str, Any]:
        """Says where outputs go; None in the result for those in the context's memory."""
        if outputs:
            check_names("output", [slot.name for slot in self._outputs], outputs)
        results: dict[str, Any] = {}
        for slot in self._outputs:
            if isinstance(slot, TensorSlot) and slot.rank < 0:
                slot.tensor.rank = len(slot.dims)  # how many there is room for
            given = outputs.get(slot.name) if outputs else None
            if given is not None:
                if given is not slot.array:
                    slot.use(given)
                results[slot.name] = given
            elif self._known and isinstance(slot, TensorSlot) and not slot.boxed and not slot.dtype.packed:
                slot.array = None
                results[slot.name] = slot.allocate()
            else:
                slot.ask()
                results[slot.name] = None
        return results

    def _collect(self, results: dict[str, Any]) -> dict[str, Any]:
        for slot in self._outputs:
            if not self._known and isinstance(slot, TensorSlot):
                slot.shape = slot.made()
            if results[slot.name] is None:
                results[slot.name] = slot.copy()
            elif isinstance(slot, TensorSlot) and (slot.boxed or not self._known):
                results[slot.name] = self._cut(slot, results[slot.name])
        self._known = True
        return results

    @staticmethod
    def _cut(slot: TensorSlot, array: Array) -> Array:
        """The part of a caller's array that a run has written, in its shape."""
        shape = slot.made()
        if array.shape == shape:
            return array
        return array.reshape(-1)[: math.prod(shape)].reshape(shape)

    def cancel(self) -> None:
        """Makes the run that is in progress, in another thread, fail soon."""
        self._library.api.cancel(self._context)

    def close(self) -> None:
        """Frees the context, which must not be running."""
        context, self._context = self._context, None
        if context:
            self._library.api.destroy(context)
