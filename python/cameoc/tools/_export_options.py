"""The options of `cameo export`, of the command line and of the `export:` section of a YAML file."""

from __future__ import annotations

import argparse
from typing import Any, Iterator

from .._errors import CameoError
from . import _cli
from ._libraries import library

_EXAMPLES = """Examples:
  cameo export best.pt --model nets:small --input x=1x3x224x224 -o models
      makes models/best.onnx and compares PyTorch, ONNX Runtime, the interpreter and compiled code
  cameo export --pattern 'runs/*/weights/best.pt' --model nets:small --input x=1x3x64x64 -o models
      all checkpoints of a tree, in the same tree below models; one that fails does not stop the others
  cameo export best.pt --model nets:small --input x=1x3x64x64 --dynamic batch --compile --bench
      any batch size; makes models/best.so too, and measures
  cameo export --config export.yaml
      the same options, in the file's section 'export'

Classes: PASS up to a difference of 1e-5 (of the output's scale), MSE of 1e-10 and cosine of 0.9999;
WARN up to 1e-4, 1e-8 and 0.999; else FAIL. Exit status: 0 PASS or WARN; 1 FAIL; 2 a bad checkpoint or
option; 3 an operator that is not supported."""


def _opset(text: str) -> int:
    if not text.isdigit() or not 11 <= int(text) <= 23:
        raise argparse.ArgumentTypeError(f"expected 11 to 23, got '{text}'")
    return int(text)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got '{text}'")
    return value


def _samples(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"expected a number of samples, got '{text}'")
    return int(text)


def _add_sources(parser: _cli.Parser) -> None:
    add = parser.add_argument
    add("checkpoints", nargs="*", metavar="CKPT", help=".pt, .pth, .pt2 or .safetensors files")
    add("--pattern", metavar="GLOB", help="all files of a pattern such as 'runs/*/weights/best.pt'")
    add("--config", metavar="FILE.yaml", help="take options from the section 'export' of this file")
    add(
        "--model",
        metavar="MODULE:FUNCTION",
        help="makes the module that weights are for, e.g. nets:small(classes=5)",
    )
    add(
        "--trust-checkpoints",
        action="store_true",
        help="unpickle more than weights, which runs code that is in the file",
    )
    add("-o", "--output", default="exported", metavar="DIR", help="folder to write to (default exported)")
    add(
        "--output-template",
        metavar="NAME",
        help="names of the models, of {stem}, {parent}, {parent2}, ... (default: the tree of the checkpoints)",
    )


def _add_model_options(parser: _cli.Parser) -> None:
    add = parser.add_argument
    add(
        "--input",
        action="append",
        default=[],
        metavar="NAME=DIMS[:TYPE]",
        help="an input in the module's order, e.g. x=1x3x224x224 or ids=1x16:int64",
    )
    add("--batch-size", type=_cli.positive, metavar="N", help="size of axis 0 of all inputs")
    add(
        "--dynamic",
        default="",
        metavar="AXES",
        help="axes left open: batch, height, width, sequence, or NAME:AXIS, with commas",
    )
    add("--opset", type=_opset, default=18, metavar="N", help="11 to 23 (default 18)")
    add(
        "--exporter",
        choices=["auto", "dynamo", "torchscript"],
        default="auto",
        help="which of PyTorch's (default: what suits the opset, then the other)",
    )
    add("--simplify", action="store_true", help="simplify the model, as cameo simplify does")
    add(
        "--quantize",
        choices=["dynamic", "static", "fp16"],
        help="make a quantized or half-precision model too",
    )
    add(
        "--backend",
        choices=["fbgemm", "qnnpack"],
        default="fbgemm",
        help="scales of weights: a channel (fbgemm, default) or a tensor (qnnpack)",
    )
    add("--calibrate", metavar="DIR|FILE.npz", help="inputs for --quantize static")


def _add_checks(parser: _cli.Parser) -> None:
    add = parser.add_argument
    add("--validate", type=_samples, default=10, metavar="N", help="random inputs to compare on (default 10)")
    add(
        "--max-deviation",
        type=_number,
        default=1e-4,
        metavar="X",
        help="difference from which on a model fails (default 1e-4)",
    )
    add("--compile", action="store_true", help="make a library of each model")
    add("--bench", action="store_true", help="measure PyTorch, ONNX Runtime and compiled code")
    add("--threads", type=_cli.positive, default=1, metavar="N", help="threads of all that runs (default 1)")
    add("--seed", type=int, default=0, metavar="N", help="seed of random inputs (default 0)")
    add("--json", action="store_true", help="report as JSON")


def _parser() -> _cli.Parser:
    parser = _cli.Parser("export", "Exports PyTorch checkpoints to ONNX and checks the result.", _EXAMPLES)
    _add_sources(parser)
    _add_model_options(parser)
    _add_checks(parser)
    return parser


def _words(name: str, value: Any) -> Iterator[str]:
    """An entry of the YAML section as the command line has it."""
    flag = "--" + name.replace("_", "-")
    if value is None or value is False:
        return
    if value is True:
        yield flag
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (flag, f"{key}={item}")
    elif name == "dynamic" and isinstance(value, list):
        yield from (flag, ",".join(map(str, value)))
    elif isinstance(value, list):
        for item in value:
            yield from (flag, str(item))
    else:
        yield from (flag, str(value))


def _config_words(path: str, known: set[str]) -> list[str]:
    yaml = library("yaml")
    try:
        with open(path, encoding="utf-8") as file:
            content = yaml.safe_load(file)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CameoError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    section = content.get("export") if isinstance(content, dict) else None
    if not isinstance(section, dict):
        raise CameoError(f"{path}: expected a section 'export' with options")
    words: list[str] = []
    for name, value in section.items():
        if name == "checkpoints":
            words = [*([value] if isinstance(value, str) else map(str, value)), *words]
        elif "--" + str(name).replace("_", "-") in known - {"--config", "--help"}:
            words += _words(str(name), value)
        else:
            raise CameoError(f"{path}: section 'export' has an unknown option '{name}'")
    return words


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options. Those of the command line come before those of --config."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.config:
        known = {flag for action in parser._actions for flag in action.option_strings}
        options = parser.parse_args([*_config_words(options.config, known), *arguments])
    if not options.input and not all(path.endswith(".pt2") for path in options.checkpoints):
        parser.error("--input is required: the name and shape of each input, e.g. --input x=1x3x224x224")
    if options.quantize == "static" and not options.calibrate:
        parser.error("--quantize static needs --calibrate: inputs as the model will see them")
    return options
