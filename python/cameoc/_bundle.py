"""Bundles: libraries of many models, made by `cameo bundle`."""

from __future__ import annotations

import os
import threading
from typing import Any, Iterator, Mapping

from ._library import find_model, open_bundle, search
from ._model import Model


def load_bundle(path: str | os.PathLike[str], threads: int = 1, **options: Any) -> Bundle:
    """Loads a bundle. The threads and other options are those of cameoc.load, for all of its models; with
    pool=cameoc.Pool(n) they share n threads."""
    return Bundle(path, threads, **options)


class Bundle(Mapping[str, Model]):
    """The models of a library by their names. Each is opened when it is first asked for, and kept."""

    def __init__(self, path: str | os.PathLike[str], threads: int = 1, **options: Any) -> None:
        self.path: str = os.path.abspath(os.fspath(path))
        self._bundle = open_bundle(self.path)
        self.name: str = self._bundle.name.decode()
        self._options = {"threads": threads, **options}
        self._models: dict[str, Model] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        """The names of all models, in order."""
        return list(self)

    def find(self, key: str, value: str) -> list[str]:
        """The names of the models whose metadata_props have this value under this key, in order."""
        bundle, found = self._bundle, []
        count, wanted = bundle.num_properties, (key.encode(), value.encode())

        def entry(i: int) -> tuple[bytes, bytes]:
            return bundle.properties[i].key, bundle.properties[i].value

        at = search(count, entry, wanted)
        while at < count and entry(at) == wanted:
            found.append(bundle.models[bundle.properties[at].model].contents.name.decode())
            at += 1
        return found

    def __getitem__(self, name: str) -> Model:
        if name not in self:
            raise KeyError(name)
        with self._lock:
            if name not in self._models:
                self._models[name] = Model(self.path, model=name, **self._options)
            return self._models[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and find_model(self._bundle, name) >= 0

    def __iter__(self) -> Iterator[str]:
        for i in range(self._bundle.num_models):
            yield self._bundle.models[i].contents.name.decode()

    def __len__(self) -> int:
        count: int = self._bundle.num_models
        return count

    def close(self) -> None:
        """Frees the contexts of all models that were opened, which cannot be run any more."""
        with self._lock:
            for model in self._models.values():
                model.close()
            self._models.clear()

    def __enter__(self) -> Bundle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.path, self._options)

    def __repr__(self) -> str:
        return f"<cameoc.Bundle '{self.name}' of {len(self)} models from {self.path}>"


def _again(path: str, options: dict[str, Any]) -> Bundle:
    """A bundle that was pickled."""
    return Bundle(path, **options)
