"""Hypothesis tests of one model: the fits that do not depend on mu once, then any number of values of mu together."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from muscan.base.errors import FitError, InputError
from muscan.histfactory.model import Model
from muscan.inference.calculators import CALCULATORS, PValues
from muscan.inference.engine import Engine
from muscan.inference.fits import Fit, Fits, bounds_met
from muscan.inference.test_statistics import TEST_STATISTICS

# A fit with mu held may not end lower than the free fit by more than this.
CONSISTENCY = 1e-4


class Prepared(NamedTuple):
    """What every test of a model shares."""

    free: Fit  # mu_hat and its nuisance parameters
    reference: Fit  # mu held at the value of the Asimov data: 0 for limits, 1 for q0
    asimov: np.ndarray  # expected data at `reference`, shape (nmain + naux,)
    repeated: bool = False  # whether the free fit ended above the reference at first, and was repeated from there


class Tested(NamedTuple):
    """One hypothesis test."""

    p_values: PValues
    q_obs: float
    q_asimov: float
    rescued: int  # fits that Minuit had to finish
    parameters: np.ndarray  # of the fit to the data with mu held, shape (npar,)
    at_bounds: dict[str, dict[str, float]]  # stated bounds of other parameters, by the data whose fit met them


def prepare(engine: Engine, test_statistic: str) -> Prepared:
    """Fit all that does not depend on mu.

    The Asimov data come from the fit to the data with mu held (arXiv:1007.1727, section 3.2, and pyhf).

    Args:
        engine: what fits.

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
    """Test one signal strength.

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
    """Test several signal strengths; a test that fails leaves its error in the place of its result.

    The best fit to the Asimov data needs no search: the deviance of the parameters that made them is zero.

    Args:
        engine: what fits.
        prepared: the fits that do not depend on mu.
        mu: tested values, within the bounds of the POI.
        test_statistic: "qtilde", "q" or "q0".
        calculator: "asymptotics".

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
    columns = [np.repeat(each[:, None], number, axis=1) for each in (model.data, prepared.asimov, free, reference)]
    data, asimov, free, reference = columns
    # The observed data first; the Asimov data are fitted best where they were made.
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
    if mu == statistic.asimov_mu == 0 and statistic.bounded:  # the signal is switched off: q = 0 by definition
        off = CALCULATORS[calculator](test_statistic, 0.0, 0.0)
        return Tested(off, 0.0, 0.0, 0, prepared.reference.parameters, {})
    free = prepared.free
    try:
        held, of_asimov = (fits.one(i) for i in range(2))
    except FitError:
        return FitError(f"the fit at {model.poi_name} = {mu:g} did not converge, with Newton steps nor with Minuit")
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
    met = {data: each for data, each in met.items() if each}
    return Tested(p_values, q_obs, q_asimov, int(fits.rescued.sum()), held.parameters, met)
