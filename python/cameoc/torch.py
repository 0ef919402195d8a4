"""Compiles PyTorch modules to functions of tensors.

    fast = cameoc.torch.compile_module(module, torch.rand(1, 3, 224, 224), dynamic="batch")
    logits = fast(images)

For inference on the CPU: gradients do not flow through. Needs torch, onnx and onnxscript.
"""

from __future__ import annotations

import inspect
import os
import tempfile
from typing import Any, Mapping, Sequence, Union

import numpy as np

from ._compile import compile
from ._errors import CameoError
from ._library import Pool
from ._model import Model
from .tools._libraries import library
from .tools._models import Input, save
from .tools._torch_export import dynamic_axes, to_onnx, unmet_axes

Dynamic = Union[str, Sequence[str], Mapping[str, Mapping[int, str]], None]


def _array(tensor: Any, name: str) -> Any:
    """The tensor as an array of the same memory, where it is contiguous and on the CPU."""
    torch = library("torch")
    if not isinstance(tensor, torch.Tensor):
        raise CameoError(f"input '{name}': expected a tensor, got {type(tensor).__name__}")
    if tensor.device.type != "cpu":
        raise CameoError(f"input '{name}': expected a tensor on the CPU, got one on {tensor.device}")
    tensor = tensor.detach()
    if tensor.dtype is torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(library("ml_dtypes").bfloat16)
    return tensor.numpy()


def _tensor(array: Any) -> Any:
    """An array as a tensor of the same memory."""
    torch = library("torch")
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def _names(module: Any, count: int) -> list[str]:
    """Of the inputs: those of the parameters of forward."""
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(module.forward).parameters.values()
    names = [parameter.name for parameter in parameters if parameter.kind in plain]
    return names[:count] if len(names) >= count else [f"x{i}" for i in range(count)]


def _axes(inputs: list[Input], dynamic: Dynamic) -> dict[str, dict[int, str]]:
    if isinstance(dynamic, Mapping):
        known = [port.name for port in inputs]
        for name in dynamic:
            if name not in known:
                raise CameoError(f"dynamic: there is no input '{name}'; there are {', '.join(known)}")
        return {name: dict(dynamic.get(name, {})) for name in known}
    words = dynamic.split(",") if isinstance(dynamic, str) else list(dynamic or [])
    return dynamic_axes(inputs, words)


class CompiledModule:
    """A module's compiled form: takes tensors and gives what the module gives. Safe to call from many threads.

    model: the loaded library.
    notes: what the export has to say, in sentences.
    """

    def __init__(
        self, model: Model, names: list[str], leaves: list[Any], structure: Any, notes: list[str]
    ) -> None:
        self.model, self.notes = model, notes
        self._names = names
        self._leaves = leaves  # of the module's result; None for tensors
        self._structure = structure

    def __call__(self, *tensors: Any) -> Any:
        """Runs the compiled module. Contiguous tensors are not copied; results are new tensors."""
        if len(tensors) != len(self._names):
            raise CameoError(
                f"expected {len(self._names)} tensors ({', '.join(self._names)}), got {len(tensors)}"
            )
        results = self.model.run({name: _array(tensor, name) for name, tensor in zip(self._names, tensors)})
        made = iter([_tensor(results[port.name]) for port in self.model.outputs])
        leaves = [next(made) if leaf is None else leaf for leaf in self._leaves]
        return library("torch").utils._pytree.tree_unflatten(leaves, self._structure)

    def __repr__(self) -> str:
        return f"<cameoc.torch.CompiledModule of {self.model!r}>"


def _result_of(module: Any, example: tuple[Any, ...]) -> tuple[list[Any], Any]:
    """The leaves and the structure of what the module gives, with None for tensors."""
    torch = library("torch")
    with torch.no_grad():
        leaves, structure = torch.utils._pytree.tree_flatten(module(*example))
    for leaf in leaves:
        if leaf is None:
            raise CameoError("the module gives None beside tensors, which has no compiled form")
    return [None if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves], structure


def compile_module(
    module: Any,
    example: Any,
    dynamic: Dynamic = None,
    *,
    out: str | os.PathLike[str] | None = None,
    opset: int = 18,
    exporter: str = "auto",
    threads: int = 1,
    pool: Pool | None = None,
    **options: Any,
) -> CompiledModule:
    """Compiles a module, in evaluation mode, for this machine.

    module: a torch.nn.Module on the CPU.
    example: a tensor, or a tuple of the tensors that the module takes, of the types and ranks it is to be called with.
    dynamic: what stays open: "batch" (axis 0), "sequence" (1), "height" (2), "width" (3) or "NAME:AXIS", with commas or
        as a list; or {input: {axis: name}}. Other sizes are those of the example.
    out: path of the library, to be loaded again by cameoc.load; without, it lives as long as the result.
    opset, exporter: see docs/export.md.
    threads, pool: see cameoc.load.
    options: those of cameoc.compile.

    Raises a CameoError: of status 3 for an operator that is not supported.
    """
    tensors = tuple(example) if isinstance(example, (tuple, list)) else (example,)
    names = _names(module, len(tensors))
    arrays = [_array(tensor, name) for tensor, name in zip(tensors, names)]
    inputs = [Input(name, array.dtype, list(array.shape)) for name, array in zip(names, arrays)]
    axes = _axes(inputs, dynamic)
    was_training = module.training
    module.eval()
    try:
        leaves, structure = _result_of(module, tensors)
        made = to_onnx(module, list(tensors), axes, opset, exporter)
    finally:
        module.train(was_training)
    if len(made.model.graph.output) != leaves.count(None):
        raise CameoError(
            f"expected {leaves.count(None)} outputs, the exporter made {len(made.model.graph.output)}"
        )
    with tempfile.TemporaryDirectory(prefix="cameoc-") as folder:
        path = os.path.join(folder, "module.onnx")
        save(made.model, path)
        # The library stays mapped when its file is gone.
        made_library = compile(path, out if out is not None else os.path.join(folder, "module.so"), **options)
        model = Model(made_library, threads, pool=pool)
    return CompiledModule(model, names, leaves, structure, [*made.notes, *unmet_axes(made.model, axes)])
