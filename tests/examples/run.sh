#!/usr/bin/env bash
# usage: run.sh CAMEO WORK-FOLDER PYTHON; see CMakeLists.txt.
set -euo pipefail
cameo=$1 work=$2 python=$3
root=$(cd "$(dirname "$0")/../.." && pwd)
digits=$root/examples/digits
rm -rf "$work"
mkdir -p "$work"

"$cameo" compile "$digits/digits.onnx" -o "$work/digits.so"
flags=(-Wall -Wextra -Werror "-I$work" "-I$root/runtime/include" -Wl,-rpath,'$ORIGIN')
cc -std=c11 -DMODEL=digits "${flags[@]}" "$root/examples/c/main.c" "$work/digits.so" -o "$work/c"
c++ -std=c++17 "${flags[@]}" "$root/examples/cpp/main.cpp" "$work/digits.so" -o "$work/cpp"

# Whatever program asks, the first test images show the digits that their labels say.
labels=$("$python" -c "import numpy; print(*numpy.load('$digits/labels.npy')[:5])")
from_c=$("$work/c" --input "$digits/inputs.npy" --batch 5 | sed -n 's/^  top: \([0-9]*\) .*/\1/p')
"$python" "$(dirname "$0")/pictures.py" "$digits/inputs.npy" "$work" 5
from_cpp=$("$work/cpp" "$work/"{0,1,2,3,4}.ppm | sed -n 's/^this is a //p')
for answer in "$from_c" "$from_cpp"; do
  if [ "$(echo $answer)" != "$labels" ]; then
    echo "expected $labels, got" $answer
    exit 1
  fi
done
"$python" "$digits/accuracy.py" "$work/digits.so" 285

# The leaves of examples/species, through a bundle: from Python many, from C one of each kind.
species=$root/examples/species
"$cameo" bundle "$species/backbone.onnx" "$species/detector.onnx" "$species/heads/*.onnx" -o "$work/plants.so"
"$python" "$species/identify.py" "$work/plants.so" 0.9
cc -std=c11 "${flags[@]}" "$species/identify.c" "$work/plants.so" -o "$work/identify"
PYTHONPATH=$species "$python" - "$work" <<'END'
import subprocess, sys
import numpy as np
from leaves import NAMES, leaf, others
work = sys.argv[1]
expected = [f"{name} healthy" for name in NAMES] + ["no leaf"]
pictures = [leaf(np.random.default_rng(7), name, "healthy") for name in NAMES] + [others(1, 7)[0]]
for picture, answer in zip(pictures, expected):
    picture.tofile(f"{work}/picture.raw")
    said = subprocess.run([f"{work}/identify", f"{work}/picture.raw"], capture_output=True, text=True).stdout.strip()
    if said != answer:
        sys.exit(f"expected {answer}, got {said}")
END
