"""Compiles models with the `cameo` program."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import Any, Iterator, Mapping, Sequence, Union

from ._errors import CameoError

Source = Union[str, "os.PathLike[str]", bytes, Any]  # a path, a serialized model, or an onnx.ModelProto


def program() -> str:
    """Path of the `cameo` program: $CAMEO, the one of this package, of the tree that the package is in, of the
    installation that has it in lib/cameo/python, or on PATH."""
    here = pathlib.Path(__file__).resolve().parent
    tree = here.parents[1]
    given = os.environ.get("CAMEO")
    known = [here / "bin/cameo", tree / "build/bin/cameo", tree / "../../bin/cameo"]
    for path in [given] if given else known:
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return os.fspath(path)
    found = None if given else shutil.which("cameo")
    if not found:
        where = f"$CAMEO is '{given}', which" if given else "there is no `cameo`, which"
        raise CameoError(f"{where} should be the compiler's program")
    return found


def _flags(options: Mapping[str, Any]) -> Iterator[str]:
    """Options as the program takes them: precision="bf16" is --precision bf16, dim={"batch": 4} is
    --dim batch=4, tune=True is --tune; False and None are left out."""
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            yield flag
        elif isinstance(value, Mapping):
            for key, size in value.items():
                dims = "x".join(map(str, size)) if isinstance(size, (list, tuple)) else str(size)
                yield from (flag, f"{key}={dims}")
        elif isinstance(value, (list, tuple)):
            for item in value:
                yield from (flag, os.fspath(item) if isinstance(item, os.PathLike) else str(item))
        else:
            yield from (flag, os.fspath(value) if isinstance(value, os.PathLike) else str(value))


def _serialized(model: Source) -> bytes:
    if isinstance(model, (bytes, bytearray, memoryview)):
        return bytes(model)
    if hasattr(model, "SerializeToString"):
        data: bytes = model.SerializeToString()
        return data
    raise CameoError(f"expected a path, bytes or a ModelProto, got {type(model).__name__}")


def run_program(arguments: Sequence[str]) -> str:
    """Runs the program; returns what it prints. Raises its message, with its exit status."""
    done = subprocess.run(
        [program(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        message = done.stderr.strip() or f"cameo ended with status {done.returncode}"
        raise CameoError(message.removeprefix("error: "), done.returncode)
    for note in done.stderr.splitlines():
        if note.startswith(("warning:", "note:")):
            print(note, file=sys.stderr)
    return done.stdout


def compile(model: Source, out: str | os.PathLike[str], **options: Any) -> pathlib.Path:
    """Compiles an ONNX model to a shared library, and a header beside it; returns the library's path.

    model: path of the model, its bytes, or an onnx.ModelProto without external data.
    out: path of the library, e.g. "model.so", or a folder for it, which exists or ends in "/".
    options: those of `cameo compile` (`cameo compile --help` lists them), with _ for -: precision="bf16",
        dim={"batch": 4}, shape={"x": (1, 3, 224, 224)}, cpu="x86-64-v3", target="aarch64-linux-gnu",
        tune=True.

    Raises a CameoError with the compiler's words, and its exit status: 2 for bad input, 3 for what Cameo
    does not support.
    """
    out = os.fspath(out)
    is_folder = out.endswith("/") or os.path.isdir(out)
    with tempfile.TemporaryDirectory(prefix="cameoc-") as folder:
        if isinstance(model, (str, os.PathLike)):
            path = os.fspath(model)
        else:
            # The stem becomes the name of the entry function.
            stem = "model" if is_folder else pathlib.Path(out).name.split(".")[0]
            path = os.path.join(folder, f"{stem}.onnx")
            pathlib.Path(path).write_bytes(_serialized(model))
        run_program(["compile", path, "-o", out, *_flags(options)])
    return pathlib.Path(out) / f"{pathlib.Path(path).stem}.so" if is_folder else pathlib.Path(out)
