"""The Newton step of many fits at once: local parameters are eliminated bin by bin, then one system per fit remains."""

from typing import NamedTuple

import numpy as np

from muscan.histfactory.likelihood import Derivatives

# An inactive parameter gets this curvature: it then stays where it is.
STIFF = 1e30
# A pivot smaller than this part of its diagonal element means that the matrix is not positive definite.
SMALLEST_PIVOT = 1e-13
# What is added, as parts of its diagonal, to an expected information that is singular.
RIDGES = (0.0, 1e-9, 1e-6, 1e-3, 1.0)
# Half a deviance this close to its minimum, and what is added there to a Hessian that is singular.
CLOSE, FLAT = 1e-4, 1e-9
# Up to this many parameters, systems are solved for all fits together; larger ones one by one with LAPACK.
SMALL = 20
# So many fits are brought from the last axis to the first at a time: a line of the cache.
LINE = 8


class Step(NamedTuple):
    step: np.ndarray  # shape (P, B)
    newton: np.ndarray  # whether it was made with the Hessian; else with the expected information, shape (B,)


def newton_step(parts: Derivatives, shifted: slice, active: np.ndarray, wanted: np.ndarray, part: np.ndarray) -> Step:
    """Solve H step = -gradient for the active parameters.

    Where H is not positive definite, the expected information stands in for it (Fisher scoring), or a blend of the two
    where that is positive definite: steps downhill, which a blend makes longer where the deviance bends down.

    Args:
        parts: derivatives of B fits.
        shifted: places of the parameters to which `parts.shifts` belong.
        active: which parameters may move, shape (P, B).
        wanted: for which fits, shape (B,); the steps of the others are zero.
        part: of the Hessian in such a blend, shape (B,).
    """
    step, newton = _solve(parts, shifted, active, wanted, 0.0)
    failed = np.flatnonzero(wanted & ~newton)
    solved = np.zeros(len(failed), bool)
    for blend in np.unique(part[failed][part[failed] > 0]):
        of_blend = part[failed] == blend
        solved[of_blend] = _solve_some(parts, failed[of_blend], blend, 0.0, shifted, active, step)
    rest = failed[~solved]
    for ridge in RIDGES:
        rest = rest[~_solve_some(parts, rest, 0.0, ridge, shifted, active, step)]
    # Near its minimum a Hessian may be singular, if the likelihood is flat in some direction.
    close = failed[-(parts.gradient * step).sum(axis=0)[failed] < CLOSE]
    newton[close] = _solve_some(parts, close, 1.0, FLAT, shifted, active, step)
    return Step(step, newton)


def _solve_some(parts, which, part: float, ridge: float, shifted, active, step) -> np.ndarray:
    """Steps of some fits with a part of their Hessians; says which were positive definite, shape (len(which),)."""
    if not len(which):
        return np.zeros(0, bool)
    pairs = which if len(which) > 1 else np.repeat(which, 2)
    wanted = np.ones(len(pairs), bool)
    found, positive = _solve(parts.blended(which, part), shifted, active[:, pairs], wanted, ridge)
    found, positive = found[:, : len(which)], positive[: len(which)]
    step[:, which[positive]] = found[:, positive]
    return positive


def _solve(
    parts: Derivatives, shifted: slice, active: np.ndarray, wanted: np.ndarray, ridge: float
) -> tuple[np.ndarray, np.ndarray]:
    """Steps, shape (P, B), zero where the matrix is not positive definite, and where it is, shape (B,)."""
    right = np.where(active, -parts.gradient, 0.0)
    count = len(parts.diagonal)
    wanted = wanted.copy()
    if not len(parts.local):
        system = _System(parts, active[:count], np.zeros((0, len(wanted))), right, wanted)
        found, positive = system.solve(shifted, ridge)
    else:
        lower, pivots = _eliminated(parts, active[count:], wanted, ridge)
        mixed, of_locals = parts.mixed, right[count:].reshape(pivots.shape)
        if len(lower) > 1:
            parts = parts._replace(factors=parts.factors.copy())
            mixed = parts.mixed
        for k in range(1, len(lower)):
            for j in range(k):
                mixed[k] -= lower[k, j][:, None] * mixed[j]
                of_locals[k] -= lower[k, j] * of_locals[j]
        reduced = right[:count] - np.einsum("kngb,knb->gb", mixed, of_locals / pivots)
        system = _System(parts, active[:count], pivots.reshape(-1, len(wanted)), reduced, wanted)
        found, positive = system.solve(shifted, ridge)
        rest = (of_locals - np.einsum("kngb,gb->knb", mixed, found)) / pivots
        for k in range(len(lower) - 2, -1, -1):
            for j in range(k + 1, len(lower)):
                rest[k] -= lower[j, k] * rest[j]
        found = np.concatenate([found, rest.reshape(-1, len(wanted))])
    return np.where(active & positive, found, 0.0), positive


def _eliminated(parts: Derivatives, active: np.ndarray, wanted: np.ndarray, ridge: float):
    """L and D of the Hessian of the local parameters, L D L^T with a unit triangle L, for each bin of each fit.

    Fits for which it is not positive definite are no longer wanted.
    """
    lower = parts.local.copy()
    number = len(lower)
    active = active.reshape(number, *lower.shape[2:])
    gradient = parts.gradient[len(parts.diagonal) :].reshape(active.shape)
    pivots = np.empty(active.shape)
    for k in range(number):
        own = lower[k, k]
        own = np.where((own == 0) & (gradient[k] == 0), 1.0, own)  # nothing depends on it
        least = SMALLEST_PIVOT * np.abs(own)
        if ridge:
            own = own + ridge * own
        for j in range(k):
            own = own - lower[k, j] ** 2 * pivots[j]
        bad = active[k] & ~(own > least)
        if bad.any():
            wanted &= ~bad.any(axis=0)
        pivots[k] = np.where(active[k], own, STIFF)
        for i in range(k + 1, number):
            for j in range(k):
                lower[i, k] -= lower[i, j] * lower[k, j] * pivots[j]
            lower[i, k] = np.where(active[k] & active[i], lower[i, k] / pivots[k], 0.0)
    return lower, pivots


class _System:
    """The linear systems of the global parameters, for the fits that are wanted."""

    def __init__(self, parts: Derivatives, active: np.ndarray, pivots: np.ndarray, right: np.ndarray, wanted):
        self.parts, self.pivots, self.which = parts, pivots, np.flatnonzero(wanted)
        self.active = active[:, self.which]
        self.right = np.where(self.active, right[:, self.which], 0.0)
        diagonal = parts.diagonal[:, self.which]
        # Nothing depends on a parameter without curvature; it stays.
        self.diagonal = np.where((diagonal == 0) & (self.right == 0), 1.0, diagonal)

    def solve(self, shifted: slice, ridge: float) -> tuple[np.ndarray, np.ndarray]:
        """Solutions, shape (G, B), and for which fits the matrix was positive definite, shape (B,)."""
        together = len(self.diagonal) <= SMALL
        matrix = self._by_element(shifted) if together else self._by_fit(shifted)
        stiffening = np.where(self.active, ridge * self.diagonal, STIFF)
        fits = self.parts.gradient.shape[1]
        found, positive = np.zeros((len(self.right), fits)), np.zeros(fits, bool)
        if len(self.which):
            solve = _solve_together if together else _solve_one_by_one
            found[:, self.which], positive[self.which] = solve(matrix, stiffening, self.right)
        return found, positive

    def _only(self, kept: np.ndarray) -> None:
        """Leave the other fits out."""
        self.which = self.which[kept]
        self.active, self.right, self.diagonal = (each[:, kept] for each in (self.active, self.right, self.diagonal))

    def _by_element(self, shifted: slice) -> np.ndarray:
        """The matrices with the fits last, shape (G, G, B)."""
        parts = self.parts
        rows, lines = parts.shifts.shape[0], len(parts.weight)
        own, responses, mixed = parts.factors[:rows], parts.factors[:lines], parts.factors[lines:]
        matrix = np.einsum("rib,rjb->ijb", responses, responses * parts.weight[:, None])
        if parts.shifts.size:
            cross = np.einsum("rib,rjb->ijb", own, parts.shifts)
            matrix[:, shifted] += cross
            matrix[shifted] += cross.transpose(1, 0, 2)
        i = np.arange(len(matrix))
        matrix = matrix[..., self.which]
        matrix[i, i] = self.diagonal
        if len(mixed):
            coupling = np.einsum("nib,njb->ijb", mixed, mixed / self.pivots[:, None])
            matrix -= coupling[..., self.which]
        return matrix

    def _by_fit(self, shifted: slice) -> np.ndarray:
        """The matrices with the fits first; only the lower triangles count, shape (B, G, G).

        Fits whose matrix has a negative element on its diagonal, and so is not positive definite, are left out.
        """
        from scipy.linalg.blas import dsyr2k  # a job on a small model does not wait for this import

        parts = self.parts
        mixed = parts.factors[len(parts.weight) :]
        coupling = np.einsum("nb,ngb,ngb->gb", 1 / self.pivots, mixed, mixed)
        diagonal = self.diagonal - coupling[:, self.which]
        negative = diagonal < -SMALLEST_PIVOT * np.abs(self.diagonal)
        possible = ~(self.active & negative).any(axis=0)
        if not possible.all():
            self._only(possible)
            diagonal = diagonal[:, possible]
        which = self.which
        half = 0.5 * np.concatenate([parts.weight[:, which], -1 / self.pivots[:, which]])
        size = len(diagonal)
        # Zeros, because what happens to stand in the other triangle would decide whether the matrix is finite.
        matrix = np.zeros((len(which), size, size))
        rows = parts.shifts.shape[0]
        for start in range(0, len(which), LINE):
            group = which[start : start + LINE]
            left, shifts = _fits_first(parts.factors, group), _fits_first(parts.shifts, group)
            for fit, (lines, shift) in enumerate(zip(left, shifts, strict=True), start):
                right = lines * half[:, fit, None]
                right[:rows, shifted] += shift
                dsyr2k(1.0, lines.T, right.T, c=matrix[fit].T, overwrite_c=True, lower=True)
                matrix[fit].ravel()[:: size + 1] = diagonal[:, fit]
        return matrix


def _fits_first(lines: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Lines (L, G, B) of a few fits as (len(group), L, G), contiguous for the BLAS."""
    first, last = group[0], group[-1] + 1
    close = lines[..., first:last] if last - first == len(group) else lines[..., group]
    return np.ascontiguousarray(close.transpose(2, 0, 1))


def _solve_together(matrix, added, right) -> tuple[np.ndarray, np.ndarray]:
    i = np.arange(len(matrix))
    matrix[i, i] += added
    factor, positive = cholesky(matrix)
    return np.where(positive, _substitute(factor, right), 0.0), positive


def _solve_one_by_one(matrix, added, right) -> tuple[np.ndarray, np.ndarray]:
    from scipy.linalg.lapack import dposv  # a job on a small model does not wait for this import

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


def cholesky(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower Cholesky factors of many small matrices, shape (n, n, ...), and which were positive definite."""
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
