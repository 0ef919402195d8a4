"""Prints what compiling and loading each zoo model costs.

usage: figures.py FOLDER [NAME ...] [--bin build/bin/cameo] [--cc cc] [--runs 5] [--markdown]

For every FOLDER/NAME.onnx: seconds and peak memory of `cameo compile`; size of the library and of
the packed weights in it; then, from examples/c/main.c linked with it and run with one thread, peak
memory, milliseconds from cameo_create to the first result, and of the whole process. Times are the
best of several runs. Memory in MB of 10^6 bytes.
"""
import argparse
import os
import re
import subprocess
import sys
import time

import common

COLUMNS = (
    ("model", 26),
    ("compile s", 9),
    ("compile MB", 10),
    ("library MB", 10),
    ("weights MB", 10),
    ("run MB", 8),
    ("first ms", 9),
    ("process ms", 10),
)
REPORT = re.compile(r"first result ([\d.]+) ms, peak memory ([\d.]+) MB, weights ([\d.]+) MB")


def measured(command):
    """Runs a command; returns seconds, peak memory in MB and what it printed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        words = text.strip().splitlines() or ["no message"]
        raise RuntimeError(f"{command[0]}: exit status {process.returncode}: {words[0]}")
    return seconds, usage.ru_maxrss * 1024 / 1e6, text


def build_program(arguments, name, library):
    """Links the C example with a library."""
    program = arguments.work / f"{name}-main"
    include = common.ROOT / "runtime/include"
    source = common.ROOT / "examples/c/main.c"
    flags = ["-O1", f"-DMODEL={name}", f"-I{arguments.work}", f"-I{include}"]
    measured([arguments.cc, *flags, source, library, "-Wl,-rpath,$ORIGIN", "-o", program])
    return program


def figures(arguments, path):
    """One row of the table, after the name."""
    command, library = common.compile_command(arguments, path)
    seconds, memory, _ = measured(command)
    size = library.stat().st_size / 1e6
    program = build_program(arguments, path.stem, library)
    firsts, wholes, peaks, weights = [], [], [], 0.0
    for _ in range(arguments.runs):
        whole, _, text = measured([program, "--time"])
        found = REPORT.search(text)
        if not found:
            raise RuntimeError(f"{program.name} printed no figures")
        first, peak, weights = map(float, found.groups())
        firsts.append(first)
        peaks.append(peak)
        wholes.append(whole * 1e3)
    program.unlink()
    return seconds, memory, size, weights, max(peaks), min(firsts), min(wholes)


def cells(arguments, values):
    """A row of the table, in columns for a terminal or for Markdown."""
    words = [value if isinstance(value, str) else f"{value:.1f}" for value in values]
    if arguments.markdown:
        return f"| {' | '.join(words)} |"
    widths = [width for _, width in COLUMNS]
    return " ".join([words[0].ljust(widths[0]), *map(str.rjust, words[1:], widths[1:])])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    common.add_arguments(parser)
    parser.add_argument("--cc", default="cc", help="C compiler for the example")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep the compiled libraries")
    arguments = parser.parse_args()
    failed = 0
    print(cells(arguments, [name for name, _ in COLUMNS]))
    if arguments.markdown:
        print("|---|" + "---:|" * (len(COLUMNS) - 1))
    for path in common.models(arguments):
        try:
            print(cells(arguments, [path.stem, *figures(arguments, path)]), flush=True)
        except (RuntimeError, OSError) as error:  # one model's failure must not stop the others
            failed += 1
            print(f"{path.stem}: {error}", file=sys.stderr, flush=True)
        if not arguments.keep:
            (arguments.work / f"{path.stem}.so").unlink(missing_ok=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
