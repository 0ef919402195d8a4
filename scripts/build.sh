#!/usr/bin/env bash
# Configures and builds Cameo.
#
#   [TARGET=cameo] scripts/build.sh [FOLDER [CMAKE-ARGUMENT ...]]
#
# FOLDER is `build` when not given, and the build type Release. TARGET=cameo builds the program alone,
# without the tests. A new folder, where there is no ccache, compiles several files at once, which is
# sooner done; -DCAMEO_TOGETHER=OFF compiles each alone, so that a change is compiled sooner.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-build}
[ $# -eq 0 ] || shift
launcher=()
together=()
if command -v ccache >/dev/null; then
  # ccache caches files that use precompiled headers only when told that their macros and dates do not matter.
  # Paths below the tree are relative to it, so that one build folder takes what another has made.
  slack="env;CCACHE_BASEDIR=$PWD;CCACHE_SLOPPINESS=pch_defines,time_macros;ccache"
  launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER="$slack")
elif [ ! -e "$folder/CMakeCache.txt" ]; then
  together=(-DCAMEO_TOGETHER=ON)
fi
cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DPython3_EXECUTABLE="$PWD/.venv/bin/python" "${launcher[@]}" "${together[@]}" "$@" >/dev/null
ninja -C "$folder" --quiet "${TARGET:-all}"
