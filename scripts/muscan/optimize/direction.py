"""The direction of a step: that of Newton, or another downhill one where the Hessian is not positive definite."""

from typing import NamedTuple

import numpy as np

from muscan.base.batches import repeat_single
from muscan.optimize.blend import blend
from muscan.optimize.elimination import eliminate
from muscan.optimize.linear_system import GlobalSystem
from muscan.optimize.problem import Derivatives

# Weight of the Hessian in a blend with the expected information, by the number of preceding steps in succession at
# which the Hessian was not positive definite: two steps with the information alone, then longer ones.
PARTS = np.array([0.0, 0.0, 0.5, 0.8])
# Terms added to the diagonal of a singular expected information, in units of it; the first that suffices is used.
RIDGES = (0.0, 1e-9, 1e-6, 1e-3, 1.0)
# A function is close to its minimum if the predicted decrease of a step is below CLOSE. If its Hessian is singular
# there, because the function is flat in some direction, the fraction FLAT of the diagonal is added to it.
CLOSE, FLAT = 1e-4, 1e-9


class Direction(NamedTuple):
    """Steps of B fits of P parameters."""

    step: np.ndarray  # shape (P, B)
    newton: np.ndarray  # whether it is from the Hessian, rather than the expected information or a blend, shape (B,)


def newton_step(parts: Derivatives, active: np.ndarray, wanted: np.ndarray, indefinite: np.ndarray) -> Direction:
    """Solve H step = -gradient for the active parameters.

    If H is not positive definite, the expected information replaces it (Fisher scoring), or a blend of the two, if that
    is positive definite. Such steps lead downhill; those of a blend are longer where the curvature is negative.

    Args:
        parts: derivatives of B fits.
        active: which parameters may move, shape (P, B).
        wanted: which fits need a step, shape (B,); the steps of the others are zero.
        indefinite: number of preceding steps in succession at which H was not positive definite, shape (B,).
    """
    step, newton = _solve(parts, active, wanted, 0.0)
    failed = np.flatnonzero(wanted & ~newton)
    if len(failed):
        _step_downhill(parts, active, failed, indefinite[failed], step)
        # Close to its minimum a Hessian may be singular, if the function is flat in some direction.
        close = failed[-(parts.gradient * step).sum(axis=0)[failed] < CLOSE]
        newton[close] = _solve_some(parts, close, 1.0, FLAT, active, step)
    return Direction(step, newton)


def _step_downhill(
    parts: Derivatives, active: np.ndarray, failed: np.ndarray, indefinite: np.ndarray, step: np.ndarray
) -> None:
    """Write the steps of fits whose Hessian is not positive definite, from a blend or the information alone."""
    part = PARTS[np.minimum(indefinite, len(PARTS) - 1)]
    solved = np.zeros(len(failed), bool)
    for weight in np.unique(part[part > 0]):
        of_blend = part == weight
        solved[of_blend] = _solve_some(parts, failed[of_blend], weight, 0.0, active, step)
    rest = failed[~solved]
    for ridge in RIDGES:
        rest = rest[~_solve_some(parts, rest, 0.0, ridge, active, step)]


def _solve_some(
    parts: Derivatives, which: np.ndarray, part: float, ridge: float, active: np.ndarray, step: np.ndarray
) -> np.ndarray:
    """Write the steps of some fits from blends with this weight of the Hessian, where these are positive definite.

    Returns:
        where they are, shape (len(which),).
    """
    if not len(which):
        return np.zeros(0, bool)
    batch = repeat_single(which)
    found, positive = _solve(blend(parts, batch, part), active[:, batch], np.ones(len(batch), bool), ridge)
    found, positive = found[:, : len(which)], positive[: len(which)]
    step[:, which[positive]] = found[:, positive]
    return positive


def _solve(parts: Derivatives, active: np.ndarray, wanted: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    """Steps, shape (P, B), zero where the matrix is not positive definite, and whether it is, shape (B,)."""
    right = np.where(active, -parts.gradient, 0.0)
    count, fits = len(parts.diagonal), len(wanted)
    if not len(parts.local):
        found, positive = GlobalSystem(parts, active[:count], np.zeros((0, fits)), right, wanted).solve(ridge)
    else:
        parts, local, possible = eliminate(parts, active[count:], right[count:], ridge)
        pivots, reduced = local.pivots.reshape(-1, fits), right[:count] - local.reduction()
        found, positive = GlobalSystem(parts, active[:count], pivots, reduced, wanted & possible).solve(ridge)
        found = np.concatenate([found, local.steps(found).reshape(-1, fits)])
    return np.where(active & positive, found, 0.0), positive
