"""Prints the tables of the math functions: 2/pi for Angle.c, and fits for asin and erf.

The fits are Chebyshev interpolants, computed with 60 digits (mpmath) and written as polynomials,
lowest power first. Run it to see where the numbers come from; it is not part of the build.
"""
from mpmath import asin, chebyfit, erf, erfc, exp, floor, mp, mpf, pi, sqrt

mp.dps = 60


def show(name, function, interval, count):
    coefficients, error = chebyfit(function, interval, count, error=True)
    print(f"/* error {float(error):.1e} */\nstatic const double {name}[] = {{")
    for c in reversed(coefficients):
        print(f"    {float(c).hex()},")
    print("};")


def asin_tail(z):
    if z < mpf(10) ** -12:
        return mpf(1) / 6 + z * 3 / 40
    x = sqrt(z)
    return (asin(x) - x) / (x * z)


def erf_tail(z):
    x = sqrt(max(z, mpf(10) ** -30))
    return erf(x) / x - 1


show("asinTail", asin_tail, [0, mpf(1) / 4], 13)
show("erfSmall", erf_tail, [0, 1], 12)
for name, low, high in (("erfc1", 1, 2), ("erfc2", 2, 3.5), ("erfc3", 3.5, 6)):
    middle = mpf(low + high) / 2
    show(name, lambda t: erfc(t + middle) * exp((t + middle) ** 2), [low - middle, high - middle], 16)

print("static const uint32_t twoOverPi[] = {")
mp.prec = 1400
bits = int(floor(2 / pi * mpf(2) ** 1280))
for i in range(40):
    print(f"    0x{bits >> (1280 - 32 * (i + 1)) & 0xFFFFFFFF:08x},")
print("};")
