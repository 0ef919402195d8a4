"""Compares the lists of element types outside the compiler with the rows of ir/DType.def.

usage: check_dtypes.py     (exit status 1 and one line a difference)

The runtime's header and messages, the Python package and the JavaScript loader cannot read the table, which is C++. Of
each type of the table they must say the same; they may know more types.
"""
import importlib.util
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROW = re.compile(
    r'^DTYPE\((\w+), *"(\w+)", *(\w+), *(\d+), *(\d+), *(\w+), *(\d+), *"(\w+)", *"(\w*)", *(.+)\)$', re.M
)
ARRAYS = {
    "f4": "Float32Array", "f8": "Float64Array", "i1": "Int8Array", "i2": "Int16Array", "i4": "Int32Array",
    "i8": "BigInt64Array", "u1": "Uint8Array", "u2": "Uint16Array", "u4": "Uint32Array", "u8": "BigUint64Array",
    "b1": "Uint8Array", "f2": "Uint16Array",
}


def read(path):
    return (ROOT / path).read_text()


def python_types():
    spec = importlib.util.spec_from_file_location("dtypes", ROOT / "python/cameoc/_dtypes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {number: (dtype.name, dtype.bits) for number, dtype in module.BY_NUMBER.items()}


def main():
    rows = ROW.findall(read("ir/DType.def"))
    header = dict(re.findall(r"CAMEO_(\w+) = (\d+)", read("runtime/include/cameo.h").partition("enum cameo_dtype")[2]))
    table = read("runtime/Message.c").partition("dtypes[] = {")[2].partition("};")[0]
    messages = re.findall(r'\{"(\w+)", (\d+)\}', table)
    script = {
        int(number): (name, array)
        for number, name, array in re.findall(r'^  (\d+): \["(\w+)", (\w+)\],$', read("runtime/js/cameo.mjs"), re.M)
    }
    python = python_types()
    wrong = []

    def expect(where, name, got, wanted):
        if got != wanted:
            wrong.append(f"{where}: {name} is {got}, ir/DType.def has {wanted}")

    for kind, _, _, bits, _, _, number, name, numpy, _ in rows:
        number, bits = int(number), int(bits)
        expect("runtime/include/cameo.h", name, header.get(name.upper()), str(number))
        expect("runtime/Message.c", name, messages[number], (name, str(bits)))
        if kind != "String":
            expect("python/cameoc/_dtypes.py", name, python.get(number), (name, bits))
            expect("runtime/js/cameo.mjs", name, script.get(number), (name, ARRAYS[numpy]))
    if len(rows) != read("ir/DType.def").count("\nDTYPE("):
        wrong.append("ir/DType.def: a row is not in the table's format")
    print(*(wrong or [f"{len(rows)} element types agree"]), sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
