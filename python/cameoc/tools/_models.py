"""ONNX models as files: reading and writing them, what is in them, inputs for them."""

from __future__ import annotations

import collections
import os
import pathlib
import stat
import tempfile
from typing import Any, Mapping, NamedTuple

import numpy as np
import onnx

from .._errors import CameoError

Array = np.ndarray[Any, Any]
Feed = dict[str, Array]
# Protocol buffers end here; weights of larger models are in a file of their own.
MAX_BYTES = 2**31 - 1


class Input(NamedTuple):
    """An input of a model; dims that are open are their names, or None."""

    name: str
    dtype: np.dtype[Any]
    dims: list[int | str | None]


def load(path: str) -> onnx.ModelProto:
    """The model in a file, with its weights."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode) and not os.path.isdir(path):
            raise CameoError(f"{path}: not a regular file")
        with open(path, "rb"):
            pass
        model = onnx.load(path)
    except OSError as error:
        raise CameoError(f"{path}: {error.strerror}") from None
    except CameoError:
        raise
    except Exception as error:  # protobuf and onnx have many
        raise CameoError(f"{path}: not an ONNX model, or damaged: {error}") from None
    if not model.graph.node and not model.graph.output:
        raise CameoError(f"{path}: not an ONNX model: it has no graph")
    return model


def save(model: onnx.ModelProto, path: str) -> None:
    """Writes a model; the file appears whole or not at all. Weights that a file cannot hold go to
    PATH.data beside it."""
    target = pathlib.Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".cameo-", dir=target.parent) as folder:
        partial = pathlib.Path(folder) / target.name
        external = model.ByteSize() > MAX_BYTES
        onnx.save_model(model, partial, save_as_external_data=external, location=f"{target.name}.data")
        for file in sorted(pathlib.Path(folder).iterdir(), reverse=True):  # the model last
            os.replace(file, target.parent / file.name)


def size_of(path: str) -> int:
    """Bytes of a model's file, with those of the weights beside it."""
    data = f"{path}.data"
    return os.path.getsize(path) + (os.path.getsize(data) if os.path.exists(data) else 0)


def all_nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Those of a graph and of the graphs in its nodes."""
    nodes = []
    for node in graph.node:
        nodes.append(node)
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                nodes += all_nodes(inner)
    return nodes


def op_counts(model: onnx.ModelProto) -> dict[str, int]:
    """How many nodes of each operator."""
    return dict(collections.Counter(node.op_type for node in all_nodes(model.graph)))


def inputs_of(model: onnx.ModelProto) -> list[Input]:
    """What a run needs: inputs without those that the model gives a value."""
    given = {tensor.name for tensor in model.graph.initializer}
    found = []
    for value in model.graph.input:
        if value.name in given:
            continue
        if not value.type.HasField("tensor_type"):
            raise CameoError(f"input '{value.name}' is no tensor: there are no samples for it")
        tensor = value.type.tensor_type
        if not tensor.HasField("shape"):
            raise CameoError(f"input '{value.name}' has no shape: give it by --shape {value.name}=...")
        dims = [d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in tensor.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        found.append(Input(value.name, np.dtype(dtype), dims))
    return found


def output_names(model: onnx.ModelProto) -> list[str]:
    """In the model's order."""
    return [value.name for value in model.graph.output]


def opset_of(model: onnx.ModelProto) -> int:
    """Of ONNX's own operators."""
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=1)


def random_values(shape: list[int], dtype: np.dtype[Any], generator: np.random.Generator) -> Array:
    """Floats from 0 to 1, small integers, booleans."""
    if dtype.kind == "b":
        return generator.random(shape) < 0.5
    if dtype.kind in "iu":
        return generator.integers(0, 8, shape).astype(dtype)
    if dtype.kind in "fV":
        return np.asarray(generator.random(shape, np.float32)).astype(dtype)
    raise CameoError(f"there are no random values of type {dtype}")


def random_feed(
    inputs: list[Input],
    generator: np.random.Generator,
    dims: Mapping[str, int],
    shapes: Mapping[str, list[int]],
) -> Feed:
    """A sample: sizes that the model leaves open are those of `dims`, else 1; `shapes` comes first."""
    for name in shapes:
        if name not in {port.name for port in inputs}:
            raise CameoError(f"--shape: there is no input '{name}'")
    named = {dim for port in inputs for dim in port.dims if isinstance(dim, str)}
    for name in dims:
        if name not in named:
            raise CameoError(f"--dim: no input has a dimension '{name}'")
    feed = {}
    for port in inputs:
        open_shape = [dim if isinstance(dim, int) else dims.get(dim or "", 1) for dim in port.dims]
        feed[port.name] = random_values(shapes.get(port.name, open_shape), port.dtype, generator)
    return feed
