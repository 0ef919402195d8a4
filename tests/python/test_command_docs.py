"""Every command in the sh blocks of the pages on the Python parts runs, in the order of the page."""

import os
import pathlib
import re
import shlex

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
for name in ("onnxruntime", "onnxslim", "sympy"):
    pytest.importorskip(name)
if "CAMEO" not in os.environ:
    pytest.skip("no compiler", allow_module_level=True)

import test_quantize
from cameoc import _compile
from cameoc.tools import export, quantize, simplify

DOCS = pathlib.Path(__file__).parents[2] / "docs"
PARTS = {"export": export.main, "quantize": quantize.main, "simplify": simplify.main}


def commands(page):
    blocks = re.findall(r"```sh\n(.*?)```", (DOCS / page).read_text(), re.S)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line]


def run(line):
    name, command, *arguments = shlex.split(line)
    assert name == "cameo", line
    if command in PARTS:
        assert PARTS[command](arguments) == 0, line
    else:
        _compile.run_program([command, *arguments])


@pytest.mark.parametrize(("page", "least"), [("simplify.md", 2), ("quantize.md", 6)])
def test_commands(tmp_path, monkeypatch, page, least):
    monkeypatch.chdir(tmp_path)
    onnx.save(test_quantize.network(), "model.onnx")
    np.savez("samples.npz", x=np.random.default_rng(1).random((12, 3, 8, 8), np.float32))
    np.save("labels.npy", np.arange(12) % 5)
    lines = commands(page)
    assert len(lines) >= least
    for line in lines:
        run(line)


def check_options(command, capsys):
    """The page names every option of --help, and --help every option on the page."""
    capsys.readouterr()
    with pytest.raises(SystemExit):
        PARTS[command](["--help"])
    text = capsys.readouterr().out
    assert "Examples:" in text and max(map(len, text.splitlines())) <= 120
    page = (DOCS / f"{command}.md").read_text()
    flags = set(re.findall(r"--[a-z][\w-]*", text)) - {"--help", "--output"}  # the page has -o
    assert len(flags) > 3
    assert {flag for flag in flags if not re.search(flag + r"\b", page)} == set()
    assert set(re.findall(r"`(--[\w-]+)", page)) <= flags


@pytest.mark.parametrize("command", ["quantize", "simplify"])
def test_pages_name_every_option(command, capsys):
    check_options(command, capsys)
