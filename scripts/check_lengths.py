#!/usr/bin/env python3
"""Finds C and C++ sources of more than 500 lines and functions of more than 60.

usage: check_lengths.py     (exit status 1 and one line for each)

Reads the text as clang-format leaves it: a function begins where a line ends in `{` behind a parameter list, and ends at
the brace that is indented like its first line.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
MOST_IN_FILE, MOST_IN_FUNCTION = 500, 60
NO_FUNCTION = re.compile(r"(if|for|while|switch|else|do|namespace|struct|class|enum|union|extern|return|case|default)\b|[}#*/]")
ENDS_BEFORE = re.compile(r"[;{}:]\s*(//.*)?$|\*/$|^\s*(//|#)")
LAMBDA = re.compile(r"[=(,] *\[[^\]]*\]")


def without_raw_strings(text):
    """The same lines, but for what stands in raw strings."""
    return re.sub(r'R"(\w*)\(.*?\)\1"', lambda found: '""' + "\n" * found.group().count("\n"), text, flags=re.S)


def functions(lines):
    """The first line (from 1) and the number of lines of each function."""
    for last, line in enumerate(lines):
        if not line.endswith("{") or line.endswith(("= {", "({")):
            continue
        first = last
        while first > 0 and lines[first - 1].strip() and not ENDS_BEFORE.search(lines[first - 1]):
            first -= 1
        head = " ".join(lines[first : last + 1])
        if ")" not in head or NO_FUNCTION.match(head.strip()) or LAMBDA.search(head):
            continue
        brace = lines[first][: len(lines[first]) - len(lines[first].lstrip())] + "}"
        end = next((i for i in range(last + 1, len(lines)) if lines[i].startswith(brace)), last)
        yield first + 1, end - first + 1


def main():
    listed = subprocess.run(["git", "ls-files", "*.c", "*.cpp", "*.h"], cwd=ROOT, capture_output=True, text=True, check=True)
    wrong, longest, count = [], 0, 0
    for path in listed.stdout.split():
        lines = without_raw_strings((ROOT / path).read_text()).splitlines()
        if len(lines) > MOST_IN_FILE:
            wrong.append(f"{path}: {len(lines)} lines")
        for first, length in functions(lines):
            longest, count = max(longest, length), count + 1
            if length > MOST_IN_FUNCTION:
                wrong.append(f"{path}:{first}: a function of {length} lines")
    print(*(wrong or [f"{count} functions; the longest has {longest} lines"]), sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
