"""`cameo export`: checkpoints of every kind to models that compute the same."""

import json
import os
import pathlib
import re
import sys

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
for name in ("onnxruntime", "onnxscript", "onnxslim", "yaml"):
    pytest.importorskip(name)
if "CAMEO" not in os.environ:
    pytest.skip("no compiler", allow_module_level=True)

from cameoc import CameoError, load
from cameoc.tools import _checkpoints, _export_run, _torch_export, export
from cameoc.tools._deviation import FAIL, PASS, WARN, Deviation, deviation

PAGE = pathlib.Path(__file__).parents[2] / "docs/export.md"
# As the page has it, and modules that give trouble.
NETS = re.search(r'```python title="nets.py"\n(.*?)```', PAGE.read_text(), re.S).group(1) + """

import torch


class Svd(nn.Linear):
    def forward(self, x):
        return torch.linalg.svdvals(super().forward(x))


class Deciding(nn.Linear):
    def forward(self, x):
        y = super().forward(x)
        return y + 1 if y.sum() > 1000 else {"first": y, "rest": (y * 2, y - 1)}


class Fixed(nn.Linear):
    def forward(self, x):
        return super().forward(x.reshape(2, 4))


class Reshaping(nn.Linear):
    def forward(self, x):
        return super().forward(x.reshape(int(x.shape[0]), 4))


class Mean(nn.Linear):
    def forward(self, x):
        return super().forward(x).mean(0)


def broken():
    raise RuntimeError("not today")
"""
INPUT = ["--input", "x=1x3x16x16"]
TRACED = ["--opset", "17", "--validate", "1"]  # the quickest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    (tmp_path / "nets.py").write_text(NETS)
    namespace = {}
    exec(NETS, namespace)
    torch.manual_seed(1)
    torch.save(namespace["small"]().state_dict(), "best.pt")
    for index, run in enumerate("ab"):
        (tmp_path / f"runs/{run}/weights").mkdir(parents=True)
        state = {
            "module." + name: value for name, value in namespace["small"](4 + index).state_dict().items()
        }
        torch.save({"epoch": index, "model_state_dict": state}, f"runs/{run}/weights/best.pt")
    return namespace


def reported(capsys, *arguments, status=0):
    assert export.main([*arguments, "--json"]) == status
    report = json.loads(capsys.readouterr().out)
    assert (report["schema_version"], report["command"]) == (1, "export")
    return report["checkpoints"]


def test_a_tree(folder, capsys, tmp_path):
    (tmp_path / "runs/c/weights").mkdir(parents=True)
    (tmp_path / "runs/c/weights/best.pt").write_text("lost")
    tree = ["--pattern", "runs/*/weights/best.pt", "--model", "nets:sized", *INPUT, *TRACED]
    assert export.main([*tree, "-o", "out"]) == 2
    text = capsys.readouterr().out
    for start in ("[1/3] runs/a/weights/best.pt: PASS out/a/weights/best.onnx (", "[2/3] runs/b"):
        assert start in text
    assert "[3/3] runs/c/weights/best.pt: failed: runs/c/weights/best.pt: not a PyTorch checkpoint" in text
    assert text.endswith("3 checkpoints: 2 PASS, 1 failed\n")
    assert sorted(path.as_posix() for path in (tmp_path / "out").rglob("*.onnx")) == [
        f"{tmp_path.as_posix()}/out/{run}/weights/best.onnx" for run in "ab"
    ]
    model = onnx.load("out/b/weights/best.onnx")
    assert model.graph.output[0].type.tensor_type.shape.dim[1].dim_value == 5


def test_a_bug_stops_nothing(folder, capsys, monkeypatch):
    compare = _export_run.Job._compare

    def sometimes(job, runners, feeds):
        return compare(job, runners, feeds) if "/b/" in job.path else {}["oops"]

    monkeypatch.setattr(_export_run.Job, "_compare", sometimes)
    tree = ["--pattern", "runs/*/weights/best.pt", "--model", "nets:sized", *INPUT, *TRACED]
    first, second = reported(capsys, *tree, status=4)
    assert first["error"] == "a bug in cameo: KeyError: 'oops'" and second["verdict"] == PASS


def test_names(tmp_path):
    paths = [f"/r/{run}/weights/best.pt" for run in "ab"]
    assert [str(p) for p in _checkpoints.outputs(paths, "o", None).values()] == [
        "o/a/weights/best.onnx",
        "o/b/weights/best.onnx",
    ]
    named = _checkpoints.outputs(paths, "o", "{parent2}_{stem}")
    assert [str(p) for p in named.values()] == ["o/a_best.onnx", "o/b_best.onnx"]
    assert [str(p) for p in _checkpoints.outputs(["/r/x.v2.pt"], "o", None).values()] == ["o/x.v2.onnx"]
    with pytest.raises(CameoError, match="would be written to the same file 'o/best.onnx'"):
        _checkpoints.outputs(paths, "o", "{stem}")
    with pytest.raises(CameoError, match="has no {other}"):
        _checkpoints.outputs(paths, "o", "{other}")
    with pytest.raises(CameoError, match="same file 'o/x.onnx'"):
        _checkpoints.outputs(["/r/x.pt", "/r/x.pth"], "o", None)


def test_everything_at_once(folder, capsys, tmp_path):
    np.savez("samples.npz", x=np.random.default_rng(1).random((8, 3, 16, 16), np.float32))
    arguments = [
        "best.pt",
        "--model",
        "nets:small",
        *INPUT,
        "--dynamic",
        "batch,height,width",
        "--opset",
        "17",
    ]
    arguments += ["--batch-size", "2", "--validate", "4", "--simplify", "--compile", "--bench", "-o", "out"]
    # The calibrated form is of the opset that the tools can write.
    (report,) = reported(capsys, *arguments, "--quantize", "dynamic", "--backend", "qnnpack")
    assert report["verdict"] == PASS and report["opset"] == 17 and report["notes"] == []
    assert report["inputs"] == {"x": ["batch", 3, "height", "width"]}
    assert {entry["runner"]: entry["samples"] for entry in report["comparison"]} == {
        "ONNX Runtime": 4,
        "interpreter": 2,
        "compiled": 4,
    }
    assert set(report["bench"]["median_ms"]) == {"PyTorch", "ONNX Runtime", "compiled"}
    assert report["quantized"]["from_float"]["cosine"] > 0.99
    assert report["quantized"]["compiled_from_onnxruntime"]["cosine"] > 0.9999
    model = load("out/best.so")
    assert model.inputs[0].shape == ("batch", 3, "height", "width")
    assert sorted(report["libraries"]) == ["out/best.dynamic.so", "out/best.so"]


@pytest.mark.parametrize(("opset", "exporter"), [(11, "torchscript"), (18, "dynamo"), (23, "dynamo")])
def test_opsets(folder, capsys, opset, exporter):
    arguments = [
        "best.pt",
        "--model",
        "nets:small",
        *INPUT,
        "--dynamic",
        "batch",
        "--opset",
        str(opset),
        "--validate",
        "2",
    ]
    (report,) = reported(capsys, *arguments)
    assert (report["opset"], report["exporter"], report["verdict"]) == (opset, exporter, PASS)
    (entry,) = [o for o in onnx.load(report["model"]).opset_import if not o.domain]
    assert entry.version == opset
    assert report["inputs"]["x"][0] == "batch"


def test_safetensors(folder, capsys, tmp_path):
    files = pytest.importorskip("safetensors.torch")
    files.save_file(folder["small"]().state_dict(), "best.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    good, bad = reported(
        capsys, "best.safetensors", "bad.safetensors", "--model", "nets:small", *INPUT, *TRACED, status=2
    )
    assert good["verdict"] == PASS
    assert bad["error"].startswith("bad.safetensors: not a safetensors file, or damaged")


def test_a_deviation_fails(folder, capsys):
    arguments = ["best.pt", "--model", "nets:small", *INPUT, *TRACED, "--max-deviation", "1e-12"]
    (report,) = reported(capsys, *arguments, status=1)
    assert report["verdict"] == FAIL


def test_an_unsupported_operator_is_named(folder, capsys):
    torch.save(folder["Svd"](4, 4).state_dict(), "svd.pt")
    arguments = [
        "svd.pt",
        "best.pt",
        "--model",
        "nets:Svd(in_features=4, out_features=4)",
        "--input",
        "x=3x4",
        "--exporter",
        "torchscript",
    ]
    first, second = reported(capsys, *arguments, status=3)
    assert "no ONNX form of the operator aten::linalg_svdvals; try a newer --opset" in first["error"]
    assert (
        "the weights do not fit" in second["error"]
        and "it has no 'bias' (2 missing, 9 unknown)" in second["error"]
    )


def test_what_a_trace_cannot_see(folder, capsys):
    torch.save(folder["Deciding"](4, 4).state_dict(), "deciding.pt")
    arguments = [
        "deciding.pt",
        "--model",
        "nets:Deciding(in_features=4, out_features=4)",
        "--input",
        "x=3x4",
        *TRACED,
    ]
    (report,) = reported(capsys, *arguments)
    assert report["verdict"] == PASS  # of three outputs in a dictionary and a tuple
    assert re.search(r"decision that depends on values: .*nets.py:\d+", report["notes"][0])


def test_a_trace_may_keep_sizes(folder, capsys):
    torch.save(folder["Reshaping"](4, 4).state_dict(), "reshaping.pt")
    arguments = [
        "reshaping.pt",
        "--model",
        "nets:Reshaping(in_features=4, out_features=4)",
        "--input",
        "x=1x4",
    ]
    arguments += [
        "--dynamic",
        "batch",
        "--opset",
        "17",
        "--validate",
        "2",
        "--quantize",
        "dynamic",
        "--bench",
    ]
    (report,) = reported(capsys, *arguments, status=1)
    assert all("reason" in entry for entry in report["comparison"])
    assert "--exporter dynamo" in report["notes"][-1]
    assert "quantized" not in report and "bench" not in report


def test_what_is_no_model_is_not_written(folder, capsys):
    # Converted to an older opset, the mean keeps an attribute of the newer one.
    torch.save(folder["Mean"](4, 4).state_dict(), "mean.pt")
    arguments = ["mean.pt", "--model", "nets:Mean(in_features=4, out_features=4)", "--input", "x=3x4"]
    (report,) = reported(capsys, *arguments, "--opset", "17", "--exporter", "dynamo", status=2)
    assert report["error"].startswith("the exporter writes a wrong model: ")
    assert not os.path.exists(report["model"])


def test_an_axis_that_does_not_stay_open_is_noted(folder, capsys):
    module = torch.export.export(folder["Fixed"](4, 4), (torch.rand(2, 4),)).module()
    made = _torch_export.to_onnx(module, [torch.ones(2, 4)], {"x": {}}, 18, "dynamo")
    assert _torch_export.unmet_axes(made.model, {"x": {0: "batch"}}) == [
        "'batch' of input 'x' is not open: the module works for 2 only"
    ]


class Harmful:
    def __reduce__(self):
        return (open, ("harm", "w"))


def test_pickles_are_not_trusted(folder, capsys, tmp_path):
    torch.save({"model": Harmful()}, "harmful.pt")
    torch.jit.save(torch.jit.script(folder["small"]().eval()), "script.pt")
    torch.export.save(
        torch.export.export(folder["small"]().eval(), (torch.rand(1, 3, 16, 16),)), "program.pt2"
    )
    harmful, script = reported(capsys, "harmful.pt", "script.pt", *INPUT, *TRACED, status=2)
    assert "give --trust-checkpoints" in harmful["error"] and not (tmp_path / "harm").exists()
    assert script["verdict"] == PASS
    (program,) = reported(capsys, "program.pt2", "--validate", "1")
    assert program["verdict"] == PASS and program["inputs"] == {"input": [1, 3, 16, 16]}
    (harmful,) = reported(capsys, "harmful.pt", *INPUT, "--trust-checkpoints", status=2)
    assert "expected weights by name, got dict" in harmful["error"] and (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["best.pt", *INPUT], "holds weights without the module: say by --model"),
        (["best.pt", "--model", "nets:small(classes=6)", *INPUT], "'5.weight': expected [6, 8], got [5, 8]"),
        (["best.pt", "--model", "nets:broken", *INPUT], "'nets:broken' fails: RuntimeError: not today"),
        (
            ["best.pt", "--model", "nets:small", "--input", "x=1x4x16x16"],
            "the module fails on inputs of 1x4x16x16: RuntimeError",
        ),
        (["none.pt", "--model", "nets:small", *INPUT], "none.pt: no such file"),
        (["runs", "--model", "nets:small", *INPUT], "runs: is a folder"),
    ],
)
def test_bad_checkpoints(folder, capsys, arguments, message):
    (report,) = reported(capsys, *arguments, status=2)
    assert message in report["error"] and "\n" not in report["error"]
    assert not os.path.exists("exported/best.onnx")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pattern", "no/*.pt", *INPUT], "no file matches 'no/*.pt'"),
        (["best.pt", "--model", "nets", *INPUT], "expected MODULE:FUNCTION"),
        (["best.pt", "--model", "nets:small(5)", *INPUT], "a call with named constants"),
        (["best.pt", "--model", "nets:nosuch", *INPUT], "'nets' has no 'nosuch'"),
        (["best.pt", "--model", "nosuch:f", *INPUT], "there is no module 'nosuch'"),
        (["--config", "bad.yaml"], "section 'export' has an unknown option 'patern'"),
        (["--config", "best.pt"], "best.pt: not YAML"),
    ],
)
def test_bad_usage(folder, arguments, message):
    with open("bad.yaml", "w") as file:
        file.write("export: {patern: x}\n")
    with pytest.raises(CameoError) as caught:
        export.main(arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["best.pt"], "--input is required"),
        (["best.pt", *INPUT, "--opset", "24"], "expected 11 to 23, got '24'"),
        (["best.pt", *INPUT, "--quantize", "static"], "needs --calibrate"),
        (["best.pt", *INPUT, "--max-deviation", "nan"], "expected a number above 0"),
    ],
)
def test_bad_options(folder, capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        export.main(arguments)
    assert caught.value.code == 2 and message in capsys.readouterr().err


def test_classes():
    assert Deviation(9.9e-6, 9.9e-11, 0.99991).verdict() == PASS
    assert (
        Deviation(5.3e-5, 0, 1).verdict()
        == WARN
        == Deviation(0, 1e-9, 1).verdict()
        == Deviation(0, 0, 0.9995).verdict()
    )
    assert (
        Deviation(1.1e-4, 0, 1).verdict()
        == FAIL
        == Deviation(0, 2e-8, 1).verdict()
        == Deviation(0, 0, 0.998).verdict()
    )
    assert Deviation(5e-4, 1e-9, 1).verdict(1e-3) == WARN
    got = deviation(np.float32([200, np.inf, np.nan]), np.float32([200.02, np.inf, np.nan]))
    assert got.max == pytest.approx(1e-4, rel=0.01) and not got.reason
    assert deviation(np.float32([np.nan]), np.float32([1])).verdict() == FAIL
    assert deviation(np.zeros((2, 3)), np.zeros((3, 2))).reason == "expected shape [2, 3], got [3, 2]"
    assert deviation(np.zeros(3), np.zeros(3)).verdict() == PASS
