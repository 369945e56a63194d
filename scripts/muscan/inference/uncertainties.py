"""Uncertainties at a minimum of the deviance: its curvature, and the profile of the POI."""

from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.optimize import elementwise

from muscan.inference.engine import Engine
from muscan.inference.fits import Fit, at_bound

# Precision of the ends of the interval of the POI, in units of their distance from mu_hat.
PRECISION = 3e-4
MOST_DOUBLINGS = 50
# If a pivot is smaller than this, in units of the curvature of its parameter, the likelihood is flat.
FLATTEST = 1e-12


class Uncertainties(NamedTuple):
    """Uncertainties from the curvature and the profile of the deviance; nan where they are undetermined."""

    errors: np.ndarray  # as HESSE of Minuit reports them for parameters with bounds, shape (npar,); zero if fixed
    covariance: np.ndarray  # from the curvature at the minimum, shape (npar, npar); zero if fixed
    minos: tuple[
        float | None, float | None
    ]  # distances of the ends of the interval of the POI from mu_hat, (negative, positive); None at a bound


def uncertainties(engine: Engine, data: np.ndarray, best: Fit) -> Uncertainties:
    """Calculate the covariance of all parameters and the interval of the POI at the best fit.

    The covariance is the inverse of the exact Hessian. If the likelihood is flat in the POI (a signal without events),
    its row is nan, and the others are those with the POI held; the same holds for parameters at a bound. If the
    likelihood is flat in another direction, all are nan. The interval ends where the deviance, minimised over the other
    parameters, has risen by 1, as with MINOS.

    Args:
        engine: makes the fits with the POI held.
        data: main and auxiliary data, shape (nmain + naux,).
        best: the fit with the POI free.
    """
    model = engine.model
    bounded = at_bound(model, best.parameters)
    poi = np.arange(len(bounded)) == model.poi
    with np.errstate(all="ignore"):
        hessian = engine.likelihood.hessian(best.parameters, data)
    for left_out in (np.zeros_like(poi), poi, bounded, bounded | poi):
        covariance = _inverse(hessian, ~model.fixed & ~left_out)
        if covariance is not None:
            covariance[left_out] = covariance[:, left_out] = np.nan
            errors = _as_minuit(model.bounds, best.parameters, np.sqrt(np.diag(covariance)))
            flat = bool(np.isnan(errors[model.poi]))
            minos = (None, None) if flat else _interval(engine, data, best, errors[model.poi], covariance[model.poi])
            return Uncertainties(errors, covariance, minos)
    unknown = np.full((len(poi), len(poi)), np.nan)
    return Uncertainties(unknown[0], unknown, (None, None))


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


def _interval(
    engine: Engine, data: np.ndarray, best: Fit, sigma: float, covariances: np.ndarray
) -> tuple[float | None, float | None]:
    """Distances below and above mu_hat at which the profiled deviance has risen by 1; None at a bound.

    Args:
        engine: makes the fits.
        data: shape (nmain + naux,).
        best: the fit with the POI free.
        sigma: error of the POI.
        covariances: of the POI with all parameters, shape (npar,), for the starting points of the fits.
    """
    poi = engine.model.poi
    mu_hat, ends = best.parameters[poi], engine.model.bounds[engine.model.poi]
    room = np.abs(ends - mu_hat)  # below, above
    sides = np.array([-1.0, 1.0])

    known = {(side, 0.0): -1.0 for side in sides}
    # A fit begins on the line from the best fit through the last fit on the same side.
    slopes = dict.fromkeys(sides, np.nan_to_num(covariances / covariances[poi]))

    def rise(distance: np.ndarray, side: np.ndarray) -> np.ndarray:
        """sqrt(q) - 1, which is nearly linear in the distance."""
        places = list(zip(side.tolist(), distance.tolist(), strict=True))
        new = [place for place in places if place not in known]
        if new:
            offsets = np.clip([side * distance for side, distance in new], *(ends - mu_hat))
            starts = best.parameters[:, None] + np.transpose([slopes[side] for side, _ in new]) * offsets
            found = engine.fit(np.repeat(data[:, None], len(new), axis=1), [starts], mu_hat + offsets)
            known.update(zip(new, np.sqrt(np.maximum(found.deviance - best.deviance, 0.0)) - 1, strict=True))
            for (side, _), offset, parameters in zip(new, offsets, found.parameters.T, strict=True):
                if offset and np.isfinite(parameters).all():
                    slopes[side] = (parameters - best.parameters) / offset
        return np.array([known[place] for place in places])

    far = np.minimum(1.2 * sigma, room)
    for _ in range(MOST_DOUBLINGS):
        inside = (rise(far, sides) < 0) & (far < room)
        if not inside.any():
            break
        far = np.where(inside, np.minimum(2 * far, room), far)
    tolerances = {"xatol": PRECISION * sigma, "xrtol": PRECISION}
    found = elementwise.find_root(rise, (np.zeros(2), far), args=(sides,), tolerances=tolerances)
    below, above = (float(x) if good else None for x, good in zip(sides * found.x, found.success, strict=True))
    return below, above
