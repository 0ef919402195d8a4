#!/usr/bin/env bash
# Builds Many.c and runs it; see there.
#
#   run.sh CAMEO WORK            with the model's archive
#   run.sh CAMEO WORK --races    under ThreadSanitizer; exit status 77 where that is missing
set -euo pipefail
cameo=$1 work=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
flags=(-std=c11 -O1 -g1 -Wall -Wextra -Werror "-I$root" "-I$root/runtime/include" "-I$work" -pthread)
model=$root/examples/digits/digits.onnx
rm -rf "$work"
mkdir -p "$work"

if [ "${3:-}" != --races ]; then
  "$cameo" compile "$model" --emit a,header -o "$work/" >/dev/null
  cc "${flags[@]}" "$here/Many.c" "$work/digits.a" -o "$work/many"
  exec "$work/many"
fi

[ "$(uname -m)" = x86_64 ] || exit 77
echo 'int main(void) { return 0; }' >"$work/probe.c"
cc -fsanitize=thread "$work/probe.c" -o "$work/probe" 2>/dev/null && "$work/probe" || exit 77

# Vectors of 16 bytes are the widest that ThreadSanitizer looks at. The pass takes functions with an
# attribute, and a symbol that begins with .L would be no symbol to other files.
"$cameo" compile "$model" --emit ll,header --cpu x86-64-v2 --target x86_64-linux-gnu -o "$work/" >/dev/null
sed -e '/^attributes/s/"cameo-generated"/& sanitize_thread/' \
  -e 's/@"\\01\.Lcameo_weights"/@modelWeights/g' -e 's/external hidden/external/' \
  "$work/digits.ll" >"$work/marked.ll"
opt-19 -passes='tsan-module,function(tsan)' "$work/marked.ll" -o "$work/marked.bc"
llc-19 -O1 -relocation-model=pic -filetype=obj "$work/marked.bc" -o "$work/model.o"
nm "$work/model.o" | grep -q __tsan_read4 || {
  echo "the generated code is not instrumented"
  exit 1
}
mapfile -t sources < <(ls "$root"/runtime/*.c "$root"/runtime/support/*.c | grep -v -e os_wasm -e support/Memory -e support/Round)
cc "${flags[@]}" -fsanitize=thread -DINSTRUMENTED -ffp-contract=off "-I$root/runtime" \
  "${sources[@]}" "$here/Many.c" "$work/model.o" -lm -o "$work/many"
TSAN_OPTIONS=halt_on_error=1 "$work/many"
