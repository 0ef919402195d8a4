"""Measures how many of the test images a compiled digits model reads right.

usage: accuracy.py digits.so [LEAST]     (fails when fewer than LEAST of the 300 are right)
"""
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "python"))

import cameoc


def main():
    images = np.load(HERE / "inputs.npy")
    labels = np.load(HERE / "labels.npy")
    logits = cameoc.load(sys.argv[1]).run({"image": images})["logits"]
    right = int((logits.argmax(1) == labels).sum())
    print(f"{right} of {len(labels)} right ({100 * right / len(labels):.1f} %)")
    return 1 if len(sys.argv) > 2 and right < int(sys.argv[2]) else 0


if __name__ == "__main__":
    sys.exit(main())
