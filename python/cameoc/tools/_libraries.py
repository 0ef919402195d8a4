"""Libraries that only some parts need. They are large or have no annotations, so neither the package nor who
checks its types imports them before they are used."""

from __future__ import annotations

import importlib
from typing import Any


def library(name: str) -> Any:
    """The module. Where it is missing, the ModuleNotFoundError names what to install (launch.py)."""
    return importlib.import_module(name)
