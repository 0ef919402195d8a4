"""`cameo quantize`: what is made computes as ONNX Runtime says, and is what was asked for."""

import json
import os

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("sympy")  # which ONNX Runtime's tools import
if "CAMEO" not in os.environ:
    pytest.skip("no compiler", allow_module_level=True)

import models
from cameoc import CameoError, _compile
from cameoc.tools import _samples, _sensitivity, quantize
from cameoc.tools._models import Input
from onnx import helper, numpy_helper


def network(seed=5):
    """A convolution, and two products of which the second has weights of very different sizes."""
    generator = np.random.default_rng(seed)

    def weight(name, *shape):
        return numpy_helper.from_array((generator.standard_normal(shape) * 0.4).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["x", "w0", "b0"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("GlobalAveragePool", ["r"], ["p"], "pool"),
        helper.make_node("Flatten", ["p"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w1", "b1"], ["g"], "wide"),
        helper.make_node("MatMul", ["g", "w2"], ["y"], "spread"),
    ]
    spread = generator.standard_normal((16, 5)).astype(np.float32) * 0.1
    spread[3, 0] = 40
    constants = [weight("w0", 8, 3, 3, 3), weight("b0", 8), weight("w1", 8, 16), weight("b1", 16)]
    constants.append(numpy_helper.from_array(spread, "w2"))
    ports = [models.tensor("x", ["batch", 3, 8, 8]), models.tensor("y", ["batch", 5])]
    return models.model(nodes, ports[:1], ports[1:], constants)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    onnx.save(network(), "model.onnx")
    np.savez("samples.npz", x=np.random.default_rng(6).random((12, 3, 8, 8), np.float32))
    return tmp_path


def made(capsys, *arguments, status=0):
    """The report of a run."""
    assert quantize.main(["model.onnx", "-o", "q.onnx", *arguments, "--json"]) == status
    return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)


STATIC = ["--calibrate", "samples.npz"]


@pytest.mark.parametrize(
    ("arguments", "op", "layers"),
    [
        (["--mode", "dynamic"], "DynamicQuantizeLinear", 3),
        (STATIC, "DequantizeLinear", 3),
        ([*STATIC, "--per-channel", "--method", "percentile", "--percentile", "99"], "DequantizeLinear", 3),
        ([*STATIC, "--per-channel", "--method", "entropy"], "DequantizeLinear", 3),
        ([*STATIC, "--format", "qop"], "QLinearConv", 3),
        (["--mode", "fp16"], "Cast", 3),
    ],
)
def test_modes(folder, capsys, arguments, op, layers):
    report = made(capsys, *arguments)
    assert report["schema_version"] == 1
    assert sum(layer["is_integer"] for layer in report["layers"]) == layers
    assert all(request["honoured"] for request in report["requests"])
    assert op in {node.op_type for node in onnx.load("q.onnx").graph.node}
    assert report["bytes"]["after"] == os.path.getsize("q.onnx")
    # Compiled code computes what the interpreter does.
    _compile.run_program(["compare", "q.onnx", "--samples", "2"])


def test_four_bits(folder, capsys):
    report = made(capsys, "--mode", "int4-weights")
    states = {layer["name"]: layer["reason"] for layer in report["layers"]}
    assert states == {
        "conv": "only matrix products have weights of 4 bits",
        "wide_MatMul": "",
        "spread": "",
    }
    types = [tensor.data_type for tensor in onnx.load("q.onnx").graph.initializer]
    assert types.count(onnx.TensorProto.INT4) == 2
    _compile.run_program(["compare", "q.onnx", "--samples", "2"])


def test_kept_nodes_stay(folder, capsys):
    for mode in (["--mode", "dynamic"], STATIC, [*STATIC, "--format", "qop"], ["--mode", "int4-weights"]):
        report = made(capsys, *mode, "--keep", "wide")
        kept = [layer for layer in report["layers"] if layer["name"].startswith("wide")]
        assert [(layer["is_integer"], layer["reason"]) for layer in kept] == [(False, "--keep")], mode
        names = {tensor.name: tensor.data_type for tensor in onnx.load("q.onnx").graph.initializer}
        assert onnx.TensorProto.FLOAT in [kind for name, kind in names.items() if name.startswith("w1")]


def test_the_worst_is_left_for_the_target(folder, capsys):
    first = made(capsys, *STATIC)
    report = made(capsys, *STATIC, "--accuracy-target", "0.99999")
    assert first["quality"]["cosine"] < 0.99999 <= report["quality"]["cosine"]
    assert report["sensitivity"][0]["layer"] == "spread"
    assert report["left_in_float"][0] == "spread"
    snr = [np.inf if entry["snr"] is None else entry["snr"] for entry in report["sensitivity"]]
    assert np.inf in snr  # a Relu whose values fit
    assert snr == sorted(snr)
    assert {layer["name"] for layer in report["layers"] if not layer["is_integer"]} <= set(
        report["left_in_float"]
    )


def test_every_operator_may_be_left(folder, capsys):
    table = np.random.default_rng(1).standard_normal((10, 8)).astype(np.float32) * 0.01
    table[3, 3] = 50  # which leaves one step for all others
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["e"], "embed"),
        helper.make_node("MatMul", ["e", "w"], ["y"], "product"),
    ]
    weights = np.random.default_rng(2).standard_normal((8, 4)).astype(np.float32)
    constants = [numpy_helper.from_array(table, "table"), numpy_helper.from_array(weights, "w")]
    ports = [models.tensor("ids", ["n"], onnx.TensorProto.INT64), models.tensor("y", ["n", 4])]
    onnx.save(models.model(nodes, ports[:1], ports[1:], constants), "model.onnx")
    np.savez("ids.npz", ids=np.arange(10).reshape(5, 2))
    report = made(capsys, "--mode", "dynamic", "--calibrate", "ids.npz", "--accuracy-target", "0.9")
    assert report["left_in_float"] == ["all Gather"]


def test_recurrent_layers_stay(folder, capsys):
    generator = np.random.default_rng(3)
    shapes = {"w": (1, 16, 3), "r": (1, 16, 4)}
    constants = [numpy_helper.from_array(generator.random(s, np.float32), n) for n, s in shapes.items()]
    nodes = [helper.make_node("LSTM", ["x", "w", "r"], ["y"], "lstm", hidden_size=4)]
    nodes.append(helper.make_node("MatMul", ["y", "m"], ["z"], "last"))
    constants.append(numpy_helper.from_array(generator.random((4, 2), np.float32), "m"))
    ports = [models.tensor("x", [5, 1, 3]), models.tensor("z", [5, 1, 1, 2])]
    onnx.save(models.model(nodes, ports[:1], ports[1:], constants), "model.onnx")
    report = made(capsys, "--mode", "dynamic")
    reasons = {layer["name"]: layer["reason"] for layer in report["layers"]}
    assert reasons == {"lstm": "recurrent layers have no integer form in ONNX", "last": ""}
    _compile.run_program(["compare", "q.onnx", "--samples", "2"])


def test_a_target_out_of_reach_writes_nothing(folder, capsys):
    status = quantize.main(["model.onnx", "-o", "q.onnx", *STATIC, "--accuracy-target", "1"])
    text = capsys.readouterr()
    assert status == 1 and "error: not honoured:" in text.err
    assert not (folder / "q.onnx").exists()


def test_bias_correction_brings_outputs_nearer(folder, capsys):
    gains = []
    for seed in range(4):
        onnx.save(network(seed), "model.onnx")
        report = made(capsys, *STATIC, "--keep", "spread")["bias_correction"]
        assert report["layers"] == 2
        gains.append(report["snr_after"] - report["snr_before"])
        assert report["used"] == (gains[-1] > 0)
    assert min(gains) > 0.3, gains  # decibels
    without = made(capsys, *STATIC, "--no-bias-correction")
    assert "bias_correction" not in without


def test_labels(folder, capsys):
    import onnxruntime

    session = onnxruntime.InferenceSession("model.onnx")
    classes = session.run(None, {"x": np.load("samples.npz")["x"]})[0].argmax(axis=1)
    classes[0] = (classes[0] + 1) % 5
    np.save("labels.npy", classes)
    top1 = made(capsys, *STATIC, "--labels", "labels.npy")["top1"]
    assert top1["float_accuracy"] == pytest.approx(11 / 12)
    assert 0 <= top1["quantized_accuracy"] <= 1 and 0 <= top1["agreement"] <= 1
    # More than are measured otherwise.
    many = np.tile(np.load("samples.npz")["x"], (4, 1, 1, 1))
    np.savez("many.npz", x=many)
    np.save("many.npy", np.tile(classes, 4))
    assert made(capsys, "--calibrate", "many.npz", "--labels", "many.npy")["top1"][
        "float_accuracy"
    ] == pytest.approx(11 / 12)
    np.save("labels.npy", classes[1:])
    with pytest.raises(CameoError, match="expected 12 labels, got 11"):
        quantize.main(["model.onnx", "-o", "q.onnx", *STATIC, "--labels", "labels.npy"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--mode static needs --calibrate"),
        (["--mode", "dynamic", "--format", "qop"], "--format: only --mode static heeds it"),
        (["--mode", "fp16", "--per-channel"], "--per-channel: --mode fp16 does not heed it"),
        ([*STATIC, "--percentile", "99"], "--percentile: only --method percentile heeds it"),
        ([*STATIC, "--keep", "wid"], "there is no node 'wid'; is it 'wide'?"),
        (["--calibrate", "none.npz"], "none.npz: No such file"),
        (["--calibrate", "model.onnx"], "model.onnx: not an array of NumPy, or damaged"),
        (["--mode", "dynamic", "--labels", "l.npy"], "--labels needs --calibrate"),
    ],
)
def test_bad_usage(folder, arguments, message):
    with pytest.raises(CameoError) as caught:
        quantize.main(["model.onnx", "-o", "q.onnx", *arguments])
    assert message in str(caught.value)
    assert not (folder / "q.onnx").exists()


def test_samples(tmp_path):
    port = Input("x", np.dtype(np.float32), ["batch", 3])
    fixed = Input("x", np.dtype(np.float32), [2, 3])

    def read(array, *inputs):
        np.savez(tmp_path / "s.npz", x=array)
        return [sample["x"].shape for sample in _samples.read_samples(str(tmp_path / "s.npz"), list(inputs))]

    assert read(np.zeros((4, 3)), port) == [(1, 3)] * 4
    assert read(np.zeros((5, 2, 3)), port) == [(2, 3)] * 5
    assert read(np.zeros((4, 3)), fixed) == [(2, 3)] * 2
    for array in (np.zeros((3, 3)), np.zeros((4, 4)), np.zeros(3)):
        with pytest.raises(CameoError, match="'x': expected float32 of 2x3, got float64 of"):
            read(array, fixed)
    with pytest.raises(CameoError, match="has no 'z'; it has x"):
        read(np.zeros((4, 3)), port._replace(name="z"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CameoError, match="no .npy or .npz files"):
        _samples.read_samples(str(tmp_path / "empty"), [port])
    np.save(tmp_path / "empty/a.npy", np.zeros((2, 3)))
    np.savez(tmp_path / "empty/b.npz", x=np.ones((1, 3)))
    found = _samples.read_samples(str(tmp_path / "empty"), [port])
    assert [sample["x"].max() for sample in found] == [0, 0, 1]


def test_fewest_is_the_smallest():
    for limit in range(1, 20):
        for smallest in range(1, limit + 2):
            asked = []
            found = _sensitivity.fewest(limit, lambda n: asked.append(n) or n >= smallest)
            assert found == (smallest if smallest <= limit else None)
            assert len(asked) <= 2 * limit.bit_length() + 2 and max(asked) <= limit
