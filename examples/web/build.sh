#!/usr/bin/env bash
# Puts the page and all that it loads into a folder: build.sh FOLDER. CAMEO is the program (default: cameo).
set -euo pipefail
cd "$(dirname "$0")"
folder=${1:?a folder for the page}
mkdir -p "$folder"
"${CAMEO:-cameo}" compile ../digits/digits.onnx --target wasm32 -o "$folder/"
cp index.html page.mjs ../digits/digits.onnx ../digits/inputs.npy ../digits/labels.npy "$folder"
cp ../../runtime/js/cameo-pool.mjs ../../runtime/js/cameo-worker.mjs "$folder"
