#!/usr/bin/env bash
# Builds everything and runs the tests, with all that they need.
#
#   scripts/test.sh [--quick]
#
# The format of the sources and the references in them; then the fast tests with AddressSanitizer and UndefinedBehaviorSanitizer;
# then, in a release build, all tests but those labelled slow: among them the ONNX project's cases and a
# few real models against ONNX Runtime. --quick leaves out the sanitizers and the real models. Builds,
# cases and models are kept in build/ and build-asan/, so that a second run is quick.
set -euo pipefail
cd "$(dirname "$0")/.."

# Those that tests/onnx/CMakeLists.txt labels medium.
models=(tiny_net simple_cnn disease_head_12 resnet18 mobilenet_v2 efficientnet_b0 vit_b_16 swin_species ssdlite320
  residual_any residual_any_dynamo patches_any patches_any_dynamo patches_24)
quantized=(tiny_net resnet18 mobilenet_v2)
quick=false
case ${1:-} in
"") ;;
--quick) quick=true ;;
*)
  echo "usage: scripts/test.sh [--quick]" >&2
  exit 2
  ;;
esac

step() { printf '\n== %s (%d:%02d)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60)); }
jobs=$(nproc)
longest=900 # seconds, for tests without a limit of their own; ctest itself has none

step "setting up"
if $quick; then
  scripts/setup.sh
else
  scripts/setup.sh --zoo
  .venv/bin/python bench/zoo/export.py build/data/zoo "${models[@]}"
  .venv/bin/python bench/zoo/quantize.py build/data/zoo "${quantized[@]}" --kind qdq qop dynamic
  .venv/bin/python bench/zoo/quantize.py build/data/zoo resnet18 --kind fp16 fp16io
fi

step "format"
scripts/lint.sh

step "references and lengths"
python3 scripts/check_references.py
python3 scripts/check_lengths.py

if ! $quick; then
  step "building with sanitizers"
  scripts/build.sh build-asan -DCAMEO_SANITIZE=ON -DCAMEO_TOGETHER=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo
  step "fast tests with sanitizers"
  # The linker keeps about a kilobyte a link. Tests ask for more memory than there is, which malloc
  # must answer as it does without sanitizers.
  ASAN_OPTIONS=allocator_may_return_null=1 LSAN_OPTIONS=suppressions=$PWD/tests/leaks.txt:print_suppressions=0 \
    ctest --test-dir build-asan -L fast -LE long -j "$jobs" --timeout $longest --output-on-failure
fi

step "building"
scripts/build.sh build
step "tests"
ctest --test-dir build -LE slow -j "$jobs" --timeout $longest --output-on-failure
