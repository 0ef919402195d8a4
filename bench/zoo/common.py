"""What check.py and figures.py share: finding the compiler, compiling, inputs for a model.

Importing this stays cheap: a child's peak memory is at least that of the program that started it.
"""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))


def add_arguments(parser):
    """The options of every program here."""
    parser.add_argument("folder", type=pathlib.Path, help="folder of the exported models")
    parser.add_argument("names", nargs="*", help="models to take; all in the folder if none")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bin/cameo")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/zoo-out")
    parser.add_argument("--compile-flag", action="append", default=[], help="for the compiler")


def models(arguments):
    """Paths of the wanted models, in order of name. Stops the program when one is missing."""
    names = arguments.names or sorted(path.stem for path in arguments.folder.glob("*.onnx"))
    paths = [arguments.folder / f"{name}.onnx" for name in names]
    missing = [str(path) for path in paths if not path.exists()]
    if missing or not paths:
        sys.exit(f"no such model: {', '.join(missing) or arguments.folder}; run export.py first")
    arguments.work.mkdir(parents=True, exist_ok=True)
    return paths


def compile_command(arguments, model):
    """The command that compiles a model, and the library it makes."""
    library = arguments.work / f"{model.stem}.so"
    library.unlink(missing_ok=True)
    return [arguments.bin, "compile", model, "-o", library, *arguments.compile_flag], library


def compile_model(arguments, model):
    """Compiles a model; returns the library. Raises RuntimeError with the compiler's words."""
    command, library = compile_command(arguments, model)
    result = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if result.returncode:
        words = result.stderr.strip().splitlines() or ["no message"]
        raise RuntimeError(f"cameo compile: exit status {result.returncode}: {words[0]}")
    return library


def numpy_type(value):
    """Of an input or output of an ONNX Runtime session. Raises RuntimeError for what is no float."""
    names = {"tensor(float)": "float32", "tensor(float16)": "float16"}
    if value.type not in names:
        raise RuntimeError(f"{value.name} is {value.type}; only floats are known here")
    return names[value.type]


# Sizes of open dims, one a sample in turn; those of images odd and even, larger and smaller than the last.
SIZES = {
    "height": (64, 97, 33, 224),
    "width": (80, 131, 224, 40),
    "height24": (64, 96, 16, 47),
    "width24": (96, 64, 384, 195),
}
BATCHES = (1, 2, 5)


def random_inputs(session, generator, sample):
    """Floats from 0 to 1 for every input; open dims have sizes that depend on the sample's number."""
    inputs = {}
    for value in session.get_inputs():
        sizes = [SIZES.get(dim, BATCHES) for dim in value.shape]
        shape = [
            dim if isinstance(dim, int) else choices[sample % len(choices)]
            for dim, choices in zip(value.shape, sizes)
        ]
        inputs[value.name] = generator.random(shape, "float32").astype(numpy_type(value))
    return inputs
