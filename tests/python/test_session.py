"""cameoc.compile, values of all kinds, and what is written for onnxruntime. CAMEO is the compiler."""

import os
import pickle
import threading

import numpy as np
import pytest

pytest.importorskip("onnx")
if "CAMEO" not in os.environ:
    pytest.skip("no compiler", allow_module_level=True)

import cameoc
import models
import onnx

X = np.arange(6, dtype=np.float32).reshape(2, 3)
B = np.array([1, 2, 3], np.float32)


@pytest.fixture(scope="module")
def session():
    options = cameoc.SessionOptions()
    options.intra_op_num_threads = 1
    return cameoc.InferenceSession(models.sums().SerializeToString(), options)


def test_compile(tmp_path):
    onnx.save(models.sums(), tmp_path / "sums.onnx")
    for source, out, expected in [
        (tmp_path / "sums.onnx", tmp_path / "a.so", "a.so"),
        (str(tmp_path / "sums.onnx"), f"{tmp_path}/folder/", "folder/sums.so"),
        (models.sums(), tmp_path / "b.so", "b.so"),
        (models.sums().SerializeToString(), f"{tmp_path}/c/", "c/model.so"),
    ]:
        library = cameoc.compile(source, out)
        assert library == tmp_path / expected and library.with_suffix(".h").exists()
        np.testing.assert_array_equal(cameoc.load(library).run({"x": X, "b": B})["y"], X + B)
    assert cameoc.load(tmp_path / "b.so").name == "b"


def test_compile_options(tmp_path):
    library = cameoc.compile(models.sums(), tmp_path / "m.so", dim={"batch": 2}, name="other")
    model = cameoc.load(library)
    assert model.name == "other" and model.inputs[0].shape == (2, 3)
    rng = np.random.default_rng(0)
    x, w = rng.random((4, 64), np.float32), rng.random((64, 8), np.float32)
    plain = cameoc.load(cameoc.compile(models.product(w), tmp_path / "f32.so", winograd=None))
    short = cameoc.load(cameoc.compile(models.product(w), tmp_path / "bf16.so", precision="bf16"))
    exact, rounded = plain.run({"x": x})["y"], short.run({"x": x})["y"]
    np.testing.assert_allclose(exact, x @ w, rtol=1e-5)
    np.testing.assert_allclose(rounded, exact, rtol=1e-2)
    assert not np.array_equal(rounded, exact)


def test_compile_fails(tmp_path, monkeypatch):
    for source, status, message in [
        (tmp_path / "nowhere.onnx", 2, "nowhere.onnx"),
        (b"no model", 2, "model"),
    ]:
        with pytest.raises(cameoc.CameoError, match=message) as caught:
            cameoc.compile(source, tmp_path / "m.so")
        assert caught.value.status == status
    assert not (tmp_path / "m.so").exists()
    with pytest.raises(cameoc.CameoError, match="expected a path, bytes or a ModelProto, got int"):
        cameoc.compile(3, tmp_path / "m.so")
    with pytest.raises(cameoc.CameoError, match="--no-such-option"):
        cameoc.compile(models.sums(), tmp_path / "m.so", no_such_option=1)
    monkeypatch.setenv("CAMEO", "/nowhere/cameo")
    with pytest.raises(cameoc.CameoError, match="CAMEO is '/nowhere/cameo'"):
        cameoc.compile(models.sums(), tmp_path / "m.so")


def test_strings(tmp_path):
    model = cameoc.load(cameoc.compile(models.strings(), tmp_path / "m.so"))
    assert model.inputs[0] == cameoc.Port("a", np.dtype(object), ("n",))
    for a, b in [(["x", ""], ["y", "grün"]), ([], []), (np.array(["1"]), [b"2"])]:
        joined = [p + (q.decode() if isinstance(q, bytes) else q) for p, q in zip(a, b)]
        assert model.run({"a": a, "b": b})["c"].tolist() == joined
    with pytest.raises(cameoc.CameoError, match="input 'b': expected strings, got int"):
        model.run({"a": ["x"], "b": [1]})


def test_sequences_and_optionals(tmp_path):
    model = cameoc.load(cameoc.compile(models.sequences(), tmp_path / "m.so"))
    assert [port.kind for port in model.inputs + model.outputs] == [
        "sequence",
        "tensor",
        "sequence",
        "tensor",
        "optional",
    ]
    for before in [[], [X], [B, X[0], X]]:
        outputs = model.run({"s": before, "x": B})
        assert outputs["n"] == len(before) + 1
        for got, expected in zip(outputs["t"], [*before, B]):
            np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(outputs["o"], B)
    for given, message in [
        ({"s": B, "x": B}, "input 's': expected a list, got ndarray"),
        ({"s": [X.astype(int)], "x": B}, "input 's': expected float32, got int64"),
    ]:
        with pytest.raises(cameoc.CameoError, match=message):
            model.run(given)
    with pytest.raises(cameoc.CameoError, match="output 't': only tensors"):
        model.run({"s": [], "x": B}, {"t": X})
    asks = cameoc.load(cameoc.compile(models.has_element(), tmp_path / "o.so"))
    assert asks.run({"o": None})["y"] == np.False_ and asks.run({"o": B})["y"] == np.True_


def test_session(session):
    first, *_ = session.get_inputs()
    assert (first.name, first.shape, first.type) == ("x", ["batch", 3], "tensor(float)")
    assert [output.name for output in session.get_outputs()] == ["y", "z"]
    assert session.get_providers() == cameoc.get_available_providers() == ["CPUExecutionProvider"]
    y, z = session.run(None, {"x": X, "b": B})
    np.testing.assert_array_equal(y, X + B)
    np.testing.assert_array_equal(z, -X)
    (z,) = session.run(["z"], {first.name: X, "b": B}, cameoc.RunOptions())
    np.testing.assert_array_equal(z, -X)
    with pytest.raises(cameoc.CameoError, match="no output 'w'; the outputs are 'y', 'z'"):
        session.run(["w"], {"x": X, "b": B})
    with pytest.raises(cameoc.CameoError, match="'b' missing; the inputs are 'x', 'b'"):
        session.run(None, {"x": X})


def test_session_metadata(session):
    meta = session.get_modelmeta()
    assert (meta.producer_name, meta.domain, meta.version) == ("tests", "org.example", 3)
    assert meta.graph_name == "graph" and meta.description == "a model"
    assert meta.custom_metadata_map == {"classes": "cat,dog"}


def test_session_of_files(tmp_path):
    onnx.save(models.sums(), tmp_path / "m.onnx")
    options = cameoc.SessionOptions()
    options.add_free_dimension_override_by_name("batch", 2)
    options.graph_optimization_level = cameoc.GraphOptimizationLevel.ORT_ENABLE_ALL
    for source in [tmp_path / "m.onnx", str(cameoc.compile(models.sums(), tmp_path / "m.so"))]:
        session = cameoc.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        np.testing.assert_array_equal(session.run(["y"], {"x": X, "b": B})[0], X + B)
    assert cameoc.InferenceSession(tmp_path / "m.onnx", options).get_inputs()[0].shape == [2, 3]
    again = pickle.loads(pickle.dumps(cameoc.InferenceSession(tmp_path / "m.onnx", options)))
    assert again.get_inputs()[0].shape == [2, 3]


def test_run_async(session):
    done, seen = threading.Event(), []

    def callback(results, user_data, error):
        seen.append((results, user_data, error))
        if len(seen) == 2:
            done.set()

    session.run_async(["y"], {"x": X, "b": B}, callback, "first")
    session.run_async(None, {"x": X}, callback, "second")
    assert done.wait(30)
    results = {user_data: (values, error) for values, user_data, error in seen}
    np.testing.assert_array_equal(results["first"][0][0], X + B)
    assert results["first"][1] == "" and results["second"][0] == []
    assert "'b' missing" in results["second"][1]


def test_io_binding(session):
    binding = session.io_binding()
    binding.bind_cpu_input("x", X)
    binding.bind_ortvalue_input("b", cameoc.OrtValue.ortvalue_from_numpy(B))
    binding.bind_output("z")
    y = cameoc.OrtValue.ortvalue_from_shape_and_type([2, 3], np.float32)
    binding.bind_output("y", "cpu", 0, np.float32, [2, 3], y.data_ptr())
    session.run_with_iobinding(binding)
    np.testing.assert_array_equal(y.numpy(), X + B)
    z, y = binding.copy_outputs_to_cpu()
    np.testing.assert_array_equal(z, -X)
    value = binding.get_outputs()[1]
    assert (value.shape(), value.data_type()) == ([2, 3], "tensor(float)") and value.is_tensor()
    binding.clear_binding_outputs()
    session.run_with_iobinding(binding)
    assert len(binding.get_outputs()) == 2
    with pytest.raises(cameoc.CameoError, match="no output 'w'"):
        binding.bind_output("w")
