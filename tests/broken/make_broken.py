"""Writes broken and hostile models, and what is expected of each.

usage: make_broken.py FOLDER

The cases are in broken_bytes.py and broken_graphs.py; cases.py says what a case is.
"""
import json
import pathlib
import sys

import broken_bytes
import broken_graphs
from cases import CASES


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    expected = {}
    for name, (status, make) in CASES.items():
        (folder / f"{name}.onnx").write_bytes(make(folder))
        expected[name] = status
    (folder / "expected.json").write_text(json.dumps(expected, indent=1))


if __name__ == "__main__":
    main()
