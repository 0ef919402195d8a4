"""The package's annotations hold, strictly."""

import pathlib
import subprocess
import sys

import cameoc
import pytest

pytest.importorskip("mypy")


def test_types(tmp_path):
    folder = pathlib.Path(cameoc.__file__).parent
    assert (folder / "py.typed").exists()
    command = [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={tmp_path}", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_is_documented():
    for name in cameoc.__all__:
        thing = getattr(cameoc, name)
        assert name == "__version__" or thing.__doc__, name
        for attribute, value in vars(thing).items() if isinstance(thing, type) else []:
            if callable(value) and not attribute.startswith("_"):
                assert value.__doc__, f"{name}.{attribute}"
