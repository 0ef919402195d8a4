"""Random graphs of a few nodes in which any size may be left open.

Every dim of every input is a number or a symbol by chance, and two dims that are equal in all runs share a
symbol or, as exporters have it that name each dim by itself, do not. A graph has three runs in which the
sizes fit, where a dim is 1 in one run and larger in another, or 0, and some probes: runs in which the size of
one dim is another one, which may fit or not (see probes.py). Builders are those of random_graphs.py,
open_builders.py, open_layers.py and open_values.py.
"""
import numpy as np

import open_builders
import open_layers
import open_values
import random_graphs
from case import Case, Sizes, pick, sizes_of
from open_builders import ANY, SOME
from probes import Probe
from random_graphs import DIMS, MOST, Graph, count, largest, smallest

SEEDS = range(1, 151)
RUNS = 3
PROBES = 4
PRIMES = (2, 3, 5, 7, 11, 13)
OPSET = 23
BUILDERS = (*open_builders.BUILDERS, *open_layers.BUILDERS, *open_values.BUILDERS)


class OpenGraph(Graph):
    """A graph that knows of sizes only what they are in each run. What its inputs state is drawn apart
    from it, so that a builder can take a dim as fixed that the model leaves open."""

    def __init__(self, case):
        super().__init__(case)
        self.symbols = {}  # of a dim, the names that inputs have for it

    def declare(self, dim):
        if not isinstance(dim, Sizes) and self.chance(2):
            return dim
        names = self.symbols.setdefault(dim, [])
        if not names or self.rng.integers(3):
            names.append(f"d{sum(map(len, self.symbols.values()))}")
            return names[-1]
        return pick(self.rng, names)

    def dim(self, least=0):
        """The dim of an input: of one size, or of others in each run."""
        if self.chance(2):
            return max(least, pick(self.rng, DIMS))
        sizes = [pick(self.rng, (1, *PRIMES)) for _ in range(RUNS)]
        if self.chance(6):
            sizes[int(self.rng.integers(RUNS))] = 0
        return sizes_of(max(least, size) for size in sizes)

    def narrow(self, dim):
        """The dim, or one that broadcasts to it: 1 in some runs."""
        if self.rng.integers(3):
            return dim
        sizes = dim if isinstance(dim, Sizes) else (dim,) * RUNS
        return sizes_of(1 if self.chance(2) else size for size in sizes)

    def operand(self, shape, bound=1.0):
        """A further operand of a node: a weight or an input, of exactly this shape."""
        if not any(isinstance(dim, Sizes) for dim in shape) and self.chance(2):
            return self.weight(shape, bound)
        return self.fresh(shape, "f32", -bound, bound)

    def shape(self, most=4):
        """Dims for inputs of up to so many dims, any of which may be 0."""
        dims = [self.dim() for _ in range(int(self.rng.integers(1, most + 1)))]
        return dims if count(dims) <= MOST else dims[:1]

    def new(self, *wanted):
        """A new input that is also a value, of these dims; ANY and SOME are free, SOME is 1 at least."""
        least = {ANY: 0, SOME: 1}
        shape = [self.dim(least[dim]) if dim in least else dim for dim in wanted]
        while count(shape) > MOST:
            free = [axis for axis, dim in enumerate(wanted) if dim in least]
            shape[max(free, key=lambda axis: largest(shape[axis]))] = 1
        self.add(self.fresh(shape), shape, 1.0)
        return self.values[-1]

    def value(self, *wanted):
        """A value of these dims, as for `new`, or a new input where there is none."""

        def fits(dim, want):
            return want == ANY or (smallest(dim) > 0 if want == SOME else dim == want)

        return self.choose(
            lambda v: len(v.shape) == len(wanted) and all(map(fits, v.shape, wanted))
        ) or self.new(*wanted)


def probe(g):
    """Inputs of a run of which one dim, or all dims of a symbol, have another size. None where no dim is open."""
    case = g.case
    places = [
        (name, axis)
        for name, shape in case.declared.items()
        for axis, dim in enumerate(shape)
        if isinstance(dim, str)
    ]
    if not places:
        return None
    name, axis = pick(g.rng, places)
    symbol = case.declared[name][axis]
    shared = [(n, a) for n, a in places if case.declared[n][a] == symbol]
    changed = shared if g.rng.integers(3) else [(name, axis)]
    run = int(g.rng.integers(len(case.runs)))
    inputs = dict(case.runs[run])
    old = inputs[name].shape[axis]
    new = pick(g.rng, [size for size in (0, 1, 1, old + 1, old - 1, 2 * old) if size not in (old, -1)])
    for n, a in changed:
        shape = list(inputs[n].shape)
        shape[a] = new
        # What has no elements is filled as other runs have it.
        source = max((inputs[n], *(other[n] for other in case.runs)), key=lambda array: array.size > 0)
        inputs[n] = np.resize(source, shape)
    words = f"run {run} with {symbol} = {new} for {old} in {', '.join(f'{n}[{a}]' for n, a in changed)}"
    return Probe(words, inputs, len(changed) < len(shared))


def make(seed):
    """The graph of a seed, with its probes."""
    case = Case(f"open/{seed}", sizes=(None,) * RUNS, opset=OPSET)
    g = OpenGraph(case)
    g.new(*[ANY] * int(g.rng.integers(1, 5)))
    nodes = int(g.rng.integers(2, 10))
    while len(case.nodes) < nodes:
        pick(g.rng, random_graphs.BUILDERS if g.chance(4) else BUILDERS)(g)
    left = [v.name for v in g.values if v.name not in g.used and v.name not in case.declared]
    if not left:
        left = [g.op("Identity", g.values[0])]
    case.probes = [found for found in (probe(g) for _ in range(PROBES)) if found]
    return case.output(*left)
