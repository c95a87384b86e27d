"""Fit the polynomials of the engine's elementary functions.

Writes ``cpp/src/kernels/polynomials.hpp``. Each polynomial is a minimax fit by Remez' exchange
algorithm in 60 digits, of the degree at which its error falls below a quarter of a unit in the
last place of the result. Run with mpmath installed: ``python cpp/tools/fit_polynomials.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from mpmath import (
    atan,
    cos,
    erfc,
    exp,
    expm1,
    log,
    lu_solve,
    matrix,
    mp,
    mpf,
    pi,
    polyval,
    sin,
    sqrt,
    tan,
)

mp.dps = 60
Function = Callable[[mpf], mpf]


def remez(f: Function, low: mpf, high: mpf, degree: int, weight: Function) -> tuple[list[mpf], mpf]:
    """Polynomial p of a degree with the least maximum of ``|(p - f) * weight|`` on [low, high]."""
    count = degree + 2
    middle, half = (low + high) / 2, (high - low) / 2
    grid = [middle - half * cos(pi * i / (40 * count)) for i in range(40 * count + 1)]
    values, weights = [f(x) for x in grid], [weight(x) for x in grid]
    nodes = [40 * count * i // (count - 1) for i in range(count)]
    for _ in range(12):
        system, right = matrix(count, count), matrix(count, 1)
        for row, node in enumerate(nodes):
            for column in range(degree + 1):
                system[row, column] = grid[node] ** column
            system[row, degree + 1] = (-1) ** row / weights[node]
            right[row] = values[node]
        coefficients = list(lu_solve(system, right))[: degree + 1]
        errors = [
            (polyval(coefficients[::-1], x) - y) * w
            for x, y, w in zip(grid, values, weights, strict=True)
        ]
        peaks = _peaks(errors)
        if len(peaks) < count:
            break
        while len(peaks) > count:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        nodes = peaks
    return coefficients, max(abs(e) for e in errors)


def _peaks(errors: list[mpf]) -> list[int]:
    """Position of the largest error in every run of one sign."""
    runs = [[0]]
    for i in range(1, len(errors)):
        if errors[i] * errors[i - 1] > 0:
            runs[-1].append(i)
        else:
            runs.append([i])
    return [max(run, key=lambda i: abs(errors[i])) for run in runs]


def exp_rest(r: mpf) -> mpf:
    """(e^r - 1 - r) / r^2."""
    return mpf(1) / 2 + r / 6 if abs(r) < mpf(10) ** -18 else (expm1(r) - r) / r**2


def log_rest(z: mpf) -> mpf:
    """(2 atanh(s)/s - 2) / z, where z = s^2 and log((1 + s)/(1 - s)) = 2 atanh(s)."""
    if z < mpf(10) ** -20:
        return mpf(2) / 3 + 2 * z / 5
    s = sqrt(z)
    return (log((1 + s) / (1 - s)) / s - 2) / z


def sin_rest(z: mpf) -> mpf:
    """(sin(r) - r) / r^3, where z = r^2."""
    if z < mpf(10) ** -20:
        return -mpf(1) / 6 + z / 120
    r = sqrt(z)
    return (sin(r) - r) / (r * z)


def cos_rest(z: mpf) -> mpf:
    """(cos(r) - 1 + r^2/2) / r^4, where z = r^2."""
    if z < mpf(10) ** -9:
        return mpf(1) / 24 - z / 720 + z * z / 40320
    return (cos(sqrt(z)) - 1 + z / 2) / z**2


def atan_rest(z: mpf) -> mpf:
    """(atan(x) - x) / x^3, where z = x^2."""
    if z < mpf(10) ** -20:
        return -mpf(1) / 3 + z / 5
    x = sqrt(z)
    return (atan(x) - x) / (x * z)


def erfcx_scaled(v: mpf) -> mpf:
    """e^(t^2) erfc(t) (1 + 2 t) for t = 4 (1 + v)/(1 - v): smooth from t = 0 to infinity."""
    if v >= 1 - mpf(10) ** -12:
        return 2 / sqrt(pi)
    t = 4 * (1 + v) / (1 - v)
    if t < 100:
        return exp(t * t) * erfc(t) * (1 + 2 * t)
    series = 1 - 1 / (2 * t**2) + 3 / (4 * t**4) - 15 / (8 * t**6) + 105 / (16 * t**8)
    return series / (t * sqrt(pi)) * (1 + 2 * t)


def fits() -> list[tuple[str, str, Function, mpf, mpf, dict[str, int], Function]]:
    """Name, comment, function, range, degree by type, weight of the error."""
    half_ln2 = log(mpf(2)) / 2 * mpf("1.0001")
    s_max = (sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)
    return [
        (
            "Exp",
            "(e^r - 1 - r) / r^2 on [-3/4 ln(2), ln(2)/2]",
            exp_rest,
            -half_ln2 * 3 / 2,
            half_ln2,
            {"float": 6, "double": 11},
            lambda r: abs(r) + mpf("0.05"),
        ),
        (
            "Log",
            "(2 atanh(s)/s - 2) / s^2 in s^2, |s| <= (sqrt(2)-1)/(sqrt(2)+1)",
            log_rest,
            mpf(0),
            (s_max * mpf("1.0002")) ** 2,
            {"float": 3, "double": 7},
            lambda z: z + mpf("0.001"),
        ),
        (
            "Sin",
            "(sin(r) - r) / r^3 in r^2, |r| <= pi/4",
            sin_rest,
            mpf(0),
            (pi / 4 * mpf("1.001")) ** 2,
            {"float": 3, "double": 6},
            lambda z: z + mpf("0.01"),
        ),
        (
            "Cos",
            "(cos(r) - 1 + r^2/2) / r^4 in r^2, |r| <= pi/4",
            cos_rest,
            mpf(0),
            (pi / 4 * mpf("1.001")) ** 2,
            {"float": 3, "double": 6},
            lambda z: z * z + mpf("0.01"),
        ),
        (
            "Atan",
            "(atan(x) - x) / x^3 in x^2, |x| <= tan(pi/8)",
            atan_rest,
            mpf(0),
            (tan(pi / 8) * mpf("1.001")) ** 2,
            {"float": 4, "double": 10},
            lambda z: z + mpf("0.01"),
        ),
        (
            "Erfcx",
            "e^(t^2) erfc(t) (1 + 2t) in v, t = 4 (1 + v)/(1 - v)",
            erfcx_scaled,
            mpf(-1),
            mpf(1),
            {"float": 12, "double": 22},
            lambda v: 1 / erfcx_scaled(v),
        ),
    ]


def main() -> None:
    """Write the header that the kernels include."""
    lines = [
        "// Coefficients of the elementary functions, lowest power first; which function, on which",
        "// range and with what error stands above each. Written by cpp/tools/fit_polynomials.py.",
        "#pragma once",
        "",
        "// clang-format off",
        "namespace foxnn {",
        "namespace {",
        "",
        "template <class T> struct Polynomials;",
    ]
    for kind, digits, suffix in (("float", 9, "f"), ("double", 17, "")):
        lines += ["", f"template <> struct Polynomials<{kind}> {{"]
        for name, comment, function, low, high, degrees, weight in fits():
            coefficients, error = remez(function, low, high, degrees[kind], weight)
            numbers = [mp.nstr(c, digits, min_fixed=0, max_fixed=0) + suffix for c in coefficients]
            lines.append(f"  // {comment}; weighted error {mp.nstr(error, 2)}")
            lines.append(f"  static constexpr {kind} k{name}[] = {{")
            lines += [f"      {', '.join(numbers[i : i + 4])}," for i in range(0, len(numbers), 4)]
            lines.append("  };")
            print(kind, name, mp.nstr(error, 3), file=sys.stderr)
        lines.append("};")
    lines += ["", "}  // namespace", "}  // namespace foxnn", "// clang-format on", ""]
    target = Path(__file__).resolve().parents[1] / "src" / "kernels" / "polynomials.hpp"
    target.write_text("\n".join(lines), encoding="ascii")


if __name__ == "__main__":
    main()
