#!/usr/bin/env bash
# Checks the style of the C and C++ sources: their format, and with --tidy clang-tidy's findings.
#
#   scripts/lint.sh [--fix]              the format of every file; --fix corrects it
#   scripts/lint.sh --tidy [PATH ...]    clang-tidy on files or folders; all that git has when none is
#                                        given. Needs a configured build/; takes seconds a file.
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-} in
"") git ls-files -z '*.cpp' '*.hpp' '*.h' '*.c' | xargs -0 clang-format-19 --dry-run -Werror ;;
--fix) git ls-files -z '*.cpp' '*.hpp' '*.h' '*.c' | xargs -0 clang-format-19 -i ;;
--tidy)
  shift
  # GCC's warning options are in the compile commands, and clang does not know all of them, nor takes
  # GCC's precompiled headers; libstdc++ 12 sorts stably with a function that it calls deprecated itself.
  git ls-files -z "$@" | grep -z '\.cpp$' |
    xargs -0 -n 1 -P "$(nproc)" clang-tidy-19 -p build --quiet --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-ignored-gch \
      --extra-arg=-Wno-deprecated-declarations
  ;;
*)
  echo "usage: scripts/lint.sh [--fix | --tidy [PATH ...]]" >&2
  exit 2
  ;;
esac
