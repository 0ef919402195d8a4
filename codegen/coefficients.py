"""Prints the tables of VectorMathF32.cpp and VectorMathWide.cpp, lowest power first.

Polynomials are Chebyshev interpolants computed with 60 digits (mpmath). The rational function for erf
is fitted to the relative error by reweighted linear least squares (Lawson's method). Run it to see
where the numbers come from; it is not part of the build.
"""
import numpy
from mpmath import asin, atan, chebyfit, cos, erf, exp, expm1, log, log1p, mp, mpf, pi, sin, sqrt

mp.dps = 60


def show(name, coefficients, error):
    print(f"// relative error {float(error):.1e}")
    print(f"constexpr double {name}[] = {{" + ", ".join(f"{float(c):.17g}" for c in coefficients) + "};")


def fit(name, function, interval, count):
    coefficients, error = chebyfit(function, interval, count, error=True)
    show(name, coefficients[::-1], error)


def in_square(function):
    """f(z) of x = sqrt(z), kept off the removable singularity at 0."""
    return lambda z: function(sqrt(max(z, mpf(10) ** -20)))


h = log(2) / 2 * mpf("1.001")
near = mpf(10) ** -8
fit("kExp", lambda r: (exp(r) - 1 - r) / r**2 if abs(r) > near else mpf(1) / 2 + r / 6, [-h, h], 5)
fit("kExpm1Wide", lambda r: expm1(r) / r if abs(r) > near else 1 + r / 2, [-h, h], 10)
fit("kLog", lambda f: (log1p(f) - f + f**2 / 2) / f**3 if abs(f) > near else mpf(1) / 3 - f / 4,
    [sqrt(mpf(1) / 2) - 1, sqrt(mpf(2)) - 1], 9)
s = (sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)
fit("kLogWide", in_square(lambda x: log((1 + x) / (1 - x)) / x), [0, s * s], 7)
q = (pi / 4 * mpf("1.001")) ** 2
fit("kSin", in_square(lambda x: (sin(x) / x - 1) / x**2), [0, q], 5)
fit("kCos", in_square(lambda x: (cos(x) - 1) / x**2), [0, q], 6)
fit("kAsin", in_square(lambda x: (asin(x) / x - 1) / x**2), [0, mpf(1) / 4], 6)
fit("kAtan", in_square(lambda x: (atan(x) / x - 1) / x**2), [0, 1], 9)


def rational(name, top, bottom, limit, rounds=150):
    x = limit * numpy.cos(numpy.linspace(0, numpy.pi / 2, 3001)[:-1])
    y = numpy.array([float(erf(mpf(v))) for v in x])
    z = x * x
    weights = numpy.ones_like(x)
    scale = numpy.ones_like(x)
    best = None
    for _ in range(rounds):
        columns = [x * z**i / y for i in range(top)] + [-(z**i) for i in range(1, bottom)]
        rows = numpy.stack(columns, 1) * (scale * numpy.sqrt(weights))[:, None]
        norms = numpy.linalg.norm(rows, axis=0)
        solution = numpy.linalg.lstsq(rows / norms, scale * numpy.sqrt(weights), rcond=None)[0] / norms
        p = solution[:top]
        d = numpy.concatenate([[1], solution[top:]])
        denominator = numpy.polyval(d[::-1], z)
        error = abs(x * numpy.polyval(p[::-1], z) / denominator / y - 1)
        scale = 1 / denominator
        weights = weights * error
        weights /= weights.mean()
        if best is None or error.max() < best[0]:
            best = (error.max(), p, d)
    show(name + "Top", best[1], best[0])
    show(name + "Bottom", best[2], best[0])


rational("kErf", 6, 6, 4.0)
