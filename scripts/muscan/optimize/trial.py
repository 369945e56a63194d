"""The next trial points of fits, within their bounds."""

import numpy as np

from muscan.base.batches import repeat_single
from muscan.optimize import bounds, kinks
from muscan.optimize.problem import Problem
from muscan.optimize.state import State


def advance(problem: Problem, state: State, step: np.ndarray, gradient: np.ndarray, accepted: np.ndarray) -> State:
    """Return the state with the next trial points.

    Args:
        problem: to be minimised.
        state: of B fits.
        step: from points that were accepted, shape (P, B); the other fits try their last step again, shortened.
        gradient: of the function, shape (P, B).
        accepted: which points were accepted, shape (B,).
    """
    here, low, high = state.here, problem.low, problem.high
    known = np.isfinite(state.value)
    if accepted.all() and known.all():
        chosen, target = step, here + step
    else:
        chosen = np.where(accepted & known, step, np.where(known, state.step, 0.0))
        target = here + state.length * chosen
    if len(problem.kinked):
        low, high = kinks.one_sided_bounds(problem.kinked, here, low, high)
    there = np.where(state.held, here, np.clip(target, low, high))
    slope = bounds.dot(gradient, there - here)
    lost = accepted & bounds.is_lost_to_bounds(gradient, step, there - here)
    if lost.any():
        which = repeat_single(np.flatnonzero(lost))
        low, high = (np.broadcast_to(bound, here.shape)[:, which] for bound in (low, high))
        shorter = bounds.end_at_first_bound(
            chosen[:, which], here[:, which], gradient[:, which], state.held[:, which], low, high
        )
        chosen = chosen.copy()
        chosen[:, which], there[:, which] = shorter, np.clip(here[:, which] + shorter, low, high)
        slope = np.where(lost, bounds.dot(gradient, there - here), slope)
    if len(problem.kinked):
        there = kinks.with_sides_of(problem.kinked, there, here)
    return state._replace(there=there, step=chosen, slope=np.where(accepted, slope, state.slope))
