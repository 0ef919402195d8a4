"""Quantized models by ONNX Runtime's tools, which are told what to do so that they do it."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
from typing import Any, Iterator, NamedTuple

import onnx

from .._errors import CameoError
from ._libraries import library
from ._models import Feed, load, opset_of, save
from ._quiet import silenced
from ._runners import one_line

# Before this opset a scale a channel cannot be written; weights of 4 bits came with this one.
_OLDEST_OPSET, _INT4_OPSET = 13, 21
# Of weights of 4 bits, as many have a scale of their own.
INT4_BLOCK = 32
# Of operators that are ONNX's own, what dynamic quantization makes is ONNX's own, too; of LSTM it is not.
_DYNAMIC_TYPES = ("Conv", "MatMul", "Gather")
# Nodes with weights, of which each may be quantized or not.
LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM")


class Settings(NamedTuple):
    """How to quantize; see docs/quantize.md."""

    mode: str = "static"  # static, dynamic, int4-weights, fp16
    method: str = "minmax"  # minmax, percentile, entropy
    percentile: float = 99.999
    per_channel: bool = True
    format: str = "qdq"  # qdq, qop

    @staticmethod
    def of_backend(mode: str, backend: str) -> Settings:
        """As PyTorch quantizes for x86 (fbgemm: scales a channel) and for ARM (qnnpack: scales a tensor)."""
        return Settings(mode=mode, per_channel=backend == "fbgemm")


@contextlib.contextmanager
def _tool(what: str) -> Iterator[None]:
    """Quiet; what the tool raises becomes a sentence."""
    try:
        with silenced():
            yield
    except (CameoError, ModuleNotFoundError):
        raise
    except Exception as error:  # it raises anything
        raise CameoError(
            f"ONNX Runtime cannot {what} the model: {type(error).__name__}: {one_line(error)}"
        ) from None


def prepared(model: onnx.ModelProto, mode: str) -> onnx.ModelProto:
    """The model as quantizers want it: a name for each node, shapes inferred, batch normalizations folded, no
    older than scales a channel."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for index, node in enumerate(copy.graph.node):
        node.name = node.name or f"{node.op_type}_{index}"
    oldest = _INT4_OPSET if mode == "int4-weights" else _OLDEST_OPSET
    with _tool("prepare"), tempfile.TemporaryDirectory(prefix="cameoc-") as folder:
        if opset_of(copy) < oldest:
            copy = onnx.version_converter.convert_version(copy, oldest)
        before, after = f"{folder}/before.onnx", f"{folder}/after.onnx"
        save(copy, before)
        library("onnxruntime.quantization.shape_inference").quant_pre_process(
            before, after, skip_symbolic_shape=True
        )
        result = load(after)
        if mode in ("dynamic", "int4-weights"):
            # The tools replace these, and then do not know the names that they are told to leave out.
            wrapped = library("onnxruntime.quantization.onnx_model").ONNXModel(result)
            wrapped.replace_gemm_with_matmul()
            result = wrapped.model
    return result


class _Reader:
    """Samples as ONNX Runtime reads them."""

    def __init__(self, samples: list[Feed]) -> None:
        self._left = iter(samples)

    def get_next(self) -> Feed | None:
        """The next sample."""
        return next(self._left, None)


class Quantizer:
    """Makes quantized forms of a prepared model. Samples are run once, to find the ranges of values."""

    def __init__(self, model: onnx.ModelProto, settings: Settings, samples: list[Feed]) -> None:
        self.model, self.settings = model, settings
        self._ranges = self._calibrated(samples) if settings.mode == "static" else None
        self.calibrated = len(self._ranges.data) if self._ranges else 0  # how many values have a range

    def types(self) -> list[str]:
        """The operators that the mode quantizes."""
        if self.settings.mode == "fp16":
            return sorted({node.op_type for node in self.model.graph.node})
        if self.settings.mode != "static":
            return ["MatMul"] if self.settings.mode == "int4-weights" else list(_DYNAMIC_TYPES)
        registry = library("onnxruntime.quantization.registry")
        return list(registry.QDQRegistry if self.settings.format == "qdq" else registry.QLinearOpsRegistry)

    def _calibrated(self, samples: list[Feed]) -> Any:
        calibrate = library("onnxruntime.quantization.calibrate")
        methods = calibrate.CalibrationMethod
        method = {"minmax": methods.MinMax, "percentile": methods.Percentile, "entropy": methods.Entropy}
        options = {"percentile": self.settings.percentile} if self.settings.method == "percentile" else {}
        with _tool("calibrate"), tempfile.TemporaryDirectory(prefix="cameoc-") as folder:
            path = pathlib.Path(folder, "model.onnx")
            save(self.model, str(path))
            calibrator = calibrate.create_calibrator(
                path,
                None,
                augmented_model_path=f"{folder}/augmented.onnx",
                calibrate_method=method[self.settings.method],
                extra_options=options,
            )
            calibrator.collect_data(_Reader(samples))
            return calibrator.compute_data()

    def make(
        self,
        excluded: list[str] | None = None,
        only: list[str] | None = None,
        base: onnx.ModelProto | None = None,
    ) -> onnx.ModelProto:
        """The quantized model, without these nodes, or with only these. `base` replaces the model, e.g. by one
        with other biases."""
        copy = onnx.ModelProto()
        copy.CopyFrom(base or self.model)
        make = {
            "static": self._static,
            "dynamic": self._dynamic,
            "int4-weights": self._int4,
            "fp16": self._half,
        }
        with _tool("quantize"):
            result: onnx.ModelProto = make[self.settings.mode](copy, excluded or [], only)
        # The tools' mark says that the model is prepared for them, which it is not any more.
        kept = [entry for entry in result.metadata_props if entry.key != "onnx.quant.pre_process"]
        del result.metadata_props[:]
        result.metadata_props.extend(kept)
        return result

    def _static(self, model: onnx.ModelProto, excluded: list[str], only: list[str] | None) -> onnx.ModelProto:
        tools = library("onnxruntime.quantization")
        qdq = self.settings.format == "qdq"
        values, weights = tools.QuantType.QUInt8, tools.QuantType.QInt8
        chosen = (only or [], excluded, self.types())
        common: tuple[Any, ...] = (model, self.settings.per_channel, False)
        if qdq:
            quantizer = tools.QDQQuantizer(*common, weights, values, self._ranges, *chosen, {})
        else:
            module = library("onnxruntime.quantization.onnx_quantizer")
            mode = tools.QuantizationMode.QLinearOps
            quantizer = module.ONNXQuantizer(*common, mode, True, weights, values, self._ranges, *chosen, {})
        quantizer.quantize_model()
        result: onnx.ModelProto = quantizer.model.model
        return result

    def _dynamic(
        self, model: onnx.ModelProto, excluded: list[str], only: list[str] | None
    ) -> onnx.ModelProto:
        tools = library("onnxruntime.quantization")
        with tempfile.TemporaryDirectory(prefix="cameoc-") as folder:
            path = f"{folder}/model.onnx"
            tools.quantize_dynamic(
                model,
                path,
                op_types_to_quantize=self.types(),
                per_channel=self.settings.per_channel,
                weight_type=tools.QuantType.QInt8,
                nodes_to_quantize=only or [],
                nodes_to_exclude=excluded,
            )
            return load(path)

    def _int4(self, model: onnx.ModelProto, excluded: list[str], only: list[str] | None) -> onnx.ModelProto:
        tools = library("onnxruntime.quantization")
        module = library("onnxruntime.quantization.matmul_nbits_quantizer")
        left = [node.name for node in model.graph.node if only is not None and node.name not in only]
        quantizer = module.MatMulNBitsQuantizer(
            model,
            block_size=INT4_BLOCK,
            is_symmetric=True,
            nodes_to_exclude=[*excluded, *left],
            quant_format=tools.QuantFormat.QDQ,
        )
        quantizer.process()
        result: onnx.ModelProto = quantizer.model.model
        return result

    def _half(self, model: onnx.ModelProto, excluded: list[str], only: list[str] | None) -> onnx.ModelProto:
        convert = library("onnxruntime.transformers.float16").convert_float_to_float16
        left = [node.name for node in model.graph.node if only is not None and node.name not in only]
        result: onnx.ModelProto = convert(model, keep_io_types=True, node_block_list=[*excluded, *left])
        return result


def quantized(model: onnx.ModelProto, settings: Settings, samples: list[Feed]) -> onnx.ModelProto:
    """A quantized model, without a search for what to leave out."""
    return Quantizer(prepared(model, settings.mode), settings, samples).make()
