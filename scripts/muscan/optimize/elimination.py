"""Elimination of local parameters by a factorisation H = L D L^T for each response, which leaves a global system.

With the blocks of the Hessian g (global), m (mixed) and l (local), the reduced system is `g - m^T l^-1 m` (the Schur
complement). As l consists of one small block for each response, its triangular factorisation is written out.
"""

from typing import NamedTuple

import numpy as np

from muscan.optimize.problem import Derivatives

# Curvature of an inactive parameter, with which its step is zero.
STIFF = 1e30
# If a pivot is smaller than this fraction of its diagonal element, the matrix is not positive definite. Rounding leaves
# about 1e-16 of a zero pivot for each parameter that was eliminated before.
SMALLEST_PIVOT = 1e-13


class Eliminated(NamedTuple):
    """The eliminated local parameters of B fits."""

    lower: np.ndarray  # L, a unit triangle, shape (K, K, N, B)
    pivots: np.ndarray  # D, shape (K, N, B)
    mixed: np.ndarray  # L^-1 m, shape (K, N, G, B)
    right: np.ndarray  # L^-1 of the right-hand sides of the local parameters, shape (K, N, B)

    def reduction(self) -> np.ndarray:
        """Return the term to be subtracted from the right-hand sides of the global parameters, shape (G, B)."""
        return np.einsum("kngb,knb->gb", self.mixed, self.right / self.pivots)

    def steps(self, found: np.ndarray) -> np.ndarray:
        """Return the steps of the local parameters, shape (K, N, B), for those of the global ones, shape (G, B)."""
        rest = (self.right - np.einsum("kngb,gb->knb", self.mixed, found)) / self.pivots
        for k in range(len(self.lower) - 2, -1, -1):
            for j in range(k + 1, len(self.lower)):
                rest[k] -= self.lower[j, k] * rest[j]
        return rest


def eliminate(
    parts: Derivatives, active: np.ndarray, right: np.ndarray, ridge: float
) -> tuple[Derivatives, Eliminated, np.ndarray]:
    """Eliminate the local parameters.

    Args:
        parts: derivatives of B fits.
        active: which local parameters may move, shape (K N, B).
        right: right-hand sides of the local parameters, shape (K N, B).
        ridge: term added to the diagonal, in units of it.

    Returns:
        the derivatives with the reduced `mixed`, the eliminated parameters, and for which fits their Hessian is
        positive definite, shape (B,).
    """
    lower, pivots, positive = _factorised(parts, active, ridge)
    mixed, right = parts.mixed, right.reshape(pivots.shape)
    if len(lower) > 1:
        parts = parts._replace(factors=parts.factors.copy())
        mixed = parts.mixed
    for k in range(1, len(lower)):
        for j in range(k):
            mixed[k] -= lower[k, j][:, None] * mixed[j]
            right[k] -= lower[k, j] * right[j]
    return parts, Eliminated(lower, pivots, mixed, right), positive


def _factorised(parts: Derivatives, active: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """L, D, and for which fits the Hessian of the local parameters is positive definite."""
    lower = parts.local.copy()
    number = len(lower)
    active = active.reshape(number, *lower.shape[2:])
    gradient = parts.gradient[len(parts.diagonal) :].reshape(active.shape)
    pivots, positive = np.empty(active.shape), np.ones(active.shape[-1], bool)
    for k in range(number):
        own = lower[k, k]
        own = np.where((own == 0) & (gradient[k] == 0), 1.0, own)  # the function does not depend on it
        least = SMALLEST_PIVOT * np.abs(own)
        if ridge:
            own = own + ridge * own
        for j in range(k):
            own = own - lower[k, j] ** 2 * pivots[j]
        bad = active[k] & ~(own > least)
        if bad.any():
            positive &= ~bad.any(axis=0)
        pivots[k] = np.where(active[k], own, STIFF)
        for i in range(k + 1, number):
            for j in range(k):
                lower[i, k] -= lower[i, j] * lower[k, j] * pivots[j]
            lower[i, k] = np.where(active[k] & active[i], lower[i, k] / pivots[k], 0.0)
    return lower, pivots, positive
