"""Bounded minimisation of many functions at once: Newton steps with exact Hessians, from one start each."""

from typing import NamedTuple

import numpy as np

from muscan.optimize.acceptance import accept
from muscan.optimize.bounds import dot, free_to_move, redirect_along_bounds
from muscan.optimize.convergence import EDM, Verdict, judge
from muscan.optimize.direction import newton_step
from muscan.optimize.kinks import turn_at_kinks
from muscan.optimize.problem import Derivatives, Problem
from muscan.optimize.saddles import step_off_saddle
from muscan.optimize.state import State, Task, initial_state
from muscan.optimize.trial import advance

# Waiting fits join a batch when only this fraction of it is left: often enough to keep batches large, and rarely enough
# that joining arrays takes little time.
REFILL = 0.75
# Number of floating-point numbers of a batch that fit into the cache of a core, and the limits of the size of a batch.
BATCH_ELEMENTS = 600_000
LARGEST_BATCH, SMALLEST_BATCH = 1024, 32


class Minima(NamedTuple):
    """Results of B fits of P parameters."""

    parameters: np.ndarray  # shape (P, B)
    value: np.ndarray  # of the function, shape (B,)
    edm: np.ndarray  # estimated distance to the minimum, see `convergence`, shape (B,); nan where a fit has failed
    converged: np.ndarray  # shape (B,)
    iterations: np.ndarray  # shape (B,)


def minimize(
    problem: Problem,
    data: np.ndarray,
    starts: np.ndarray,
    held: np.ndarray,
    border: tuple[np.ndarray, np.ndarray] | None = None,
) -> Minima:
    """Minimise the B functions of a problem, each from its starting point; a fit does not depend on the others.

    Args:
        problem: the functions, and bounds of their parameters.
        data: in which the functions differ, shape (D, B).
        starts: shape (P, B); moved into the bounds, except where held.
        held: parameters that keep their starting values, shape (P,), (P, 1) or (P, B).
        border: a parameter and a value for each fit, both of shape (B,). A fit is abandoned as soon as its parameter
            crosses its value.
    """
    held = np.broadcast_to(held.reshape(len(held), -1), starts.shape)
    with np.errstate(all="ignore"):
        return _run(problem, Task(data, starts, held, border))


def batch_size(problem: Problem) -> int:
    """Return the number of fits that run together."""
    return int(np.clip(BATCH_ELEMENTS // max(problem.elements, 1), SMALLEST_BATCH, LARGEST_BATCH))


def _run(problem: Problem, task: Task) -> Minima:
    """Run all fits of a task in batches; when enough fits of a batch have ended, waiting ones take their places."""
    fits, taken, size = task.starts.shape[1], 0, batch_size(problem)
    ends = Minima(np.empty_like(task.starts), *np.full((2, fits), np.nan), np.zeros(fits, bool), np.zeros(fits, int))
    state = initial_state(problem, task, np.arange(0))
    while len(state.index) or taken < fits:
        if len(state.index) <= size * REFILL and taken < fits:
            stop = min(taken + size - state.fits, fits)
            state = state.join(initial_state(problem, task, np.arange(taken, stop)))
            taken = stop
        state, verdict = _iterate(problem, state)
        if verdict.done.any() or verdict.lost.any():
            _store(ends, state, verdict)
            state = state.take(~(verdict.done | verdict.lost))
    return ends


def _iterate(problem: Problem, state: State) -> tuple[State, Verdict]:
    """Evaluate the trial points, and choose the next ones."""
    parts = problem.derivatives(state.there, state.data, state.walls)
    state, accepted = accept(state, parts.value, problem.centre)
    state, active, turned = _active(problem, state, parts)
    step, newton = newton_step(parts, active, accepted, state.indefinite)
    edm = -dot(parts.gradient, step)
    step = redirect_along_bounds(problem, state, parts, active, accepted, step)
    saddle = accepted & ~newton & (edm < EDM)
    if saddle.any():
        step = step + np.where(saddle, step_off_saddle(parts, active), 0.0)
    state = _counted(state, newton, accepted, saddle)
    state = advance(problem, state, step, parts.gradient, accepted)
    return judge(problem, state, edm, newton & ~turned, accepted)


def _active(problem: Problem, state: State, parts: Derivatives) -> tuple[State, np.ndarray, np.ndarray]:
    """The state, which parameters may move, shape (P, B), and which fits have turned at a kink, shape (B,).

    Parameters that are held, pushed against a bound, or rest at a kink may not move.
    """
    active = ~state.held & free_to_move(parts.gradient, state.there, problem.low, problem.high)
    if not len(problem.kinked):
        return state, active, np.zeros(len(state.index), bool)
    state, resting, turned = turn_at_kinks(problem.kinked, state, parts, active)
    active[problem.kinked] &= ~resting
    return state, active, turned


def _counted(state: State, newton: np.ndarray, accepted: np.ndarray, saddle: np.ndarray) -> State:
    """Count steps in succession at which the Hessian was not positive definite, and moves off a saddle."""
    indefinite = np.where(accepted, np.where(newton, 0, state.indefinite + 1), state.indefinite)
    return state._replace(indefinite=indefinite, nudges=state.nudges + saddle)


def _store(ends: Minima, state: State, verdict: Verdict) -> None:
    """Store the results of fits that have ended; the last step of a converged fit is not evaluated any more."""
    ended = verdict.done | verdict.lost
    index, done = state.index[ended], verdict.done[ended]
    ends.parameters[:, index] = state.there[:, ended]
    ends.value[index] = np.where(done, state.value[ended] - 0.5 * verdict.edm[ended], np.nan)
    ends.edm[index] = np.where(done, verdict.ahead[ended], np.nan)
    ends.converged[index] = done
    ends.iterations[index] = state.age[ended]
