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
