"""Pictures of leaves that are drawn, not photographed: five species that differ in shape and colour, each with
diseases of its own, and things that are no leaves. Needs NumPy alone; the same numbers give the same pictures.
"""

import numpy as np

SIZE = 32
# What a species looks like (lobes, how deep, length to width, colour), and the states that it is found in.
SPECIES = {
    "bean": ((3, 0.25, 1.0, (0.20, 0.60, 0.15)), ("healthy", "rust", "mosaic")),
    "grape": ((5, 0.35, 1.0, (0.30, 0.65, 0.25)), ("healthy", "rust", "mildew", "blight", "scorch")),
    "maize": ((0, 0.00, 3.0, (0.35, 0.70, 0.20)), ("healthy", "blight", "scorch")),
    "rose": ((0, 0.00, 1.4, (0.10, 0.45, 0.20)), ("healthy", "rust", "mildew", "spot")),
    "tomato": ((7, 0.20, 1.6, (0.25, 0.50, 0.10)), ("healthy", "mosaic", "blight", "spot", "mildew", "scorch")),
}
NAMES = tuple(SPECIES)
Y, X = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / (SIZE - 1) * 2 - 1


def spots(rng, count, radius):
    """How much of each pixel is covered by round spots."""
    cover = np.zeros((SIZE, SIZE), np.float32)
    for y, x in rng.uniform(-0.6, 0.6, (count, 2)):
        cover = np.maximum(cover, (np.hypot(Y - y, X - x) < radius).astype(np.float32))
    return cover


def symptom(rng, state, edge):
    """A colour, and how much of it each pixel of the leaf has; `edge` is 0 in the middle and 1 at the border."""
    if state == "rust":
        return (0.85, 0.40, 0.05), spots(rng, 14, 0.09)
    if state == "spot":
        return (0.05, 0.05, 0.05), spots(rng, 6, 0.13)
    if state == "blight":
        return (0.35, 0.20, 0.10), spots(rng, 1, 0.50)
    if state == "mildew":
        return (0.95, 0.95, 0.95), 0.7 * spots(rng, 5, 0.25)
    if state == "mosaic":
        shift = rng.uniform(0, 6, 2)
        return (0.90, 0.90, 0.20), 0.6 * ((np.sin(9 * X + shift[0]) * np.sin(9 * Y + shift[1])) > 0)
    if state == "scorch":
        return (0.60, 0.45, 0.15), (edge > 0.65).astype(np.float32)
    return (0, 0, 0), np.zeros((SIZE, SIZE), np.float32)


def leaf(rng, species, state):
    """A picture of 3 x 32 x 32 numbers from 0 to 1."""
    lobes, depth, length, colour = SPECIES[species][0]
    angle, scale = rng.uniform(-0.5, 0.5), rng.uniform(0.75, 0.9)
    x, y = X * np.cos(angle) + Y * np.sin(angle), Y * np.cos(angle) - X * np.sin(angle)
    radius = np.hypot(x * length**0.5, y / length**0.5)
    border = scale / (1 + depth) * (1 + depth * np.cos(lobes * np.arctan2(y, x)))
    edge = radius / border
    picture = np.empty((3, SIZE, SIZE), np.float32)
    picture[:] = rng.uniform(0.55, 0.75)
    tint, cover = symptom(rng, state, edge)
    light = 1 + 0.2 * X * rng.uniform(-1, 1)
    for channel in range(3):
        green = colour[channel] * light * (1 - cover) + tint[channel] * cover
        picture[channel][edge < 1] = green[edge < 1]
    return np.clip(picture + 0.03 * rng.standard_normal(picture.shape), 0, 1).astype(np.float32)


def leaves(count, seed):
    """`count` pictures, the numbers of their species, and of their states among those of the species."""
    rng = np.random.default_rng(seed)
    species = rng.integers(len(NAMES), size=count)
    states = [rng.integers(len(SPECIES[NAMES[s]][1])) for s in species]
    pictures = [leaf(rng, NAMES[s], SPECIES[NAMES[s]][1][d]) for s, d in zip(species, states)]
    return np.stack(pictures), species, np.array(states)


def others(count, seed):
    """`count` pictures of something else: noise, stripes, discs in colours that leaves do not have."""
    rng = np.random.default_rng(seed)
    pictures = []
    for number in range(count):
        colours = rng.uniform(0, 1, (2, 3, 1, 1))
        if number % 3 == 0:
            picture = rng.uniform(0, 1, (3, SIZE, SIZE))
        elif number % 3 == 1:
            picture = np.where(np.sin(rng.uniform(5, 15) * X + rng.uniform(0, 6)) > 0, *colours)
        else:
            colours[:, 1] *= 0.3
            picture = np.where(np.hypot(X, Y) < rng.uniform(0.3, 0.9), *colours)
        pictures.append(picture)
    return np.stack(pictures).astype(np.float32)
