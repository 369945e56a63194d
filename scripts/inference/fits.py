"""Fits of one model: batched Newton from several starting points, the other side of every valley, Minuit as rescue."""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from inference.errors import FitError
from inference.likelihood import Likelihood
from inference.linear_response import LinearResponse
from inference.minimize import minimize
from inference.model import Model

# Two deviances closer than this are the same.
SAME = 1e-8
# Where the interpolation of a parameter bends the deviance down by this, in units of its constraint, the other sign of
# the parameter is tried.
TWO_VALLEYS = 1.0
# How far into the other valley a fit starts, at least.
OTHER_VALLEY = 0.7
MOST_ROUNDS = 4
# A parameter this close to a bound, in units of the bound's distance, is reported to be at it.
AT_BOUND = 1e-6


class Fit(NamedTuple):
    """A minimum of the deviance."""

    parameters: np.ndarray  # shape (npar,)
    deviance: float
    edm: float  # estimated distance to the minimum, in units of the deviance
    fitter: str  # "newton" or "minuit", whoever found it


class Fits(NamedTuple):
    """Minima of B data sets; nan where nothing was found."""

    parameters: np.ndarray  # shape (npar, B)
    deviance: np.ndarray  # shape (B,)
    edm: np.ndarray  # shape (B,)
    rescued: np.ndarray  # found by Minuit, shape (B,)

    def one(self, index: int) -> Fit:
        """A single fit.

        Raises:
            FitError: if it has found no minimum.
        """
        if not np.isfinite(self.deviance[index]):
            raise FitError("the fit did not converge, with Newton steps nor with Minuit")
        fitter = "minuit" if self.rescued[index] else "newton"
        return Fit(self.parameters[:, index], float(self.deviance[index]), float(self.edm[index]), fitter)


class Newton:
    """The engine of muscan."""

    name = "newton"

    def __init__(self, model: Model):
        self.model = model
        self.likelihood = Likelihood(model)
        self._interpolates = len(model.normsys.parameter) + len(model.histosys.parameter) > 0

    def fit(self, data: np.ndarray, starts: list[np.ndarray], mu: np.ndarray | None = None) -> Fits:
        """The lowest minimum of each data set.

        Args:
            data: main and auxiliary data, shape (nmain + naux, B).
            starts: starting points, each of shape (npar, B) or (npar,).
            mu: where the POI is held, if it is, shape (B,).
        """
        number = data.shape[1]
        best = Fits(
            np.full((len(self.model.names), number), np.nan), *np.full((2, number), np.nan), np.zeros(number, bool)
        )
        which = np.arange(number)
        for start in starts:
            if len(which):
                _better(best, self._once(data, start.reshape(len(start), -1), mu, which), which)
            if not self._interpolates:  # one minimum: the other starts are for what is not found yet
                which = np.flatnonzero(~np.isfinite(best.deviance))
        self._other_valleys(data, mu, best)
        lost = np.flatnonzero(~np.isfinite(best.deviance))
        for index in lost:
            self._rescue(data, starts, mu, index, best)
        return best

    @cached_property
    def _by_poi(self) -> np.ndarray:
        """How the nuisance parameters follow the POI near the initial values, shape (npar,)."""
        model = self.model
        held = model.fixed.copy()
        held[model.poi] = True
        changes = np.zeros((len(held), 1))
        changes[model.poi] = 1.0
        response = LinearResponse(self.likelihood, model.initial, held)
        return response(response.expected[:, None], changes)[:, 0] - model.initial

    def _once(self, data, start, mu, which, one_sided=None) -> Fits:
        """Fits that begin at `start`, or near it if all have it in common and nothing says on which side to stay."""
        model, data = self.model, np.ascontiguousarray(data[:, which])
        held = model.fixed.copy()
        start = np.where(held[:, None], model.initial[:, None], start)
        if mu is not None:
            held[model.poi] = True
        if start.shape[1] == 1 and one_sided is None:
            changes = np.zeros((len(start), len(which)))
            if mu is not None:
                changes[model.poi] = mu[which] - start[model.poi]
            start = LinearResponse(self.likelihood, start[:, 0], held)(data, changes)
        else:
            start = start[:, which]
            if mu is not None and one_sided is None:
                start = start + self._by_poi[:, None] * (mu[which] - start[model.poi])
        if mu is not None:
            start[model.poi] = mu[which]
        found = minimize(self.likelihood, data, start, held, one_sided)
        value = np.where(found.converged, found.deviance, np.nan)
        return Fits(found.parameters, value, found.edm, np.zeros(len(which), bool))

    def _other_valleys(self, data, mu, best: Fits) -> None:
        """Try the other side of each parameter that makes two valleys, until nothing better is found."""
        which = np.flatnonzero(np.isfinite(best.deviance) & self._interpolates)
        for _ in range(MOST_ROUNDS):
            pairs = which if len(which) != 1 else np.repeat(which, 2)
            if not len(pairs):
                return
            bends = self.likelihood.bends(best.parameters[:, pairs], data[:, pairs])[:, : len(which)]
            parameter, column = np.nonzero((bends < -TWO_VALLEYS) & ~self.model.fixed[:, None])
            tries = which[column]
            if not len(tries):
                return
            before = best.deviance.copy()
            start = best.parameters[:, tries]
            here = (parameter, np.arange(len(tries)))
            start[here] = -np.copysign(np.maximum(np.abs(start[here]), OTHER_VALLEY), start[here])
            held_at = None if mu is None else mu[tries]
            tried = self._once(data[:, tries], start, held_at, np.arange(len(tries)), one_sided=parameter)
            for number in np.unique(parameter):
                part = parameter == number
                _better(best, Fits(*(array[..., part] for array in tried)), tries[part])
            which = np.flatnonzero(best.deviance < before - 1e-6)

    def _rescue(self, data, starts, mu, index, best: Fits) -> None:
        from inference import minuit  # rarely needed

        begin = starts[0].reshape(len(starts[0]), -1)
        begin = begin[:, index if begin.shape[1] > 1 else 0]
        found = minuit.fit(self.likelihood, data[:, index], begin, None if mu is None else mu[index])
        if found is not None:
            best.parameters[:, index], best.deviance[index], best.edm[index] = found
            best.rescued[index] = True


def _better(best: Fits, other: Fits, which: np.ndarray) -> None:
    """Put in the fits of `other` that end lower; they belong to the data sets `which`."""
    with np.errstate(invalid="ignore"):
        wins = ~(best.deviance[which] <= other.deviance + SAME) & np.isfinite(other.deviance)
    best.parameters[:, which[wins]] = other.parameters[:, wins]
    for name in ("deviance", "edm", "rescued"):
        getattr(best, name)[which[wins]] = getattr(other, name)[wins]


def at_bound(model: Model, parameters: np.ndarray) -> np.ndarray:
    """Which free parameters sit at one of their bounds, shape (npar,)."""
    low, high = model.bounds.T
    margin = AT_BOUND * (high - low)
    return ~model.fixed & ((parameters <= low + margin) | (parameters >= high - margin))
