"""The version of the package, which is that of the compiler."""

from __future__ import annotations

import importlib.metadata
import pathlib


def _version() -> str:
    try:
        return importlib.metadata.version("cameoc")
    except importlib.metadata.PackageNotFoundError:  # used from the tree
        return (pathlib.Path(__file__).resolve().parents[2] / "VERSION").read_text().strip()


__version__ = _version()
