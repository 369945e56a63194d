"""Fits of one model: batched Newton from several starting points, the other side of every valley, Minuit as rescue."""

from dataclasses import replace
from functools import cached_property

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model
from muscan.inference.exchanges import Exchanges
from muscan.inference.fits import Fits, nothing
from muscan.inference.linear_response import LinearResponse
from muscan.inference.local_minima import local_minima
from muscan.inference.valleys import Crossings, Valleys

# Two deviances closer than this are the same.
SAME = 1e-8
MOST_ROUNDS = 4
# A fit this close to an upper bound, in units of the bounds' distance, has met it: Minuit stops a little before.
NEAR_DEFAULT = 1e-3
# A factor whose derivatives fall by more than this when the POI becomes zero does nothing there; see ALMOST_ZERO.
LEAST_EFFECT = 1e-20
# Where else a free fit may end, in expected uncertainties of the POI from where it ended at first.
FAR_MU = np.array([-30.0, -8.0, -3.0, -1.0, 1.0, 3.0, 8.0, 30.0, 120.0])


class Newton:
    """The engine of muscan."""

    name = "newton"
    rescues = True  # Minuit finishes what Newton steps do not
    scattered = 3  # further starts of the fits on which all tests of a signal depend

    def __init__(self, model: Model):
        self.model = model
        self.likelihood = Likelihood(model)
        self.valleys = Valleys(self.likelihood)
        self.exchanges = Exchanges(self.likelihood)

    def fit(self, data: np.ndarray, starts: list[np.ndarray], mu: np.ndarray | None = None) -> Fits:
        """The lowest minimum of each data set.

        A fit that meets an upper bound which is only the default of a free factor is repeated without it: what the
        fit finds then depends neither on that bound nor on the scale in which the template is written.

        Args:
            data: main and auxiliary data, shape (nmain + naux, B).
            starts: starting points, each of shape (npar, B) or (npar,). Fits that have one in common begin at its
                linear response to their data.
            mu: where the POI is held, nan where it is free, shape (B,); free everywhere if missing.
        """
        mu = np.full(data.shape[1], np.nan) if mu is None else mu
        off = mu == 0
        if off.any() and self._of_signal_alone.any():
            best = nothing(len(self.model.names), len(mu))
            for engine, which in ((self._without_signal, np.flatnonzero(off)), (self, np.flatnonzero(~off))):
                if len(which):
                    _better(best, engine.fit(data[:, which], _of(starts, which), mu[which]), which)
            return best
        best = self._within_bounds(data, starts, mu)
        which = self._hindered(best)
        if len(which):
            starts, ends = _of(starts, which), best.parameters[:, which]
            starts.append(np.where(np.isfinite(ends), ends, starts[0].reshape(len(ends), -1)))
            _better(best, self._without_defaults.fit(data[:, which], starts, mu[which]), which)
        return best

    def _hindered(self, fits: Fits) -> np.ndarray:
        """Fits that end where only a default stops a free factor, or nowhere: it may have left no possible point."""
        grows = self.model.grows
        if not grows.any():
            return np.zeros(0, int)
        low, high = self.model.bounds[grows].T[..., None]
        inside = fits.parameters[grows] < high - NEAR_DEFAULT * (high - low)  # nothing is inside where a fit failed
        return np.flatnonzero(~inside.all(axis=0))

    @cached_property
    def _of_signal_alone(self) -> np.ndarray:
        """Growing factors of templates that the POI multiplies, and of no others, shape (npar,)."""
        model = self.model
        if not model.grows.any():
            return model.grows
        points = np.repeat(model.initial[:, None], 2, axis=1)
        points[model.poi] = 0, 1
        off, on = (np.abs(self.likelihood.jacobian(point)).max(axis=0) for point in points.T)
        return model.grows & (off < LEAST_EFFECT * on)

    @cached_property
    def _without_signal(self) -> "Newton":
        """What fits with mu = 0, where these factors do nothing.

        They would make up for a POI that is all but zero if they could grow without end.
        """
        model = self.model
        return self.with_model(replace(model, fixed=model.fixed | self._of_signal_alone))

    @cached_property
    def _without_defaults(self) -> "Newton":
        """What fits without the upper bounds that nobody stated."""
        return self.with_model(self.model.without_defaults())

    def with_model(self, model: Model) -> "Newton":
        """The engine of the same model with other bounds."""
        return type(self)(model)

    def _within_bounds(self, data: np.ndarray, starts: list[np.ndarray], mu: np.ndarray) -> Fits:
        best = nothing(len(self.model.names), data.shape[1])
        which = np.arange(data.shape[1])
        # Without interpolation there is one minimum: other starts are for what is not found yet.
        rounds = [starts] if self.valleys.several else [[start] for start in starts]
        for several in rounds:
            if len(which):
                begin = np.hstack([self._begin(start, data, mu, which) for start in several])
                found = self._run(data, begin, mu, np.tile(which, len(several)))
                for part in np.split(np.arange(begin.shape[1]), len(several)):
                    _better(best, found.some(part), which)
            which = np.flatnonzero(~np.isfinite(best.deviance))
        self._other_valleys(data, mu, best)
        for index in np.flatnonzero(~np.isfinite(best.deviance)) if self.rescues else ():
            self._rescue(data, starts, mu, index, best)
        return best

    def fit_both(self, data: np.ndarray, start: np.ndarray, mu: float) -> tuple[Fits, Fits, np.ndarray]:
        """Fits with the POI free and held at mu; a free fit that ends above the held one is repeated from there.

        Args:
            data: shape (nmain + naux, B).
            start: where all free fits begin, shape (npar,).
            mu: for the held fits, which begin at the free ones.

        Returns:
            the free fits, the held ones, and which of the free ones were repeated, shape (B,).
        """
        free = self.fit(data, [start])
        begin = np.where(np.isfinite(free.parameters), free.parameters, start[:, None])
        held = self.fit(data, [begin], np.full(data.shape[1], mu))
        return free, held, self.repeat_above(data, free, held)

    def repeat_above(self, data: np.ndarray, free: Fits, held: Fits) -> np.ndarray:
        """Repeat free fits that end above the held ones from where these ended; says which, shape (B,)."""
        above = held.deviance < free.deviance - SAME
        which = np.flatnonzero(above)
        if len(which):
            _better(free, self.fit(data[:, which], [held.parameters[:, which]]), which)
        # What is left is rounding: where a fit was held is a point of the free fit too.
        rounding = np.flatnonzero(held.deviance < free.deviance)
        _better(free, held.some(rounding), rounding, 0.0)
        return above

    def look_along_poi(self, data: np.ndarray, free: Fits) -> None:
        """Repeat a free fit, of one data set, that ends above fits with the POI held elsewhere.

        Only where a factor may empty a bin of the signal: what that costs hardly rises with mu.
        """
        if not self.exchanges.of_signal or not np.isfinite(free.deviance[0]):
            return
        model, begin = self.model, free.parameters[:, 0]
        error = np.sqrt(
            LinearResponse(self.likelihood, model.initial, self._held(False)).covariance[model.poi, model.poi]
        )
        values = np.unique(np.clip(begin[model.poi] + error * FAR_MU, *model.bounds[model.poi]))
        held = self.fit(np.repeat(data, len(values), axis=1), [begin, model.initial], values)
        if np.isfinite(held.deviance).any():
            self.repeat_above(data, free, held.some(np.array([np.nanargmin(held.deviance)])))

    def starts(self) -> list[np.ndarray]:
        """The initial values and, where the deviance may have several valleys, points around them, always the same."""
        model = self.model
        points = [model.initial]
        if self.valleys.several:
            widths = np.nan_to_num(model.constrained_widths())
            rng = np.random.default_rng(0)
            points += [model.initial + widths * rng.normal(size=len(widths)) for _ in range(self.scattered)]
        return points

    @cached_property
    def _by_poi(self) -> np.ndarray:
        """How the nuisance parameters follow the POI near the initial values, shape (npar,)."""
        model = self.model
        held = self._held(True)
        changes = np.zeros((len(held), 1))
        changes[model.poi] = 1.0
        response = LinearResponse(self.likelihood, model.initial, held)
        return response(response.expected[:, None], changes)[:, 0] - model.initial

    def _held(self, poi: bool) -> np.ndarray:
        held = self.model.fixed.copy()
        held[self.model.poi] |= poi
        return held

    def _begin(self, start: np.ndarray, data: np.ndarray, mu: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Where the fits of some data sets begin, shape (npar, len(which))."""
        model, mu = self.model, mu[which]
        in_common = start.ndim == 1
        start = np.where(model.fixed[:, None], model.initial[:, None], start.reshape(len(start), -1))
        held = ~np.isnan(mu)
        if in_common and len(np.unique(held)) == 1:
            changes = np.zeros((len(start), len(which)))
            if held[0]:
                changes[model.poi] = mu - start[model.poi]
            return LinearResponse(self.likelihood, start[:, 0], self._held(held[0]))(data[:, which], changes)
        start = np.repeat(start, len(which), axis=1) if in_common else start[:, which]
        return start + np.where(held, self._by_poi[:, None] * (mu - start[model.poi]), 0.0)

    def _run(self, data, start, mu, which, one_sided=None) -> Fits:
        """Newton fits of the data sets `which` from these starting points."""
        model, held = self.model, ~np.isnan(mu[which])
        start[model.poi] = np.where(held, mu[which], start[model.poi])
        if held.any() and not held.all():
            mask = np.repeat(model.fixed[:, None], len(which), axis=1)
            mask[model.poi] |= held
        else:
            mask = self._held(held.any())
        found = local_minima(self.likelihood, np.ascontiguousarray(data[:, which]), start, mask, one_sided)
        value = np.where(found.converged, found.deviance, np.nan)
        return Fits(found.parameters, value, found.edm, np.zeros(len(which), bool))

    def _other_valleys(self, data, mu, best: Fits) -> None:
        """Look for minima behind the ridges near those that were found, until nothing better is there."""
        several = self.valleys.several
        which = np.flatnonzero(np.isfinite(best.deviance) & (several | self.exchanges.possible))
        look = self.valleys.around
        for _ in range(MOST_ROUNDS):
            if not len(which):
                return
            before = best.deviance.copy()
            if several:
                self._cross(data, mu, best, which, look(best.parameters[:, which], data[:, which]))
            if self.exchanges.possible:
                self._exchange(data, mu, best, which)
            which = np.flatnonzero(best.deviance < before - 1e-6)
            look = self.valleys.over_ridges

    def _exchange(self, data, mu, best: Fits, which: np.ndarray) -> None:
        """Fits from where other factors have taken the scale of a template."""
        which = which[self.exchanges.strained(best.parameters[:, which], data[:, which])]
        if not len(which):
            return
        starts = [self.exchanges.starts(best.parameters[:, index], data[:, index]) for index in which]
        numbers = [each.shape[1] for each in starts]
        tried = self._run(data, np.hstack(starts), mu, np.repeat(which, numbers))
        rank = np.concatenate([np.arange(number) for number in numbers])
        for part in (np.flatnonzero(rank == each) for each in np.unique(rank)):
            _better(best, tried.some(part), np.repeat(which, numbers)[part])

    def _cross(self, data, mu, best: Fits, which: np.ndarray, crossings: Crossings) -> None:
        """Fits from behind ridges; those that come back over them are given up."""
        tries = which[crossings.fit]
        if not len(tries):
            return
        tried = self._run(data, crossings.start, mu, tries, one_sided=(crossings.parameter, crossings.border))
        for parameter, border in sorted(set(zip(crossings.parameter.tolist(), crossings.border.tolist(), strict=True))):
            part = np.flatnonzero((crossings.parameter == parameter) & (crossings.border == border))
            _better(best, tried.some(part), tries[part])

    def _rescue(self, data, starts, mu, index, best: Fits) -> None:
        from muscan.inference import minuit  # rarely needed

        begin = starts[0] if starts[0].ndim == 1 else starts[0][:, index]
        found = minuit.fit(self.likelihood, data[:, index], begin, None if np.isnan(mu[index]) else mu[index])
        if found is not None:
            best.parameters[:, index], best.deviance[index], best.edm[index] = found
            best.rescued[index] = True


class NewtonAlone(Newton):
    """Without Minuit: fits that do not converge fail."""

    rescues = False


def _of(starts: list[np.ndarray], which: np.ndarray) -> list[np.ndarray]:
    """The starting points of some data sets."""
    return [each if each.ndim == 1 else each[:, which] for each in starts]


def _better(best: Fits, other: Fits, which: np.ndarray, margin: float = SAME) -> None:
    """Put in the fits of `other` that end lower; they belong to the data sets `which`."""
    with np.errstate(invalid="ignore"):
        wins = ~(best.deviance[which] <= other.deviance + margin) & np.isfinite(other.deviance)
    best.parameters[:, which[wins]] = other.parameters[:, wins]
    for name in ("deviance", "edm", "rescued"):
        getattr(best, name)[which[wins]] = getattr(other, name)[wins]
