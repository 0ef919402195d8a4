"""Each snippet on docs/onnxruntime.md gives with cameoc what it gives with onnxruntime."""

import os
import pathlib
import re
import shutil

import numpy as np
import pytest

onnxruntime = pytest.importorskip("onnxruntime")
if "CAMEO" not in os.environ:
    pytest.skip("no compiler", allow_module_level=True)

import cameoc

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs/onnxruntime.md").read_text()
SECTION = PAGE[PAGE.index("## What runs unchanged") : PAGE.index("## What is different")]
SNIPPETS = re.findall(r"```python\n(.*?)```", SECTION, re.S)


def plain(value):
    """What a snippet computed, for comparison; None for what belongs to a package."""
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value if isinstance(value, (str, int, bool, np.ndarray)) else None


def check(name, ours, theirs):
    if isinstance(theirs, list):
        assert len(ours) == len(theirs), name
        for mine, other in zip(ours, theirs):
            check(name, mine, other)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs), name
        check(name, list(ours.values()), list(theirs.values()))
    elif isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype, name
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4, err_msg=name)
    else:
        assert ours == theirs, name


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.splitlines()[0][:40])
def test_snippet(snippet, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "examples/digits/digits.onnx", "model.onnx")
    images = np.load(ROOT / "examples/digits/inputs.npy")[:4]
    names = [{"ort": package, "np": np, "images": images} for package in (cameoc, onnxruntime)]
    for each in names:
        exec(compile(snippet, "docs/onnxruntime.md", "exec"), each)
    ours, theirs = ({key: plain(value) for key, value in each.items()} for each in names)
    compared = [key for key in theirs if key not in ("__builtins__", "ort", "np", "images") and theirs[key] is not None]
    assert compared
    for key in compared:
        check(key, ours[key], theirs[key])


def test_there_are_snippets():
    assert len(SNIPPETS) == 7
