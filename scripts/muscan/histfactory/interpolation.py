"""Interpolation between the templates at alpha = -1, 0 and +1 (K. Cranmer et al., CERN-OPEN-2012-016), by pyhf's names.

code4 and code4p are polynomials inside |alpha| < 1 that join the functions outside with two continuous derivatives;
code1 and code0 are those functions everywhere, with a kink at alpha = 0. At a kink the sign of the zero says which
side is meant: +0.0 or -0.0.
"""

from typing import NamedTuple

import numpy as np

KINKED = {"code1", "code0"}
SHARPEST = 15 / 4  # second derivative at alpha = 0 of the smooth |alpha| of code4p
DEGREE = 6  # of the polynomials of code4

# The BLAS gets so many fits at a time: what it returns for one of them then does not depend on how many there are.
LANES = 8
IN_CACHE = 32_768  # numbers of an array of which several stay in the second cache

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
    """Factors f(alpha) of R rows by A parameters for B fits, the derivatives in groups of LANES fits."""

    product: np.ndarray  # of all factors of a row, shape (R, B)
    slope: np.ndarray | None  # f' / f, shape (groups, A, R, LANES)
    bend: np.ndarray | None  # f'' / f, shape (groups, A, R, LANES)

    def write_slopes(self, target: np.ndarray) -> None:
        """Put f' / f into an array of shape (R, A, B)."""
        fits = target.shape[-1]
        for group, start in enumerate(range(0, fits, LANES)):
            part = target[..., start : start + LANES]
            part[:] = self.slope[group].transpose(1, 0, 2)[..., : part.shape[-1]]

    def sum_over_rows(self, kind: str, weight: np.ndarray) -> np.ndarray:
        """Sum of weight times "slope" or "bend" of each row, shape (A, B), for weights of shape (R, B)."""
        sums = np.einsum("grl,garl->agl", grouped(weight), getattr(self, kind))
        return sums.reshape(len(sums), -1)[:, : weight.shape[-1]]


class NormInterpolation:
    """The factors of normsys: `low` and `high` of shape (R, A), one where a parameter does not act on a row.

    Outside of the polynomials f = exp(alpha slope) with one slope on either side; inside they end at zero.
    """

    def __init__(self, low: np.ndarray, high: np.ndarray, code: str):
        up, down = np.log(high), np.log(low)
        self.even = ((low + high) / 2 - 1)[..., None]  # part of f that does not change sign with alpha
        self._smooth = code == "code4"
        ends = np.stack([high - 1, low - 1, up * high, -down * low, up**2 * high, down**2 * low])
        value = np.einsum("ce,era->arc", SEXTIC, ends)
        order = np.arange(1, DEGREE + 1)
        sides = np.stack([up.T, -down.T], axis=-1)
        self._value = np.ascontiguousarray(value)
        self._slope = np.concatenate([order * value, sides], axis=-1)
        self._bend = np.concatenate([(order * (order - 1) * value)[..., 1:], sides**2], axis=-1)
        self._sides = np.hstack([up, -down])

    def __call__(self, alpha: np.ndarray, derivatives: bool = True) -> Scaling:
        """Factors at alpha, shape (A, B)."""
        (parameters, fits), rows = alpha.shape, len(self._sides)
        powers, sides = self._basis(grouped(alpha))
        shape = (len(powers), parameters, rows, LANES)
        slope, bend = np.empty((2, *shape)) if derivatives else (None, None)
        product = np.exp(self._sides @ (sides * grouped(alpha)[:, None]).reshape(len(powers), -1, LANES))
        at_a_time = max(IN_CACHE // (parameters * rows * LANES), 1)
        for start in range(0, len(powers), at_a_time):
            part = slice(start, start + at_a_time)
            base, flags = powers[part], np.moveaxis(sides[part], 1, 2)
            factor = self._value @ base[:, :, 1:]
            factor += 1
            product[part] *= np.multiply.reduce(factor, axis=1)
            if derivatives:
                inverse = np.divide(1, factor, out=factor)
                for coefficients, degree, out in ((self._slope, DEGREE, slope), (self._bend, DEGREE - 1, bend)):
                    np.matmul(coefficients, np.concatenate([base[:, :, :degree], flags], axis=2), out=out[part])
                    out[part] *= inverse
        return Scaling(ungrouped(product, fits), slope, bend)

    def _basis(self, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """alpha^0 ... alpha^6 where the polynomials hold, shape (groups, A, 7, LANES), and which side holds elsewhere.

        Sides are one or zero, those of positive alpha first, shape (groups, 2, A, LANES).
        """
        inside = np.abs(alpha) < 1 if self._smooth else np.zeros(alpha.shape, bool)
        powers = np.empty((*alpha.shape[:2], DEGREE + 1, LANES))
        powers[:, :, 0] = inside
        for k in range(DEGREE):
            np.multiply(powers[:, :, k], alpha, out=powers[:, :, k + 1])
        negative = np.signbit(alpha)
        return powers, np.stack([~inside & ~negative, ~inside & negative], axis=1).astype(float)

    def other_side(self, alpha: np.ndarray) -> np.ndarray:
        """f' / f at alpha = 0 on the other side of the kink, shape (R, A, B)."""
        up, down = np.split(self._sides[..., None], 2, axis=1)
        return np.where(np.signbit(alpha), up, down)


class TemplateShifts:
    """The shifts of templates by H parameters of histosys, for S samples of C channels with M bins each.

    Made from (up - down) / 2, then (up + down) / 2, of each parameter, shape (2 H, S, C, M).
    """

    def __init__(self, shifts: np.ndarray):
        self.even = shifts[len(shifts) // 2 :]
        self._shape = shifts.shape[1:]
        self._by_cell = np.ascontiguousarray(shifts.reshape(len(shifts), int(np.prod(self._shape))).T)
        self._by_bin = np.ascontiguousarray(shifts.transpose(2, 3, 0, 1))
        self._by_row = np.ascontiguousarray(shifts.transpose(1, 2, 0, 3))

    def __len__(self) -> int:
        return len(self.even)

    def total(self, alpha: np.ndarray, even: np.ndarray) -> np.ndarray:
        """Sum of all shifts, shape (S, C, M, B), for alpha and h(alpha) of shape (H, B)."""
        moved = self._by_cell @ grouped(np.concatenate([alpha, even]))
        return ungrouped(moved, alpha.shape[1]).reshape(*self._shape, -1)

    def over_samples(self, scale: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Derivatives of scale times template, summed over samples, shape (C, M, H, B); `slope` is h'(alpha)."""
        cells = self._cells(scale).transpose(0, 2, 3, 1, 4)
        odd, even = np.split(ungrouped(self._by_bin @ cells, scale.shape[-1]), 2, axis=2)
        return odd + slope * even

    def over_bins(self, weight: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same with a weight, summed over bins, shape (S, C, H, B), and the even halves over all, shape (H, B)."""
        cells, fits = self._cells(weight), weight.shape[-1]
        halves = ungrouped(self._by_cell.T[len(self) :] @ cells.reshape(len(cells), -1, LANES), fits)
        if self._shape[-1] > 1:
            odd, even = np.split(ungrouped(self._by_row @ cells, fits), 2, axis=2)
            return odd + slope * even, halves
        odd, even = np.split(self._by_row, 2, axis=2)
        changes = even * slope
        changes += odd
        changes *= weight
        return changes, halves

    def _cells(self, values: np.ndarray) -> np.ndarray:
        """(S, C, M, B) as (groups, S, C, M, LANES)."""
        return grouped(values.reshape(-1, values.shape[-1])).reshape(-1, *self._shape, LANES)


def ungrouped(values: np.ndarray, fits: int) -> np.ndarray:
    """(groups, ..., LANES) as (..., fits)."""
    together = np.moveaxis(values, 0, -2)
    return together.reshape(*together.shape[:-2], -1)[..., :fits]


def grouped(values: np.ndarray) -> np.ndarray:
    """(n, B) as (groups, n, LANES), with zeros to fill the last group."""
    number, fits = values.shape
    groups = -(-fits // LANES)
    if fits != groups * LANES:
        filled = np.zeros((number, groups * LANES))
        filled[:, :fits] = values
        values = filled
    return np.ascontiguousarray(values.reshape(number, groups, LANES).transpose(1, 0, 2))


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
