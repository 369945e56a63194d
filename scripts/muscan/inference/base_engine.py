"""What engines have in common: what happens around the fits within the bounds of a model."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model
from muscan.inference import search
from muscan.inference.default_bounds import hindered, of_signal_alone
from muscan.inference.engine import Engine
from muscan.inference.fits import Fits, keep_lower, nothing
from muscan.inference.proposals.proposal import Proposal


class BaseEngine(Engine):
    """Goes on without bounds that nobody stated, and searches from whole fits.

    A subclass makes the fits within the bounds.

    Args:
        model: what is fitted.
        proposals: how further minima are looked for; each is made with the likelihood.
    """

    def __init__(self, model: Model, proposals: Sequence[type[Proposal]]):
        self.model = model
        self.likelihood = Likelihood(model)
        self._kinds_of_proposals = proposals
        self._proposals = [each(self.likelihood) for each in proposals]

    @abstractmethod
    def _fit_within_bounds(self, data: np.ndarray, starts: list[np.ndarray], mu: np.ndarray) -> Fits:
        """The lowest minimum of each data set within all bounds; arguments as those of `fit`."""

    def fit(self, data: np.ndarray, starts: list[np.ndarray], mu: np.ndarray | None = None) -> Fits:
        mu = np.full(data.shape[1], np.nan) if mu is None else mu
        off = mu == 0
        if off.any() and self._of_signal_alone.any():
            best = nothing(len(self.model.names), len(mu))
            for engine, which in ((self._without_signal, np.flatnonzero(off)), (self, np.flatnonzero(~off))):
                if len(which):
                    keep_lower(best, engine.fit(data[:, which], _of(starts, which), mu[which]), which)
            return best
        best = self._fit_within_bounds(data, starts, mu)
        which = hindered(self.model, best)
        if len(which):
            starts, ends = _of(starts, which), best.parameters[:, which]
            starts.append(np.where(np.isfinite(ends), ends, starts[0].reshape(len(ends), -1)))
            keep_lower(best, self._without_defaults.fit(data[:, which], starts, mu[which]), which)
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
    def _of_signal_alone(self) -> np.ndarray:
        return of_signal_alone(self.likelihood)

    @cached_property
    def _without_signal(self) -> Engine:
        """What fits with mu = 0, where factors of the signal alone do nothing."""
        return self.with_model(replace(self.model, fixed=self.model.fixed | self._of_signal_alone))

    @cached_property
    def _without_defaults(self) -> Engine:
        """What fits without the upper bounds that nobody stated."""
        return self.with_model(self.model.without_default_bounds())


def _of(starts: list[np.ndarray], which: np.ndarray) -> list[np.ndarray]:
    """The starting points of some data sets."""
    return [each if each.ndim == 1 else each[:, which] for each in starts]
