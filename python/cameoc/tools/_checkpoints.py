"""PyTorch checkpoints: which files, what module they hold, where what is made of them goes."""

from __future__ import annotations

import ast
import glob
import importlib
import inspect
import os
import pathlib
import string
import sys
from typing import Any, Callable, NamedTuple

from .._errors import CameoError
from ._libraries import library
from ._models import Input
from ._runners import one_line

# Where trainers keep the weights in what they save, the usual first.
_STATE_KEYS = ("state_dict", "model_state_dict", "model_state", "model", "net", "ema", "weights")
# What DataParallel and torch.compile put in front of the names of weights.
_WRAPPERS = ("module.", "_orig_mod.")


class Factory(NamedTuple):
    """What --model says: a function that makes the module, and keyword arguments for it."""

    text: str
    function: Callable[..., Any]
    options: dict[str, Any]


def factory_of(text: str) -> Factory:
    """`pkg.module:function` or `pkg.module:function(classes=5)`; modules of the current folder count."""
    module, sign, call = text.partition(":")
    if not sign:
        raise CameoError(
            f"--model: expected MODULE:FUNCTION, e.g. nets:small or nets:small(classes=5), got '{text}'"
        )
    try:
        expression = ast.parse(call, mode="eval").body
        is_call = isinstance(expression, ast.Call) and not expression.args
        keywords = expression.keywords if isinstance(expression, ast.Call) else []
        options = {keyword.arg or "**": ast.literal_eval(keyword.value) for keyword in keywords}
        name = ast.unparse(expression.func) if isinstance(expression, ast.Call) else call
        if not is_call and not isinstance(expression, (ast.Name, ast.Attribute)):
            raise ValueError
    except (SyntaxError, ValueError):
        raise CameoError(
            f"--model: expected a function's name, or a call with named constants, got '{call}'"
        ) from None
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise CameoError(
            f"--model: there is no module '{error.name}' in the current folder or in {sys.executable}"
        ) from None
    except Exception as error:  # it is the user's code
        raise CameoError(f"--model: importing '{module}' fails: {type(error).__name__}: {error}") from None
    for part in name.split("."):
        if not hasattr(found, part):
            raise CameoError(f"--model: '{module}' has no '{name}'")
        found = getattr(found, part)
    return Factory(text, found, options)


def _made(factory: Factory, state: dict[str, Any]) -> Any:
    """The module. A function that needs an argument gets the weights by name, to read sizes from them."""
    try:
        parameters = inspect.signature(factory.function).parameters.values()
        open_ones = [
            p.name
            for p in parameters
            if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        needs_state = any(name not in factory.options for name in open_ones)
    except (TypeError, ValueError):
        needs_state = False
    try:
        return factory.function(*([state] if needs_state else []), **factory.options)
    except Exception as error:  # it is the user's code
        raise CameoError(f"--model: '{factory.text}' fails: {type(error).__name__}: {error}") from None


def _state_of(loaded: Any) -> dict[str, Any] | None:
    """The weights by name in what a checkpoint holds."""
    torch = library("torch")

    def is_state(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and bool(value)
            and all(isinstance(item, torch.Tensor) for item in value.values())
        )

    if is_state(loaded):
        return dict(loaded)
    for key in _STATE_KEYS if isinstance(loaded, dict) else ():
        if is_state(loaded.get(key)):
            return dict(loaded[key])
    return None


def _stripped(state: dict[str, Any], prefixes: tuple[str, ...]) -> dict[str, Any]:
    """The weights without the prefixes that wrappers put in front of all names."""
    for prefix in prefixes:
        if all(name.startswith(prefix) for name in state):
            state = {name[len(prefix) :]: value for name, value in state.items()}
    return state


def _filled(path: str, factory: Factory, state: dict[str, Any]) -> Any:
    module = _made(factory, _stripped(state, _WRAPPERS))
    wanted = module.state_dict()
    if not set(wanted) & set(state):
        state = _stripped(state, (*_WRAPPERS, "model."))
    missing, unknown = sorted(set(wanted) - set(state)), sorted(set(state) - set(wanted))
    if missing or unknown:
        what = f"it has no '{missing[0]}'" if missing else f"'{unknown[0]}' is not of the module"
        raise CameoError(
            f"{path}: the weights do not fit {factory.text}: {what} ({len(missing)} missing, {len(unknown)} unknown)"
        )
    for name, value in wanted.items():
        if value.shape != state[name].shape:
            expected, got = list(value.shape), list(state[name].shape)
            raise CameoError(
                f"{path}: the weights do not fit {factory.text}: '{name}': expected {expected}, got {got}"
            )
    module.load_state_dict(state)
    return module


def _unpickled(path: str, trust: bool) -> Any:
    torch = library("torch")
    with open(path, "rb") as file:
        head = file.read(4)
    try:
        if not head.startswith((b"PK\3\4", b"\x80")):  # an archive, or a pickle of before
            raise ValueError
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # there is no common base
        if "weights_only" not in str(error) and "Weights only" not in str(error):
            raise CameoError(f"{path}: not a PyTorch checkpoint, or a damaged one") from None
    if not trust:
        raise CameoError(
            f"{path}: holds more than weights, and reading that runs code of the file: give --trust-checkpoints "
            "if you know where the file comes from, or save model.state_dict()"
        )
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:
        raise CameoError(f"{path}: cannot be unpickled: {type(error).__name__}: {one_line(error)}") from None


def _safetensors(path: str) -> Any:
    try:
        return library("safetensors.torch").load_file(path)
    except ModuleNotFoundError:
        raise
    except Exception as error:  # there is no common base
        raise CameoError(f"{path}: not a safetensors file, or damaged: {one_line(error)}") from None


def _is_script(path: str) -> bool:
    import zipfile

    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def load_module(path: str, factory: Factory | None, trust: bool) -> Any:
    """The module that a checkpoint holds, in evaluation mode, on the CPU.

    A .pt2 file is a program of torch.export, which needs no factory, as does a TorchScript archive. Others are
    weights for the factory's module, or, where the user trusts the file, a pickled module.
    """
    torch = library("torch")
    if not os.path.isfile(path):
        raise CameoError(f"{path}: {'is a folder' if os.path.isdir(path) else 'no such file'}")
    if path.endswith(".pt2"):
        try:
            return torch.export.load(path).module()
        except Exception as error:
            raise CameoError(
                f"{path}: not a program of torch.export, or damaged: {one_line(error)}"
            ) from None
    if _is_script(path):
        return torch.jit.load(path, map_location="cpu").eval()
    loaded = _safetensors(path) if path.endswith(".safetensors") else _unpickled(path, trust)
    if isinstance(loaded, dict) and isinstance(loaded.get("model"), torch.nn.Module):
        loaded = loaded["model"]
    if isinstance(loaded, torch.nn.Module):
        return loaded.float().eval()
    state = _state_of(loaded)
    if state is None:
        raise CameoError(f"{path}: expected weights by name, got {type(loaded).__name__}")
    if factory is None:
        raise CameoError(
            f"{path}: holds weights without the module: say by --model MODULE:FUNCTION what makes it"
        )
    return _filled(path, factory, state).float().eval()


def program_inputs(path: str) -> list[Input]:
    """The inputs that a program of torch.export was made with."""
    torch = library("torch")
    try:
        program = torch.export.load(path)
    except Exception as error:
        raise CameoError(f"{path}: not a program of torch.export, or damaged: {one_line(error)}") from None
    names, values = program.graph_signature.user_inputs, program.example_inputs[0]
    return [Input(name, value.numpy().dtype, list(value.shape)) for name, value in zip(names, values)]


def find(paths: list[str], pattern: str | None) -> list[str]:
    """The checkpoints: those named, and those of the pattern in alphabetical order."""
    found = list(paths)
    if pattern:
        matches = sorted(glob.glob(pattern, recursive=True))
        if not matches:
            raise CameoError(f"--pattern: no file matches '{pattern}'")
        found += matches
    if not found:
        raise CameoError("expected checkpoints, or --pattern")
    return list(dict.fromkeys(found))


def _stem(template: str, path: pathlib.PurePath) -> str:
    names = [path.stem, *[parent.name for parent in path.parents]]
    fields = {"stem": names[0], "parent": names[1] if len(names) > 1 else ""}
    fields.update({f"parent{i}": name for i, name in enumerate(names[1:], 1)})
    for _, field, _, _ in string.Formatter().parse(template):
        if field is not None and not fields.get(field):
            raise CameoError(
                f"--output-template: '{path}' has no {{{field}}}: possible are {{stem}}, {{parent}}, {{parent2}}, ..."
            )
    return template.format(**fields)


def outputs(paths: list[str], folder: str, template: str | None) -> dict[str, pathlib.Path]:
    """The model that is made of each checkpoint: the template's name, else the place in the tree below the
    folder that all checkpoints are in. Refuses two of one name."""
    made: dict[str, pathlib.Path] = {}
    taken: dict[pathlib.Path, str] = {}
    root = os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in paths])
    for path in paths:
        absolute = pathlib.PurePath(os.path.abspath(path))
        relative = absolute.relative_to(root).with_suffix("")
        target = pathlib.Path(folder, _stem(template, absolute) if template else relative)
        target = target.with_name(target.name + ".onnx")
        if target in taken:
            raise CameoError(
                f"'{taken[target]}' and '{path}' would be written to the same file '{target}': "
                "--output-template '{parent}_{stem}' tells them apart by their folder"
            )
        taken[target] = path
        made[path] = target
    return made
