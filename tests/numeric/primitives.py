"""A family of layers spelled out in primitives, as exporters do it, and of formulas that are almost those
of a layer: each on its own, and with what the compiler must not mistake for a part of it."""
import math

import numpy as np

from case import SYMBOL, Case, pick


class Writer:
    """Arithmetic on the values of a case, with numbers as constants."""

    def __init__(self, case, dtype, rng):
        self.case, self.dtype, self.rng = case, dtype, rng

    def number(self, value):
        return self.case.weight(np.float64(value), self.dtype)

    def op(self, kind, *inputs, **attributes):
        inputs = [x if isinstance(x, str) else self.number(x) for x in inputs]
        return self.case.op(kind, *inputs, **attributes)

    def times(self, *factors):
        """The product, in any order."""
        factors = list(factors)
        self.rng.shuffle(factors)
        result = factors[0]
        for factor in factors[1:]:
            result = self.op("Mul", result, factor)
        return result

    def square(self, x):
        return self.op("Mul", x, x) if self.rng.integers(2) else self.op("Pow", x, 2)

    def mean(self, x, axes):
        return self.case.op("ReduceMean", x, self.case.ints(*axes))

    def over_root(self, x, variance, epsilon):
        root = self.op("Sqrt", self.op("Add", variance, epsilon))
        if self.rng.integers(2):
            return self.op("Div", x, root)
        return self.op("Mul", x, self.op("Reciprocal", root))


def gelu(w, x):
    inner = w.op("Add", w.op("Erf", w.op("Div", x, math.sqrt(2))), 1)
    return w.times(x, 0.5, inner)


def tanh_gelu(w, x):
    cube = w.op("Pow", x, 3) if w.rng.integers(2) else w.times(x, x, x)
    inner = w.op("Add", x, w.times(0.044715, cube))
    return w.times(x, 0.5, w.op("Add", 1, w.op("Tanh", w.times(math.sqrt(2 / math.pi), inner))))


def almost_gelu(w, x):
    return w.times(x, 0.5, w.op("Add", w.op("Erf", w.op("Div", x, 1.5)), 1))


def swish(w, x):
    return w.times(x, w.op("Sigmoid", w.times(pick(w.rng, (1, 1.702)), x)))


def swish_of_exp(w, x):
    return w.op("Div", x, w.op("Add", w.op("Exp", w.op("Neg", x)), 1))


def hard_swish(w, x):
    clipped = w.op("Clip", w.op("Add", x, 3), 0, 6)
    return w.op("Div", w.times(x, clipped), 6)


def hard_sigmoid(w, x):
    return w.op("Min", w.op("Max", w.op("Add", w.times(0.2, x), 0.5), 0), 1)


def mish(w, x):
    return w.times(x, w.op("Tanh", w.op("Softplus", x)))


ACTIVATIONS = (gelu, tanh_gelu, almost_gelu, swish, swish_of_exp, hard_swish, hard_sigmoid, mish)


def layer_norm(w, x, axes):
    centred = w.op("Sub", x, w.mean(x, axes))
    return w.over_root(centred, w.mean(w.square(centred), axes), 1e-5)


def tensorflow_norm(w, x, axes):
    """moments and batch_normalization, with a scale and a bias of one number."""
    mean = w.mean(x, axes)
    variance = w.mean(w.square(w.op("Sub", x, mean)), axes)
    factor = w.op("Mul", w.op("Reciprocal", w.op("Sqrt", w.op("Add", variance, 1e-3))), 1.5)
    return w.op("Add", w.op("Mul", x, factor), w.op("Sub", 0.25, w.op("Mul", mean, factor)))


def rms_norm(w, x, axes):
    return w.over_root(x, w.mean(w.square(x), axes), 1e-5)


def deviation_norm(w, x, axes):
    """Epsilon is added to the deviation."""
    centred = w.op("Sub", x, w.mean(x, axes))
    deviation = w.op("Sqrt", w.mean(w.square(centred), axes))
    return w.op("Div", centred, w.op("Add", deviation, 0.5))


NORMALIZATIONS = (layer_norm, tensorflow_norm, rms_norm, deviation_norm)


def primitives():
    """Layers of f32, f64, halves, and halves widened to f32, of fixed and open batches."""
    shapes = ([5], [3, 33], [SYMBOL, 16], [2, 15, 7], [SYMBOL, 4, 31], [2, 3, 4, 16])
    forms = ("f32", "f32", "f64", "f16", "widened")
    for k in range(160):
        rng = np.random.default_rng([23, k])
        shape, form = pick(rng, shapes), pick(rng, forms)
        case = Case(f"primitives/{k}", sizes=(1, 5) if SYMBOL in shape else (None,))
        dtype = "f32" if form == "widened" else form
        writer = Writer(case, dtype, rng)
        x = case.input(shape, "f16" if form == "widened" else form, -3, 3)
        if form == "widened":
            x = case.op("Cast", x, to="f32")
        if k % 2:
            result = pick(rng, ACTIVATIONS)(writer, x)
        else:
            first = int(rng.integers(len(shape)))
            axes = list(range(first, len(shape))) if rng.integers(4) else [first]
            result = pick(rng, NORMALIZATIONS)(writer, x, axes)
            size = shape[-1] if pick(rng, (True, True, False)) else 1
            result = writer.op("Mul", result, case.weight(case.random([size], dtype, 0.5, 2)))
            result = writer.op("Add", case.weight(case.random([size], dtype)), result)
        if form == "widened":
            result = case.op("Cast", result, to="f16")
        yield case.output(result)


FAMILIES = dict(primitives=primitives)
