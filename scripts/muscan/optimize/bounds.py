"""Bounds: parameters that are held by them, and steps that they deflect.

A step is projected: components that lead beyond a bound end on it. This may leave little of the step, or even turn it
uphill. Such a step is calculated again without the parameters that push against these bounds; if that does not help, it
ends at the first bound.
"""

import numpy as np

from muscan.optimize.direction import newton_step
from muscan.optimize.problem import Derivatives, Problem
from muscan.optimize.state import State

# A projected step must keep the fraction LEAST_DECREASE of its decrease, or else lead downhill in most of its
# components: its slope must be at least STRAIGHT times the sum of the absolute slopes of its components.
LEAST_DECREASE, STRAIGHT = 0.1, 0.5
# A parameter pushes against a bound if less than this fraction of its step leads to the bound.
LEAST_PART = 1e-3
MOST_LEFT_OUT = 3  # largest number of rounds in which such parameters are left out
# Length of the step along the negative gradient that replaces a step of almost no length, in units of the parameters.
SHORT = 0.01


def free_to_move(gradient: np.ndarray, theta: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return which parameters are not at a bound beyond which the function decreases; all arrays have shape (P, B)."""
    free = np.ones(theta.shape, bool)
    for on_bound, outwards in ((theta <= low, 1), (theta >= high, -1)):
        if on_bound.any():
            free &= ~(on_bound & (gradient * outwards > 0))
    return free


def redirect_along_bounds(
    problem: Problem, state: State, parts: Derivatives, active: np.ndarray, wanted: np.ndarray, step: np.ndarray
) -> np.ndarray:
    """Calculate steps that bounds deflect too much again, without the parameters that push against these bounds.

    Args:
        problem: with the bounds.
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
        bent = wanted & is_lost_to_bounds(parts.gradient, step, np.clip(there + step, low, high) - there)
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


def is_lost_to_bounds(gradient: np.ndarray, step: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Return whether a projected step loses most of its decrease and does not lead straight downhill, shape (B,).

    Args:
        gradient: of the function, shape (P, B).
        step: before the projection, shape (P, B).
        left: the step after the projection, shape (P, B).
    """
    slope = dot(gradient, left)
    return (slope > LEAST_DECREASE * dot(gradient, step)) & (slope > -STRAIGHT * np.abs(gradient * left).sum(axis=0))


def end_at_first_bound(
    step: np.ndarray, here: np.ndarray, gradient: np.ndarray, held: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Return steps that end at the first bound; all arrays have the shape (P, B).

    A step that would have almost no length is replaced by a short one along the negative gradient.
    """
    room = np.where(step > 0, high - here, low - here)
    part = np.where(step == 0, 1.0, room / np.where(step == 0, 1.0, step)).min(axis=0)
    nowhere = ~(part > LEAST_PART)
    down = np.where(held, 0.0, -gradient)
    return np.where(nowhere, down * SHORT / (SHORT + np.sqrt(dot(down, down))), step * np.minimum(part, 1.0))


def dot(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the scalar products of vectors of shape (P, B), shape (B,)."""
    return (left * right).sum(axis=0)
