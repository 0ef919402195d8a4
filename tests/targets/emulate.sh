#!/usr/bin/env bash
# Runs code made for another architecture: compiles runner.c for it, into the work folder, and runs that
# under an emulator; wasm modules run in Node.js.
#
#   emulate.sh ARCH WORK                                      exit status 77 where something is missing
#   emulate.sh ARCH WORK LIBRARY COUNT THREADS FILE...        see runner.c
#
# Needs qemu-user, clang-19, lld-19 and Debian's cross C libraries. QEMU_CPU chooses the processor.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
arch=$1 work=$2
shift 2

if [ "$arch" = wasm32 ]; then
  command -v node >/dev/null || exit 77
  [ $# -eq 0 ] || exec node "$here/runner.mjs" "$@"
  exit 0
fi
case $arch in
aarch64) triple=aarch64-linux-gnu machine=aarch64 loader=ld-linux-aarch64.so.1 cpu=max ;;
armv7) triple=arm-linux-gnueabihf machine=arm loader=ld-linux-armhf.so.3 cpu=max ;;
riscv64) triple=riscv64-linux-gnu machine=riscv64 loader=ld-linux-riscv64-lp64d.so.1 cpu=rv64,v=true,vlen=128 ;;
*)
  echo "unknown architecture $arch" >&2
  exit 2
  ;;
esac
sysroot=/usr/$triple
command -v "qemu-$machine" >/dev/null && [ -e "$sysroot/lib/$loader" ] && [ -e "$sysroot/lib/crt1.o" ] || exit 77

runner=$work/runner-$arch
interface=$here/../../runtime/include/cameo.h
# A runner for an older interface would be refused by libraries.
if [ ! "$runner" -nt "$here/runner.c" ] || [ ! "$runner" -nt "$interface" ]; then
  mkdir -p "$work"
  # Tests run at the same time, hence a name of its own until it is complete.
  clang-19 "--target=${triple/arm-/armv7-}" -O1 -I"$sysroot/include" -I"$here/../../runtime/include" \
    -c "$here/runner.c" -o "$runner.$$.o"
  ld.lld-19 -o "$runner.$$" "$runner.$$.o" "$sysroot"/lib/{crt1.o,crti.o,crtn.o,libc.so.6} \
    "--dynamic-linker=/lib/$loader"
  rm "$runner.$$.o"
  mv "$runner.$$" "$runner"
fi
[ $# -eq 0 ] || QEMU_CPU=${QEMU_CPU:-$cpu} exec "qemu-$machine" -L "$sysroot" "$runner" "$@"
