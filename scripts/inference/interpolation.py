"""Interpolation between the templates at alpha = -1, 0 and +1 (K. Cranmer et al., CERN-OPEN-2012-016), by pyhf's names.

code4 and code4p are polynomials inside |alpha| < 1 that join the functions outside with two continuous derivatives;
code1 and code0 are those functions everywhere, with a kink at alpha = 0. At a kink the sign of the zero says which
side is meant: +0.0 or -0.0.
"""

from typing import NamedTuple

import numpy as np

KINKED = {"code1", "code0"}
IN_CACHE = 16_384  # numbers of an array of which several stay in the second cache
SHARPEST = 15 / 4  # second derivative at alpha = 0 of the smooth |alpha| of code4p

# The BLAS gets matrices of equal width, so many fits at a time: what it returns then does not depend on their number.
LANES = 8
FEW_FITS = 64  # that share a part of the rows, at least

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
    """Factors f(alpha) of R rows by A parameters for B fits, and their derivatives in units of themselves."""

    product: np.ndarray  # of all factors of a row, shape (R, B)
    slope: np.ndarray  # f' / f, shape (R, A, B)
    bend: np.ndarray  # f'' / f, shape (R, A, B)


class NormInterpolation:
    """The factors of normsys: `low` and `high` of shape (R, A), one where a parameter does not act on a row."""

    def __init__(self, low: np.ndarray, high: np.ndarray, code: str):
        self._log_low, self._log_high = (np.log(values)[..., None] for values in (low, high))
        self.even = ((low + high) / 2 - 1)[..., None]  # part of f that does not change sign with alpha
        self._polynomial = None
        if code == "code4":
            up, down = self._log_high[..., 0], self._log_low[..., 0]
            ends = np.stack([high - 1, low - 1, up * high, -down * low, up**2 * high, down**2 * low])
            self._polynomial = np.ascontiguousarray(np.einsum("ce,era->arc", SEXTIC, ends))

    def __call__(self, alpha: np.ndarray) -> Scaling:
        """Factors at alpha, shape (A, B), in parts that stay in the cache."""
        rows, (parameters, fits) = len(self._log_low), alpha.shape
        found = Scaling(np.empty((rows, fits)), *np.empty((2, rows, *alpha.shape)))
        powers = None if self._polynomial is None else _powers(alpha)
        # The number of rows in a part must not depend on the number of fits: the BLAS gets parts of rows.
        height = int(np.clip(IN_CACHE // (parameters * FEW_FITS), 1, rows))
        width = max(IN_CACHE // (parameters * height * LANES), 1) * LANES
        for start in range(0, rows, height):
            for fits_of_part in _parts(fits, width):
                self._part(alpha, powers, slice(start, start + height), fits_of_part, found)
        return found

    def _part(self, alpha: np.ndarray, powers: np.ndarray | None, rows: slice, fits: slice, found: Scaling) -> None:
        alpha = alpha[:, fits]
        slope = np.where(np.signbit(alpha), -self._log_low[rows], self._log_high[rows])
        factor = np.exp(alpha * slope)
        if powers is None:
            found.slope[rows, :, fits], found.bend[rows, :, fits] = slope, slope * slope
        else:
            outside = np.abs(alpha) >= 1
            groups = powers[fits.start // LANES : -(-fits.stop // LANES)]
            inside = self._inside(groups, rows)[..., : alpha.shape[1]]
            factor = np.where(outside, factor, 1 + inside[0])
            inverse = 1 / factor
            found.slope[rows, :, fits] = np.where(outside, slope, inside[1] * inverse)
            found.bend[rows, :, fits] = np.where(outside, slope * slope, inside[2] * inverse)
        np.multiply.reduce(factor, axis=1, out=found.product[rows, fits])

    def _inside(self, powers: np.ndarray, rows: slice) -> np.ndarray:
        """f - 1 and its first and second derivatives, shape (3, rows, A, B), B a multiple of LANES."""
        values = self._polynomial[:, rows] @ powers  # (groups, A, rows, 3 * LANES)
        groups, parameters, number, _ = values.shape
        values = values.reshape(groups, parameters, number, 3, LANES).transpose(3, 2, 1, 0, 4)
        return values.reshape(3, number, parameters, -1)

    def other_side(self, alpha: np.ndarray) -> np.ndarray:
        """f' / f at alpha = 0 on the other side of the kink, shape (R, A, B)."""
        return np.where(np.signbit(alpha), self._log_high, -self._log_low)


def _powers(alpha: np.ndarray) -> np.ndarray:
    """alpha^k for k = 1 ... 6 and their first and second derivatives, shape (groups of LANES fits, A, 6, 3 * LANES)."""
    number, fits = alpha.shape
    groups = -(-fits // LANES)
    x = np.zeros((number, groups * LANES))
    x[:, :fits] = alpha
    values = [np.ones_like(x)]
    for _ in range(6):
        values.append(values[-1] * x)
    powers = np.zeros((6, 3, *x.shape))
    for k in range(1, 7):
        powers[k - 1, 0], powers[k - 1, 1] = values[k], k * values[k - 1]
        powers[k - 1, 2] = k * (k - 1) * values[max(k - 2, 0)]
    powers = powers.reshape(6, 3, number, groups, LANES).transpose(3, 2, 0, 1, 4)
    return powers.reshape(groups, number, 6, 3 * LANES)


def _parts(fits: int, width: int) -> list[slice]:
    """Consecutive fits; the last part takes the rest, so that none has a single fit of many."""
    starts = [width * i for i in range(max(fits // width, 1))]
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], fits], strict=True)]


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
