"""Bounds: which parameters press on them, and steps that they bend.

A step is projected: what leads through a bound ends on it. That may leave little of a step, or even lead uphill. Such a
step is made anew without the parameters that press on these bounds, or else ends at the first bound.
"""

import numpy as np

from muscan.optimize.direction import newton_step
from muscan.optimize.problem import Derivatives, Problem
from muscan.optimize.state import State

# A step that bounds bend must keep this part of its decrease, unless what is left of it leads down as straight as this:
# its slope, in units of the sum of the slopes of all its parameters taken as positive.
LEAST_OF_A_CUT, STRAIGHT = 0.1, 0.5
# Parameters for which this part of their step leads to a bound press on it.
LEAST_PART = 1e-3
MOST_LEFT_OUT = 3  # rounds in which parameters are left out
# Steps that lead nowhere go straight down instead: a short way, in units of the parameters.
SHORT = 0.01


def free_to_move(gradient: np.ndarray, theta: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return which parameters are not on a bound towards which the function falls; all arrays have the shape (P, B)."""
    free = np.ones(theta.shape, bool)
    for on_bound, outwards in ((theta <= low, 1), (theta >= high, -1)):
        if on_bound.any():
            free &= ~(on_bound & (gradient * outwards > 0))
    return free


def along_bounds(
    problem: Problem, state: State, parts: Derivatives, active: np.ndarray, wanted: np.ndarray, step: np.ndarray
) -> np.ndarray:
    """Make steps that bounds bend too much anew, without the parameters that press on these bounds.

    Args:
        problem: its bounds are obeyed.
        state: of B fits, whose steps begin at `there`.
        parts: derivatives there.
        active: which parameters may move, shape (P, B).
        wanted: which fits have a new step, shape (B,).
        step: shape (P, B).

    Returns:
        the steps, shape (P, B).
    """
    there, low, high = state.there, problem.low, problem.high
    for _ in range(MOST_LEFT_OUT):
        bent = wanted & lost_to_bounds(parts.gradient, step, np.clip(there + step, low, high) - there)
        if not bent.any():
            break
        room = np.where(step > 0, high - there, there - low)
        leaving = active & bent & (room < LEAST_PART * np.abs(step))
        again = leaving.any(axis=0)
        if not again.any():
            break
        active = active & ~leaving
        step = np.where(again, newton_step(parts, active, again, state.indefinite).step, step)
    return step


def lost_to_bounds(gradient: np.ndarray, step: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Return whether what bounds leave of a step keeps little of its decrease, and does not lead straight down.

    All arrays have the shape (P, B), the result (B,).
    """
    slope = dot(gradient, left)
    return (slope > LEAST_OF_A_CUT * dot(gradient, step)) & (slope > -STRAIGHT * np.abs(gradient * left).sum(axis=0))


def cut(
    step: np.ndarray, here: np.ndarray, gradient: np.ndarray, held: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Return steps that end at the first bound; all arrays have the shape (P, B).

    Where that leads nowhere, all parameters that are free to move go straight down.
    """
    room = np.where(step > 0, high - here, low - here)
    part = np.where(step == 0, 1.0, room / np.where(step == 0, 1.0, step)).min(axis=0)
    nowhere = ~(part > LEAST_PART)
    down = np.where(held, 0.0, -gradient)
    return np.where(nowhere, down * SHORT / (SHORT + np.sqrt(dot(down, down))), step * np.minimum(part, 1.0))


def dot(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the scalar products of vectors of shape (P, B), shape (B,)."""
    return (left * right).sum(axis=0)
