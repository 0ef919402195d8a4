#!/usr/bin/env bash
# From nothing to a compiled model: builds Cameo, compiles a model, checks it against the reference
# interpreter, and measures both.
#
#   scripts/demo.sh [MODEL.onnx]
#
# The model is examples/digits/digits.onnx when none is given; then its accuracy on the test images is
# printed, too, and the C example runs it.
set -euo pipefail
model=$(realpath "${1:-$(dirname "$0")/../examples/digits/digits.onnx}")
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "setting up and building"
scripts/setup.sh
TARGET=cameo scripts/build.sh

name=$(basename "$model" .onnx)
out=build/demo
mkdir -p "$out"
library=$out/$name.so

step "cameo compile $name.onnx"
build/bin/cameo compile "$model" -o "$library"
ls -l "$out/$name".*

step "cameo compare: compiled code against the reference interpreter"
build/bin/cameo compare "$model" "$library"

step "cameo bench: latency of both"
build/bin/cameo bench "$model" "$library"

if [ "$model" = "$PWD/examples/digits/digits.onnx" ]; then
  step "accuracy on the test images"
  .venv/bin/python examples/digits/accuracy.py "$library"

  step "the C example"
  cc -DMODEL=digits -I"$out" -Iruntime/include examples/c/main.c "$library" -Wl,-rpath,'$ORIGIN' \
    -o "$out/digits"
  "$out/digits" --input examples/digits/inputs.npy --batch 3 --time
fi
