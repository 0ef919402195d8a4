"""Starts a part of the program: `python launch.py NAME ARGUMENTS` runs cameoc.tools.NAME of the package
that this file is in, whatever else the interpreter has installed."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pathlib
import signal
import sys
import traceback

# What each part imports besides numpy; some only for some options, which are named when they are met.
_NEEDS = {
    "export": ["torch", "onnx", "onnxscript", "onnxruntime"],
    "quantize": ["onnx", "onnxruntime", "sympy"],
    "simplify": ["onnx", "onnxslim", "onnxruntime"],
}
# Where the name to install differs from the name to import.
_DISTRIBUTIONS = {"yaml": "pyyaml"}
# What the user asked for where a part is no command of its own.
_ASKED_FOR = {"reference": "--against onnxruntime"}


def _load_package() -> None:
    """Makes `import cameoc` mean the package around this file, and nothing else importable."""
    folder = pathlib.Path(__file__).resolve().parents[1]
    spec = importlib.util.spec_from_file_location(
        "cameoc", folder / "__init__.py", submodule_search_locations=[os.fspath(folder)]
    )
    assert spec and spec.loader
    package = importlib.util.module_from_spec(spec)
    sys.modules["cameoc"] = package
    spec.loader.exec_module(package)


def _missing(command: str, error: ModuleNotFoundError) -> str:
    """Names all that the part lacks at once, the module that it met first among them."""
    first = (error.name or "").split(".")[0]
    needed = ["numpy", *_NEEDS.get(command, [])]
    lacking = [name for name in needed if name == first or importlib.util.find_spec(name) is None]
    if first not in lacking:
        lacking.append(first)
    packages = [_DISTRIBUTIONS.get(name, name) for name in lacking]
    several = len(packages) > 1
    listed = ", ".join(packages[:-1]) + " and " + packages[-1] if several else packages[0]
    asked = _ASKED_FOR.get(command, f"'cameo {command}'")
    return (
        f"{asked} needs the Python package{'s' if several else ''} {listed}, which {sys.executable} does "
        f"not have: '{sys.executable} -m pip install {' '.join(packages)}' installs {'them' if several else 'it'}"
    )


def _run(command: str, arguments: list[str]) -> int:
    from cameoc import CameoError

    try:
        status: int = importlib.import_module(f"cameoc.tools.{command}").main(arguments)
        sys.stdout.flush()
        return status
    except CameoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (ModuleNotFoundError, OSError):
        raise
    except Exception as error:
        traceback.print_exc()
        print(f"error: a bug in cameo {command}: {type(error).__name__}: {error}", file=sys.stderr)
        return 4


def main() -> int:
    """Runs the part; returns its exit status."""
    command, arguments = sys.argv[1], sys.argv[2:]
    sys.path.pop(0)  # this folder, whose modules are no top-level ones
    try:
        _load_package()
        return _run(command, arguments)
    except BrokenPipeError:
        # Nobody reads the output any more; what is left of it must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ModuleNotFoundError as error:
        print(f"error: {_missing(command, error)}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"error: {error.filename}: {error.strerror}" if error.filename else f"error: {error}",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        # Whoever waits for this process is to see that the signal ended it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        return 2


if __name__ == "__main__":
    sys.exit(main())
