"""The classes of `cameo export` are those of `cameo compare --thresholds export`, at their limits, too."""

import json
import os
import subprocess

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
if "CAMEO" not in os.environ:
    pytest.skip("no compiler", allow_module_level=True)

import models
from cameoc.tools._deviation import FAIL, PASS, WARN, deviation

COUNT = 1000


def apart(difference, everywhere=False):
    """Two vectors of a largest difference, at one element or at all, whose scale is 1."""
    expected = np.linspace(-1, 1, COUNT)
    got = expected.copy()
    if everywhere:
        got += difference
    else:
        expected[1], got[1] = 0, difference
    return expected, got


def turned(cosine):
    """Two vectors of this cosine similarity, near 0, so that their difference is small."""
    first, second = np.eye(COUNT)[:2]
    return first * 1e-7, (first * cosine + second * np.sqrt(1 - cosine**2)) * 1e-7


CASES = [
    (apart(9.99e-6), PASS),
    (apart(1e-5), WARN),
    (apart(1.01e-5), WARN),
    (apart(5.3e-5), WARN),
    (apart(9.99e-5), WARN),
    (apart(1e-4), FAIL),
    (apart(9.99e-6, everywhere=True), PASS),
    (apart(1.01e-5, everywhere=True), WARN),
    (apart(9.99e-5, everywhere=True), WARN),
    (apart(1.01e-4, everywhere=True), FAIL),
    (turned(0.99991), PASS),
    (turned(0.99989), WARN),
    (turned(0.99901), WARN),
    (turned(0.99899), FAIL),
    ((np.zeros(COUNT), np.zeros(COUNT)), PASS),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    port = [models.tensor(name, [COUNT], onnx.TensorProto.DOUBLE) for name in "xy"]
    onnx.save(models.model([onnx.helper.make_node("Identity", ["x"], ["y"])], port[:1], port[1:]), folder / "m.onnx")
    subprocess.run([os.environ["CAMEO"], "compile", "-q", "m.onnx"], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize(("vectors", "verdict"), CASES)
def test_both_programs_judge_alike(folder, vectors, verdict):
    expected, got = vectors
    np.save(folder / "x.npy", got)
    np.savez(folder / "expected.npz", y=expected)
    command = [os.environ["CAMEO"], *"compare m.onnx m.so -i x.npy --against expected.npz --thresholds export --json".split()]
    said = json.loads(subprocess.run(command, cwd=folder, capture_output=True, check=False).stdout)["verdict"]
    assert said == deviation(expected, got).verdict() == verdict
