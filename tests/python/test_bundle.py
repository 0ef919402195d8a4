"""cameoc.load_bundle: the models of `cameo bundle`. CAMEO is the compiler."""

import os
import pickle
import subprocess
import threading

import numpy as np
import pytest

pytest.importorskip("onnx")
if "CAMEO" not in os.environ:
    pytest.skip("no compiler", allow_module_level=True)

import cameoc
import models
import onnx
from onnx import helper, numpy_helper

HEADS = 12
X = np.random.default_rng(1).standard_normal((3, 8)).astype(np.float32)


def weights(number):
    return np.random.default_rng(number).standard_normal((8, 2 + number % 4)).astype(np.float32)


def head(number):
    w = weights(number)
    made = models.model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        [models.tensor("x", ["batch", 8])],
        [models.tensor("y", ["batch", w.shape[1]])],
        [numpy_helper.from_array(w, "w")],
    )
    helper.set_model_props(made, {"species": f"s{number}", "parity": "odd" if number % 2 else "even"})
    return made


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    for number in range(HEADS):
        onnx.save(head(number), folder / f"head{number:02}.onnx")
    onnx.save(models.strings(), folder / "strings.onnx")
    command = [os.environ["CAMEO"], "bundle", "*.onnx", "-o", "heads.so"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "heads.so"


@pytest.fixture
def bundle(library):
    with cameoc.load_bundle(library) as bundle:
        yield bundle


def test_finds(bundle):
    assert bundle.names == [f"head{number:02}" for number in range(HEADS)] + ["strings"]
    assert (len(bundle), "head03" in bundle, "head3" in bundle, 3 in bundle) == (HEADS + 1, True, False, False)
    assert bundle.find("species", "s7") == ["head07"]
    assert bundle.find("parity", "odd") == [f"head{number:02}" for number in range(1, HEADS, 2)]
    assert bundle.find("parity", "od") == bundle.find("no such key", "odd") == []
    assert bundle["head05"] is bundle["head05"]
    assert bundle["head05"].metadata["property.species"] == "s5"
    with pytest.raises(KeyError, match="head99"):
        bundle["head99"]


def test_computes_what_the_models_compute_alone(bundle, library):
    for number in range(HEADS):
        alone = cameoc.compile(head(number), library.parent / "alone" / f"head{number}.so")
        with cameoc.load(alone) as model:
            np.testing.assert_array_equal(bundle[f"head{number:02}"].run({"x": X})["y"], model.run({"x": X})["y"])
        np.testing.assert_allclose(bundle[f"head{number:02}"].run({"x": X})["y"], X @ weights(number), rtol=1e-5, atol=1e-5)
    words = {"a": np.array(["un", "re"], object), "b": np.array(["do", "do"], object)}
    assert list(bundle["strings"].run(words)["c"]) == ["undo", "redo"]


def test_a_pool_serves_all_models(library):
    before = threading.active_count(), len(os.listdir("/proc/self/task"))
    with cameoc.load_bundle(library, pool=cameoc.Pool(3)) as bundle:
        for name in bundle.names[:HEADS]:
            bundle[name].run({"x": X})
        assert len(os.listdir("/proc/self/task")) <= before[1] + 2


def test_sessions_and_pickles(bundle):
    session = cameoc.InferenceSession(bundle["head04"])
    [y] = session.run(None, {"x": X})
    again = pickle.loads(pickle.dumps(bundle))
    np.testing.assert_array_equal(again["head04"].run({"x": X})["y"], y)
    model = pickle.loads(pickle.dumps(bundle["head04"]))
    np.testing.assert_array_equal(model.run({"x": X})["y"], y)
    np.testing.assert_array_equal(cameoc.load(bundle.path, model="head04").run({"x": X})["y"], y)


def test_refuses(library, tmp_path):
    with pytest.raises(cameoc.CameoError, match="is a bundle, which cameoc.load_bundle opens"):
        cameoc.load(library)
    with pytest.raises(cameoc.CameoError, match="has no model 'head99'"):
        cameoc.load(library, model="head99")
    alone = cameoc.compile(head(0), tmp_path / "alone.so")
    with pytest.raises(cameoc.CameoError, match="is the library of one model, which cameoc.load opens"):
        cameoc.load_bundle(alone)
    with pytest.raises(cameoc.CameoError, match="cannot load"):
        cameoc.load_bundle(tmp_path / "gone.so")
