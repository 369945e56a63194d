"""Acceptance of trial points: a backtracking line search along each step."""

import numpy as np

from muscan.optimize.state import State

# A step must give at least this fraction of the decrease that the gradient predicts (L. Armijo, Pac. J. Math. 16 (1966)
# 1).
SUFFICIENT = 1e-4
# Rounding error of the function, in units of 1 + its value, by which an accepted point may be higher.
ROUNDING = 1e-11
# A step that is too long is shortened to the minimum of a parabola, by a factor within the bounds SHORTENED; by the
# factor UNKNOWN if the function is not defined at its end.
SHORTENED, UNKNOWN = (0.1, 0.5), 0.25
# A start at which the function is not defined moves by this fraction of the way to the centre.
HALFWAY = 0.5
# A fit whose step is shortened to less than this fraction is abandoned.
SHORTEST = 1e-9


def accept(state: State, value: np.ndarray, centre: np.ndarray) -> tuple[State, np.ndarray]:
    """Accept or reject trial points; rejected steps are tried again with a shorter length.

    Args:
        state: of B fits, whose trial points are `there`.
        value: of the function at the trial points, shape (B,).
        centre: point towards which a start moves if the function is not defined there, shape (P, 1).

    Returns:
        the state, and which trial points were accepted, shape (B,).
    """
    allowed = state.value + SUFFICIENT * state.length * state.slope + ROUNDING * (1 + np.abs(state.value))
    first = ~np.isfinite(state.value)
    accepted = np.where(first, np.isfinite(value), value <= allowed)
    age = state.age + 1
    if accepted.all():
        return state._replace(here=state.there, value=value, length=np.ones_like(state.length), age=age), accepted
    length = np.where(accepted, 1.0, state.length * np.where(first, HALFWAY, _shortened(state, value)))
    moved = np.where(state.held, state.there, HALFWAY * (state.there + centre))
    here = np.where(accepted, state.there, np.where(first & ~accepted, moved, state.here))
    return state._replace(here=here, value=np.where(accepted, value, state.value), length=length, age=age), accepted


def _shortened(state: State, value: np.ndarray) -> np.ndarray:
    """The factors by which steps are shortened: to the minimum of the parabola through both values and the slope."""
    curvature = value - state.value - state.length * state.slope
    shorter = -state.slope * state.length / (2 * curvature)
    known = np.isfinite(value) & np.isfinite(shorter)
    return np.where(known, np.clip(shorter, *SHORTENED), UNKNOWN)


def exhausted(state: State, accepted: np.ndarray) -> np.ndarray:
    """Return which fits have found no lower value along their step, however short, shape (B,)."""
    return ~accepted & (state.length < SHORTEST)
