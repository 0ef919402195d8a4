"""The loader against the hand-written model of tests/runtime; CAMEO_FAKE_MODEL is its path."""

import concurrent.futures
import os
import time

import cameoc
import numpy as np
import pytest
from cameoc import _dtypes

LIBRARY = os.environ["CAMEO_FAKE_MODEL"]
W = np.array([1, 2, 3, 4], np.float32)


@pytest.fixture(params=[1, 3])
def model(request):
    with cameoc.load(LIBRARY, threads=request.param) as model:
        yield model


def values(n=3, m=5, mode=0):
    rng = np.random.default_rng(n)
    return {
        "a": rng.random((n, 4), np.float32),
        "b": rng.random((n, m), np.float32) - np.float32(0.5),
        "mode": np.int64(mode),
    }


def check(inputs, outputs):
    scaled = inputs["a"] * W
    np.testing.assert_array_equal(outputs["y"], np.concatenate([scaled, scaled]))
    np.testing.assert_array_equal(outputs["hits"], np.flatnonzero(inputs["b"] > 0))


def test_describes(model):
    assert model.inputs[0] == cameoc.Port("a", np.dtype("f4"), ("n", 4))
    assert model.inputs[2] == cameoc.Port("mode", np.dtype("i8"), ())
    assert [port.shape for port in model.outputs] == [("2*n", 4), ("k",), (4,)]
    assert model.metadata["producer"] == "hand"
    assert model.name == "fake" and model.cpu == "baseline" and model.weights_size == 16
    assert model.workspace_size({"n": 10, "m": 1}) > model.workspace_size({"n": 1, "m": 1}) > 0
    with pytest.raises(cameoc.CameoError, match="no size given for 'm'"):
        model.workspace_size({"n": 1})


def test_runs(model):
    kept = []
    for n in [3, 3, 3, 0, 1, 3, 500, 3]:
        inputs = values(n)
        outputs = model.run(inputs)
        check(inputs, outputs)
        kept.append((inputs, outputs))
    for inputs, outputs in kept:  # later runs leave earlier results alone
        check(inputs, outputs)


def test_same_arrays_with_new_contents(model):
    inputs = values()
    for i in range(5):
        inputs["a"][:] = i
        inputs["b"][:] = i - 2
        check(inputs, model.run(inputs))


def test_converts(model):
    inputs = values()
    check(inputs, model.run({**inputs, "a": np.asfortranarray(inputs["a"])}))
    check(inputs, model.run({**inputs, "a": inputs["a"].tolist(), "mode": 0}))
    wide = np.zeros((3, 8), np.float32)
    wide[:, ::2] = inputs["a"]
    for value in (0, 1):
        wide[0, 0] = inputs["a"][0, 0] = value
        check(inputs, model.run({**inputs, "a": wide[:, ::2]}))
    read_only = inputs["a"].copy()
    read_only.flags.writeable = False
    check(inputs, model.run({**inputs, "a": read_only}))


def test_outputs_of_the_caller(model):
    inputs = values()
    y = np.empty((6, 4), np.float32)
    hits = np.empty(100, np.int64)
    for _ in range(3):
        inputs["a"] += 1
        outputs = model.run(inputs, {"y": y, "hits": hits})
        assert outputs["y"] is y and np.shares_memory(outputs["hits"], hits)
        check(inputs, outputs)
    with pytest.raises(cameoc.CameoError, match="output 'y': has room for 4 bytes, expected 96"):
        model.run(inputs, {"y": np.empty(1, np.float32)})
    with pytest.raises(cameoc.CameoError, match="output 'y': expected a writeable contiguous"):
        model.run(inputs, {"y": np.empty((6, 4), np.float64)})
    check(inputs, model.run(inputs))


def test_rejects(model):
    inputs = values()
    for change, message in [
        ({"a": np.zeros((3, 4))}, "input 'a': expected float32, got float64"),
        ({"a": np.zeros((3, 5), "f4")}, "input 'a': expected dim 1 to be 4, got 5"),
        ({"a": np.zeros((3, 4, 1), "f4")}, "input 'a': expected rank 2, got 3"),
        ({"a": np.zeros((2, 4), "f4")}, "the size of 'n' in another place, got 3"),
        ({"a": [["x"]]}, "input 'a': could not convert string to float"),
        ({"z": 1}, "no input 'z'; the inputs are 'a', 'b', 'mode'"),
        ({"mode": 1}, "node 'Reshape_1': cannot reshape 12 elements"),
    ]:
        with pytest.raises(cameoc.CameoError, match=message):
            model.run({**inputs, **change})
        check(inputs, model.run(inputs))
    with pytest.raises(cameoc.CameoError, match="'b' missing; the inputs are"):
        model.run({"a": inputs["a"], "mode": 0})
    with pytest.raises(cameoc.CameoError) as caught:
        model.run({**inputs, "mode": 1})
    assert caught.value.status == 13


def test_load_fails(tmp_path):
    with pytest.raises(cameoc.CameoError, match="cannot load .*nowhere.so"):
        cameoc.load(tmp_path / "nowhere.so")
    with pytest.raises(cameoc.CameoError, match="expected at most 1024, got 5000"):
        cameoc.load(LIBRARY, threads=5000)
    with pytest.raises(cameoc.CameoError, match="max_iterations is negative"):
        cameoc.load(LIBRARY, max_iterations=-1)
    with pytest.raises(cameoc.CameoError, match="does not end in a checksum"):
        cameoc.load(LIBRARY, verify=True)  # the hand-written model has none
    with pytest.raises(cameoc.CameoError, match="weights file 'nowhere' was not found"):
        cameoc.load(LIBRARY, weights="nowhere")
    model = cameoc.load(LIBRARY)
    model.close()
    with pytest.raises(cameoc.CameoError, match="closed"):
        model.run(values())


def test_many_threads(model):
    def work(n):
        for _ in range(50):
            inputs = values(n)
            y = np.empty((2 * n, 4), np.float32)
            check(inputs, model.run(inputs, {"y": y} if n % 2 else None))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work, n) for n in range(1, 9)]:
            done.result()


ENDLESS = 4


def test_cancel(model):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        run = pool.submit(model.run, values(mode=ENDLESS))
        while not run.done():  # before the run has begun there is nothing to cancel
            model.cancel()
            time.sleep(0.01)
        with pytest.raises(cameoc.CameoError, match="the run was cancelled") as caught:
            run.result()
    assert caught.value.status == 15
    check(values(), model.run(values()))
    model.close()
    model.cancel()


def test_limits():
    for limits, message in [
        ({"max_iterations": 100}, "node 'Reshape_1': the run has come to its limit of 100 iter"),
        ({"max_seconds": 0.02}, "the run has come to its limit of 20 milliseconds"),
    ]:
        with cameoc.load(LIBRARY, **limits) as model:
            with pytest.raises(cameoc.CameoError, match=message) as caught:
                model.run(values(mode=ENDLESS))
            assert caught.value.status == 16
            check(values(), model.run(values()))


def test_small_types_are_packed():
    for number, codes in [(21, [0, 1, 15]), (22, [-8, 7, -1]), (26, [-2, 1, -1, 0, 1])]:
        dtype = _dtypes.BY_NUMBER[number]
        array = np.array(codes, np.int8).astype(dtype.numpy)
        packed = _dtypes.pack(array, dtype)
        assert packed.size == dtype.bytes(len(codes))
        back = _dtypes.unpack(packed, (len(codes),), dtype)
        assert back.dtype == dtype.numpy and back.astype(np.int8).tolist() == codes
    assert _dtypes.pack(np.array([1, 2, 3], np.uint8), _dtypes.BY_NUMBER[21]).tolist() == [0x21, 3]
