"""The Newton step of many fits at once: local parameters are eliminated bin by bin, then one system per fit remains."""

from typing import NamedTuple

import numpy as np

from inference.likelihood import Derivatives

# An inactive parameter gets this curvature: it then stays where it is.
STIFF = 1e30
# A pivot smaller than this part of its diagonal element means that the matrix is not positive definite.
SMALLEST_PIVOT = 1e-13
# Damping when a Hessian is not positive definite, and its growth.
FIRST_DAMPING, MORE_DAMPING, MOST_DAMPING = 0.02, 4.0, 1e8
# Up to this many parameters, systems are solved for all fits together; larger ones one by one with LAPACK.
SMALL = 20
# So many fits are brought from the last axis to the first at a time: a line of the cache.
LINE = 8


class Step(NamedTuple):
    step: np.ndarray  # shape (P, B)
    damping: np.ndarray  # that made the Hessian positive definite, infinite where none did, shape (B,)


def newton_step(
    parts: Derivatives, shifted: slice, active: np.ndarray, damping: np.ndarray, wanted: np.ndarray
) -> Step:
    """Solve (H + damping * F) step = -gradient for the active parameters, F the diagonal of the Fisher information.

    Args:
        parts: derivatives of B fits; `parts.mixed` is changed.
        shifted: places of the parameters to which `parts.shifts` belong.
        active: which parameters may move, shape (P, B).
        damping: to begin with; it grows until the matrix is positive definite, shape (B,).
        wanted: for which fits, shape (B,); the steps of the others are void.
    """
    right = np.where(active, -parts.gradient, 0.0)
    count = len(parts.diagonal)
    damping = damping.copy()
    if not len(parts.local):
        system = _System(parts, active[:count], np.zeros((0, len(damping))), right, wanted)
        found = system.solve(shifted, damping)
    else:
        lower, pivots = _eliminated(parts, active[count:], damping)
        mixed, of_locals = parts.mixed, right[count:].reshape(pivots.shape)
        for k in range(1, len(lower)):
            for j in range(k):
                mixed[k] -= lower[k, j][:, None] * mixed[j]
                of_locals[k] -= lower[k, j] * of_locals[j]
        reduced = right[:count] - np.einsum("kngb,knb->gb", mixed, of_locals / pivots)
        system = _System(parts, active[:count], pivots.reshape(-1, len(damping)), reduced, wanted)
        found = system.solve(shifted, damping)
        rest = (of_locals - np.einsum("kngb,gb->knb", mixed, found)) / pivots
        for k in range(len(lower) - 2, -1, -1):
            for j in range(k + 1, len(lower)):
                rest[k] -= lower[j, k] * rest[j]
        found = np.concatenate([found, rest.reshape(-1, len(damping))])
    return Step(np.where(active, found, 0.0), damping)


def _eliminated(parts: Derivatives, active: np.ndarray, damping: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """L and D of the Hessian of the local parameters, L D L^T with a unit triangle L, for each bin of each fit.

    Where it is not positive definite, the expected information stands in for a pivot, and the fit is called damped.
    """
    lower = parts.local
    number = len(lower)
    active = active.reshape(number, *lower.shape[2:])
    pivots = np.empty(active.shape)
    for k in range(number):
        own = lower[k, k]
        least = SMALLEST_PIVOT * np.abs(own)
        for j in range(k):
            own = own - lower[k, j] ** 2 * pivots[j]
        bad = active[k] & ~(own > least)
        if bad.any():
            which = np.flatnonzero(bad.any(axis=0))
            fisher = parts.fisher(which)[len(parts.diagonal) :].reshape(number, -1, len(which))[k]
            flat = (fisher == 0) & (own[:, which] == 0)
            damping[which[(bad[:, which] & ~flat).any(axis=0)]] += FIRST_DAMPING
            own[:, which] = np.where(bad[:, which], np.where(flat, 1.0, np.maximum(fisher, 1e-10)), own[:, which])
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

    def solve(self, shifted: slice, damping: np.ndarray) -> np.ndarray:
        """Solutions, shape (G, B); raises the damping where it must."""
        together = len(self.diagonal) <= SMALL
        matrix = self._by_element(shifted) if together else self._by_fit(shifted)
        solve = _solve_together if together else _solve_one_by_one
        found = np.zeros((len(self.right), len(damping)))
        todo = np.arange(len(self.which))
        while len(todo):
            fits = self.which[todo]
            found[:, fits], positive = solve(matrix, todo, self._stiffening(todo, damping), self.right[:, todo])
            todo = todo[~positive]
            fits = self.which[todo]
            damping[fits] = np.maximum(damping[fits] * MORE_DAMPING, FIRST_DAMPING)
            damping[fits[damping[fits] > MOST_DAMPING]] = np.inf
            todo = todo[np.isfinite(damping[fits])]
        return found

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
        """The matrices with the fits first; only the lower triangles count, shape (B, G, G)."""
        from scipy.linalg.blas import dsyr2k  # a job on a small model does not wait for this import

        parts, which = self.parts, self.which
        mixed = parts.factors[len(parts.weight) :]
        half = 0.5 * np.concatenate([parts.weight[:, which], -1 / self.pivots[:, which]])
        diagonal = self.diagonal - np.einsum("nb,ngb,ngb->gb", 1 / self.pivots, mixed, mixed)[:, which]
        size = len(diagonal)
        matrix = np.empty((len(which), size, size))
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

    def _stiffening(self, todo: np.ndarray, damping: np.ndarray) -> np.ndarray:
        """What the diagonals get on top, shape (G, len(todo))."""
        added = np.where(self.active[:, todo], 0.0, STIFF)
        damped = np.flatnonzero(damping[self.which[todo]] > 0)
        if len(damped):
            which = self.which[todo[damped]]
            added[:, damped] += damping[which] * self.parts.fisher(which)[: len(added)]
        return added


def _fits_first(lines: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Lines (L, G, B) of a few fits as (len(group), L, G), contiguous for the BLAS."""
    first, last = group[0], group[-1] + 1
    close = np.ascontiguousarray(lines[..., first:last]) if last - first == len(group) else lines[..., group]
    return np.ascontiguousarray(close.transpose(2, 0, 1))


def _solve_together(matrix, todo, added, right) -> tuple[np.ndarray, np.ndarray]:
    damped = matrix[..., todo]
    i = np.arange(len(damped))
    damped[i, i] += added
    factor, positive = cholesky(damped)
    return np.where(positive, _substitute(factor, right), 0.0), positive


def _solve_one_by_one(matrix, todo, added, right) -> tuple[np.ndarray, np.ndarray]:
    from scipy.linalg.lapack import dposv  # a job on a small model does not wait for this import

    found, positive = np.zeros_like(right), np.zeros(len(todo), bool)
    right = np.ascontiguousarray(right.T)
    for place, fit in enumerate(todo):
        damped = matrix[fit].copy()
        damped.ravel()[:: len(damped) + 1] += added[:, place]
        if np.isfinite(damped).all():
            _, solution, info = dposv(damped.T, right[place], lower=True, overwrite_a=True)
            positive[place] = info == 0
            if info == 0:
                found[:, place] = solution
    return found, positive


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
