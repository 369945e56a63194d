"""The engine of muscan: batches of Newton fits with a search for lower minima, and Minuit for fits that fail."""

from collections.abc import Sequence
from functools import cached_property
from typing import Self

import numpy as np

from muscan.histfactory.model import Model
from muscan.inference.base_engine import BaseEngine
from muscan.inference.fits import Fits, empty_fits
from muscan.inference.linear_response import LinearResponse
from muscan.inference.local_minima import local_minima
from muscan.inference.proposals import defaults
from muscan.inference.proposals.proposal import Border, FurtherStarts, Proposal, Scope
from muscan.inference.proposals.ridges import may_have_ridges
from muscan.inference.search import fit_and_keep, search, stages


class Newton(BaseEngine):
    """Newton steps with exact derivatives, for all data sets together.

    Fits with a common starting point begin at its linear response to their data, see `LinearResponse`.

    Args:
        model: to be fitted.
        proposals: classes of the proposals that search for further minima.
    """

    name = "newton"
    rescues = True  # whether Minuit repeats fits that do not converge

    def __init__(self, model: Model, proposals: Sequence[type[Proposal]] = defaults.NEWTON):
        super().__init__(model, proposals)
        self._of_every_fit = stages(self._proposals, Scope.EVERY_FIT)

    def with_model(self, model: Model) -> Self:
        return type(self)(model, self._classes_of_proposals)

    def _fit_within_bounds(self, data: np.ndarray, starts: list[np.ndarray], mu: np.ndarray) -> Fits:
        best = empty_fits(len(self.model.names), data.shape[1])

        def fit(further: FurtherStarts) -> Fits:
            (start,) = further.starts
            return self._run(data, start, mu, further.fit, further.border)

        which = np.arange(data.shape[1])
        # Without interpolation there is one minimum: another start is only used where the ones before have failed.
        for together in [starts] if may_have_ridges(self.model) else [[start] for start in starts]:
            if len(which):
                begin = [self._begin(start, data, mu, which) for start in together]
                fit_and_keep(best, FurtherStarts(np.tile(which, len(begin)), [np.hstack(begin)]), fit)
            which = np.flatnonzero(~np.isfinite(best.deviance))
        search(best, data, self._of_every_fit, fit)
        for index in np.flatnonzero(~np.isfinite(best.deviance)) if self.rescues else ():
            begin = (starts[0] if starts[0].ndim == 1 else starts[0][:, index]).copy()
            held = not np.isnan(mu[index])
            begin[self.model.poi] = mu[index] if held else begin[self.model.poi]
            self._rescue(data, begin, self._held(held), index, best)
        return best

    def _fit_held_within_bounds(self, data: np.ndarray, starts: np.ndarray, held: np.ndarray) -> Fits:
        best = empty_fits(*starts.shape)

        def fit(further: FurtherStarts) -> Fits:
            (start,), which = further.starts, further.fit
            start = np.where(held[:, which], starts[:, which], start)
            return self._minima(data[:, which], start, held[:, which], further.border)

        fit_and_keep(best, FurtherStarts(np.arange(data.shape[1]), [starts]), fit)
        search(best, data, self._of_every_fit, fit)
        for index in np.flatnonzero(~np.isfinite(best.deviance)) if self.rescues else ():
            self._rescue(data, starts[:, index], held[:, index], index, best)
        return best

    @cached_property
    def _by_poi(self) -> np.ndarray:
        """The change of the best fit per unit of a held POI, near the initial values, shape (npar,)."""
        model = self.model
        held = self._held(True)
        changes = np.zeros((len(held), 1))
        changes[model.poi] = 1.0
        response = LinearResponse(self.likelihood, model.initial, held)
        return response(response.expected[:, None], changes)[:, 0] - model.initial

    def _held(self, poi: bool) -> np.ndarray:
        """Which parameters are held: the fixed ones, and the POI if `poi` is true; shape (npar,)."""
        held = self.model.fixed.copy()
        held[self.model.poi] |= poi
        return held

    def _begin(self, start: np.ndarray, data: np.ndarray, mu: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Starting points of the fits of some data sets, shape (npar, len(which))."""
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

    def _run(
        self, data: np.ndarray, start: np.ndarray, mu: np.ndarray, which: np.ndarray, border: Border | None
    ) -> Fits:
        """Newton fits of the data sets `which` from these starting points, of shape (npar, len(which))."""
        model, held = self.model, ~np.isnan(mu[which])
        start[model.poi] = np.where(held, mu[which], start[model.poi])
        if held.any() and not held.all():
            mask = np.repeat(model.fixed[:, None], len(which), axis=1)
            mask[model.poi] |= held
        else:
            mask = self._held(held.any())
        return self._minima(data[:, which], start, mask, border)

    def _minima(self, data: np.ndarray, start: np.ndarray, held: np.ndarray, border: Border | None) -> Fits:
        """Local minima near these starting points; the arguments are those of `local_minima`."""
        found = local_minima(self.likelihood, np.ascontiguousarray(data), start, held, border)
        value = np.where(found.converged, found.deviance, np.nan)
        return Fits(found.parameters, value, found.edm, np.zeros(len(value), bool))

    def _rescue(self, data: np.ndarray, start: np.ndarray, held: np.ndarray, index: int, best: Fits) -> None:
        """Fit one data set with Minuit, and store the result in `best`.

        Args:
            data: of all fits, shape (nmain + naux, B).
            start: starting point, shape (npar,).
            held: which parameters keep their starting values, shape (npar,).
            index: number of the fit.
            best: B fits; changed in place.
        """
        from muscan.inference import minuit  # rarely needed

        found = minuit.fit(self.likelihood, data[:, index], start, held)
        if found is not None:
            best.parameters[:, index], best.deviance[index], best.edm[index] = found
            best.rescued[index] = True


class NewtonAlone(Newton):
    """Newton steps without Minuit: fits that do not converge fail."""

    rescues = False
