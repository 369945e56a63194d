"""Hypothesis tests of one model: first the fits that do not depend on mu, then tests of any number of values of mu."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from muscan.base.errors import FitError, InputError
from muscan.histfactory.model import Model
from muscan.inference.calculators import CALCULATORS, PValues
from muscan.inference.engine import Engine
from muscan.inference.fits import Fit, Fits, bounds_met
from muscan.inference.test_statistics import TEST_STATISTICS

# Largest difference in -2 log L by which a fit with mu held may end below the free fit.
CONSISTENCY = 1e-4


class Prepared(NamedTuple):
    """The fits that all tests of a model have in common."""

    free: Fit  # mu_hat and its nuisance parameters
    reference: Fit  # mu held at the value of the Asimov data: 0 for limits, 1 for q0
    asimov: np.ndarray  # expected data at `reference`, shape (nmain + naux,)
    repeated: bool = False  # whether the free fit first ended above the reference, and was repeated from there


class Tested(NamedTuple):
    """The result of one hypothesis test."""

    p_values: PValues
    q_obs: float
    q_asimov: float
    rescued: int  # number of fits that Minuit has finished
    parameters: np.ndarray  # of the fit to the data with mu held, shape (npar,)
    at_bounds: dict[
        str, dict[str, float]
    ]  # {"observed" or "asimov": stated bounds of other parameters that the fit has met}


def prepare(engine: Engine, test_statistic: str) -> Prepared:
    """Make the fits that do not depend on mu.

    The Asimov data come from the fit to the data with mu held (arXiv:1007.1727, section 3.2, and pyhf).

    Args:
        engine: makes the fits.
        test_statistic: a key of TEST_STATISTICS.

    Raises:
        FitError: if a fit does not converge.
    """
    model = engine.model
    asimov_mu = TEST_STATISTICS[test_statistic].asimov_mu
    data = np.repeat(model.data[:, None], 2, axis=1)
    fits = engine.fit(data, engine.starts(), mu=np.array([asimov_mu, np.nan]))
    held, free = fits.some(np.array([0])), fits.some(np.array([1]))
    engine.look_along_poi(data[:, :1], free)
    low, high = model.bounds[model.poi]
    repeated = low <= asimov_mu <= high and bool(engine.repeat_above(data[:, :1], free, held)[0])
    return Prepared(free.one(0), held.one(0), engine.likelihood.asimov(held.parameters[:, 0]), repeated)


def hypotest(engine: Engine, prepared: Prepared, mu: float, test_statistic: str, calculator: str) -> Tested:
    """Test one signal strength; the arguments are those of `hypotests`.

    Raises:
        InputError: if mu is outside the bounds of the POI.
        FitError: if a fit does not converge, or ends below the free fit.
    """
    tested = hypotests(engine, prepared, [mu], test_statistic, calculator)[0]
    if isinstance(tested, FitError):
        raise tested
    return tested


def hypotests(
    engine: Engine, prepared: Prepared, mu: Sequence[float], test_statistic: str, calculator: str
) -> list[Tested | FitError]:
    """Test several signal strengths.

    The best fit to the Asimov data needs no search: the deviance is zero at the parameters from which they are made.

    Args:
        engine: makes the fits.
        prepared: the fits that do not depend on mu.
        mu: tested values, within the bounds of the POI.
        test_statistic: "qtilde", "q" or "q0".
        calculator: "asymptotics".

    Returns:
        the result of each test; the error instead, if a fit has failed.

    Raises:
        InputError: if a value is outside the bounds of the POI.
    """
    model = engine.model
    low, high = model.bounds[model.poi]
    values = np.asarray(mu, dtype=float)
    for value in values:
        if not low <= value <= high:
            raise InputError(
                f"{model.poi_name} = {value:g} is outside the bounds of the fits, {low:g} to {high:g}: "
                "widen them when fitting"
            )
    free, reference = prepared.free.parameters, prepared.reference.parameters
    number = len(values)
    vectors = (model.data, prepared.asimov, free, reference)
    data, asimov, free, reference = (np.repeat(vector[:, None], number, axis=1) for vector in vectors)
    # First the observed data, then the Asimov data, whose best fit is the reference.
    starts = [np.hstack([free, reference]), np.hstack([reference, free])]
    fits = engine.fit(np.hstack([data, asimov]), starts, mu=np.tile(values, 2))
    return [
        _tested(model, prepared, float(value), fits.some(np.array([i, number + i])), test_statistic, calculator)
        for i, value in enumerate(values)
    ]


def _tested(
    model: Model, prepared: Prepared, mu: float, fits: Fits, test_statistic: str, calculator: str
) -> Tested | FitError:
    """The result of the fits to the observed and to the Asimov data."""
    statistic = TEST_STATISTICS[test_statistic]
    if mu == statistic.asimov_mu == 0 and statistic.bounded:  # both hypotheses are the same: q = 0
        no_signal = CALCULATORS[calculator](test_statistic, 0.0, 0.0)
        return Tested(no_signal, 0.0, 0.0, 0, prepared.reference.parameters, {})
    free = prepared.free
    try:
        held, of_asimov = (fits.one(i) for i in range(2))
    except FitError:
        return FitError(
            f"the fit at {model.poi_name} = {mu:g} did not converge, neither with Newton steps nor with Minuit"
        )
    if held.deviance < free.deviance - CONSISTENCY:
        return FitError(
            f"the fit with {model.poi_name} = {mu:g} ends {free.deviance - held.deviance:.3g} below the free fit "
            "in -2 log L: the free fit is stuck in a local minimum"
        )
    q_obs = float(statistic.value(mu, free.parameters[model.poi], held.deviance - free.deviance))
    same = mu == statistic.asimov_mu
    q_asimov = 0.0 if same else float(statistic.value(mu, statistic.asimov_mu, of_asimov.deviance))
    p_values = CALCULATORS[calculator](test_statistic, q_obs, q_asimov)
    ends = {"observed": held.parameters, "asimov": of_asimov.parameters}
    met = {data: bounds_met(model, parameters, model.stated) for data, parameters in ends.items()}
    met = {data: bounds for data, bounds in met.items() if bounds}
    return Tested(p_values, q_obs, q_asimov, int(fits.rescued.sum()), held.parameters, met)
