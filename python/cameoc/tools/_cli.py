"""What the parts' command lines share: how options are read, tables, progress, JSON."""

from __future__ import annotations

import argparse
import json
import math
import sys
from typing import Any, NoReturn, Sequence

from .. import __version__
from .._errors import CameoError

SCHEMA_VERSION = 1
FINE, NUMBERS_DIFFER, BAD, NOT_SUPPORTED, OUR_BUG = 0, 1, 2, 3, 4


class Parser(argparse.ArgumentParser):
    """Errors are those of the program: one sentence on stderr, exit status 2."""

    def __init__(self, command: str, description: str, examples: str) -> None:
        super().__init__(
            prog=f"cameo {command}",
            description=description,
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Ends the program with the message."""
        print(f"error: {message}", file=sys.stderr)
        print(f"note: run '{self.prog} --help' for what is possible", file=sys.stderr)
        sys.exit(BAD)


def note(message: str) -> None:
    """A line to stderr."""
    print(f"note: {message}", file=sys.stderr, flush=True)


def progress(message: str) -> None:
    """A line of progress to stderr, so that stdout is the result alone."""
    print(message, file=sys.stderr, flush=True)


def positive(text: str) -> int:
    """An option's number, 1 or more."""
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a number, 1 or more, got '{text}'")
    return int(text)


def shape_of(text: str) -> list[int]:
    """1x3x224x224, or nothing for a scalar."""
    sizes = text.split("x") if text else []
    if not all(size.isdigit() for size in sizes):
        raise CameoError(f"expected sizes such as 1x3x224x224, got '{text}'")
    return [int(size) for size in sizes]


def pairs(options: Sequence[str], what: str) -> dict[str, str]:
    """NAME=VALUE of each option; the name may contain `=` no more than the value's start."""
    found: dict[str, str] = {}
    for option in options:
        name, sign, value = option.rpartition("=")
        if not sign or not name:
            raise CameoError(f"{what}: expected NAME=VALUE, got '{option}'")
        found[name] = value
    return found


def add_size_options(parser: argparse.ArgumentParser) -> None:
    """--dim and --shape, of inputs that the model leaves open."""
    parser.add_argument(
        "--dim",
        action="append",
        default=[],
        metavar="NAME=SIZE",
        help="size of a named dimension in samples (default 1)",
    )
    parser.add_argument(
        "--shape",
        action="append",
        default=[],
        metavar="INPUT=DIMS",
        help="shape of an input in samples, e.g. x=1x3x224x224",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of random inputs (default 0)")


def table(header: Sequence[str], rows: Sequence[Sequence[str]], texts: Sequence[int] = (0,)) -> str:
    """Columns: those of these numbers to the left, others to the right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    text = ""
    for line in lines:
        cells = [
            cell.ljust(width) if i in texts else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths))
        ]
        text += "  ".join(cells).rstrip() + "\n"
    return text


def megabytes(size: int) -> str:
    """A number of bytes, as the program writes it."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}" if size < 100 * scale else f"{size / scale:.0f} {unit}"
    return f"{size} B"


def plural(count: int, noun: str) -> str:
    """1 layer, 2 layers."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _finite(value: Any) -> Any:
    """The value with null for numbers that JSON lacks, as the ratio to no noise."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_json(command: str, report: dict[str, Any]) -> None:
    """The report, with what made it and the version of its form."""
    head = {"schema_version": SCHEMA_VERSION, "command": command, "cameo": __version__}
    print(json.dumps(_finite({**head, **report}), indent=2, allow_nan=False))
