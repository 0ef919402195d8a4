#!/usr/bin/env python3
"""Compiles models for a target, runs them under an emulator (emulate.sh) and compares the outputs with
those of the reference interpreter. Exit status 77, which CTest takes for skipped, without an emulator.

  run_targets.py --cameo build/bin/cameo --work DIR TARGET[:CPU] MODEL.onnx...
"""
import argparse, os, platform, subprocess, sys
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
COUNT = 3  # what open sizes are
# A processor of QEMU's that lacks what the feature set needs, and what is said first to be missing.
LACKING = {"armv8.2-a+fp16+dotprod+i8mm": ("cortex-a53", "lse"), "armv7-a+vfp4+idiv": ("cortex-a9", "vfp4"),
           "rv64gcv": ("rv64", "v")}
# What a library may leave undefined (docs/runtime.md).
ALLOWED = {"malloc", "free", "syscall", "pthread_create", "pthread_join"}


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def ports(cameo, model):
    """Name, element type and dims of the model's inputs, and how many outputs it has."""
    inputs, outputs = [], 0
    for line in run(cameo, "explain", model).splitlines():
        words = line.split()
        if words[:1] == ["input"]:
            dims = words[2][words[2].index("[") + 1 : -1]
            sizes = [int(d) if d.isdigit() else COUNT for d in dims.split(",") if d]
            inputs.append((words[1], sizes))
        outputs += words[:1] == ["output"]
    return inputs, outputs


def check_refusal(cpu, command):
    """cameo_create must say what the processor lacks, not crash."""
    if cpu not in LACKING:
        return
    processor, missing = LACKING[cpu]
    done = subprocess.run(command, env=dict(os.environ, QEMU_CPU=processor), capture_output=True, text=True)
    if done.returncode != 1 or not done.stderr.endswith(f"lacks {missing}\n"):
        sys.exit(f"on {processor} without {missing}: {done.returncode}, {done.stderr}")


def check(args, arch, target, cpu, model):
    """Compiles and runs one model; returns the library's path."""
    name = os.path.splitext(os.path.basename(model))[0]
    folder = os.path.join(args.work, f"{name}-{arch}-{cpu}")
    os.makedirs(folder, exist_ok=True)
    library = os.path.join(folder, name + (".wasm" if arch == "wasm32" else ".so"))
    run(args.cameo, "compile", model, "--target", target, "--cpu", cpu, "-o", library)
    if arch != "wasm32":
        undefined = {line.split()[-1].split("@")[0] for line in run("llvm-nm-19", "-D", "-u", library).splitlines()}
        if undefined - ALLOWED:
            sys.exit(f"{library}: undefined {sorted(undefined - ALLOWED)}")

    inputs, outputs = ports(args.cameo, model)
    rng = np.random.default_rng(1)
    given, files = [], []
    for i, (port, dims) in enumerate(inputs):
        path = os.path.join(folder, f"in{i}")
        values = rng.random(dims, np.float32) - np.float32(0.5)
        np.save(path + ".npy", values)
        values.tofile(path)
        given += ["--input", f"{port}={path}.npy"]
        files.append(path)
    files += [os.path.join(folder, f"out{i}") for i in range(outputs)]
    run(args.cameo, "run", model, *given, "--output-dir", folder)
    want = {f.split("_")[1]: os.path.join(folder, f) for f in os.listdir(folder) if f.startswith("output_")}

    for threads in (1, 2) if arch != "wasm32" else (1,):
        if arch == platform.machine():
            print(run(args.cameo, "compare", model, library, "--threads", threads).splitlines()[-1])
            continue
        command = [os.path.join(HERE, "emulate.sh"), arch, args.work, library, str(COUNT), str(threads), *files]
        run(*command)
        check_refusal(cpu, command)
        for i in range(outputs):
            expected = np.load(want[str(i)])
            got = np.fromfile(files[len(inputs) + i], expected.dtype).reshape(expected.shape)
            worst = np.abs(got - expected).max() / max(1, np.abs(expected).max())
            print(f"{name} {target} {cpu}: {threads} threads, output {i}: {worst:.2e}")
            if not worst < 1e-4:
                sys.exit(f"expected {expected.ravel()[:8]}, got {got.ravel()[:8]}")
    return library


parser = argparse.ArgumentParser()
parser.add_argument("--cameo", required=True)
parser.add_argument("--work", required=True)
parser.add_argument("target")
parser.add_argument("models", nargs="+")
args = parser.parse_args()
target, _, cpu = args.target.partition(":")
arch = target.split("-")[0]
if arch != platform.machine():
    probe = subprocess.run([os.path.join(HERE, "emulate.sh"), arch, args.work])
    if probe.returncode:
        sys.exit(probe.returncode)
try:
    from models import write_boxes
except ImportError:  # without the onnx package
    pass
else:
    os.makedirs(args.work, exist_ok=True)
    args.models.insert(0, os.path.join(args.work, f"boxes-{arch}-{cpu}.onnx"))
    write_boxes(args.models[0])
for model in args.models:
    library = check(args, arch, target, cpu, model)
if arch == "wasm32":
    run("node", os.path.join(HERE, "heap.mjs"), library)
