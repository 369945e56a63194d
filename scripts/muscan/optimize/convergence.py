"""Convergence: the distance of fits from their minimum, and the fits that end.

The estimated distance to the minimum (EDM) is `-g^T step` with the gradient g and the Newton step. It is twice the
decrease of the function that the Hessian predicts for this step; for half a deviance, the decrease of the deviance.
"""

from typing import NamedTuple

import numpy as np

from muscan.base.batches import repeat_single
from muscan.optimize.acceptance import exhausted
from muscan.optimize.problem import Problem
from muscan.optimize.saddles import MOST_NUDGES
from muscan.optimize.state import State
from muscan.optimize.walls import Walls, corrected_walls

# A fit has converged when its EDM is below this. Test statistics of 1 are then exact to nine digits.
EDM = 1e-9
# A step is complete if bounds have reduced its decrease by less than this fraction.
WHOLE = 1e-3
# A fit that takes more iterations is abandoned; most take about ten.
MOST_ITERATIONS = 200


class Verdict(NamedTuple):
    """Which of B fits end."""

    done: np.ndarray  # converged, shape (B,)
    lost: np.ndarray  # abandoned, shape (B,)
    edm: np.ndarray  # estimated distance before the last step, shape (B,)
    ahead: np.ndarray  # estimated distance after it, shape (B,)


def judge(
    problem: Problem, state: State, edm: np.ndarray, newton: np.ndarray, accepted: np.ndarray
) -> tuple[State, Verdict]:
    """Decide which fits end; fits that have converged but violate a condition continue with corrected walls.

    Newton steps converge ever faster: if no bound has shortened a step, the distance decreases at least by the same
    factor as with the step before.

    Args:
        problem: to be minimised.
        state: of B fits that are about to try their next points.
        edm: estimated distance to the minimum, shape (B,).
        newton: whether it is from a Newton step that stays on one side of all kinks, shape (B,).
        accepted: which points were accepted, shape (B,).
    """
    whole = newton & (np.abs(state.slope + edm) < WHOLE * edm)
    ahead = edm * np.where(whole & (state.edm > edm), edm / state.edm, 1.0)
    done = newton & (ahead < EDM)
    if done.any():
        state, leaning = _push_back(problem, state, done)
        done &= ~leaning
    lost = (state.age >= MOST_ITERATIONS) | (state.nudges > MOST_NUDGES) | exhausted(state, accepted)
    if state.border is not None:
        lost |= accepted & state.border.crossed(state.here)
    lost &= ~done
    return state._replace(edm=np.where(whole, edm, np.nan)), Verdict(done, lost, edm, ahead)


def _push_back(problem: Problem, state: State, done: np.ndarray) -> tuple[State, np.ndarray]:
    """The state with corrected walls of converged fits that violate a condition, and which fits these are."""
    leaning = np.zeros_like(done)
    walled = problem.walled(state.data)
    which = np.flatnonzero(done & walled.any(axis=0))
    if not len(which):
        return state, leaning
    condition = problem.conditions(state.there[:, repeat_single(which)])[:, : len(which)]
    walls, change = corrected_walls(Walls(*(each[..., which] for each in state.walls)), condition, walled[:, which])
    through = change > EDM
    leaning[which] = through
    force, stiffness = (each.copy() for each in state.walls)
    force[:, leaning], stiffness[leaning] = walls.force[:, through], walls.stiffness[through]
    # With corrected walls the function is another one: the next value counts as the first.
    value = np.where(leaning, np.inf, state.value)
    return state._replace(walls=Walls(force, stiffness), value=value), leaning
