"""A PyTorch module to an ONNX model, by either of PyTorch's exporters."""

from __future__ import annotations

import contextlib
import re
import tempfile
import warnings
from typing import Any, Iterator, NamedTuple

import numpy as np
import onnx

from .._errors import CameoError
from ._libraries import library
from ._models import MAX_BYTES, Input, load, opset_of, random_values
from ._quiet import silenced
from ._runners import one_line

# The oldest opset of the exporter that is based on torch.export, and the newest of the one that traces.
_DYNAMO_OLDEST, _TRACE_NEWEST = 18, 20
# Axes by what people call them.
AXES = {"batch": 0, "sequence": 1, "length": 1, "height": 2, "width": 3}


class Exported(NamedTuple):
    """A model, which exporter made it, and what the user should know."""

    model: onnx.ModelProto
    exporter: str
    notes: list[str]


def parse_input(text: str) -> Input:
    """x=1x3x224x224, or ids=1x16:int64."""
    name, sign, value = text.partition("=")
    sizes, _, dtype = value.partition(":")
    if not sign or not name or not re.fullmatch(r"(\d+(x\d+)*)?", sizes):
        raise CameoError(f"--input: expected NAME=DIMS or NAME=DIMS:TYPE, e.g. x=1x3x224x224, got '{text}'")
    try:
        element = np.dtype(dtype or "float32")
    except TypeError:
        raise CameoError(f"--input {name}: there is no type '{dtype}'") from None
    return Input(name, element, [int(size) for size in sizes.split("x")] if sizes else [])


def dynamic_axes(inputs: list[Input], names: list[str]) -> dict[str, dict[int, str]]:
    """By input, the axes that stay open, with their names: batch is axis 0, height and width are axes 2 and 3,
    and NAME:AXIS is any."""
    axes: dict[str, dict[int, str]] = {port.name: {} for port in inputs}
    for text in names:
        name, sign, number = text.partition(":")
        if sign and not number.isdigit() or not sign and name not in AXES:
            raise CameoError(f"--dynamic: expected one of {', '.join(AXES)}, or NAME:AXIS, got '{text}'")
        axis = int(number) if sign else AXES[name]
        having = [port for port in inputs if axis < len(port.dims)]
        if not having:
            raise CameoError(f"--dynamic {text}: no input has an axis {axis}")
        for port in having:
            axes[port.name][axis] = name
    return axes


def example(
    inputs: list[Input], generator: np.random.Generator, sizes: dict[str, dict[int, int]]
) -> list[Any]:
    """Arrays for the inputs; `sizes` replaces some of their dims."""
    arrays = []
    for port in inputs:
        shape = [sizes.get(port.name, {}).get(i, int(dim or 1)) for i, dim in enumerate(port.dims)]
        arrays.append(random_values(shape, port.dtype, generator))
    return arrays


def flat_outputs(result: Any) -> list[Any]:
    """The tensors that a module returns, alone or in tuples, lists and dictionaries, as arrays."""
    torch = library("torch")
    leaves = torch.utils._pytree.tree_leaves(result)
    return [leaf.detach().numpy() for leaf in leaves if isinstance(leaf, torch.Tensor)]


def unsupported_operator(error: BaseException) -> str | None:
    """The operator that an exporter does not know, where that is the error."""
    text = str(error)
    for pattern in (
        r"Exporting the operator '([\w:.]+)'",
        r"No ONNX function found for <OpOverload\(op='([\w.:]+)'",
        r"Unsupported: (?:ONNX export of )?operator '?([\w:.]+)'?",
    ):
        if found := re.search(pattern, text):
            return found.group(1).replace(".", "::", 1) if "::" not in found.group(1) else found.group(1)
    return None


def _sentence(error: BaseException, exporter: str) -> str:
    """What went wrong, in a sentence, out of pages."""
    operator = unsupported_operator(error)
    if operator:
        return f"the {exporter} exporter has no ONNX form of the operator {operator}"
    inner = re.search(r"## Exception summary\s+<class '[\w.]*?(\w+)'>: (.*)", str(error))
    if inner:
        return f"the {exporter} exporter fails: {inner.group(1)}: {inner.group(2).strip()}"
    return f"the {exporter} exporter fails: {type(error).__name__}: {one_line(error)}"


@contextlib.contextmanager
def _quiet() -> Iterator[list[str]]:
    """Keeps exporters from printing; yields the warnings that matter: what a trace cannot see."""
    seen: list[str] = []
    with warnings.catch_warnings(record=True) as caught, silenced():
        warnings.simplefilter("always")
        yield seen
    for warning in caught:
        if "might cause the trace to be incorrect" in str(warning.message):
            place = f"{warning.filename}:{warning.lineno}"
            seen.append(f"the trace follows one way of a decision that depends on values: {place}")


def _stretched(tensors: list[Any], axes: dict[str, dict[int, str]]) -> list[Any]:
    """The tensors, twice as long along open axes of one element: exporters take a size of 1 for one that is
    always 1."""
    torch = library("torch")
    stretched = []
    for tensor, entry in zip(tensors, axes.values()):
        for axis in entry:
            if tensor.shape[axis] == 1:
                tensor = torch.cat([tensor, tensor], dim=axis)
        stretched.append(tensor)
    return stretched


def _write(
    module: Any, tensors: list[Any], axes: dict[str, dict[int, str]], opset: int, exporter: str, path: str
) -> None:
    torch = library("torch")
    arguments: dict[str, Any] = {"input_names": list(axes), "opset_version": opset, "verbose": False}
    if exporter == "dynamo":
        # Names as strings leave it to the exporter which sizes are possible.
        shapes = tuple({axis: name for axis, name in entry.items()} or None for entry in axes.values())
        arguments |= {"dynamo": True, "external_data": False}
        arguments |= {"dynamic_shapes": shapes} if any(shapes) else {}
    else:
        arguments |= {"dynamo": False, "dynamic_axes": axes}
    # Attention has a form for inference that no exporter knows.
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad():
            torch.onnx.export(module, tuple(_stretched(tensors, axes)), path, **arguments)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _at_opset(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """The model at the opset that was asked for; an exporter may have kept another one."""
    if opset_of(model) != opset:
        try:
            model = onnx.version_converter.convert_version(model, opset)
        except Exception:  # one RuntimeError for everything
            text = f"the exporter writes opset {opset_of(model)}, which has no form in opset {opset}"
            raise CameoError(text) from None
    return model


def _checked(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, if it is one: conversions to other opsets leave attributes that these do not have."""
    try:
        if model.ByteSize() < MAX_BYTES:  # what is larger cannot be checked in memory
            onnx.checker.check_model(model)
    except Exception as error:
        raise CameoError(f"the exporter writes a wrong model: {one_line(error)}") from None
    return model


def exporters_for(opset: int, asked: str) -> list[str]:
    """In the order to be tried."""
    if asked != "auto":
        return [asked]
    if opset < _DYNAMO_OLDEST:
        return ["torchscript", "dynamo"]
    return ["dynamo", "torchscript"] if opset <= _TRACE_NEWEST else ["dynamo"]


def to_onnx(
    module: Any, tensors: list[Any], axes: dict[str, dict[int, str]], opset: int, asked: str
) -> Exported:
    """Exports a module with these tensors, one for each name of `axes`. Where an exporter fails, tries the next.

    Raises a CameoError, of status 3 where an operator is not supported.
    """
    problems: list[str] = []
    status = 2
    for exporter in exporters_for(opset, asked):
        with tempfile.TemporaryDirectory(prefix="cameoc-") as folder:
            path = f"{folder}/model.onnx"
            try:
                with _quiet() as notes:
                    _write(module, tensors, axes, opset, exporter, path)
                    model = _checked(_at_opset(load(path), opset))
                return Exported(model, exporter, [*problems, *dict.fromkeys(notes)])
            except CameoError as error:
                problems.append(str(error))
            except Exception as error:  # exporters raise anything
                problems.append(_sentence(error, exporter))
                status = 3 if unsupported_operator(error) else status
    hint = ""
    if status == 3:
        hint = f"; try {'a newer --opset, or ' if opset < 23 else ''}to compute it in the module by other operators"
    raise CameoError("; ".join(problems) + hint, status)


def unmet_axes(model: onnx.ModelProto, axes: dict[str, dict[int, str]]) -> list[str]:
    """A sentence for each axis that was to stay open and did not."""
    sentences = []
    for value in model.graph.input:
        dims = value.type.tensor_type.shape.dim
        for axis, name in axes.get(value.name, {}).items():
            if not dims[axis].dim_param:
                sentences.append(
                    f"'{name}' of input '{value.name}' is not open: the module works for {dims[axis].dim_value} only"
                )
    return sentences
