"""The `cameo` program, as `python -m cameoc` and as the command that the wheel installs."""

from __future__ import annotations

import os
import sys

from ._compile import program
from ._errors import CameoError


def main() -> int:
    """Becomes the program, whose parts in Python run in this interpreter."""
    try:
        path = program()
    except CameoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    os.environ.setdefault("CAMEO_PYTHON", sys.executable)
    os.execv(path, [path, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
