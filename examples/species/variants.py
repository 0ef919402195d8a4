"""Measures the example in half precision and in 8 bits against float32.

usage: variants.py CAMEO WORK-FOLDER [MOST]      (needs what `cameo quantize` needs; fails when a deviation is above MOST)

Prints for each variant the bundle's size, the largest and the mean deviation of a probability of a species or of a
state, over 300 leaves, and how many answers stay the same.
"""

import pathlib
import subprocess
import sys

import numpy as np
import onnx
from leaves import leaves

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "python"))

import cameoc

MODELS = [HERE / "backbone.onnx", *sorted((HERE / "heads").glob("*.onnx"))]


def quantized(cameo, model, path, mode, samples):
    """`cameo quantize` on samples of the model's input, which it also corrects biases by."""
    name = onnx.load(model).graph.input[0].name
    np.savez(path.with_suffix(".npz"), **{name: samples})
    options = {"fp16": [], "static": ["--calibrate", path.with_suffix(".npz"), "--per-channel", "--method", "percentile"]}[mode]
    subprocess.run([cameo, "quantize", model, "-o", path, "--mode", mode, *options], check=True, stdout=subprocess.DEVNULL)


def bundle(cameo, models, path):
    subprocess.run([cameo, "bundle", *map(str, models), "-o", str(path)], check=True, capture_output=True)
    return cameoc.load_bundle(path)


def probabilities(plants, pictures):
    """Of the species, and of the states of every head, by the bundle's own features."""
    seen = plants["backbone"].run({"image": pictures})
    logits = [seen["species"]]
    logits += [plants[name].run({"features": seen["features"]})["logits"] for name in plants.names if name != "backbone"]
    return [softmax(each) for each in logits]


def softmax(logits):
    power = np.exp(logits - logits.max(1, keepdims=True))
    return power / power.sum(1, keepdims=True)


def answers(found, species):
    """The states that each picture's own head says; heads are in the order of the species."""
    return np.array([found[1 + s][i].argmax() for i, s in enumerate(species)])


def main():
    cameo, work = sys.argv[1], pathlib.Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)
    plants = bundle(cameo, MODELS, work / "float32.so")
    calibration = leaves(200, seed=4)[0]
    features = plants["backbone"].run({"image": calibration})["features"]
    pictures, species, _ = leaves(300, seed=5)
    right = probabilities(plants, pictures)
    print(f"float32: {(work / 'float32.so').stat().st_size / 1e3:.0f} kB")
    worst = 0.0
    for name, mode in (("float16", "fp16"), ("int8", "static")):
        (work / name).mkdir(exist_ok=True)
        made = [work / name / model.name for model in MODELS]
        for model, path in zip(MODELS, made):
            quantized(cameo, model, path, mode, calibration if model.stem == "backbone" else features)
        found = probabilities(bundle(cameo, made, work / f"{name}.so"), pictures)
        # What is asked is the species, and the state by the head of the species.
        rows = np.arange(len(pictures))
        deviations = np.concatenate(
            [np.abs(right[0] - found[0]).ravel()]
            + [np.abs(right[1 + s] - found[1 + s])[rows[species == s]].ravel() for s in range(len(right) - 1)]
        )
        same = (right[0].argmax(1) == found[0].argmax(1)) & (answers(right, species) == answers(found, species))
        print(
            f"{name}: {(work / f'{name}.so').stat().st_size / 1e3:.0f} kB, probabilities deviate by "
            f"{deviations.mean():.1e} on average and {deviations.max():.1e} at most, {100 * same.mean():.1f} % of the answers are the same"
        )
        worst = max(worst, float(deviations.max()))
    most = float(sys.argv[3]) if len(sys.argv) > 3 else 1.0
    return 0 if worst <= most else 1


if __name__ == "__main__":
    sys.exit(main())
