"""Convergence: how far fits are from their minimum, and which of them end.

The estimated distance to the minimum (EDM) is `-g^T step` with the gradient g and the Newton step: twice what the step
gains of the function, as far as its Hessian says. For half a deviance it is in units of the deviance.
"""

from typing import NamedTuple

import numpy as np

from muscan.base.batches import never_alone
from muscan.optimize.acceptance import exhausted
from muscan.optimize.problem import Problem
from muscan.optimize.saddles import MOST_NUDGES
from muscan.optimize.state import State
from muscan.optimize.walls import Walls, corrected

# A fit has converged when its EDM is below this. Test statistics of 1 are then exact to nine digits.
EDM = 1e-9
# A step is whole if bounds have taken less than this part of its decrease.
WHOLE = 1e-3
# A fit that takes more iterations is lost; most take about ten.
MOST_ITERATIONS = 200


class Verdict(NamedTuple):
    """Which of B fits end."""

    done: np.ndarray  # converged, shape (B,)
    lost: np.ndarray  # given up, shape (B,)
    edm: np.ndarray  # before the last step, shape (B,)
    ahead: np.ndarray  # the same after it, shape (B,)


def judge(
    problem: Problem, state: State, edm: np.ndarray, newton: np.ndarray, accepted: np.ndarray
) -> tuple[State, Verdict]:
    """Decide which fits end; those that have converged but lean through their walls go on.

    Newton steps converge ever faster: where no bound has cut a step short, the distance becomes shorter at least by the
    factor by which it did in the last one.

    Args:
        problem: what is minimised.
        state: of B fits that are about to try their next points.
        edm: estimated distance, shape (B,).
        newton: whether this is from a Newton step on one side of all kinks, shape (B,).
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
    """Let the walls push back where fits that have converged lean through them, and say which these are."""
    leaning = np.zeros_like(done)
    walled = problem.walled(state.data)
    which = np.flatnonzero(done & walled.any(axis=0))
    if not len(which):
        return state, leaning
    condition = problem.conditions(state.there[:, never_alone(which)])[:, : len(which)]
    walls, change = corrected(Walls(*(each[..., which] for each in state.walls)), condition, walled[:, which])
    through = change > EDM
    leaning[which] = through
    force, stiffness = (each.copy() for each in state.walls)
    force[:, leaning], stiffness[leaning] = walls.force[:, through], walls.stiffness[through]
    # The next value is of another function: it counts as the first.
    value = np.where(leaning, np.inf, state.value)
    return state._replace(walls=Walls(force, stiffness), value=value), leaning
