"""The Python on docs/python.md runs, in one go."""

import os
import pathlib
import re

import numpy as np
import pytest

pytest.importorskip("onnx")
if "CAMEO" not in os.environ:
    pytest.skip("no compiler", allow_module_level=True)

import models
import onnx

PAGE = pathlib.Path(__file__).parents[2] / "docs/python.md"


def test_page(tmp_path, monkeypatch, capsys):
    nodes = [onnx.helper.make_node("Neg", ["x"], ["y"])]
    ports = [models.tensor(name, ["batch", 3]) for name in "xy"]
    onnx.save(models.model(nodes, ports[:1], ports[1:]), tmp_path / "model.onnx")
    monkeypatch.chdir(tmp_path)
    snippets = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    assert len(snippets) > 3
    names = {}
    for snippet in snippets:
        exec(compile(snippet, str(PAGE), "exec"), names)
    shown = re.search(r"print\(model.inputs\) +# (.*)", PAGE.read_text()).group(1)
    assert capsys.readouterr().out.strip() == shown
    np.testing.assert_array_equal(names["result"], -np.ones((4, 3), np.float32))
    np.testing.assert_array_equal(names["y"], -np.ones((4, 3), np.float32))
