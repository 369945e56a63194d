"""Bounded minimisation of many deviances at once: Newton steps with exact Hessians."""

from typing import NamedTuple

import numpy as np

from inference.likelihood import Derivatives, Likelihood, Walls
from inference.newton_step import Step, newton_step

# A fit has converged when its estimated distance to the minimum, in units of the deviance, is below this.
EDM = 1e-9
MOST_ITERATIONS = 100
# A step must bring this part of the decrease that the gradient promises.
SUFFICIENT = 1e-4
SHORTEST = 1e-9  # part of a step
# Rounding of half a deviance, in units of 1 + its value.
ROUNDING = 1e-11
# Damping when a Hessian is not positive definite, and its growth.
FIRST_DAMPING, MORE_DAMPING, LESS_DAMPING = 0.02, 5.0, 0.1
MOST_DAMPING = 1e8
# Stiffness of the walls at nu = 0 in the beginning, and its growth with every correction of their forces.
SOFT_WALL, STIFFER, HARD_WALL = 10.0, 10.0, 1e5
# Waiting fits are taken in when this part of a batch is left.
REFILL = 0.75
# Numbers of a batch of fits that should fit into the cache of a core.
BATCH_ELEMENTS = 150_000
LARGEST_BATCH, SMALLEST_BATCH = 256, 32


class Minima(NamedTuple):
    """The ends of B fits."""

    parameters: np.ndarray  # shape (npar, B)
    deviance: np.ndarray  # shape (B,)
    edm: np.ndarray  # estimated distance to the minimum, in units of the deviance, shape (B,)
    converged: np.ndarray  # shape (B,)
    iterations: np.ndarray  # shape (B,)


def minimize(likelihood: Likelihood, data: np.ndarray, starts: np.ndarray, held: np.ndarray) -> Minima:
    """Minimise the deviance of B data sets, each from its starting point; a fit does not depend on the others.

    Args:
        likelihood: of the model; its bounds are obeyed.
        data: main and auxiliary data, shape (nmain + naux, B).
        starts: shape (npar, B); moved into the bounds, except where held.
        held: parameters that stay where they start, shape (npar,) or (npar, B).
    """
    held = np.broadcast_to(held.reshape(len(held), -1), starts.shape)
    with np.errstate(all="ignore"):
        return _Queue(likelihood, data, starts, held).run()


def batch_size(likelihood: Likelihood) -> int:
    """How many fits run together."""
    layout = likelihood.layout
    rows = sum(block.nominal.shape[0] * block.nominal.shape[1] + block.bins.size for block in layout.blocks)
    per_fit = (rows + layout.local.size) * len(layout.globals_) + sum(block.nominal.size for block in layout.blocks)
    return int(np.clip(BATCH_ELEMENTS // max(per_fit, 1), SMALLEST_BATCH, LARGEST_BATCH))


class _Queue:
    """Fits of which some run together; when enough of them have finished, waiting ones take their places.

    `here` are the points where the fits stand, `there` those to be tried next.
    """

    STATE = (
        "index", "age", "data", "held", "here", "there", "step", "value", "slope", "length", "damping", "forces",
        "stiffness",
    )  # fmt: skip

    def __init__(self, likelihood: Likelihood, data: np.ndarray, starts: np.ndarray, held: np.ndarray):
        self.likelihood = likelihood
        layout, model = likelihood.layout, likelihood.model
        self.low, self.high = model.bounds.T[..., None]
        self.nominal = np.clip(model.initial[:, None], self.low, self.high)
        self.kinks = layout.globals_[layout.kinked]
        self.waiting = (data, starts, held)
        self.fits, self.taken = data.shape[1], 0
        self.size = batch_size(likelihood)
        self.result = Minima(
            np.empty_like(starts), *np.full((2, self.fits), np.nan), np.zeros(self.fits, bool), np.zeros(self.fits, int)
        )
        self._restart(np.zeros(0, int))

    def run(self) -> Minima:
        while len(self.index) or self.taken < self.fits:
            if len(self.index) <= self.size * REFILL and self.taken < self.fits:
                self._refill()
            self._iterate()
        return self.result

    def _restart(self, which: np.ndarray) -> None:
        """State of fits that begin."""
        data, starts, held = (np.ascontiguousarray(array[:, which]) for array in self.waiting)
        number = len(which)
        self.index, self.age = which, np.zeros(number, int)
        self.data = self.likelihood.arranged(data)
        self.held = np.concatenate([held, np.ones((1, number), bool)])
        self.there = np.where(held, starts, np.clip(starts, self.low, self.high))
        self.here, self.step = self.there.copy(), np.zeros_like(self.there)
        self.value, self.length = np.full(number, np.inf), np.ones(number)
        self.slope, self.damping = np.zeros((2, number))
        self.forces = np.zeros((self.likelihood.model.nmain, number))
        self.stiffness = np.full(number, SOFT_WALL)

    def _refill(self) -> None:
        running = {name: getattr(self, name) for name in self.STATE}
        running_fits = len(np.unique(self.index))
        stop = min(self.taken + self.size - running_fits, self.fits)
        self._restart(np.arange(self.taken, stop))
        self.taken = stop
        for name in self.STATE:
            joined = np.concatenate([running[name][..., :running_fits], getattr(self, name)], axis=-1)
            setattr(self, name, joined)
        self._keep(np.ones(len(self.index), bool))

    def _iterate(self) -> None:
        self.age += 1
        walls = Walls(self.forces, self.stiffness)
        derivatives = self.likelihood.derivatives(self.there, self.data, walls)
        accepted = self._accept(derivatives.value)
        active, turned = self._active(derivatives)
        step, edm = self._solve(derivatives, active, accepted)
        done = accepted & (edm < EDM) & (self.damping == 0) & ~turned
        done &= ~self._push_walls(done)
        lost = ~done & ((self.age >= MOST_ITERATIONS) | ~accepted & (self.length < SHORTEST))
        self._advance(step, derivatives, accepted)
        self._store(np.flatnonzero(done), edm[done], True)
        self._store(np.flatnonzero(lost), np.nan, False)
        if done.any() or lost.any():
            self._keep(~(done | lost))

    def _push_walls(self, done: np.ndarray) -> np.ndarray:
        """Let the walls push back where a fit that is done leans through them; such a fit goes on from where it is."""
        leaning = np.zeros_like(done)
        if not done.any():
            return leaning
        which = np.flatnonzero(done)
        empty = self.data[: len(self.forces), which] == 0
        pairs = which if len(which) > 1 else np.repeat(which, 2)
        nu = self.likelihood.expected(self.here[:, pairs])[self.likelihood.layout.order, : len(which)]
        forces = np.where(empty, np.maximum(self.forces[:, which] - self.stiffness[which] * nu, 0.0), 0.0)
        gap = ((forces - self.forces[:, which]) ** 2).sum(axis=0) / self.stiffness[which]
        through = gap > EDM
        leaning[which] = through
        self.forces[:, which[through]] = forces[:, through]
        self.stiffness[leaning] = np.minimum(self.stiffness[leaning] * STIFFER, HARD_WALL)
        self.value[leaning] = np.inf  # of another function: the next value counts as the first
        return leaning

    def _accept(self, value: np.ndarray) -> np.ndarray:
        """Which trial points become the new standing points; the others are tried again with a shorter step."""
        allowed = self.value + SUFFICIENT * self.length * self.slope + ROUNDING * (1 + np.abs(self.value))
        first = ~np.isfinite(self.value)
        accepted = np.where(first, np.isfinite(value), value <= allowed)
        gain = self.value - value
        good = accepted & (self.length == 1) & (gain > -0.25 * self.slope)
        self.damping = np.where(good, self.damping * LESS_DAMPING, self.damping)
        self.damping[good & (self.damping < 1e-3)] = 0
        short = accepted & (self.length < 0.3)
        self.damping[short] = np.maximum(self.damping[short] * 2, FIRST_DAMPING)
        curvature = value - self.value - self.length * self.slope
        shorter = -self.slope * self.length / (2 * curvature)
        factor = np.where(np.isfinite(value) & np.isfinite(shorter), np.clip(shorter, 0.1, 0.5), 0.25)
        self.length = np.where(accepted, 1.0, self.length * np.where(first, 1.0, factor))
        # A start at which the data are impossible is moved towards the nominal values.
        lost = first & ~accepted
        self.length[lost] *= 0.5
        self.here[:, lost] = self.there[:, lost] = np.where(
            self.held[:-1, lost], self.there[:, lost], 0.5 * (self.there[:, lost] + self.nominal)
        )
        self.here = np.where(accepted, self.there, self.here)
        self.value = np.where(accepted, value, self.value)
        return accepted

    def _active(self, derivatives: Derivatives) -> tuple[np.ndarray, np.ndarray]:
        """Which parameters may move, shape (npar, B): not those held, nor those that press on a bound.

        A kink at alpha = 0 is a bound of both of its sides; a fit turns to the other side where that leads down.
        """
        gradient = self._scattered(derivatives.gradient, derivatives.local_gradient)
        at = self.there
        pressed = (at <= self.low) & (gradient > 0) | (at >= self.high) & (gradient < 0)
        active = ~self.held[:-1] & ~pressed
        turned = np.zeros(at.shape[1], bool)
        if len(self.kinks):
            k = self.kinks
            other = self._scattered(derivatives.other_side, derivatives.local_gradient)[k]
            sign = np.copysign(1.0, at[k])
            resting = (at[k] == 0) & (gradient[k] * sign >= 0) & active[k]
            turn = resting & (other * sign > 0)
            self.there[k] = np.where(turn, -at[k], at[k])
            self.here[k] = np.where(turn & (self.here[k] == 0), -self.here[k], self.here[k])
            active[k] &= ~resting
            turned = turn.any(axis=0)
        return active, turned

    def _solve(self, derivatives: Derivatives, active: np.ndarray, accepted: np.ndarray):
        """The step of every fit and its EDM, with as much damping as a positive definite Hessian needs."""
        layout = self.likelihood.layout
        padded = np.concatenate([active, np.zeros((1, active.shape[1]), bool)])
        globals_, locals_ = padded[layout.globals_], padded[layout.local]
        step = newton_step(derivatives, globals_, locals_, self.damping)
        bad = np.flatnonzero(accepted & ~step.positive)
        while len(bad) and (self.damping[bad] < MOST_DAMPING).any():
            self.damping[bad] = np.maximum(self.damping[bad] * MORE_DAMPING, FIRST_DAMPING)
            chosen = bad if len(bad) > 1 else np.repeat(bad, 2)
            part = newton_step(
                _take(derivatives, chosen), globals_[:, chosen], locals_[..., chosen], self.damping[chosen]
            )
            step.of_globals[:, chosen], step.of_locals[..., chosen] = part.of_globals, part.of_locals
            bad = bad[~part.positive[: len(bad)]]
        edm = -_dot(derivatives.gradient, step.of_globals)
        edm -= _dot(derivatives.local_gradient.reshape(-1, len(edm)), step.of_locals.reshape(-1, len(edm)))
        return step, edm

    def _advance(self, step: Step, derivatives: Derivatives, accepted: np.ndarray) -> None:
        full = self._scattered(step.of_globals, step.of_locals)
        self.step = np.where(
            accepted & np.isfinite(self.value), full, np.where(np.isfinite(self.value), self.step, 0.0)
        )
        target = self.here + self.length * self.step
        low, high = self.low, self.high
        if len(self.kinks):
            low, high = np.broadcast_to(low, target.shape).copy(), np.broadcast_to(high, target.shape).copy()
            k = self.kinks
            negative = np.signbit(self.here[k])
            low[k], high[k] = np.where(negative, low[k], 0.0), np.where(negative, -0.0, high[k])
        self.there = np.where(self.held[:-1], self.here, np.clip(target, low, high))
        if len(self.kinks):  # clip does not know the sign of a zero
            self.there[k] = np.where(self.there[k] == 0, np.copysign(0.0, self.here[k]), self.there[k])
        gradient = self._scattered(derivatives.gradient, derivatives.local_gradient)
        slope = _dot(gradient, self.there - self.here)
        self.slope = np.where(accepted, slope, self.slope)

    def _scattered(self, of_globals: np.ndarray, of_locals: np.ndarray) -> np.ndarray:
        """Numbers of global and local parameters in the order of the model, shape (npar, B)."""
        layout = self.likelihood.layout
        values = np.zeros((len(self.likelihood.model.names) + 1, of_globals.shape[1]))
        values[layout.globals_] = of_globals
        values[layout.local] = of_locals
        return values[:-1]

    def _store(self, which: np.ndarray, edm: np.ndarray | float, converged: bool) -> None:
        """Keep the results of fits that end; the last step needs no look at where it leads."""
        index = self.index[which]
        self.result.parameters[:, index] = self.there[:, which]
        self.result.deviance[index] = 2 * self.value[which] - edm
        self.result.edm[index] = edm
        self.result.converged[index] = converged
        self.result.iterations[index] = self.age[which]

    def _keep(self, kept: np.ndarray) -> None:
        which = np.flatnonzero(kept)
        if len(which) == 1:  # see likelihood.py
            which = np.repeat(which, 2)
        for name in self.STATE:
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[..., which]))


def _dot(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return (left * right).sum(axis=0)


def _take(derivatives: Derivatives, which: np.ndarray) -> Derivatives:
    def take(value):
        if isinstance(value, list):
            return [type(rows)(*(part[..., which] for part in rows)) for rows in value]
        return None if value is None else value[..., which]

    return Derivatives(*(take(value) for value in derivatives))
