"""The common part of all engines: what is done around the fits within the bounds of a model."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model
from muscan.inference import search
from muscan.inference.default_bounds import fits_at_default_bounds, growing_signal_factors
from muscan.inference.engine import Engine
from muscan.inference.fits import Fits, empty_fits, keep_lower
from muscan.inference.proposals.proposal import Proposal


class BaseEngine(Engine):
    """An engine that repeats fits without default bounds, and searches for lower minima of free fits.

    A subclass makes the fits within the bounds.

    Args:
        model: to be fitted.
        proposals: classes of the proposals that search for further minima.
    """

    def __init__(self, model: Model, proposals: Sequence[type[Proposal]]):
        self.model = model
        self.likelihood = Likelihood(model)
        self._classes_of_proposals = proposals
        self._proposals = [proposal(self.likelihood) for proposal in proposals]

    @abstractmethod
    def _fit_within_bounds(self, data: np.ndarray, starts: list[np.ndarray], mu: np.ndarray) -> Fits:
        """Find the lowest minimum of each data set within all bounds; the arguments are those of `fit`."""

    @abstractmethod
    def _fit_held_within_bounds(self, data: np.ndarray, starts: np.ndarray, held: np.ndarray) -> Fits:
        """Find the lowest minimum of each data set within all bounds; the arguments are those of `fit_held`.

        Fixed parameters are among the held ones.
        """

    def fit(self, data: np.ndarray, starts: list[np.ndarray], mu: np.ndarray | None = None) -> Fits:
        mu = np.full(data.shape[1], np.nan) if mu is None else mu
        no_signal = mu == 0
        if no_signal.any() and self._growing_signal_factors.any():
            best = empty_fits(len(self.model.names), len(mu))
            parts = (self._without_signal, np.flatnonzero(no_signal)), (self, np.flatnonzero(~no_signal))
            for engine, which in parts:
                if len(which):
                    keep_lower(best, engine.fit(data[:, which], _starts_of(starts, which), mu[which]), which)
            return best
        best = self._fit_within_bounds(data, starts, mu)
        which = fits_at_default_bounds(self.model, best)
        if len(which):
            starts, ends = _starts_of(starts, which), best.parameters[:, which]
            starts.append(np.where(np.isfinite(ends), ends, starts[0].reshape(len(ends), -1)))
            keep_lower(best, self._without_defaults.fit(data[:, which], starts, mu[which]), which)
        return best

    def fit_held(self, data: np.ndarray, starts: np.ndarray, held: np.ndarray) -> Fits:
        model = self.model
        no_signal = held[model.poi] & (starts[model.poi] == 0)
        held = held | model.fixed[:, None] | (self._growing_signal_factors[:, None] & no_signal)
        starts = np.where(model.fixed[:, None], model.initial[:, None], starts)
        best = self._fit_held_within_bounds(data, starts, held)
        which = fits_at_default_bounds(model, best)
        if len(which):
            ends = np.where(np.isfinite(best.parameters[:, which]), best.parameters[:, which], starts[:, which])
            keep_lower(best, self._without_defaults.fit_held(data[:, which], ends, held[:, which]), which)
        return best

    def starts(self) -> list[np.ndarray]:
        return search.first_starts(self._proposals, self.likelihood)

    def fit_both(self, data: np.ndarray, start: np.ndarray, mu: float) -> tuple[Fits, Fits, np.ndarray]:
        free = self.fit(data, [start])
        begin = np.where(np.isfinite(free.parameters), free.parameters, start[:, None])
        held = self.fit(data, [begin], np.full(data.shape[1], mu))
        return free, held, self.repeat_above(data, free, held)

    def repeat_above(self, data: np.ndarray, free: Fits, held: Fits) -> np.ndarray:
        return search.repeat_above(self, self._proposals, data, free, held)

    def look_along_poi(self, data: np.ndarray, free: Fits) -> None:
        search.look_along_poi(self, self._proposals, data, free)

    @cached_property
    def _growing_signal_factors(self) -> np.ndarray:
        return growing_signal_factors(self.likelihood)

    @cached_property
    def _without_signal(self) -> Engine:
        """The engine for mu = 0, where factors of the signal alone have no effect and are fixed."""
        return self.with_model(replace(self.model, fixed=self.model.fixed | self._growing_signal_factors))

    @cached_property
    def _without_defaults(self) -> Engine:
        """The engine without default upper bounds of free factors."""
        return self.with_model(self.model.without_default_bounds())


def _starts_of(starts: list[np.ndarray], which: np.ndarray) -> list[np.ndarray]:
    """The starting points of some data sets."""
    return [start if start.ndim == 1 else start[:, which] for start in starts]
