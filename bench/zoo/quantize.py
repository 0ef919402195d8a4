"""Makes quantized and half-precision variants of exported models, as users of ONNX Runtime's tools do.

usage: quantize.py [--kind KIND ...] [--samples 3] FOLDER NAME...

Writes FOLDER/NAME.KIND.onnx from FOLDER/NAME.onnx, for every kind or those named:

  qdq       static, QuantizeLinear and DequantizeLinear around float operators; u8 values, s8 weights a channel
  qdqt      the same with s8 values and one scale for all channels of a weight
  qop       static, integer operators (QLinearConv and the like), s8 weights a channel
  dynamic   ConvInteger and MatMulInteger with u8 weights, scales of the values found at run time
  dynamic8  the same with s8 weights a channel
  fp16      half-precision weights and values, float32 inputs and outputs
  fp16io    half precision all through

Static kinds are calibrated with random inputs, --samples of them, from a fixed seed. A file that is there
already is kept. Needs onnxruntime and sympy besides what export.py needs.
"""
import argparse
import logging
import pathlib
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")

import numpy as np
import onnx
import onnx.version_converter
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16

# Before this opset a scale a channel cannot be written.
OLDEST_OPSET = 13
INT8, UINT8 = quantization.QuantType.QInt8, quantization.QuantType.QUInt8
QDQ, QOPERATOR = quantization.QuantFormat.QDQ, quantization.QuantFormat.QOperator


class RandomInputs(quantization.CalibrationDataReader):
    """Floats from 0 to 1 for every input; open dims are 1."""

    def __init__(self, graph, samples):
        generator = np.random.default_rng(0)
        weights = {weight.name for weight in graph.initializer}
        shapes = {
            value.name: [dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim]
            for value in graph.input
            if value.name not in weights
        }
        self.left = [
            {name: generator.random(shape, np.float32) for name, shape in shapes.items()}
            for _ in range(samples)
        ]

    def get_next(self):
        return self.left.pop() if self.left else None


def prepared(path):
    """The model as quantizers want it: shapes inferred, batch norms folded, opset not too old."""
    model = onnx.load(path)
    if model.opset_import[0].version < OLDEST_OPSET:
        model = onnx.version_converter.convert_version(model, OLDEST_OPSET)
    with tempfile.TemporaryDirectory(prefix="cameo-quantize-") as scratch:
        before, after = f"{scratch}/before.onnx", f"{scratch}/after.onnx"
        onnx.save(model, before)
        quant_pre_process(before, after, skip_symbolic_shape=True)
        return onnx.load(after)


def static(form, values, per_channel):
    """A function that writes the statically quantized form of a model."""

    def write(source, target, samples):
        model = prepared(source)
        quantization.quantize_static(
            model,
            target,
            RandomInputs(model.graph, samples),
            quant_format=form,
            activation_type=values,
            weight_type=INT8,
            per_channel=per_channel,
        )

    return write


def dynamic(weights, per_channel):
    """The same for dynamic quantization."""

    def write(source, target, samples):
        quantization.quantize_dynamic(
            prepared(source), target, weight_type=weights, per_channel=per_channel
        )

    return write


def half(keep_io_types):
    """The same in half precision."""

    def write(source, target, samples):
        model = convert_float_to_float16(onnx.load(source), keep_io_types=keep_io_types)
        onnx.save(model, target)

    return write


KINDS = {
    "qdq": static(QDQ, UINT8, per_channel=True),
    "qdqt": static(QDQ, INT8, per_channel=False),
    "qop": static(QOPERATOR, UINT8, per_channel=True),
    "dynamic": dynamic(UINT8, per_channel=False),
    "dynamic8": dynamic(INT8, per_channel=True),
    "fp16": half(keep_io_types=True),
    "fp16io": half(keep_io_types=False),
}


def quantize(path, kind, samples):
    """Writes one variant; the file appears whole or not at all."""
    target = path.with_suffix(f".{kind}.onnx")
    if target.exists():
        return
    partial = path.with_suffix(f".{kind}.partial")
    KINDS[kind](path, partial, samples)
    partial.rename(target)
    print(f"{target.name:32s} {target.stat().st_size / 1e6:8.1f} MB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=list(KINDS), dest="kinds")
    parser.add_argument("--samples", type=int, default=3, help="of inputs, for calibration")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    failed = 0
    for name in arguments.names:
        for kind in arguments.kinds:
            try:
                quantize(arguments.folder / f"{name}.onnx", kind, arguments.samples)
            except Exception as error:  # one variant's failure must not stop the others
                failed += 1
                print(f"{name}.{kind} failed: {type(error).__name__}: {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
