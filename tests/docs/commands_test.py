"""Every command on the pages of docs/ runs: commands_test.py CAMEO WORK-FOLDER.

A page's blocks of `sh` and `python` run in the order in which they stand, in one folder a page. What Python has
defined stays for later blocks. A command that ends with another status than 0 fails the page. The folder has
digits.onnx and what belongs to it, and model.onnx, which is the same. Blocks without a language are not run:
they show output, or how a command is written.
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

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples" / "digits"
# Pages with files of their own, whose commands tests/python/test_command_docs.py and test_export.py run.
OTHERS = ("export.md", "quantize.md", "simplify.md")
PAGES = [page for page in sorted((ROOT / "docs").glob("*.md"))
         if "```sh\n" in page.read_text() and page.name not in OTHERS]


def fill(folder):
    for name in ("digits.onnx", "inputs.npy", "labels.npy"):
        shutil.copy(DIGITS / name, folder)
    shutil.copy(DIGITS / "digits.onnx", folder / "model.onnx")


def run_shell(code, folder, environment):
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", code], cwd=folder, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, check=False)
    return None if done.returncode == 0 else f"exit status {done.returncode}\n{done.stdout}"


def run_python(code, folder, names):
    try:
        with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, "page", "exec"), names)
    except Exception as error:  # the page's code may raise anything
        return f"{type(error).__name__}: {error}"
    return None


def run_page(page, folder, environment):
    """Runs a page's blocks; returns how many lines of shell there were, and what failed."""
    lines, names = 0, {}
    for language, code in re.findall(r"^```(sh|python)\n(.*?)^```", page.read_text(), re.M | re.S):
        problem = run_shell(code, folder, environment) if language == "sh" else run_python(code, folder, names)
        lines += language == "sh" and len([line for line in code.splitlines() if line.strip()])
        if problem:
            return lines, f"{page.name}:\n{code}{problem}"
    return lines, None


def main():
    cameo, work = map(pathlib.Path, sys.argv[1:])
    os.environ.update(CAMEO=str(cameo), PATH=f"{cameo.parent}:{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
                      PYTHONPATH=str(ROOT / "python"), SOURCE=str(ROOT))
    sys.path.insert(0, str(ROOT / "python"))
    work.mkdir(parents=True, exist_ok=True)
    total, problems = 0, []
    for page in PAGES:
        folder = pathlib.Path(tempfile.mkdtemp(dir=work))
        fill(folder)
        lines, problem = run_page(page, folder, dict(os.environ))
        shutil.rmtree(folder)
        total += lines
        problems += [problem] if problem else []
        print(f"{page.name}: {lines} commands{', one failed' if problem else ''}")
    print("\n".join(problems))
    print(f"{len(PAGES)} pages, {total} commands, {len(problems)} failed")
    return 1 if problems or total < 30 else 0


if __name__ == "__main__":
    sys.exit(main())
