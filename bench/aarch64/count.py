#!/usr/bin/env python3
"""Instructions that a run of a model takes on aarch64, counted under qemu-user, of Cameo and of ONNX Runtime:
how code for a processor that is not at hand compares. Instructions are not time.

  count.py [--cameo build/bin/cameo] [--ort libonnxruntime.so] [--processor NAME...] MODEL.onnx...

Models have one input, of float32, and one output; sizes that they leave open are 1. The library of ONNX Runtime is that of its Python package
for aarch64 Linux. Needs qemu-user with plugins, clang-19, lld-19, and of Debian's packages libc6-dev-arm64-cross and, for ONNX
Runtime, libstdc++6-arm64-cross. --sysroot names another folder with the include and lib that ONNX Runtime is to be run with.
"""
import argparse, os, re, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TARGETS = os.path.join(HERE, "..", "..", "tests", "targets")
# Of each processor: QEMU's name, what Cameo compiles for, and what ONNX Runtime reads in /proc/cpuinfo: features
# behind those that all have, and the number of the part.
ALL = "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"
DOT = ALL + " atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp ssbs"
PROCESSORS = {
    "armv8.0": ("cortex-a53", "armv8-a", ALL, "0xd03"),
    "dotprod": ("cortex-a76", "armv8.2-a+fp16+dotprod", DOT, "0xd0c"),
    "i8mm": ("max,sve=off,sme=off", "armv8.2-a+fp16+dotprod+i8mm+bf16", DOT + " i8mm bf16", "0xd49"),
}
CPUINFO = """processor\t: 0
BogoMIPS\t: 243.75
Features\t: %s
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: %s
CPU revision\t: 1
"""


SKIPPED = 77  # for CTest, where an emulator is missing


def run(*command, **environment):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=dict(os.environ, **environment))
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def ports(cameo, model):
    """Name and dims of the only input, and the name of the only output."""
    words = [line.split() for line in run(cameo, "explain", model).splitlines()]
    inputs, outputs = ([w for w in words if w[:1] == [kind]] for kind in ("input", "output"))
    found = re.fullmatch(r"f32\[(.+)\]", inputs[0][2]) if len(inputs) == len(outputs) == 1 else None
    if not found:
        sys.exit(f"{model}: expected one input of f32, and one output")
    return inputs[0][1], [int(dim) if dim.isdigit() else 1 for dim in found[1].split(",")], outputs[0][1]


class Counter:
    """Runs programs in a folder of its own."""

    def __init__(self, work, args):
        self.work, self.args = work, args
        self.plugin = os.path.join(work, "instructions.so")
        run("clang-19", "-O2", "-shared", "-fPIC", os.path.join(HERE, "instructions.c"), "-o", self.plugin)
        if args.ort:
            self.build_ort()

    def path(self, name):
        return os.path.join(self.work, name)

    def count(self, command, **environment):
        """Instructions of one run: those of a program with three runs less those of one with two."""
        counts = []
        for runs in (2, 3):
            out = self.path("count")
            run(*command(runs), QEMU_PLUGIN=f"{self.plugin},out={out}", RUNS=str(runs), **environment)
            with open(out) as file:
                counts.append(int(file.read()))
        if counts[1] <= counts[0]:
            sys.exit(f"{command(3)}: three runs took {counts[1]} instructions, and two {counts[0]}")
        return counts[1] - counts[0]

    def build_ort(self):
        """The runner, and for each processor a root folder with the libraries and a /proc/cpuinfo."""
        lib = os.path.join(self.args.sysroot, "lib")
        obj = self.path("ort.o")
        run("clang-19", "--target=aarch64-linux-gnu", "-O1", "-I" + os.path.join(self.args.sysroot, "include"),
            "-c", os.path.join(HERE, "ort.c"), "-o", obj)
        run("ld.lld-19", "-o", self.path("ort"), obj, *(os.path.join(lib, f) for f in ("crt1.o", "crti.o", "crtn.o", "libc.so.6")),
            self.args.ort, "--allow-shlib-undefined", "--dynamic-linker=/lib/ld-linux-aarch64.so.1")
        for name, (_, _, features, part) in PROCESSORS.items():
            os.makedirs(self.path(name + "/proc"))
            os.makedirs(self.path(name + "/lib"))
            for file in os.listdir(lib):
                os.symlink(os.path.join(lib, file), self.path(f"{name}/lib/{file}"))
            soname = re.search(r"SONAME\D*\[(.*)\]|SONAME\s+(\S+)", run("llvm-readelf-19", "-d", self.args.ort))
            os.symlink(os.path.abspath(self.args.ort), self.path(f"{name}/lib/{soname[1] or soname[2]}"))
            with open(self.path(name + "/proc/cpuinfo"), "w") as file:
                file.write(CPUINFO % (features, part))

    def cameo(self, processor, model):
        _, dims, _ = ports(self.args.cameo, model)
        qemu, cpu, _, _ = PROCESSORS[processor]
        library, count = self.path("model.so"), 4
        run(self.args.cameo, "compile", model, "--target", "aarch64-linux-gnu", "--cpu", cpu, "-o", library)
        for dim in dims:
            count *= dim
        with open(self.path("in"), "wb") as file:
            file.write(b"\0\0\0\x3f" * (count // 4))  # 0.5
        emulate = os.path.join(TARGETS, "emulate.sh")
        return self.count(lambda runs: (emulate, "aarch64", self.work, library, 1, 1, self.path("in"), self.path("out")),
                          QEMU_CPU=qemu)

    def ort(self, processor, model):
        given, dims, made = ports(self.args.cameo, model)
        return self.count(lambda runs: ("qemu-aarch64", "-L", self.path(processor), self.path("ort"), model, given, made, runs, *dims),
                          QEMU_CPU=PROCESSORS[processor][0])


def count_all(counter, args):
    print(f"{'10^9 instructions':32s} {'processor':10s} {'Cameo':>8s}" + (f" {'ONNX Runtime':>13s}" if args.ort else ""))
    for model in args.models:
        for processor in args.processor:
            counts = [counter.cameo(processor, model)] + ([counter.ort(processor, model)] if args.ort else [])
            name = os.path.basename(model).removesuffix(".onnx")
            row = "".join(f" {count / 1e9:{width}.4f}" for count, width in zip(counts, (8, 13)))
            print(f"{name:32s} {processor:10s}{row}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameo", default="build/bin/cameo")
    parser.add_argument("--ort", metavar="LIB", help="count this ONNX Runtime, too")
    parser.add_argument("--sysroot", default="/usr/aarch64-linux-gnu")
    parser.add_argument("--processor", nargs="+", choices=PROCESSORS, default=list(PROCESSORS))
    parser.add_argument("models", nargs="+", metavar="MODEL.onnx")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        if subprocess.run([os.path.join(TARGETS, "emulate.sh"), "aarch64", work]).returncode == SKIPPED:
            print("qemu-user or a C library for aarch64 is missing", file=sys.stderr)
            return SKIPPED
        count_all(Counter(work, args), args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
