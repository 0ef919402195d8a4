"""Shared libraries made by Cameo, and the threads that their contexts may share."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import threading
from typing import Any, Callable

from . import _abi
from ._errors import CameoError
from ._ports import Port, port_of

# Machines by their numbers in ELF files.
_MACHINES = {62: "x86_64", 183: "aarch64", 40: "armv7", 243: "riscv64"}


def _reason(path: str, error: OSError) -> str:
    """Why a library could not be loaded; names the machine where it is made for another one."""
    try:
        with open(path, "rb") as file:
            head = file.read(20)
    except OSError as missing:
        return f"cannot load {path}: {missing.strerror}"
    machine = _MACHINES.get(int.from_bytes(head[18:20], "little"))
    if head.startswith(b"\x7fELF") and machine not in (None, platform.machine()):
        return f"cannot load {path}: made for {machine}, cannot run on this machine"
    if not head.startswith(b"\x7fELF"):
        return f"cannot load {path}: not a shared library; cameoc.compile makes one of a model"
    return f"cannot load {path}: {error}"


def _entry(path: str, symbol: str, other: str, hint: str, result: Any) -> Any:
    """A pointer to the constant that a library's function returns. `hint` is for libraries that have the
    function `other` instead."""
    try:
        handle = ctypes.CDLL(path)
    except OSError as error:
        raise CameoError(_reason(path, error)) from None
    if not hasattr(handle, symbol):
        raise CameoError(f"{path} is {hint if hasattr(handle, other) else 'not a library made by Cameo'}")
    function = getattr(handle, symbol)
    function.restype = ctypes.POINTER(result)
    pointer = function()
    version = pointer.contents.abi_version
    if version != _abi.ABI_VERSION:
        raise CameoError(f"{path} has ABI version {version}, expected {_abi.ABI_VERSION}")
    return pointer


def open_bundle(path: str) -> Any:
    """The structure of a bundle, in memory for good."""
    hint = "the library of one model, which cameoc.load opens"
    return _entry(path, _abi.BUNDLE_SYMBOL, _abi.MODEL_SYMBOL, hint, _abi.Bundle).contents


def search(count: int, key: Callable[[int], Any], wanted: Any) -> int:
    """The first of `count` rows in the order of their keys whose key is not below the one wanted."""
    begin, end = 0, count
    while begin < end:
        middle = (begin + end) // 2
        if key(middle) < wanted:
            begin = middle + 1
        else:
            end = middle
    return begin


def find_model(bundle: Any, name: str) -> int:
    """The index of a bundle's model of this name; -1: none is."""
    wanted = name.encode()
    at = search(bundle.num_models, lambda i: bundle.models[i].contents.name, wanted)
    found = at < bundle.num_models and bundle.models[at].contents.name == wanted
    return at if found else -1


class Library:
    """A loaded library, or a model of a bundle: its code, its weights, and what it says of itself. It is
    never unloaded."""

    def __init__(self, path: str | os.PathLike[str], model: str | None = None) -> None:
        self.path = os.path.abspath(os.fspath(path))
        if model is None:
            hint = "a bundle, which cameoc.load_bundle opens"
            self.pointer = _entry(
                self.path, _abi.MODEL_SYMBOL, _abi.BUNDLE_SYMBOL, hint, _abi.Model
            )
        else:
            bundle = open_bundle(self.path)
            index = find_model(bundle, model)
            if index < 0:
                raise CameoError(f"{self.path} has no model '{model}'")
            self.pointer = bundle.models[index]
        self.model = self.pointer.contents
        self.api = self.model.api.contents
        self.name: str = self.model.name.decode()
        self.cpu: str = self.model.cpu.decode()
        self.weights_size: int = self.model.weights_size
        self.metadata: dict[str, Any] = json.loads(self.model.metadata)
        self.inputs = self._ports("input", self.model.inputs, self.model.num_inputs)
        self.outputs = self._ports("output", self.model.outputs, self.model.num_outputs)
        names = self.model.dim_names
        self.symbols = [(names[i] or b"").decode() for i in range(self.model.num_symbols)]

    def _ports(self, what: str, ios: Any, count: int) -> list[Port]:
        return [
            port_of(f"{what} '{ios[i].name.decode()}'", ios[i], self.model.dim_names)
            for i in range(count)
        ]

    def status(self, code: int) -> str:
        """A few words for a status code."""
        text: bytes = self.api.status_string(code)
        return text.decode()

    def workspace_size(self, dims: dict[str, int], threads: int) -> int:
        """Bytes of workspace of a run with these sizes of symbols, by name."""
        missing = [name for name in self.symbols if name not in dims]
        if missing:
            raise CameoError(f"no size given for {', '.join(map(repr, missing))}")
        sizes = [dims[name] for name in self.symbols]
        symbols = (ctypes.c_int64 * max(len(sizes), 1))(*sizes)
        size: int = self.api.workspace_size(self.pointer, symbols, threads)
        if size < 0:
            raise CameoError(self.status(-size), -size)
        return size


class Pool:
    """Threads that several models share: their runs take turns on them.

        pool = cameoc.Pool(2)
        models = [cameoc.load(path, pool=pool) for path in paths]

    Without it each context of each model starts threads of its own. threads: how many a run uses, the
    caller's included; -1 is one for each usable CPU.
    """

    def __init__(self, threads: int = -1) -> None:
        self.threads = threads
        self._lock = threading.Lock()
        self._pool = ctypes.c_void_p()
        self._maker: Library | None = None  # whose code the threads run

    def _pointer(self, library: Library) -> ctypes.c_void_p:
        """The structure of the C interface, made by the first library that asks for it."""
        with self._lock:
            if self._maker is None:
                status = library.api.pool_create(self.threads, ctypes.byref(self._pool))
                if status:
                    raise CameoError(f"no pool of {self.threads} threads: {library.status(status)}", status)
                self._maker = library
            return self._pool

    def __reduce__(self) -> tuple[Any, ...]:
        return Pool, (self.threads,)
