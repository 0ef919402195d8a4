"""The error of this package."""

from __future__ import annotations


class CameoError(RuntimeError):
    """What went wrong, in a sentence.

    `status` is the code of cameo.h where a library gave one, the exit status where the compiler did, else None.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
