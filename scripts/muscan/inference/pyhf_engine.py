"""The reference engine: the model of pyhf, fitted by pyhf with Minuit."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

import numpy as np

from muscan.histfactory.model import Model
from muscan.inference.base_engine import BaseEngine
from muscan.inference.fits import Fits, empty_fits
from muscan.inference.proposals import defaults
from muscan.inference.proposals.proposal import Proposal

# Options of pyhf's Minuit optimizer. Minuit stops at an estimated distance to the minimum of 0.002 * TOLERANCE, in
# -2 log L; strategy 1 is its default.
TOLERANCE, STRATEGY = 1e-3, 1


class Pyhf(BaseEngine):
    """Fits by pyhf, one after the other; only the deviance at the minimum is calculated here.

    Args:
        model: to be fitted.
        workspace: from which `model` was compiled.
        proposals: classes of the proposals that search for further minima.
    """

    name = "pyhf"

    def __init__(self, model: Model, workspace: dict, proposals: Sequence[type[Proposal]] = defaults.PYHF):
        import pyhf  # slow to import, and only needed here

        super().__init__(model, proposals)
        self._workspace = workspace
        settings = {kind: {"interpcode": code} for kind, code in model.interpolation.items()}
        self._pyhfs_model = pyhf.Workspace(workspace).model(modifier_settings=settings)

    def with_model(self, model: Model) -> Self:
        return type(self)(model, self._workspace, self._classes_of_proposals)

    def _fit_within_bounds(self, data: np.ndarray, starts: list[np.ndarray], mu: np.ndarray) -> Fits:
        number = data.shape[1]
        best = empty_fits(len(self.model.names), number)
        with minuit_of_pyhf():
            for index in range(number):
                for start in starts:
                    begin = start.reshape(len(start), -1)
                    begin, held = begin[:, index % begin.shape[1]].copy(), self.model.fixed.copy()
                    if not np.isnan(mu[index]):
                        begin[self.model.poi], held[self.model.poi] = mu[index], True
                    found = self._one(data[:, index], begin, held)
                    if found is not None and not best.deviance[index] <= found[1]:
                        best.parameters[:, index], best.deviance[index] = found
        best.edm[np.isfinite(best.deviance)] = 0.0
        return best

    def _fit_held_within_bounds(self, data: np.ndarray, starts: np.ndarray, held: np.ndarray) -> Fits:
        best = empty_fits(*starts.shape)
        with minuit_of_pyhf():
            for index in range(data.shape[1]):
                found = self._one(data[:, index], starts[:, index], held[:, index])
                if found is not None:
                    best.parameters[:, index], best.deviance[index] = found
        best.edm[np.isfinite(best.deviance)] = 0.0
        return best

    def _one(self, data: np.ndarray, start: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, float] | None:
        """Parameters and deviance of a minimum, with some parameters held at `start`; None if pyhf finds none."""
        import pyhf

        low, high = self.model.bounds.T
        start, fixed = np.where(held, start, np.clip(start, low, high)), held | self.model.fixed
        start[self.model.fixed] = self.model.initial[self.model.fixed]
        parameters = start
        if not fixed.all():  # pyhf fails without free parameters
            # Minuit moves parameters into their bounds, also held ones, whose values may be beyond a bound.
            bounds = np.stack([np.minimum(low, start), np.maximum(high, start)], axis=1).tolist()
            try:
                parameters = pyhf.infer.mle.fit(
                    data.tolist(), self._pyhfs_model, start.tolist(), bounds, fixed.tolist()
                )
            except pyhf.exceptions.FailedMinimization:
                return None
        value = self.likelihood.deviance_of(np.asarray(parameters), data)
        return (np.asarray(parameters), value) if np.isfinite(value) else None


@contextmanager
def minuit_of_pyhf() -> Iterator[None]:
    """Make pyhf use NumPy and Minuit in a block; restore its backend and optimizer afterwards, also after errors."""
    import pyhf

    tensorlib, optimizer = pyhf.get_backend()
    pyhf.set_backend("numpy", pyhf.optimize.minuit_optimizer(tolerance=TOLERANCE, strategy=STRATEGY))
    try:
        yield
    finally:
        pyhf.set_backend(tensorlib, optimizer)
