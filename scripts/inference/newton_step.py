"""The Newton step of many fits at once: local parameters are eliminated bin by bin, then one system per fit remains."""

from typing import NamedTuple

import numpy as np

from inference.likelihood import Derivatives

# An inactive parameter gets this curvature: it then stays where it is.
STIFF = 1e30
# A pivot smaller than this part of its diagonal element means that the matrix is not positive definite.
SMALLEST_PIVOT = 1e-13
# Up to this many parameters, systems are solved for all fits together; larger ones one by one with LAPACK.
SMALL = 20


class Step(NamedTuple):
    of_globals: np.ndarray  # shape (G, B)
    of_locals: np.ndarray  # shape (K, N, B)
    positive: (
        np.ndarray
    )  # whether the damped Hessian is positive definite; the step is void where it is not, shape (B,)


def newton_step(derivatives: Derivatives, active: np.ndarray, active_local: np.ndarray, damping: np.ndarray) -> Step:
    """Solve (H + damping * F) step = -gradient for the active parameters, F the diagonal of the Fisher information.

    Args:
        derivatives: of B fits.
        active: which global parameters may move, shape (G, B).
        active_local: which local ones, shape (K, N, B).
        damping: shape (B,).
    """
    gradient = np.where(active, derivatives.gradient, 0.0)
    local_gradient = np.where(active_local, derivatives.local_gradient, 0.0)
    diagonal = _stiffened(derivatives.diagonal, derivatives.fisher, active, damping)
    if not len(local_gradient):
        found, positive = _solve(derivatives.rows, None, diagonal, -gradient)
        return Step(np.where(active, found, 0.0), local_gradient, positive)
    among = derivatives.local.copy()
    k = np.arange(len(among))
    among[k, k] = _stiffened(among[k, k], derivatives.local_fisher, active_local, damping)
    factor, positive = cholesky(among)
    reduced = forward(factor[:, :, :, None], derivatives.mixed)  # (K, N, G, B)
    reduced_gradient = forward(factor, local_gradient)
    coupling = reduced.reshape(-1, *reduced.shape[2:])
    right = np.einsum("ngb,nb->gb", coupling, reduced_gradient.reshape(-1, gradient.shape[1])) - gradient
    right = np.where(active, right, 0.0)
    found, positive_rest = _solve(derivatives.rows, coupling, diagonal, right)
    found = np.where(active, found, 0.0)
    rest = reduced_gradient + np.einsum("kngb,gb->knb", reduced, found)
    return Step(found, np.where(active_local, -backward(factor, rest), 0.0), positive.all(axis=0) & positive_rest)


def _stiffened(diagonal: np.ndarray, fisher: np.ndarray, active: np.ndarray, damping: np.ndarray) -> np.ndarray:
    """Add the damping; hold inactive parameters, and those on which nothing depends."""
    damped = np.where((fisher == 0) & (diagonal == 0), 1.0, diagonal + damping * fisher)
    return np.where(active, damped, STIFF)


def _solve(rows, coupling, diagonal, right) -> tuple[np.ndarray, np.ndarray]:
    solve = _solve_together if len(diagonal) <= SMALL else _solve_one_by_one
    return solve(rows, coupling, diagonal, right)


def _solve_together(rows, coupling, diagonal, right) -> tuple[np.ndarray, np.ndarray]:
    matrix = sum(np.einsum("rib,rjb->ijb", part.left, part.right) for part in rows)
    matrix += matrix.transpose(1, 0, 2)
    i = np.arange(len(diagonal))
    matrix[i, i] = diagonal
    if coupling is not None:
        matrix -= np.einsum("nib,njb->ijb", coupling, coupling)
    factor, positive = cholesky(matrix)
    return backward(factor, forward(factor, right)), positive


def _solve_one_by_one(rows, coupling, diagonal, right) -> tuple[np.ndarray, np.ndarray]:
    from scipy.linalg.lapack import dposv  # a job on a small model does not wait for this import

    size, fits = diagonal.shape
    matrix = sum(_by_fit(part.left).transpose(0, 2, 1) @ _by_fit(part.right) for part in rows)
    matrix += matrix.transpose(0, 2, 1)
    i = np.arange(size)
    matrix[:, i, i] = diagonal.T
    if coupling is not None:
        left = _by_fit(coupling)
        matrix -= left.transpose(0, 2, 1) @ left
    found, positive = np.zeros((size, fits)), np.zeros(fits, bool)
    right = np.ascontiguousarray(right.T)
    for fit in range(fits):
        if np.isfinite(matrix[fit]).all():
            _, solution, info = dposv(matrix[fit].T, right[fit], lower=False, overwrite_a=True)
            positive[fit] = info == 0
            if info == 0:
                found[:, fit] = solution
    return found, positive


def _by_fit(rows: np.ndarray) -> np.ndarray:
    """Rows with the fits first, contiguous for the BLAS, shape (B, rows, G)."""
    return np.ascontiguousarray(rows.transpose(2, 0, 1))


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


def forward(factor: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve L y = right for factors of shape (n, n, ...) and right-hand sides of shape (n, ...)."""
    found = np.empty(np.broadcast_shapes(right.shape, factor.shape[1:]))
    for i in range(len(right)):
        rest = right[i]
        for j in range(i):
            rest = rest - factor[i, j] * found[j]
        found[i] = rest / factor[i, i]
    return found


def backward(factor: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve L^T y = right."""
    found = np.empty(np.broadcast_shapes(right.shape, factor.shape[1:]))
    for i in range(len(right) - 1, -1, -1):
        rest = right[i]
        for j in range(i + 1, len(right)):
            rest = rest - factor[j, i] * found[j]
        found[i] = rest / factor[i, i]
    return found
