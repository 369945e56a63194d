"""Uncertainties at a minimum of the deviance: its curvature, and the profile of the POI."""

from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri

from muscan.histfactory.likelihood import Likelihood
from muscan.inference.engine import Engine
from muscan.inference.fits import Fit, at_bound
from muscan.inference.profile import Profile

# Precision of the ends of the interval of the POI, in units of their distance from mu_hat.
PRECISION = 3e-4
# If a pivot is smaller than this, in units of the curvature of its parameter, the likelihood is flat.
FLATTEST = 1e-12


class Uncertainties(NamedTuple):
    """Uncertainties from the curvature and the profile of the deviance; nan where they are undetermined."""

    errors: np.ndarray  # as HESSE of Minuit reports them for parameters with bounds, shape (npar,); zero if fixed
    covariance: np.ndarray  # from the curvature at the minimum, shape (npar, npar); zero if fixed
    minos: tuple[
        float | None, float | None
    ]  # distances of the ends of the interval of the POI from mu_hat, (negative, positive); None at a bound


class Curvature(NamedTuple):
    """Uncertainties from the curvature of the deviance; the fields are those of `Uncertainties`."""

    errors: np.ndarray
    covariance: np.ndarray


def uncertainties(engine: Engine, data: np.ndarray, best: Fit) -> Uncertainties:
    """Calculate the covariance of all parameters and the interval of the POI at the best fit.

    The interval ends where the deviance, minimised over the other parameters, has risen by 1, as with MINOS.

    Args:
        engine: makes the fits with the POI held.
        data: main and auxiliary data, shape (nmain + naux,).
        best: the fit with the POI free.
    """
    errors, covariance = curvature(engine.likelihood, data, best)
    flat = bool(np.isnan(errors[engine.model.poi]))
    minos = (None, None) if flat else _interval(Profile(engine, data, best, covariance))
    return Uncertainties(errors, covariance, minos)


def curvature(likelihood: Likelihood, data: np.ndarray, best: Fit) -> Curvature:
    """Calculate the covariance of all parameters at the best fit, the inverse of the exact Hessian.

    If the likelihood is flat in the POI (a signal without events), its row is nan, and the others are those with the
    POI held; the same holds for parameters at a bound. If the likelihood is flat in another direction, all are nan.

    Args:
        likelihood: of the model, with its bounds.
        data: main and auxiliary data, shape (nmain + naux,).
        best: the fit with the POI free.
    """
    model = likelihood.model
    bounded = at_bound(model, best.parameters)
    poi = np.arange(len(bounded)) == model.poi
    with np.errstate(all="ignore"):
        hessian = likelihood.hessian(best.parameters, data)
    for left_out in (np.zeros_like(poi), poi, bounded, bounded | poi):
        covariance = _inverse(hessian, ~model.fixed & ~left_out)
        if covariance is not None:
            covariance[left_out] = covariance[:, left_out] = np.nan
            return Curvature(_as_minuit(model.bounds, best.parameters, np.sqrt(np.diag(covariance))), covariance)
    unknown = np.full((len(poi), len(poi)), np.nan)
    return Curvature(unknown[0], unknown)


def _inverse(hessian: np.ndarray, free: np.ndarray) -> np.ndarray | None:
    """The covariance of the free parameters, zero for the others; None if the Hessian is not positive definite."""
    covariance = np.zeros_like(hessian)
    if not free.any():
        return covariance
    own = np.diag(hessian)[free]
    if not (np.isfinite(own) & (own > 0)).all():
        return None
    scale = 1 / np.sqrt(own)  # so that parameters of very different curvature are treated alike
    factor, info = dpotrf(hessian[np.ix_(free, free)] * np.outer(scale, scale), lower=True)
    if info or np.diag(factor).min() ** 2 < FLATTEST:
        return None
    inverse = dpotri(factor, lower=True)[0]
    covariance[np.ix_(free, free)] = (np.tril(inverse) + np.tril(inverse, -1).T) * np.outer(scale, scale)
    return covariance


def _as_minuit(bounds: np.ndarray, values: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Errors as Minuit reports them, from an internal parameter: the arcsine of the place between the bounds.

    Source: user guide of Minuit, section 1.3.1. Where the internal parameter would change by more than 1, near a bound,
    sigma is kept; Minuit reports about the distance of the bounds there.
    """
    low, high = bounds.T
    half = (high - low) / 2
    with np.errstate(invalid="ignore", divide="ignore"):  # bounds may be equal
        internal = np.arcsin(np.clip((values - low) / half - 1, -1, 1))
        shift = sigma / (half * np.cos(internal))
        sides = [np.abs(np.sin(internal + sign * shift) - np.sin(internal)) for sign in (1, -1)]
    return np.where(shift <= 1, half * (sides[0] + sides[1]) / 2, sigma)


def _interval(profile: Profile) -> tuple[float | None, float | None]:
    """Distances below and above mu_hat at which the profiled deviance has risen by 1; None at a bound."""
    sides = np.array([-1.0, 1.0])
    found = profile.ends([profile.engine.model.poi] * 2, sides, np.ones(2), PRECISION)
    below, above = (None if np.isnan(end) else float(end) for end in sides * found.distance)
    return below, above
