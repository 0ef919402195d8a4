"""Checks that broken and hostile models end in one sentence, in time, without a crash.

usage: run_broken.py CAMEO FOLDER [CASE...]

Writes the models into FOLDER, then gives each to `cameo explain` and `cameo compile` and checks the
exit status, that stderr starts with one line `error: ...` followed by nothing but notes, that it
took at most 2 s, and that it used no more memory than 256 MB and three times the file's size.
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import time

import make_broken

SECONDS = 2
MEGABYTES = 256


def run(command):
    """Exit status, stderr, seconds and peak memory in bytes."""
    start = time.monotonic()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (20, 20)),
    )
    stderr = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    code = -(status & 0x7F) if status & 0x7F else status >> 8
    return code, stderr, time.monotonic() - start, usage.ru_maxrss * 1024


def complaints(command, path, status, limited):
    code, stderr, seconds, memory = run(command)
    lines = stderr.splitlines()
    if code != status:
        yield f"exit status {code}, expected {status}"
    if not lines or not lines[0].startswith("error: ") or len(lines[0]) > 1000:
        yield "stderr does not start with one line of an error"
    if any(not line.startswith("note: ") for line in lines[1:]):
        yield "stderr has more than an error and notes"
    if lines and lines[0].endswith("."):
        yield "the message ends in a full stop"
    if limited and seconds > SECONDS:
        yield f"took {seconds:.1f} s"
    if limited and memory > (MEGABYTES << 20) + 3 * path.stat().st_size:
        yield f"used {memory >> 20} MB"


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    cameo, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    # A sanitizer's shadow and quarantine are not the program's memory: limits hold for plain builds.
    limited = "--sanitized" not in sys.argv
    sys.argv = ["make_broken.py", str(folder)]
    make_broken.main()
    expected = json.loads((folder / "expected.json").read_text())
    failures = 0
    for name, status in expected.items():
        path = folder / f"{name}.onnx"
        commands = {
            "explain": [cameo, "explain", path],
            "compile": [cameo, "compile", path, "-o", folder / f"{name}.so"],
        }
        for word, command in commands.items():
            for complaint in complaints(command, path, status, limited):
                failures += 1
                print(f"{name} ({word}): {complaint}")
    print(f"{len(expected)} broken models, {failures} complaints")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
