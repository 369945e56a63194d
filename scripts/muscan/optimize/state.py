"""The state of a batch of fits: an immutable container that can be split and joined along the fits."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

from muscan.base.batches import repeat_single
from muscan.optimize.problem import Problem
from muscan.optimize.walls import Walls, soft_walls

Container = TypeVar("Container", bound=tuple)


class Border(NamedTuple):
    """A value of a parameter for each fit, on one side of which the fit must stay."""

    parameter: np.ndarray  # its index, shape (B,)
    value: np.ndarray  # shape (B,)
    side: np.ndarray  # 1 above it, -1 below it, shape (B,)

    def crossed(self, theta: np.ndarray) -> np.ndarray:
        """Return which fits at points of shape (P, B) have left their side, shape (B,)."""
        return (theta[self.parameter, np.arange(theta.shape[1])] - self.value) * self.side < 0


class Task(NamedTuple):
    """The input of B fits."""

    data: np.ndarray  # shape (D, B)
    starts: np.ndarray  # shape (P, B)
    held: np.ndarray  # parameters that keep their starting values, shape (P, B)
    border: tuple[np.ndarray, np.ndarray] | None  # parameter and value, both of shape (B,)


class State(NamedTuple):
    """The state of B fits of P parameters; arrays have the shape (B,) where no other is stated."""

    index: np.ndarray  # number of the fit in its task
    data: np.ndarray  # shape (D, B)
    held: np.ndarray  # parameters that keep their values, shape (P, B)
    here: np.ndarray  # the last accepted point, shape (P, B)
    there: np.ndarray  # the trial point, shape (P, B)
    step: np.ndarray  # from `here` towards `there`, shape (P, B)
    length: np.ndarray  # the fraction of the step that is tried
    value: np.ndarray  # of the function at `here`; infinite until a point has been accepted
    slope: np.ndarray  # change of the function that its gradient predicts for the whole step
    edm: np.ndarray  # estimated distance to the minimum, if the last step was a complete Newton step; otherwise nan
    age: np.ndarray  # number of iterations
    indefinite: np.ndarray  # steps in succession at which the Hessian was not positive definite
    nudges: np.ndarray  # number of times that the fit was moved off a saddle
    walls: Walls
    border: Border | None

    @property
    def fits(self) -> int:
        """The number of distinct fits; the arrays contain a single fit twice, see `muscan.base.batches`."""
        return len(np.unique(self.index))

    def take(self, which: np.ndarray) -> "State":
        """Return the state of some fits, by a mask of shape (B,)."""
        columns = repeat_single(np.flatnonzero(which))
        return _each(lambda array: np.ascontiguousarray(array[..., columns]), self)

    def join(self, other: "State") -> "State":
        """Return the state of these fits and others."""
        first, second = self.fits, other.fits
        joined = _each(lambda *arrays: _joined(arrays, first, second), self, other)
        return joined.take(np.ones(first + second, bool))


def initial_state(problem: Problem, task: Task, which: np.ndarray) -> State:
    """Return the initial state of some fits of a task, at their starts or the closest points within the bounds."""
    data, starts, held = (array[:, which] for array in task[:3])
    number = len(which)
    there = np.where(held, starts, np.clip(starts, problem.low, problem.high))
    return State(
        index=which,
        data=data,
        held=held,
        here=there.copy(),
        there=there,
        step=np.zeros_like(there),
        length=np.ones(number),
        value=np.full(number, np.inf),
        slope=np.zeros(number),
        edm=np.full(number, np.nan),
        age=np.zeros(number, int),
        indefinite=np.zeros(number, int),
        nudges=np.zeros(number, int),
        walls=soft_walls(len(problem.walled(data)), number),
        border=_border(task.border, there, which),
    )


def _border(border: tuple[np.ndarray, np.ndarray] | None, there: np.ndarray, which: np.ndarray) -> Border | None:
    if border is None:
        return None
    parameter, value = (each[which] for each in border)
    return Border(parameter, value, np.sign(there[parameter, np.arange(len(which))] - value))


def _joined(arrays: tuple[np.ndarray, np.ndarray], first: int, second: int) -> np.ndarray:
    return np.concatenate([arrays[0][..., :first], arrays[1][..., :second]], axis=-1)


def _each(function: Callable[..., np.ndarray], *containers: Container) -> Container:
    """Apply a function to the corresponding arrays of containers, and of the containers in them."""
    return type(containers[0])(*(_applied(function, parts) for parts in zip(*containers, strict=True)))


def _applied(function: Callable[..., np.ndarray], parts: tuple) -> np.ndarray | tuple | None:
    if parts[0] is None:
        return None
    return _each(function, *parts) if isinstance(parts[0], tuple) else function(*parts)
