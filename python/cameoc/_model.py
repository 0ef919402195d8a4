"""Models: libraries with as many contexts as callers need at once."""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from typing import Any, Mapping

from ._context import Context, Options
from ._errors import CameoError
from ._library import Library, Pool
from ._ports import Port


def load(path: str | os.PathLike[str], threads: int = 1, **options: Any) -> Model:
    """Loads a shared library made by Cameo.

    threads: how many a run uses; -1 is one for each usable CPU.
    model: the name of a model, in a library that is a bundle.
    pool: a Pool whose threads runs use instead of own ones; `threads` is then ignored.
    contexts: how many runs there may be at once; further ones wait. None for as many as callers.
    weights: path of the weights file, where it is not in the library.
    seed: of random operators.
    huge_pages: whether to copy the weights to huge pages.
    verify: whether to check the library and its weights by their checksums.
    max_iterations, max_seconds: limits of a run; None for none. A run that comes to one raises a
        CameoError.
    """
    return Model(path, threads, **options)


class Model:
    """A loaded model. May be used by any number of threads, and of tasks of asyncio, at once: each run has a
    context of its own, which is kept for later runs. The code and the weights are in memory once. A model
    that is pickled is loaded again, from its path, where it is unpickled."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        threads: int = 1,
        *,
        model: str | None = None,
        pool: Pool | None = None,
        contexts: int | None = None,
        weights: str | os.PathLike[str] | None = None,
        seed: int = 0,
        huge_pages: bool = False,
        verify: bool = False,
        max_iterations: int | None = None,
        max_seconds: float | None = None,
    ) -> None:
        self._closed = True
        if contexts is not None and contexts < 1:
            raise CameoError(f"contexts: expected 1 or more, got {contexts}")
        self._options = Options(
            threads, pool, weights, seed, huge_pages, verify, max_iterations, max_seconds
        )
        self._most = contexts
        self._member = model
        self._library = Library(path, model)
        self.path: str = self._library.path
        self.name: str = self._library.name
        self.cpu: str = self._library.cpu
        self.weights_size: int = self._library.weights_size
        self.metadata: dict[str, Any] = self._library.metadata
        self.inputs: list[Port] = self._library.inputs
        self.outputs: list[Port] = self._library.outputs
        self._change = threading.Condition()  # of the lists below
        self._idle = [Context(self._library, self._options)]
        self._busy: list[Context] = []
        self._closed = False

    def _take(self) -> Context:
        """A context that is this caller's until it gives it back."""
        with self._change:
            while not self._closed and not self._idle and len(self._busy) == self._most:
                self._change.wait()
            if self._closed:
                raise CameoError("the model is closed")
            context = self._idle.pop() if self._idle else Context(self._library, self._options)
            self._busy.append(context)
            return context

    def _give_back(self, context: Context) -> None:
        with self._change:
            self._busy.remove(context)
            self._idle.append(context)
            self._change.notify_all()

    def run(
        self, inputs: Mapping[str, Any], outputs: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Runs the model on values by input name; returns values by output name.

        Tensors are arrays; contiguous ones of the right type are not copied. Tensors of strings are
        arrays of objects, sequences are lists, an empty optional is None. What is returned belongs to
        the caller. With `outputs`, arrays by name, results are written to those instead where a name
        occurs; they must be of the right type and large enough.
        """
        context = self._take()
        try:
            return context.run(inputs, outputs)
        finally:
            self._give_back(context)

    async def run_async(
        self, inputs: Mapping[str, Any], outputs: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """As run, in a thread of asyncio's, so that other tasks go on meanwhile."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, functools.partial(self.run, inputs, outputs))

    def cancel(self) -> None:
        """Makes the runs that are in progress, in other threads, raise a CameoError soon."""
        with self._change:
            for context in self._busy:
                context.cancel()

    def workspace_size(self, dims: Mapping[str, int] | None = None, threads: int = 1) -> int:
        """Bytes of workspace of a run with these sizes of symbols, by name."""
        return self._library.workspace_size(dict(dims or {}), threads)

    def close(self) -> None:
        """Frees the contexts, after runs that are in progress; the model cannot be run any more."""
        if self._closed:
            return
        with self._change:
            self._closed = True
            self._change.notify_all()
            while self._busy:
                self._change.wait()
            while self._idle:
                self._idle.pop().close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        options = {**self._options._asdict(), "contexts": self._most, "model": self._member}
        return functools.partial(Model, **options), (self.path,)

    def __repr__(self) -> str:
        return f"<cameoc.Model '{self.name}' from {self.path}>"
