"""Interpolation between the templates at alpha = -1, 0 and +1 (K. Cranmer et al., CERN-OPEN-2012-016), by pyhf's names.

code4 and code4p are polynomials inside |alpha| < 1 that join the functions outside with two continuous derivatives;
code1 and code0 are those functions everywhere, with a kink at alpha = 0. At a kink the sign of the zero says which
side is meant: +0.0 or -0.0.
"""

from typing import NamedTuple

import numpy as np

KINKED = {"code1", "code0"}
IN_CACHE = 4096  # numbers of an array of which several stay in the first cache
SHARPEST = 15 / 4  # second derivative at alpha = 0 of the smooth |alpha| of code4p

# Coefficients of alpha, ..., alpha^6 for given value - 1, slope and second derivative at alpha = +1 and -1 (in turn).
SEXTIC = (
    np.array(
        [
            [15, -15, -7, -7, 1, -1],
            [24, 24, -9, 9, 1, 1],
            [-10, 10, 10, 10, -2, 2],
            [-24, -24, 14, -14, -2, -2],
            [3, -3, -3, -3, 1, -1],
            [8, 8, -5, 5, 1, 1],
        ]
    )
    / 16
)


class Scaling(NamedTuple):
    """A factor f(alpha) and its derivatives in units of itself."""

    factor: np.ndarray
    slope: np.ndarray  # f' / f
    bend: np.ndarray  # f'' / f


class NormInterpolation:
    """Factors of normsys entries; every array has one row per entry."""

    def __init__(self, low: np.ndarray, high: np.ndarray, code: str):
        self._log_low, self._log_high = (np.log(values)[:, None] for values in (low, high))
        self.even = (low[:, None] + high[:, None]) / 2 - 1  # part of f that does not change sign with alpha
        self._polynomial = None
        if code == "code4":
            up, down = self._log_high[:, 0], self._log_low[:, 0]
            ends = np.stack([high - 1, low - 1, up * high, -down * low, up**2 * high, down**2 * low])
            self._polynomial = np.einsum("ce,ke->ck", SEXTIC, ends.T)[..., None]

    def __call__(self, alpha: np.ndarray) -> Scaling:
        """Factors at alpha, shape (entries, fits), in parts that stay in the cache."""
        found = Scaling(*np.empty((3, *alpha.shape)))
        step = max(IN_CACHE // alpha.shape[1], 1)
        for start in range(0, len(alpha), step):
            part = slice(start, start + step)
            for whole, values in zip(found, self._part(alpha[part], part), strict=True):
                whole[part] = values
        return found

    def _part(self, alpha: np.ndarray, part: slice) -> Scaling:
        slope = np.where(np.signbit(alpha), -self._log_low[part], self._log_high[part])
        factor = np.exp(alpha * slope)
        bend = slope * slope
        if self._polynomial is None:
            return Scaling(factor, slope, bend)
        outside = np.abs(alpha) >= 1
        value, first, second = self._inside(alpha, self._polynomial[:, part])
        factor = np.where(outside, factor, value)
        inverse = 1 / factor
        return Scaling(factor, np.where(outside, slope, first * inverse), np.where(outside, bend, second * inverse))

    def other_side(self, alpha: np.ndarray) -> np.ndarray:
        """f' / f at alpha = 0 on the other side of the kink."""
        return np.where(np.signbit(alpha), self._log_high, -self._log_low)

    @staticmethod
    def _inside(x: np.ndarray, polynomial: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The polynomial and its first and second derivatives."""
        a1, a2, a3, a4, a5, a6 = polynomial
        value = 1 + x * (a1 + x * (a2 + x * (a3 + x * (a4 + x * (a5 + x * a6)))))
        first = a1 + x * (2 * a2 + x * (3 * a3 + x * (4 * a4 + x * (5 * a5 + x * (6 * a6)))))
        second = 2 * a2 + x * (6 * a3 + x * (12 * a4 + x * (20 * a5 + x * (30 * a6))))
        return value, first, second


def histosys_even_part(alpha: np.ndarray, code: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """h(alpha) and its first and second derivatives.

    The shift of a template is `alpha (up - down) / 2 + h(alpha) (up + down) / 2` with the shifts `up` and `down` at
    alpha = +1 and -1; h is |alpha|, made smooth inside |alpha| < 1 by code4p.
    """
    size, sign = np.abs(alpha), np.copysign(1.0, alpha)
    if code == "code0":
        return size, sign, np.zeros_like(alpha)
    square = alpha * alpha
    inside = size < 1
    return (
        np.where(inside, square * (15 + square * (3 * square - 10)) / 8, size),
        np.where(inside, alpha * (15 + square * (9 * square - 20)) / 4, sign),
        np.where(inside, SHARPEST * (1 + square * (3 * square - 4)), 0.0),
    )
