"""Values and bindings as onnxruntime has them. All memory is the processor's."""

from __future__ import annotations

import ctypes
import math
from typing import TYPE_CHECKING, Any, Sequence

import numpy as np

from ._model import Model
from ._ports import check_names, tensor_type

if TYPE_CHECKING:
    from ._session import InferenceSession


class OrtValue:
    """A value: an array, a list of them, or None."""

    def __init__(self, value: Any) -> None:
        self._value = value

    @staticmethod
    def ortvalue_from_numpy(
        numpy_obj: np.ndarray[Any, Any], device_type: str = "cpu", device_id: int = 0
    ) -> OrtValue:
        """A value that shares the array's memory."""
        return OrtValue(numpy_obj)

    @staticmethod
    def ortvalue_from_shape_and_type(
        shape: Sequence[int], element_type: Any, device_type: str = "cpu", device_id: int = 0
    ) -> OrtValue:
        """A value with memory of its own, of which nothing is set."""
        return OrtValue(np.empty(tuple(shape), np.dtype(element_type)))

    def numpy(self) -> Any:
        """The array."""
        return self._value

    def shape(self) -> list[int]:
        """The sizes of the array."""
        return list(self._value.shape)

    def data_type(self) -> str:
        """The type as ONNX Runtime names it."""
        return tensor_type(self._value.dtype)

    def data_ptr(self) -> int:
        """The address of the first element."""
        return int(self._value.__array_interface__["data"][0])

    def device_name(self) -> str:
        """Where the memory is."""
        return "cpu"

    def is_tensor(self) -> bool:
        """Whether this is an array."""
        return isinstance(self._value, np.ndarray)

    def has_value(self) -> bool:
        """Whether this is not an empty optional."""
        return self._value is not None

    def update_inplace(self, np_arr: np.ndarray[Any, Any]) -> None:
        """Copies an array's elements into this one."""
        self._value[...] = np_arr


def _at_pointer(pointer: int, shape: Sequence[int], element_type: Any) -> np.ndarray[Any, Any]:
    """The memory at an address as an array."""
    dtype = np.dtype(element_type)
    size = math.prod(shape) * dtype.itemsize
    memory = (ctypes.c_char * size).from_address(pointer)
    return np.frombuffer(memory, dtype).reshape(tuple(shape))


class IOBinding:
    """Inputs and outputs bound to arrays, for InferenceSession.run_with_iobinding."""

    def __init__(self, session: InferenceSession) -> None:
        self._names = [output.name for output in session.get_outputs()]
        self._inputs: dict[str, Any] = {}
        self._outputs: dict[str, Any] = {}  # arrays, or None where the run makes one
        self._results: dict[str, Any] = {}

    def bind_cpu_input(self, name: str, arr_on_cpu: np.ndarray[Any, Any]) -> None:
        """Binds an input to an array, whose elements are those of the time of the run."""
        self._inputs[name] = arr_on_cpu

    def bind_input(
        self,
        name: str,
        device_type: str,
        device_id: int,
        element_type: Any,
        shape: Sequence[int],
        buffer_ptr: int,
    ) -> None:
        """Binds an input to memory at an address."""
        self._inputs[name] = _at_pointer(buffer_ptr, shape, element_type)

    def bind_ortvalue_input(self, name: str, ortvalue: OrtValue) -> None:
        """Binds an input to a value."""
        self._inputs[name] = ortvalue.numpy()

    def bind_output(
        self,
        name: str,
        device_type: str = "cpu",
        device_id: int = 0,
        element_type: Any = None,
        shape: Sequence[int] | None = None,
        buffer_ptr: int | None = None,
    ) -> None:
        """Binds an output to memory at an address, or to an array that the run makes."""
        self._check(name)
        is_given = buffer_ptr is not None and shape is not None
        self._outputs[name] = _at_pointer(buffer_ptr or 0, shape or [], element_type) if is_given else None

    def bind_ortvalue_output(self, name: str, ortvalue: OrtValue) -> None:
        """Binds an output to the memory of a value."""
        self._check(name)
        self._outputs[name] = ortvalue.numpy()

    def _check(self, name: str) -> None:
        check_names("output", self._names, [name])

    def synchronize_inputs(self) -> None:
        """Nothing to wait for."""

    def synchronize_outputs(self) -> None:
        """Nothing to wait for."""

    def clear_binding_inputs(self) -> None:
        """Forgets all inputs."""
        self._inputs = {}

    def clear_binding_outputs(self) -> None:
        """Forgets all outputs."""
        self._outputs = {}

    def _run(self, model: Model) -> None:
        places = {name: array for name, array in self._outputs.items() if array is not None}
        results = model.run(self._inputs, places)
        bound = self._outputs or dict.fromkeys(self._names)
        self._results = {name: results[name] for name in bound}

    def get_outputs(self) -> list[OrtValue]:
        """The results of the last run, in the order they were bound in."""
        return [OrtValue(value) for value in self._results.values()]

    def copy_outputs_to_cpu(self) -> list[Any]:
        """The results of the last run as arrays, in the order they were bound in."""
        return list(self._results.values())
