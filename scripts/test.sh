#!/usr/bin/env bash
# Builds everything and runs every test, with all that they need.
#
#   scripts/test.sh [--quick]
#
# First the fast tests with AddressSanitizer and UndefinedBehaviorSanitizer, then all tests in a
# release build, among them the ONNX project's cases and a few real models against ONNX Runtime.
# --quick leaves out the sanitizers and the real models. Builds, cases and models are kept in build/
# and build-asan/, so that a second run is quick.
set -euo pipefail
cd "$(dirname "$0")/.."

models=(tiny_net simple_cnn disease_head_12 resnet18_dyn mobilenet_v2 efficientnet_b0 swin_species)
quick=false
case ${1:-} in
"") ;;
--quick) quick=true ;;
*)
  echo "usage: scripts/test.sh [--quick]" >&2
  exit 2
  ;;
esac

jobs=$(nproc)
if $quick; then
  scripts/setup.sh
else
  scripts/setup.sh --zoo
  .venv/bin/python bench/zoo/export.py build/data/zoo "${models[@]}"
  scripts/build.sh build-asan -DCAMEO_SANITIZE=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo
  ctest --test-dir build-asan -L fast -j "$jobs" --output-on-failure
fi
scripts/build.sh build
ctest --test-dir build -j "$jobs" --output-on-failure
