"""`cameo simplify`, and how the program starts its Python parts."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxslim")
pytest.importorskip("onnxruntime")
if "CAMEO" not in os.environ:
    pytest.skip("no compiler", allow_module_level=True)

import models
from cameoc.tools import simplify
from onnx import helper, numpy_helper


def wasteful():
    """y = 2 x, with a constant to fold and nodes that change nothing."""
    nodes = [
        helper.make_node("Add", ["one", "one"], ["two"]),
        helper.make_node("Identity", ["x"], ["a"]),
        helper.make_node("Transpose", ["a"], ["b"], perm=[1, 0]),
        helper.make_node("Transpose", ["b"], ["c"], perm=[1, 0]),
        helper.make_node("Mul", ["c", "two"], ["y"]),
    ]
    ports = [models.tensor(name, ["batch", 3]) for name in "xy"]
    return models.model(nodes, ports[:1], ports[1:], [numpy_helper.from_array(np.float32([1]), "one")])


def cameo(*arguments, **environment):
    command = [os.environ["CAMEO"], *map(str, arguments)]
    variables = {**os.environ, "CAMEO_PYTHON": sys.executable, **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=variables)


def test_simplify(tmp_path):
    onnx.save(wasteful(), tmp_path / "model.onnx")
    done = cameo("simplify", tmp_path / "model.onnx", "-o", tmp_path / "out/simple.onnx", "--dim", "batch=2")
    assert done.returncode == 0, done.stderr
    result = onnx.load(tmp_path / "out/simple.onnx")
    assert [node.op_type for node in result.graph.node] == ["Mul"]
    assert {entry.key: entry.value for entry in result.metadata_props} == {"classes": "cat,dog"}
    assert result.doc_string == "a model" and result.model_version == 3
    assert re.search(r"Transpose +2 +0 +-2", done.stdout)
    assert done.stdout.endswith(
        "PASS on 3 samples by ONNX Runtime: max difference 0.00e+00, cosine 1.000000\n"
    )


def test_json_has_a_version(tmp_path, capsys):
    onnx.save(wasteful(), tmp_path / "model.onnx")
    arguments = [str(tmp_path / "model.onnx"), "-o", str(tmp_path / "simple.onnx"), "--json"]
    assert simplify.main(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["schema_version"] == 1 and report["command"] == "simplify"
    assert (report["before"]["nodes"], report["after"]["nodes"]) == (5, 1)


def test_other_numbers_are_not_written(tmp_path, monkeypatch, capsys):
    def broken(model):
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        copy.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.float32([1.001]), "one"))
        return copy

    onnx.save(wasteful(), tmp_path / "model.onnx")
    monkeypatch.setattr(simplify, "simplified", broken)
    arguments = [str(tmp_path / "model.onnx"), "-o", str(tmp_path / "simple.onnx")]
    assert simplify.main(arguments) == 1
    assert "FAIL" in capsys.readouterr().out
    assert not (tmp_path / "simple.onnx").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.onnx", "-o", "s.onnx"], "error: none.onnx: No such file or directory"),
        (["text.onnx", "-o", "s.onnx"], "error: text.onnx: not an ONNX model"),
        ([".", "-o", "s.onnx"], "error: .: Is a directory"),
        (["pipe", "-o", "s.onnx"], "error: pipe: not a regular file"),
        (["model.onnx"], "error: the following arguments are required: -o/--output"),
        (["model.onnx", "-o", "s.onnx", "--dim", "k=2"], "error: --dim: no input has a dimension 'k'"),
        (
            ["model.onnx", "-o", "s.onnx", "--shape", "x=2xx3"],
            "error: expected sizes such as 1x3x224x224, got '2xx3'",
        ),
    ],
)
def test_bad_usage(tmp_path, monkeypatch, arguments, message):
    onnx.save(wasteful(), tmp_path / "model.onnx")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text.onnx").write_text("this is a text\n")
    monkeypatch.chdir(tmp_path)
    done = cameo("simplify", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message), done.stderr
    assert not (tmp_path / "s.onnx").exists()


def test_missing_packages_are_named(tmp_path):
    # Python without its packages; -S is not for the user's own site either.
    interpreter = tmp_path / "python"
    interpreter.write_text(f'#!/bin/sh\nexec {sys.executable} -S -s "$@"\n')
    interpreter.chmod(0o755)
    done = cameo("simplify", "m.onnx", "-o", "s.onnx", CAMEO_PYTHON=str(interpreter), PYTHONPATH="")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: 'cameo simplify' needs the Python packages numpy, onnx, onnxslim and onnxruntime, which "
    )
    assert done.stderr.endswith(" -m pip install numpy onnx onnxslim onnxruntime' installs them\n")
    assert done.stderr.count("\n") == 1


def test_a_missing_package_is_named(tmp_path):
    (tmp_path / "onnxslim.py").write_text("import nosuch.thing\n")
    onnx.save(wasteful(), tmp_path / "m.onnx")
    done = cameo("simplify", tmp_path / "m.onnx", "-o", tmp_path / "s.onnx", PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert "needs the Python package nosuch, which " in done.stderr
    assert done.stderr.endswith(" -m pip install nosuch' installs it\n")


def test_the_package_is_that_of_the_program(tmp_path):
    (tmp_path / "cameoc").mkdir()
    (tmp_path / "cameoc/__init__.py").write_text("raise SystemExit('another package')")
    done = cameo("simplify", "--help", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0 and done.stdout.startswith("usage: cameo simplify"), done.stderr


@pytest.mark.parametrize(
    ("program", "package"),
    [("site/cameoc/bin", "site/cameoc"), ("prefix/bin", "prefix/lib/cameo/python/cameoc")],
)
def test_where_it_is_installed(tmp_path, program, package):
    """In a wheel, and below a prefix."""
    ignored = shutil.ignore_patterns("__pycache__", "bin")
    shutil.copytree(pathlib.Path(simplify.__file__).parents[1], tmp_path / package, ignore=ignored)
    (tmp_path / "site/cameoc-9.8.dist-info").mkdir(parents=True)
    (tmp_path / "site/cameoc-9.8.dist-info/METADATA").write_text("Name: cameoc\nVersion: 9.8\n")
    (tmp_path / "prefix/lib/cameo").mkdir(parents=True, exist_ok=True)
    (tmp_path / "prefix/lib/cameo/VERSION").write_text("9.8\n")
    (tmp_path / program).mkdir(parents=True, exist_ok=True)
    installed = tmp_path / program / "cameo"
    try:
        os.link(os.path.realpath(os.environ["CAMEO"]), installed)
    except OSError:  # another file system
        shutil.copy(os.environ["CAMEO"], installed)
    environment = {**os.environ, "CAMEO_PYTHON": sys.executable, "PYTHONPATH": ""}
    onnx.save(wasteful(), tmp_path / "m.onnx")
    command = [installed, "simplify", tmp_path / "m.onnx", "-o", tmp_path / "s.onnx", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["cameo"] == "9.8"
    (tmp_path / package / "tools/launch.py").unlink()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2
    assert f"is not beside the program {installed}" in done.stderr and "pip install cameoc" in done.stderr


def test_a_bug_has_a_status_of_its_own(tmp_path):
    (tmp_path / "onnxslim.py").write_text("def slim(model):\n    return None\n")
    onnx.save(wasteful(), tmp_path / "model.onnx")
    done = cameo("simplify", tmp_path / "model.onnx", "-o", tmp_path / "s.onnx", PYTHONPATH=str(tmp_path))
    assert done.returncode == 4
    assert "Traceback" in done.stderr and "error: a bug in cameo simplify: AttributeError" in done.stderr


def test_a_signal_ends_it(tmp_path):
    (tmp_path / "onnxslim.py").write_text(
        "import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(60)\n"
    )
    onnx.save(wasteful(), tmp_path / "model.onnx")
    process = subprocess.Popen(
        [os.environ["CAMEO"], "simplify", "model.onnx", "-o", "s.onnx"],
        env={**os.environ, "CAMEO_PYTHON": sys.executable, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == -signal.SIGINT
