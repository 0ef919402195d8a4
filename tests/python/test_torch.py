"""cameoc.torch: modules as compiled functions of tensors."""

import os
import threading

import numpy as np
import pytest

pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
if "CAMEO" not in os.environ:
    pytest.skip("no compiler", allow_module_level=True)

import cameoc
import cameoc.torch
from cameoc import CameoError
from torch import nn

TRACED = {"opset": 17}  # the quickest


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.drop = nn.Dropout(0.5)

    def forward(self, image, scale, *others):
        y = self.drop(self.layer(image))
        return {"scaled": y * scale, "parts": (y, [y.argmax(dim=1)]), "name": "pair"}


def test_structures_and_names(tmp_path):
    module = Pair().train()
    image, scale = torch.rand(5, 4), torch.rand(3)
    fast = cameoc.torch.compile_module(
        module, (image, scale), {"image": {0: "rows"}}, out=tmp_path / "pair.so", **TRACED
    )
    assert module.training and fast.notes == []
    module.eval()
    for rows in (1, 5, 2):
        image = torch.rand(rows, 4)
        want, got = module(image, scale), fast(image, scale)
        assert list(got) == ["scaled", "parts", "name"] and got["name"] == "pair"
        torch.testing.assert_close(got["scaled"], want["scaled"])
        torch.testing.assert_close(got["parts"][0], want["parts"][0])
        assert torch.equal(got["parts"][1][0], want["parts"][1][0])
    assert [(p.name, p.shape) for p in cameoc.load(tmp_path / "pair.so").inputs] == [
        ("image", ("rows", 4)),
        ("scale", (3,)),
    ]


def test_memory_is_shared():
    tensor = torch.rand(3, 4, requires_grad=True)
    array = cameoc.torch._array(tensor, "x")
    assert array.ctypes.data == tensor.data_ptr()
    assert cameoc.torch._tensor(array).data_ptr() == tensor.data_ptr()
    halves = torch.rand(3).to(torch.bfloat16)
    pytest.importorskip("ml_dtypes")
    array = cameoc.torch._array(halves, "x")
    assert array.dtype.name == "bfloat16" and array.ctypes.data == halves.data_ptr()
    assert torch.equal(cameoc.torch._tensor(array), halves)


def test_tensors_that_are_not_contiguous():
    fast = cameoc.torch.compile_module(nn.Linear(4, 3).eval(), torch.rand(2, 4), **TRACED)
    whole = torch.rand(4, 4)
    torch.testing.assert_close(fast(whole.T[1:3]), fast(whole.T[1:3].contiguous()))


def test_half_precision():
    module = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)).half()
    example = torch.rand(2, 8).half()
    fast = cameoc.torch.compile_module(module, example, **TRACED)
    got = fast(example)
    assert got.dtype == torch.float16
    torch.testing.assert_close(got, module(example), rtol=2e-3, atol=2e-3)


def test_the_other_exporter_and_options():
    module = nn.Conv2d(3, 4, 3)
    example = torch.rand(1, 3, 8, 8)
    fast = cameoc.torch.compile_module(
        module,
        example,
        "batch,height",
        exporter="dynamo",
        cpu="x86-64-v3" if os.uname().machine == "x86_64" else None,
    )
    other = torch.rand(2, 3, 10, 8)
    torch.testing.assert_close(fast(other), module(other))


def test_many_threads():
    module = nn.Linear(16, 16)
    fast = cameoc.torch.compile_module(module, torch.rand(1, 16), "batch", **TRACED)
    wrong = []

    def work(seed):
        given = torch.rand(1 + seed, 16, generator=torch.Generator().manual_seed(seed))
        for _ in range(50):
            if not torch.allclose(fast(given), module(given), atol=1e-5):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_wrong_calls():
    module = nn.Linear(4, 3)
    fast = cameoc.torch.compile_module(module, torch.rand(2, 4), **TRACED)
    for arguments, message in (
        ((), r"expected 1 tensors \(input\), got 0"),
        ((np.zeros((2, 4)),), "input 'input': expected a tensor, got ndarray"),
        ((torch.rand(2, 4, device="meta"),), "expected a tensor on the CPU, got one on meta"),
        ((torch.rand(2, 4).double(),), "input 'input': expected float32, got float64"),
        ((torch.rand(3, 4),), "input 'input'"),
    ):
        with pytest.raises(CameoError, match=message):
            fast(*arguments)
    with pytest.raises(CameoError, match="there is no input 'x'; there are input"):
        cameoc.torch.compile_module(module, torch.rand(2, 4), {"x": {0: "n"}})
    with pytest.raises(CameoError, match="expected one of batch, "):
        cameoc.torch.compile_module(module, torch.rand(2, 4), "rows")


def test_an_unsupported_operator():
    class Svd(nn.Module):
        def forward(self, x):
            return torch.linalg.svdvals(x)

    with pytest.raises(CameoError, match="aten::linalg_svdvals") as caught:
        cameoc.torch.compile_module(Svd(), torch.rand(3, 3), exporter="torchscript")
    assert caught.value.status == 3
