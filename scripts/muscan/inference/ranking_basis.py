"""The best fit around which nuisance parameters are ranked.

For the ranking mu may be negative, whatever the test statistic: at a bound, mu_hat would not move.
"""

from typing import NamedTuple

import numpy as np

from muscan.base.errors import FitError
from muscan.base.words import join_items
from muscan.histfactory.model import Model
from muscan.histfactory.parameters import LARGEST_MU
from muscan.inference.engine import Engine
from muscan.inference.fit_bounds import BOUND_MARGIN
from muscan.inference.fits import Fit, at_bound
from muscan.inference.hypotest import Prepared
from muscan.inference.measured import Measured, bins_at_edge, measured
from muscan.inference.profile import Profile
from muscan.inference.signal_point import bounded
from muscan.inference.uncertainties import curvature
from muscan.records.ranking import USABLE

# Largest estimated distance to the minimum, in -2 log L, at a best fit that is a minimum in all directions. The fits
# end below 1e-4; a best fit that an empty bin keeps at the edge of the possible region is far above.
STATIONARY = 1e-3
# Curvature of a flat direction, if that of each parameter is 1, and square of the component of mu in it. The covariance
# is given up at 1e-12; rounding adds up to 1e-14.
FLAT = 1e-10


class Basis(NamedTuple):
    """The best fit from which impacts are counted."""

    profile: Profile
    errors: np.ndarray  # as HESSE of Minuit reports them, nan at bounds and without impacts, shape (npar,)
    covariance: np.ndarray  # shape (npar, npar)
    status: str  # of the ranking, see `records.ranking.Ranking`
    reason: str | None

    @property
    def sigma(self) -> float:
        """Uncertainty of mu from the covariance."""
        return float(self.profile.sigma[self.profile.engine.model.poi])

    @property
    def usable(self) -> bool:
        """Whether there are impacts."""
        return self.status in USABLE

    @property
    def ranked(self) -> np.ndarray:
        """Indices of the nuisance parameters that are not fixed."""
        model = self.profile.engine.model
        return np.flatnonzero(~model.fixed & (np.arange(len(model.names)) != model.poi))


def basis(engine: Engine, prepared: Prepared, blinded: bool) -> Basis:
    """Find the best fit with mu of both signs, and the covariance there.

    Args:
        engine: makes the fits; only the bounds of its POI are changed.
        prepared: the fits of this engine that do not depend on mu.
        blinded: whether the analysis is blind, see `inference.measured`.

    Raises:
        FitError: if the fit does not converge.
    """
    found = _best_fit(engine, prepared, blinded)
    engine, data, best = found
    model = engine.model
    errors, covariance = curvature(engine.likelihood, data, best)
    bounded_ones = at_bound(model, best.parameters)
    status, reason = _status(found, bounded_ones, covariance)
    errors = np.where(bounded_ones | (status not in USABLE), np.nan, errors)
    return Basis(Profile(engine, data, best, covariance), errors, covariance, status, reason)


def _best_fit(engine: Engine, prepared: Prepared, blinded: bool) -> Measured:
    """The data, and the best fit within bounds of the POI that it does not meet."""
    bound = engine.model.bounds[engine.model.poi, 1]
    while True:
        engine = engine.with_model(bounded(engine.model, "q", bound))
        found = measured(engine, prepared, blinded)
        if blinded:
            return found
        data = found.data[:, None]
        fits = engine.fit(data, [found.best.parameters, *engine.starts()])
        if not np.isfinite(fits.deviance[0]):
            raise FitError("the fit with mu of both signs did not converge, neither with Newton steps nor with Minuit")
        engine.look_along_poi(data, fits)
        found = found._replace(best=fits.one(0))
        if bound > LARGEST_MU or not _near_bound(found.best, engine.model):
            return found
        bound *= 2


def _near_bound(best: Fit, model: Model) -> bool:
    low, high = model.bounds[model.poi]
    mu, margin = best.parameters[model.poi], BOUND_MARGIN * (high - low)
    return bool(mu <= low + margin or mu >= high - margin)


def _status(found: Measured, bounded_ones: np.ndarray, covariance: np.ndarray) -> tuple[str, str | None]:
    """The status of a ranking around this best fit, and its reason."""
    engine, data, best = found
    model = engine.model
    mu = best.parameters[model.poi]
    if _near_bound(best, model):
        return "at_bound", f"mu_hat = {mu:.4g} is at a bound of mu"
    free = ~model.fixed & ~bounded_ones & np.isfinite(np.diag(covariance))
    gradient = engine.likelihood.gradient_of(best.parameters, data)[free]
    edge = bins_at_edge(found)
    if edge and not gradient @ covariance[np.ix_(free, free)] @ gradient / 4 < STATIONARY:  # also where it is nan
        return "at_edge", (
            f"the best fit, mu_hat = {mu:.4g}, is at the edge of the possible region: nothing is observed and nothing "
            f"is expected in {join_items(edge, 3)}"
        )
    if np.isnan(covariance[model.poi, model.poi]):
        if _moves_along_flat_direction(found, ~model.fixed & ~bounded_ones):
            return "undetermined", "the likelihood is flat in mu: the signal has no effect, or others compensate for it"
        return "no_covariance", "the likelihood is flat in a direction of other parameters: there is no covariance"
    return "ok", None


def _moves_along_flat_direction(found: Measured, free: np.ndarray) -> bool:
    """Whether mu changes along a direction of the free parameters in which the curvature of the deviance vanishes."""
    engine, data, best = found
    poi = engine.model.poi
    hessian = engine.likelihood.hessian(best.parameters, data)[np.ix_(free, free)]
    size = np.sqrt(abs(np.diag(hessian)))
    scale = 1 / np.where(size > 0, size, 1.0)  # so that parameters of very different curvature are treated alike
    curvatures, directions = np.linalg.eigh(hessian * np.outer(scale, scale))
    flat = directions[np.flatnonzero(np.flatnonzero(free) == poi)][:, curvatures < FLAT]
    return not free[poi] or bool((flat**2).sum() > FLAT)
