"""Keeps libraries from printing."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from typing import Iterator


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Nothing that Python or a library writes to stdout or stderr meanwhile appears, nor do log messages."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {number: os.dup(number) for number in (1, 2)}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        for number in kept:
            os.dup2(nowhere, number)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(disabled)
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)
