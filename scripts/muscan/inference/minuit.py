"""Minuit on the same likelihood: the rescue of fits that Newton steps do not finish."""

import numpy as np
from iminuit import Minuit

from muscan.histfactory.likelihood import Likelihood
from muscan.inference.fits import AT_BOUND

# Minuit stops at an estimated distance to the minimum (EDM) of 0.002 * tolerance, in units of -2 log L.
TOLERANCE = 1e-5
# A fit that Minuit does not call valid is still used if its EDM is below this: CLs then changes by less than 1e-4.
ACCEPTED_EDM = 1e-4
# Fits start at least this far from bounds, in units of their distance: on a bound the internal gradient of Minuit is 0.
OFF_BOUND = 1e-4
# Deviance at points where the data are impossible, from which Minuit returns; it cannot calculate with infinity.
IMPOSSIBLE = 1e15


def fit(
    likelihood: Likelihood, data: np.ndarray, start: np.ndarray, held: np.ndarray | None = None
) -> tuple[np.ndarray, float, float] | None:
    """Find a minimum near a starting point with Minuit.

    Args:
        likelihood: of the model, whose bounds and fixed parameters are respected.
        data: main and auxiliary data, shape (nmain + naux,).
        start: shape (npar,).
        held: which parameters keep their starting values beside the fixed ones, shape (npar,); None for no other.

    Returns:
        parameters, deviance and EDM; None if no minimum is found.
    """
    model = likelihood.model
    minuit = _minuit(likelihood, data, start, held)
    _converge(minuit)
    parameters = np.array(minuit.values)
    on_bounds = _on_bounds(model.bounds, parameters, np.array(minuit.fixed))
    value, value_on_bounds = (likelihood.deviance_of(each, data) for each in (parameters, on_bounds))
    if value_on_bounds <= value:
        parameters, value = on_bounds, value_on_bounds
    edm = 0.0 if minuit.fmin is None else float(minuit.fmin.edm)  # None: every parameter is fixed
    if not np.isfinite(value) or not (minuit.fmin is None or minuit.valid or edm < ACCEPTED_EDM):
        return None
    return parameters, value, edm


def _minuit(likelihood: Likelihood, data: np.ndarray, start: np.ndarray, held: np.ndarray | None) -> Minuit:
    model = likelihood.model
    low, high = model.bounds.T
    margin = OFF_BOUND * _distance(model.bounds)
    held = model.fixed if held is None else model.fixed | held
    start = np.where(held, start, np.clip(start, low + margin, high - margin))
    start[model.fixed] = model.initial[model.fixed]

    def deviance(parameters: np.ndarray) -> float:
        value = likelihood.deviance_of(parameters, data)
        return value if np.isfinite(value) else IMPOSSIBLE

    minuit = Minuit(deviance, start, grad=lambda parameters: likelihood.gradient_of(parameters, data))
    minuit.errordef = Minuit.LEAST_SQUARES  # the deviance rises by 1 at one standard deviation
    minuit.tol = TOLERANCE
    minuit.print_level = 0
    # Minuit moves parameters into their limits, also held ones, whose values may be beyond a bound.
    minuit.limits = [tuple(bounds) for bounds in np.where(held[:, None], (-np.inf, np.inf), model.bounds)]
    minuit.errors = np.where(np.isnan(model.constrained_widths()), 0.1, model.constrained_widths())
    minuit.fixed = held
    return minuit


def _converge(minuit: Minuit) -> None:
    """Run MIGRAD with increasing strategies until the minimum is valid."""
    if not minuit.npar - sum(minuit.fixed):
        return
    for strategy in (0, 1, 2):
        minuit.strategy = strategy
        minuit.migrad()
        if minuit.valid:
            return


def _distance(bounds: np.ndarray) -> np.ndarray:
    """The distance of the two bounds of each parameter; 1, the scale of a factor, if there is no upper bound."""
    low, high = bounds.T
    return np.where(np.isinf(high), 1.0, high - low)


def _on_bounds(bounds: np.ndarray, parameters: np.ndarray, held: np.ndarray) -> np.ndarray:
    """The parameters, moved to bounds that are close: the internal parameters of Minuit do not reach a bound."""
    low, high = bounds.T
    margin = AT_BOUND * _distance(bounds)
    moved = np.where(parameters - low < margin, low, np.where(high - parameters < margin, high, parameters))
    return np.where(held, parameters, moved)
