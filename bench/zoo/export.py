"""Exports the model zoo to ONNX: architectures of torchvision and timm with seeded weights.

usage: export.py [--list] OUT [NAME ...]

Writes OUT/NAME.onnx for the given names, or for all. A file that is there already is kept. With the
same versions of PyTorch and torchvision the same files come out. Needs requirements.txt beside this
file, and torchvision (and timm for the dino models) installed with `pip install --no-deps`.
"""
import argparse
import pathlib
import sys
import warnings

warnings.simplefilter("ignore")

import torch

from models import all_models


def export(model, path):
    """Writes one model; the file appears whole or not at all."""
    torch.manual_seed(model.seed)
    module = model.build()
    options = {"dynamo": False, "do_constant_folding": True, **model.options}
    partial = path.with_suffix(".partial")
    with torch.no_grad():
        torch.onnx.export(
            module,
            model.example(),
            str(partial),
            input_names=list(model.inputs),
            output_names=list(model.outputs),
            dynamic_axes=model.dynamic_axes(),
            opset_version=model.opset,
            **options,
        )
    partial.rename(path)


def parse_arguments(models):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="print the table of models and stop")
    parser.add_argument("out", nargs="?", type=pathlib.Path, help="folder to write to")
    parser.add_argument("names", nargs="*", help="models to export; all when none is given")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in models]
    if unknown:
        parser.error(f"unknown model {', '.join(unknown)}; --list shows the names")
    if not arguments.list and arguments.out is None:
        parser.error("name a folder to write to")
    return arguments


def print_table(models):
    for model in models.values():
        dims = ["batch" if model.symbolic else str(model.shape[0]), *map(str, model.shape[1:])]
        print(f"{model.name:26s} {'x'.join(dims):18s} opset {model.opset}")


def main():
    models = all_models()
    arguments = parse_arguments(models)
    if arguments.list:
        print_table(models)
        return 0
    # The fused attention of PyTorch has no ONNX form.
    torch.backends.mha.set_fastpath_enabled(False)
    arguments.out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name in arguments.names or models:
        path = arguments.out / f"{name}.onnx"
        if path.exists():
            continue
        try:
            export(models[name], path)
            print(f"{path.name:32s} {path.stat().st_size / 1e6:8.1f} MB", flush=True)
        except Exception as error:  # one model's failure must not stop the others
            failed += 1
            print(f"{path.name:32s} failed: {type(error).__name__}: {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
