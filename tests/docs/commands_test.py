"""Every command on the pages of docs/ runs: commands_test.py CAMEO WORK-FOLDER [PAGE...].

A page's blocks of `sh` and `python` run in the order in which they stand, in one folder a page. What Python has
defined stays for later blocks. A command that ends with another status than 0 fails the page, and so does a `print`
that does not print what the comment behind it says. A block with a title is the file of this name. The folder has
digits.onnx and what belongs to it, model.onnx, which is the same, and samples.npz with its inputs. Blocks without a
language are not run: they show output, or how a command is written.
"""
import contextlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples" / "digits"
BLOCK = re.compile(r'^```(\w+)(?: title="([^"\n]*)")?\n(.*?)^```', re.M | re.S)
PAGES = [page for page in sorted((ROOT / "docs").glob("*.md"))
         if any(language in ("sh", "python") for language, _, _ in BLOCK.findall(page.read_text()))]


def fill(folder):
    for name in ("digits.onnx", "inputs.npy", "labels.npy"):
        shutil.copy(DIGITS / name, folder)
    shutil.copy(DIGITS / "digits.onnx", folder / "model.onnx")
    np.savez(folder / "samples.npz", image=np.load(DIGITS / "inputs.npy"))


def run_shell(code, folder, environment):
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", code], cwd=folder, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, check=False)
    return None if done.returncode == 0 else f"exit status {done.returncode}\n{done.stdout}"


def run_python(code, folder, names):
    said = io.StringIO()
    try:
        with contextlib.chdir(folder), contextlib.redirect_stdout(said):
            exec(compile(code, "page", "exec"), names)
    except Exception as error:  # the page's code may raise anything
        return f"{type(error).__name__}: {error}"
    shown = re.findall(r"^print\(.*\) +# (.*)", code, re.M)
    missing = [text for text in shown if text not in said.getvalue().splitlines()]
    return f"expected '{missing[0]}', printed:\n{said.getvalue()}" if missing else None


def run_page(page, folder, environment):
    """Runs a page's blocks; returns how many lines of shell there were, and what failed."""
    lines, names = 0, {}
    for language, title, code in BLOCK.findall(page.read_text()):
        problem = None
        if title:
            (folder / title).write_text(code)
        elif language == "sh":
            lines += len([line for line in code.replace("\\\n", " ").splitlines() if line.strip()])
            problem = run_shell(code, folder, environment)
        elif language == "python":
            problem = run_python(code, folder, names)
        if problem:
            return lines, f"{page.name}:\n{code}{problem}"
    return lines, None


def remember_modules(folder):
    """Modules of the page's own files are found, and no later page finds them."""
    sys.path.insert(0, str(folder))
    known = set(sys.modules)

    def forget():
        sys.path.remove(str(folder))
        for name in set(sys.modules) - known:
            if getattr(sys.modules[name], "__file__", None) and sys.modules[name].__file__.startswith(str(folder)):
                del sys.modules[name]

    return forget


def main():
    cameo, work = map(pathlib.Path, sys.argv[1:3])
    pages = [page for page in PAGES if page.name in sys.argv[3:] or len(sys.argv) == 3]
    os.environ.update(CAMEO=str(cameo), CAMEO_PYTHON=sys.executable, PATH=f"{cameo.parent}:{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
                      PYTHONPATH=str(ROOT / "python"), SOURCE=str(ROOT))
    sys.path.insert(0, str(ROOT / "python"))
    work.mkdir(parents=True, exist_ok=True)
    total, problems = 0, []
    for page in pages:
        folder = pathlib.Path(tempfile.mkdtemp(dir=work))
        fill(folder)
        forget = remember_modules(folder)
        lines, problem = run_page(page, folder, dict(os.environ))
        forget()
        shutil.rmtree(folder)
        total += lines
        problems += [problem] if problem else []
        print(f"{page.name}: {lines} commands{', one failed' if problem else ''}")
    print("\n".join(problems))
    print(f"{len(pages)} pages, {total} commands, {len(problems)} failed")
    return 1 if problems or not pages else 0


if __name__ == "__main__":
    sys.exit(main())
