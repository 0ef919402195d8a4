"""Says which plant a leaf is of and what it suffers from, by the models of a bundle.

usage: identify.py plants.so [LEAST]      (fails when less than LEAST of the leaves, from 0 to 1, are told right)

The backbone gives features and a species. The detector says from the features whether this is a leaf at all. The
head whose metadata_props name the species reads the state from the same features.
"""

import pathlib
import sys
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "python"))

import cameoc
from leaves import NAMES, SPECIES, leaves, others


class Plants:
    def __init__(self, path, threads=1):
        self.bundle = cameoc.load_bundle(path, pool=cameoc.Pool(threads))
        self.backbone, self.detector = self.bundle["backbone"], self.bundle["detector"]
        self.species = self.backbone.metadata["property.species"].split(",")

    def identify(self, picture):
        """(species, state) of a picture of 3 x 32 x 32 numbers, or None if it is no leaf."""
        seen = self.backbone.run({"image": picture[None]})
        features = {"features": seen["features"]}
        if not self.detector.run(features)["is_leaf"][0]:
            return None
        species = self.species[seen["species"][0].argmax()]
        [name] = self.bundle.find("species", species)
        head = self.bundle[name]
        return species, head.metadata["property.states"].split(",")[head.run(features)["logits"][0].argmax()]


def main():
    plants = Plants(sys.argv[1])
    pictures, species, states = leaves(500, seed=3)
    start = time.perf_counter()
    found = [plants.identify(picture) for picture in pictures]
    seconds = (time.perf_counter() - start) / len(pictures)
    expected = [(NAMES[s], SPECIES[NAMES[s]][1][d]) for s, d in zip(species, states)]
    right = np.mean([a == b for a, b in zip(found, expected)])
    taken = np.mean([answer is not None for answer in found])
    refused = np.mean([plants.identify(picture) is None for picture in others(300, seed=3)])
    print(f"{100 * right:.1f} % of the leaves are told right, {100 * taken:.1f} % taken for leaves")
    print(f"{100 * refused:.1f} % of what is no leaf is refused; {1000 * seconds:.2f} ms a picture")
    least = float(sys.argv[2]) if len(sys.argv) > 2 else 0
    return 0 if min(right, refused) >= least else 1


if __name__ == "__main__":
    sys.exit(main())
