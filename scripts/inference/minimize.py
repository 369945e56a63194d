"""Profile-likelihood fits with Minuit."""

from typing import NamedTuple

import numpy as np
from iminuit import Minuit

from inference.errors import FitError
from inference.likelihood import deviance
from inference.model import Model

# Minuit stops at an estimated distance to the minimum (EDM) of 0.002 * tolerance, in units of -2 log L.
TOLERANCE = 1e-5
# A fit that Minuit does not call valid is still used if its EDM is below this: it then moves no CLs by 1e-4.
ACCEPTED_EDM = 1e-4
# A parameter this close to a bound, in units of the bound's distance, is reported to be at it.
AT_BOUND = 1e-6
# Two deviances closer than this are the same.
SAME = 1e-8
# Fits start at least this far off the bounds, in units of their distance: on one, Minuit's transformed gradient is 0.
OFF_BOUND = 1e-4


class Fit(NamedTuple):
    """A minimum of the deviance."""

    parameters: np.ndarray  # shape (npar,)
    deviance: float
    edm: float  # estimated distance to the minimum, in units of the deviance
    valid: bool  # whether Minuit calls it a minimum


class Uncertainties(NamedTuple):
    """What the curvature and the profile of the deviance say at a minimum; nan where they say nothing."""

    errors: np.ndarray  # HESSE, as Minuit reports them for parameters with bounds, shape (npar,); zero where fixed
    covariance: np.ndarray  # from the curvature at the minimum, shape (npar, npar); zero rows where fixed
    minos: tuple[float | None, float | None]  # offsets of the POI, (negative, positive); None where a bound is met


def fit(model: Model, data: np.ndarray, starts: list[np.ndarray], mu: float | None = None) -> Fit:
    """Find the smallest deviance from several starting points, and from the mirror image of the best result.

    Interpolations with a kink at the nominal template (histosys code0, and code4p nearly so) make two valleys, one for
    each sign of a nuisance parameter; a single start finds either.

    Args:
        model: the model; its bounds and fixed flags are obeyed.
        data: main and auxiliary data, shape (nmain + naux,).
        starts: starting points, each of shape (npar,).
        mu: the value at which the POI is held, if it is.

    Raises:
        FitError: if no start leads to a minimum.
    """
    found = [_fit_from(model, data, start, mu) for start in starts]
    found.append(_fit_from(model, data, _mirror(model, min(found, key=_rank).parameters), mu))
    best = min(found, key=_rank)
    if not _usable(best):
        where = "with a free POI" if mu is None else f"at {model.poi_name} = {mu:g}"
        raise FitError(f"the fit {where} did not converge: EDM {best.edm:.2g}, deviance {best.deviance:.6g}")
    return best


def uncertainties(model: Model, data: np.ndarray, best: Fit) -> Uncertainties:
    """HESSE covariance and MINOS interval of the POI at the free best fit.

    If the likelihood is flat in the POI (a signal without events) its row is nan, and the others are those with the
    POI held; if it is flat in another direction, all is nan.
    """
    minuit = _minuit(model, data, best.parameters, None)
    _converge(minuit)
    errors, covariance = _hesse(minuit)
    if np.isfinite(covariance).all():
        return Uncertainties(errors, covariance, _minos(minuit, model.poi))
    errors, covariance = _hesse(_minuit(model, data, best.parameters, best.parameters[model.poi]))
    errors[model.poi] = covariance[model.poi] = covariance[:, model.poi] = np.nan
    return Uncertainties(errors, covariance, (None, None))


def _hesse(minuit: Minuit) -> tuple[np.ndarray, np.ndarray]:
    """Errors and covariance: zero for fixed parameters, nan if Minuit finds none."""
    fixed = np.array(minuit.fixed)
    if fixed.all():
        return np.zeros(len(fixed)), np.zeros((len(fixed), len(fixed)))
    minuit.hesse()
    if minuit.covariance is None:
        return np.full(len(fixed), np.nan), np.full((len(fixed), len(fixed)), np.nan)
    free = ~fixed
    return np.where(free, minuit.errors, 0.0), np.where(np.outer(free, free), minuit.covariance, 0.0)


def at_bound(model: Model, parameters: np.ndarray) -> np.ndarray:
    """Which free parameters sit at one of their bounds, shape (npar,)."""
    low, high = model.bounds.T
    margin = AT_BOUND * (high - low)
    return ~model.fixed & ((parameters <= low + margin) | (parameters >= high - margin))


def _minuit(model: Model, data: np.ndarray, start: np.ndarray, mu: float | None) -> Minuit:
    low, high = model.bounds.T
    margin = OFF_BOUND * (high - low)
    start = np.clip(start, low + margin, high - margin)
    start[model.fixed] = model.initial[model.fixed]
    minuit = Minuit(lambda parameters: deviance(model, parameters, data), start)
    minuit.errordef = Minuit.LEAST_SQUARES  # the deviance rises by 1 at one standard deviation
    minuit.tol = TOLERANCE
    minuit.print_level = 0
    minuit.limits = [tuple(bounds) for bounds in model.bounds]
    minuit.errors = np.where(np.isnan(model.constrained_widths()), 0.1, model.constrained_widths())
    minuit.fixed = model.fixed
    if mu is not None:
        minuit.values[model.poi] = mu
        minuit.fixed[model.poi] = True
    return minuit


def _fit_from(model: Model, data: np.ndarray, start: np.ndarray, mu: float | None) -> Fit:
    minuit = _minuit(model, data, start, mu)
    _converge(minuit)
    parameters = np.array(minuit.values)
    value = deviance(model, parameters, data)
    on_bounds = _on_bounds(model, parameters, np.array(minuit.fixed))
    value_on_bounds = deviance(model, on_bounds, data)
    if value_on_bounds <= value + SAME:
        parameters, value = on_bounds, value_on_bounds
    if minuit.fmin is None:  # nothing to minimise: every parameter is fixed
        return Fit(parameters, value, 0.0, True)
    return Fit(parameters, value, float(minuit.fmin.edm), minuit.valid)


def _on_bounds(model: Model, parameters: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Minuit's transformed parameters come only close to a bound; the nearby point on it."""
    low, high = model.bounds.T
    margin = np.where(held, 0.0, AT_BOUND * (high - low))
    return np.where(parameters - low < margin, low, np.where(high - parameters < margin, high, parameters))


def _usable(fit: Fit) -> bool:
    return bool(np.isfinite(fit.deviance) and (fit.valid or fit.edm < ACCEPTED_EDM))


def _rank(fit: Fit) -> tuple[bool, float]:
    """Usable fits first, the lowest deviance first."""
    return not _usable(fit), fit.deviance if np.isfinite(fit.deviance) else np.inf


def _mirror(model: Model, parameters: np.ndarray) -> np.ndarray:
    """The same point with the sign of every parameter changed whose nominal value is zero."""
    return np.where((model.initial == 0) & ~model.fixed, -parameters, parameters)


def _converge(minuit: Minuit) -> None:
    """MIGRAD with increasing care."""
    if not minuit.npar - sum(minuit.fixed):
        return
    for strategy in (0, 1, 2):
        minuit.strategy = strategy
        minuit.migrad()
        if minuit.valid:
            return


def _minos(minuit: Minuit, poi: int) -> tuple[float | None, float | None]:
    try:
        minuit.minos(poi)
    except RuntimeError:  # the starting point is not a minimum
        return (None, None)
    errors = minuit.merrors[minuit.parameters[poi]]
    return (
        errors.lower if errors.lower_valid and not errors.at_lower_limit else None,
        errors.upper if errors.upper_valid and not errors.at_upper_limit else None,
    )
