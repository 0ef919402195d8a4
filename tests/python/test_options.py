"""The pages of the Python parts name every option."""

import pathlib
import re

import pytest

for name in ("onnx", "onnxruntime", "onnxslim", "sympy"):
    pytest.importorskip(name)

from cameoc.tools import export, quantize, simplify

DOCS = pathlib.Path(__file__).parents[2] / "docs"
PARTS = {"export": export.main, "quantize": quantize.main, "simplify": simplify.main}


@pytest.mark.parametrize("command", list(PARTS))
def test_pages_name_every_option(command, capsys):
    """The page names every option of --help, and --help every option on the page."""
    with pytest.raises(SystemExit):
        PARTS[command](["--help"])
    text = capsys.readouterr().out
    assert "Examples:" in text and max(map(len, text.splitlines())) <= 120
    page = (DOCS / f"{command}.md").read_text()
    flags = set(re.findall(r"--[a-z][\w-]*", text)) - {"--help", "--output"}  # the page has -o
    assert len(flags) > 3
    assert {flag for flag in flags if not re.search(flag + r"\b", page)} == set()
    assert set(re.findall(r"`(--[\w-]+)", page)) <= flags
