"""The linear systems of the global parameters, one for each fit, assembled from the structure of the Hessian.

Small systems are assembled and solved for all fits together, element by element along the fits. Large ones are
assembled fit by fit with the BLAS (a symmetric rank-2k update) and solved with LAPACK.
"""

import numpy as np

from muscan.optimize.elimination import SMALLEST_PIVOT, STIFF
from muscan.optimize.problem import Derivatives

# Systems of up to this many parameters are solved for all fits together, as calls of LAPACK would take most of the
# time.
SMALL = 20
# Number of fits that are moved from the last axis to the first at a time: double-precision numbers in a cache line.
LINE = 8


class GlobalSystem:
    """The linear systems of the fits that need a step."""

    def __init__(
        self, parts: Derivatives, active: np.ndarray, pivots: np.ndarray, right: np.ndarray, wanted: np.ndarray
    ):
        """Set up the systems.

        Args:
            parts: derivatives of B fits, with `mixed` as the elimination of the local parameters has changed it.
            active: which global parameters may move, shape (G, B).
            pivots: of the local parameters, shape (K N, B).
            right: right-hand sides, shape (G, B).
            wanted: which fits need a step, shape (B,).
        """
        self._parts, self._pivots, self._which = parts, pivots, np.flatnonzero(wanted)
        self._active = active[:, self._which]
        self._right = np.where(self._active, right[:, self._which], 0.0)
        diagonal = parts.diagonal[:, self._which]
        # The function does not depend on a parameter without curvature and gradient, which keeps its value.
        self._diagonal = np.where((diagonal == 0) & (self._right == 0), 1.0, diagonal)

    def solve(self, ridge: float) -> tuple[np.ndarray, np.ndarray]:
        """Return solutions, shape (G, B), and for which fits the matrix is positive definite, shape (B,).

        Args:
            ridge: term added to the diagonal, in units of it.
        """
        together = len(self._diagonal) <= SMALL
        matrix = self._by_element() if together else self._by_fit()
        stiffening = np.where(self._active, ridge * self._diagonal, STIFF)
        fits = self._parts.gradient.shape[1]
        found, positive = np.zeros((len(self._right), fits)), np.zeros(fits, bool)
        if len(self._which):
            solve = _solve_together if together else _solve_one_by_one
            found[:, self._which], positive[self._which] = solve(matrix, stiffening, self._right)
        return found, positive

    def _only(self, kept: np.ndarray) -> None:
        """Remove the other fits."""
        self._which = self._which[kept]
        arrays = (self._active, self._right, self._diagonal)
        self._active, self._right, self._diagonal = (each[:, kept] for each in arrays)

    def _by_element(self) -> np.ndarray:
        """Return the matrices with the fits last, shape (G, G, B)."""
        parts = self._parts
        rows, lines = parts.shifts.shape[0], len(parts.weight)
        own, first, mixed = parts.factors[:rows], parts.factors[:lines], parts.factors[lines:]
        matrix = np.einsum("rib,rjb->ijb", first, first * parts.weight[:, None])
        if parts.shifts.size:
            cross = np.einsum("rib,rjb->ijb", own, parts.shifts)
            matrix[:, parts.shifted] += cross
            matrix[parts.shifted] += cross.transpose(1, 0, 2)
        i = np.arange(len(matrix))
        matrix = matrix[..., self._which]
        matrix[i, i] = self._diagonal
        if len(mixed):
            coupling = np.einsum("nib,njb->ijb", mixed, mixed / self._pivots[:, None])
            matrix -= coupling[..., self._which]
        return matrix

    def _by_fit(self) -> np.ndarray:
        """Return the matrices with the fits first; only the lower triangles count, shape (B, G, G).

        Fits whose matrix has a negative element on its diagonal, and so is not positive definite, are left out.
        """
        from scipy.linalg.blas import dsyr2k  # not imported at the top, because jobs on small models do not need it

        parts, diagonal = self._parts, self._reduced_diagonal()
        which = self._which
        half = 0.5 * np.concatenate([parts.weight[:, which], -1 / self._pivots[:, which]])
        size = len(diagonal)
        # Zeros, because arbitrary numbers in the other triangle could make the sum of the matrix infinite.
        matrix = np.zeros((len(which), size, size))
        rows = parts.shifts.shape[0]
        for start in range(0, len(which), LINE):
            group = which[start : start + LINE]
            left, shifts = _fits_first(parts.factors, group), _fits_first(parts.shifts, group)
            for fit, (lines, shift) in enumerate(zip(left, shifts, strict=True), start):
                right = lines * half[:, fit, None]
                right[:rows, parts.shifted] += shift
                dsyr2k(1.0, lines.T, right.T, c=matrix[fit].T, overwrite_c=True, lower=True)
                matrix[fit].ravel()[:: size + 1] = diagonal[:, fit]
        return matrix

    def _reduced_diagonal(self) -> np.ndarray:
        """Return the diagonals without local parameters, shape (G, B), of the fits for which they are not negative."""
        mixed = self._parts.factors[len(self._parts.weight) :]
        coupling = np.einsum("nb,ngb,ngb->gb", 1 / self._pivots, mixed, mixed)
        diagonal = self._diagonal - coupling[:, self._which]
        negative = diagonal < -SMALLEST_PIVOT * np.abs(self._diagonal)
        possible = ~(self._active & negative).any(axis=0)
        if not possible.all():
            self._only(possible)
            diagonal = diagonal[:, possible]
        return diagonal


def _fits_first(lines: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Lines (L, G, B) of a few fits as (len(group), L, G), contiguous for the BLAS."""
    first, last = group[0], group[-1] + 1
    close = lines[..., first:last] if last - first == len(group) else lines[..., group]
    return np.ascontiguousarray(close.transpose(2, 0, 1))


def _solve_together(matrix: np.ndarray, added: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    i = np.arange(len(matrix))
    matrix[i, i] += added
    factor, positive = _cholesky(matrix)
    return np.where(positive, _substitute(factor, right), 0.0), positive


def _solve_one_by_one(matrix: np.ndarray, added: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy.linalg.lapack import dposv  # not imported at the top, because jobs on small models do not need it

    found, positive = np.zeros((len(matrix), len(right))), np.zeros(len(matrix), bool)
    right, added = np.ascontiguousarray(right.T), np.ascontiguousarray(added.T)
    finite = np.isfinite(matrix.sum(axis=(1, 2)))
    for fit in np.flatnonzero(finite):
        system = matrix[fit]
        system.ravel()[:: len(system) + 1] += added[fit]
        _, solution, info = dposv(system.T, right[fit], lower=True, overwrite_a=True)
        positive[fit] = info == 0
        if info == 0:
            found[fit] = solution
    return found.T, positive


def _cholesky(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return lower Cholesky factors of many small matrices, shape (n, n, ...), and which were positive definite."""
    factor = matrix.copy()
    size = len(factor)
    positive = np.ones(factor.shape[2:], bool)
    smallest = SMALLEST_PIVOT * np.stack([factor[i, i] for i in range(size)])
    for j in range(size):
        good = factor[j, j] > smallest[j]
        positive &= good
        root = np.sqrt(np.where(good, factor[j, j], 1.0))
        factor[j, j] = root
        if j + 1 < size:
            column = factor[j + 1 :, j]
            column /= root
            factor[j + 1 :, j + 1 :] -= column[:, None] * column[None]
    return factor, positive


def _substitute(factor: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve L L^T y = right for factors of shape (n, n, ...) and right-hand sides of shape (n, ...)."""
    found = np.empty(right.shape)
    size = len(right)
    for i in range(size):
        rest = right[i]
        for j in range(i):
            rest = rest - factor[i, j] * found[j]
        found[i] = rest / factor[i, i]
    for i in range(size - 1, -1, -1):
        rest = found[i]
        for j in range(i + 1, size):
            rest = rest - factor[j, i] * found[j]
        found[i] = rest / factor[i, i]
    return found
