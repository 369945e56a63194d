"""Fits that do not depend on the tested mu, within bounds that leave room for tests and toys."""

from collections.abc import Callable

import numpy as np

from muscan.base.errors import FitError
from muscan.config.mu_values import poi_bound
from muscan.histfactory.model import Model
from muscan.histfactory.parameters import FACTOR_BOUNDS, LARGEST_MU
from muscan.inference.engine import Engine
from muscan.inference.fits import Fit
from muscan.inference.hypotest import Prepared, prepare
from muscan.inference.ranges import scan_range

SAME_MINIMUM = 1e-6  # largest difference in -2 log L of fits that have found the same minimum
# Upper bound of a free factor, in units of its best fit. Fits with mu held and fits of toys may end at larger values,
# and interpolated templates may make further minima there.
ROOM = 4
# A best fit this close to a bound of the POI, in units of the distance of the bounds, has met it: where the likelihood
# is flat, a fit stops a little before its bound.
BOUND_MARGIN = 1e-3
WIDER = 8  # factor by which the bound of the POI grows while no range of the scan has been found


def fit_and_find_range(
    engine_with_bound: Callable[[float], Engine], test_statistic: str, alpha: float
) -> tuple[Engine, Prepared, list[float]]:
    """Find the range of the scan, and fit with a bound of the POI of twice that range, so that toys have room.

    Args:
        engine_with_bound: returns the engine for an upper bound of the POI.
        test_statistic: a key of TEST_STATISTICS.
        alpha: 1 - confidence level.

    Returns:
        the engine, the fits that do not depend on mu, and the values of mu to be tested.

    Raises:
        FitError: if a fit does not converge, or no range is found.
    """
    bound, mu, before = poi_bound(0), None, np.inf
    while True:
        engine, prepared = _fit_with_room(engine_with_bound, bound, test_statistic)
        same = abs(prepared.free.deviance - before) <= SAME_MINIMUM
        last_try = engine.model.bounds[engine.model.poi, 1] > LARGEST_MU
        wider = WIDER * bound
        if mu is None or not same:
            mu = None
            if last_try or not _at_far_bound(engine.model, prepared.free):
                wide = _with_factor_bounds(engine_with_bound(LARGEST_MU), raised_factor_bounds(engine.model))
                try:
                    mu = scan_range(wide, prepared, test_statistic, alpha)
                except FitError:
                    if last_try:
                        raise
                    if same:  # the best fit may lie far beyond the bound, where a little more room does not reach
                        wider = WIDER * LARGEST_MU
        needed = wider if mu is None else poi_bound(2 * mu[-1])
        if needed <= bound:
            return engine, prepared, mu
        bound, before = needed, prepared.free.deviance


def _fit_with_room(
    engine_with_bound: Callable[[float], Engine], bound: float, test_statistic: str
) -> tuple[Engine, Prepared]:
    """The engine and the fits, with upper bounds of free factors of at least ROOM times their fitted values.

    Only default bounds are raised, not those that the workspace states. A fit that meets a default bound is repeated
    without it; but below the bound a fit may stay in a local minimum, and the bound affects the errors of HESSE.
    """
    engine, raised = engine_with_bound(bound), {}
    while True:
        engine = _with_factor_bounds(engine, raised)
        model, prepared = engine.model, prepare(engine, test_statistic)
        largest = ROOM * np.maximum(prepared.free.parameters, prepared.reference.parameters)
        tight = np.flatnonzero(
            model.default_bounded & (largest > model.bounds[:, 1]) & (model.bounds[:, 1] < LARGEST_MU)
        )
        raised = {model.names[i]: float(poi_bound(largest[i])) for i in tight}
        if not raised:
            return engine, prepared


def _with_factor_bounds(engine: Engine, bounds: dict[str, float]) -> Engine:
    """The engine with these upper bounds of factors, by name."""
    return engine.with_model(engine.model.with_upper_bounds(bounds)) if bounds else engine


def fit_within_bound(
    engine_with_bound: Callable[[float], Engine], bound: float, test_statistic: str
) -> tuple[Engine, Prepared]:
    """Fit with the first bound of the POI among bound, 2 bound, 4 bound, ... that the best fit does not meet.

    At a bound that only follows from the range of the scan, mu_hat, and thus the limits, would depend on that range.

    Args:
        engine_with_bound: returns the engine for an upper bound of the POI.
        bound: the largest mu that the fits must be able to reach.
        test_statistic: a key of TEST_STATISTICS.

    Returns:
        the engine, and the fits that do not depend on mu.

    Raises:
        FitError: if a fit does not converge.
    """
    while True:
        engine, prepared = _fit_with_room(engine_with_bound, bound, test_statistic)
        if bound > LARGEST_MU or not _at_far_bound(engine.model, prepared.free):
            return engine, prepared
        bound *= 2


def _at_far_bound(model: Model, free: Fit) -> bool:
    """Whether the best fit is at the upper bound of the POI, or at a lower one below zero."""
    low, high = model.bounds[model.poi]
    mu_hat, margin = free.parameters[model.poi], BOUND_MARGIN * (high - low)
    return bool(mu_hat >= high - margin or (low < 0 and mu_hat <= low + margin))


def raised_factor_bounds(model: Model) -> dict[str, float]:
    """Upper bounds of the factors for which the default of pyhf leaves too little room."""
    raised = np.flatnonzero(model.default_bounded & (model.bounds[:, 1] != FACTOR_BOUNDS[1]))
    return {model.names[i]: float(model.bounds[i, 1]) for i in raised}
