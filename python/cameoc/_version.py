"""The version of the package, which is that of the compiler."""

from __future__ import annotations

import importlib.metadata
import pathlib


def _version() -> str:
    # Whoever runs the package may have another one installed, or none.
    folder = pathlib.Path(__file__).resolve().parents[1]
    for distribution in importlib.metadata.distributions(name="cameoc", path=[str(folder)]):
        return distribution.version
    return (folder.parent / "VERSION").read_text().strip()  # of the tree, or of the prefix


__version__ = _version()
