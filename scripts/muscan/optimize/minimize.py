"""Bounded minimisation of many deviances at once: Newton steps with exact Hessians."""

from typing import NamedTuple

import numpy as np

from muscan.histfactory.likelihood import Derivatives, Likelihood, Walls
from muscan.optimize.newton_step import newton_step

# A fit has converged when its estimated distance to the minimum, in units of the deviance, is below this.
EDM = 1e-9
MOST_ITERATIONS = 200
# A step must bring this part of the decrease that the gradient promises.
SUFFICIENT = 1e-4
SHORTEST = 1e-9  # part of a step
# A step that bounds bend must keep this part of its decrease, unless what is left of it leads down as straight as this.
LEAST_OF_A_CUT, STRAIGHT = 0.1, 0.5
# Rounding of half a deviance, in units of 1 + its value.
ROUNDING = 1e-11
# The part of the Hessian in steps where it is not positive definite, by the number of such steps before.
PARTS = (0.0, 0.0, 0.5, 0.8)
# Where bounds bend a step too much, parameters for which this part of their step leads to a bound are left out.
LEAST_PART = 1e-3
MOST_LEFT_OUT = 3  # rounds
# How often a fit that comes to rest on a saddle is moved off it.
MOST_NUDGES = 5
# Stiffness of the walls at nu = 0 in the beginning, and its growth with every correction of their forces.
SOFT_WALL, STIFFER, HARD_WALL = 10.0, 10.0, 1e5
# Waiting fits are taken in when this part of a batch is left.
REFILL = 0.75
# Numbers of a batch of fits that should fit into the cache of a core.
BATCH_ELEMENTS = 600_000
LARGEST_BATCH, SMALLEST_BATCH = 1024, 32


class Minima(NamedTuple):
    """The ends of B fits."""

    parameters: np.ndarray  # shape (npar, B)
    deviance: np.ndarray  # shape (B,)
    edm: np.ndarray  # estimated distance to the minimum, in units of the deviance, shape (B,)
    converged: np.ndarray  # shape (B,)
    iterations: np.ndarray  # shape (B,)


def minimize(
    likelihood: Likelihood, data: np.ndarray, starts: np.ndarray, held: np.ndarray, one_sided: tuple | None = None
) -> Minima:
    """Minimise the deviance of B data sets, each from its starting point; a fit does not depend on the others.

    Args:
        likelihood: of the model; its bounds are obeyed.
        data: main and auxiliary data, shape (nmain + naux, B).
        starts: shape (npar, B); moved into the bounds, except where held.
        held: parameters that stay where they start, shape (npar,) or (npar, B).
        one_sided: a parameter and a value for each fit that is given up as soon as this parameter crosses this value,
            both of shape (B,).
    """
    held = np.broadcast_to(held.reshape(len(held), -1), starts.shape)
    if one_sided is not None:
        place = np.empty(len(starts) + 1, int)
        place[likelihood.layout.order] = np.arange(len(likelihood.layout.order))
        one_sided = (place[one_sided[0]], one_sided[1])
    with np.errstate(all="ignore"):
        return _Queue(likelihood, data, starts, held, one_sided).run()


def batch_size(likelihood: Likelihood) -> int:
    """How many fits run together."""
    layout = likelihood.layout
    lines = layout.rows + len(layout.order) - layout.globals_ + len(layout.bins)
    per_fit = lines * layout.globals_ + sum(block.nominal.size for block in layout.blocks)
    return int(np.clip(BATCH_ELEMENTS // max(per_fit, 1), SMALLEST_BATCH, LARGEST_BATCH))


class _Queue:
    """Fits of which some run together; when enough of them have finished, waiting ones take their places.

    Parameters are in the order of the layout. `here` are the points where the fits stand, `there` those to be tried.
    """

    STATE = (
        "index", "age", "data", "held", "here", "there", "step", "value", "slope", "edm", "length", "bent", "forces",
        "stiffness", "watched", "border", "side", "nudges",
    )  # fmt: skip

    def __init__(self, likelihood: Likelihood, data: np.ndarray, starts: np.ndarray, held: np.ndarray, one_sided):
        self.likelihood = likelihood
        self.layout, model = likelihood.layout, likelihood.model
        self.low, self.high = (likelihood.places(bound[:, None]) for bound in model.bounds.T)
        self.nominal = np.clip(likelihood.places(model.initial[:, None]), self.low, self.high)
        self.waiting = (data, starts, held)
        self.one_sided = one_sided
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
        data, starts, held = (array[:, which] for array in self.waiting)
        number = len(which)
        self.index, self.age = which, np.zeros(number, int)
        self.data = self.likelihood.arranged(data)
        self.held = self.likelihood.places(held) > 0
        starts = self.likelihood.places(starts)
        self.there = np.where(self.held, starts, np.clip(starts, self.low, self.high))
        self.here, self.step = self.there.copy(), np.zeros_like(self.there)
        self.value, self.length = np.full(number, np.inf), np.ones(number)
        self.slope, self.bent = np.zeros(number), np.zeros(number, int)
        self.edm = np.full(number, np.nan)
        self.forces = np.zeros((self.likelihood.model.nmain, number))
        self.stiffness = np.full(number, SOFT_WALL)
        self.nudges = np.zeros(number, int)
        self.watched, self.border, self.side = np.zeros(number, int), np.zeros(number), np.zeros(number)
        if self.one_sided is not None:
            self.watched, self.border = (each[which] for each in self.one_sided)
            self.side = np.sign(self.there[self.watched, np.arange(number)] - self.border)

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
        parts = self.likelihood.derivatives(self.there, self.data, Walls(self.forces, self.stiffness))
        accepted = self._accept(parts.value)
        active, turned = self._active(parts)
        part = np.asarray(PARTS)[np.minimum(self.bent, len(PARTS) - 1)]
        step, newton = newton_step(parts, self.layout.shifted, active, accepted, part)
        self.bent = np.where(accepted, np.where(newton, 0, self.bent + 1), self.bent)
        edm = -_dot(parts.gradient, step)
        step = self._along_bounds(parts, active, accepted, part, step)
        saddle = accepted & ~newton & (edm < EDM)
        if saddle.any():
            step = step + np.where(saddle, self._off_saddle(parts, active), 0.0)
            self.nudges += saddle
        self._advance(step, parts.gradient, accepted)
        newton &= ~turned
        # Where a step leads that no bound cuts short, the distance is shorter at least at the rate of the last one:
        # they converge ever faster.
        whole = newton & (np.abs(self.slope + edm) < 1e-3 * edm)
        ahead = edm * np.where(whole & (self.edm > edm), edm / self.edm, 1.0)
        done = newton & (ahead < EDM)
        done &= ~self._push_walls(done)
        lost = self._crossed(accepted) | (self.age >= MOST_ITERATIONS) | (self.nudges > MOST_NUDGES)
        lost = ~done & (lost | ~accepted & (self.length < SHORTEST))
        self.edm = np.where(whole, edm, np.nan)
        if done.any() or lost.any():
            self._store(np.flatnonzero(done), edm[done], ahead[done], True)
            self._store(np.flatnonzero(lost), np.nan, np.nan, False)
            self._keep(~(done | lost))

    def _along_bounds(self, parts: Derivatives, active, accepted, part, step: np.ndarray) -> np.ndarray:
        """Steps that bounds bend too much, anew without the parameters that press on these bounds."""
        for _ in range(MOST_LEFT_OUT):
            there = np.clip(self.there + step, self.low, self.high)
            bent = accepted & self._lost_to_bounds(parts.gradient, step, there - self.there)
            if not bent.any():
                break
            room = np.where(step > 0, self.high - self.there, self.there - self.low)
            leaving = active & bent & (room < LEAST_PART * np.abs(step))
            again = leaving.any(axis=0)
            if not again.any():
                break
            active = active & ~leaving
            step = np.where(again, newton_step(parts, self.layout.shifted, active, again, part).step, step)
        return step

    @staticmethod
    def _lost_to_bounds(gradient: np.ndarray, step: np.ndarray, left: np.ndarray) -> np.ndarray:
        """Whether what bounds leave of a step keeps little of its decrease, and does not lead straight down."""
        slope = _dot(gradient, left)
        return (slope > LEAST_OF_A_CUT * _dot(gradient, step)) & (
            slope > -STRAIGHT * np.abs(gradient * left).sum(axis=0)
        )

    def _off_saddle(self, parts: Derivatives, active: np.ndarray) -> np.ndarray:
        """Steps by which the deviance falls by 1 along each parameter in which it bends down.

        A fit that begins where a symmetric interpolation has its ridge stays on it: nothing pulls it to either side.
        """
        count = len(parts.diagonal)
        steps = np.zeros_like(active, float)
        downwards = active[:count] & (parts.diagonal < 0)
        steps[:count] = np.where(downwards, 1 / np.sqrt(np.where(downwards, -parts.diagonal, 1.0)), 0.0)
        return steps

    def _crossed(self, accepted: np.ndarray) -> np.ndarray:
        """Fits that have left the side on which they were to look for a minimum."""
        if self.one_sided is None:
            return np.zeros_like(accepted)
        return accepted & ((self.here[self.watched, np.arange(len(accepted))] - self.border) * self.side < 0)

    def _push_walls(self, done: np.ndarray) -> np.ndarray:
        """Let the walls push back where a fit that is done leans through them; such a fit goes on."""
        leaning = np.zeros_like(done)
        which = np.flatnonzero(done & (self.data[: len(self.forces)] == 0).any(axis=0))
        if not len(which):
            return leaning
        empty = self.data[: len(self.forces), which] == 0
        pairs = which if len(which) > 1 else np.repeat(which, 2)
        nu = self.likelihood.expected_in_places(self.there[:, pairs])[:, : len(which)]
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
        if accepted.all():
            self.here, self.value, self.length = self.there, value, np.ones_like(self.length)
            return accepted
        curvature = value - self.value - self.length * self.slope
        shorter = -self.slope * self.length / (2 * curvature)
        factor = np.where(np.isfinite(value) & np.isfinite(shorter), np.clip(shorter, 0.1, 0.5), 0.25)
        self.length = np.where(accepted, 1.0, self.length * np.where(first, 1.0, factor))
        # A start at which the data are impossible is moved towards the nominal values.
        lost = first & ~accepted
        self.length[lost] *= 0.5
        moved = np.where(self.held, self.there, 0.5 * (self.there + self.nominal))
        self.here = np.where(accepted, self.there, np.where(lost, moved, self.here))
        self.value = np.where(accepted, value, self.value)
        return accepted

    def _active(self, parts: Derivatives) -> tuple[np.ndarray, np.ndarray]:
        """Which parameters may move, shape (P, B): not those held, nor those that press on a bound.

        A kink at alpha = 0 is a bound of both of its sides; a fit turns to the other side where that leads down.
        """
        gradient, at = parts.gradient, self.there
        active = ~self.held
        for on_bound, outwards in ((at <= self.low, 1), (at >= self.high, -1)):
            if on_bound.any():
                active &= ~(on_bound & (gradient * outwards > 0))
        k = self.layout.kinked
        turned = np.zeros(at.shape[1], bool)
        if len(k):
            other, sign = parts.other_side[k], np.copysign(1.0, at[k])
            resting = (at[k] == 0) & (gradient[k] * sign >= 0) & active[k]
            turn = resting & (other * sign > 0)
            self.there[k] = np.where(turn, -at[k], at[k])
            self.here[k] = np.where(turn & (self.here[k] == 0), -self.here[k], self.here[k])
            active[k] &= ~resting
            turned = turn.any(axis=0)
        return active, turned

    def _advance(self, step: np.ndarray, gradient: np.ndarray, accepted: np.ndarray) -> None:
        known = np.isfinite(self.value)
        if accepted.all() and known.all():
            self.step = step
            target = self.here + step
        else:
            self.step = np.where(accepted & known, step, np.where(known, self.step, 0.0))
            target = self.here + self.length * self.step
        k, low, high = self.layout.kinked, self.low, self.high
        if len(k):
            low, high = np.broadcast_to(low, target.shape).copy(), np.broadcast_to(high, target.shape).copy()
            negative = np.signbit(self.here[k])
            low[k], high[k] = np.where(negative, low[k], 0.0), np.where(negative, -0.0, high[k])
        self.there = np.where(self.held, self.here, np.clip(target, low, high))
        slope = _dot(gradient, self.there - self.here)
        cut = accepted & self._lost_to_bounds(gradient, step, self.there - self.here)
        if cut.any():
            self._cut(_several(cut), gradient, low, high)
            slope = np.where(cut, _dot(gradient, self.there - self.here), slope)
        if len(k):  # clip does not know the sign of a zero
            self.there[k] = np.where(self.there[k] == 0, np.copysign(0.0, self.here[k]), self.there[k])
        self.slope = np.where(accepted, slope, self.slope)

    def _cut(self, which: np.ndarray, gradient: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        """Steps that lose most of their decrease where bounds bend them end at the first bound instead.

        Where that leads nowhere, all parameters that are free to move go straight down.
        """
        low, high = (np.broadcast_to(bound, self.here.shape)[:, which] for bound in (low, high))
        here, step, slope = self.here[:, which], self.step[:, which], gradient[:, which]
        room = np.where(step > 0, high - here, low - here)
        part = np.where(step == 0, 1.0, room / np.where(step == 0, 1.0, step)).min(axis=0)
        step = step * np.minimum(part, 1.0)
        nowhere = ~(part > LEAST_PART)
        down = np.where(self.held[:, which], 0.0, -slope)
        step = np.where(nowhere, down * 0.01 / (0.01 + np.sqrt(_dot(down, down))), step)
        self.step = self.step.copy()
        self.step[:, which] = step
        self.there[:, which] = np.clip(here + step, low, high)

    def _store(self, which: np.ndarray, gain: np.ndarray | float, edm: np.ndarray | float, converged: bool) -> None:
        """Keep the results of fits that end; the last step needs no look at where it leads, `gain` lower."""
        index = self.index[which]
        self.result.parameters[:, index] = self.likelihood.parameters(self.there[:, which])
        self.result.deviance[index] = 2 * self.value[which] - gain
        self.result.edm[index] = edm
        self.result.converged[index] = converged
        self.result.iterations[index] = self.age[which]

    def _keep(self, kept: np.ndarray) -> None:
        which = _several(kept)
        for name in self.STATE:
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[..., which]))


def _dot(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return (left * right).sum(axis=0)


def _several(mask: np.ndarray) -> np.ndarray:
    """Numbers of the fits in a mask; a single one is given twice, see likelihood.py."""
    which = np.flatnonzero(mask)
    return np.repeat(which, 2) if len(which) == 1 else which
