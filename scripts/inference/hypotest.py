"""Hypothesis tests of one model: the fits that do not depend on mu once, then any number of values of mu."""

from typing import NamedTuple

import numpy as np

from inference.calculators import CALCULATORS, PValues
from inference.errors import FitError, InputError
from inference.minimize import Fit, fit
from inference.model import Model
from inference.test_statistics import TEST_STATISTICS

# A fit with mu held may not end lower than the free fit by more than this.
CONSISTENCY = 1e-4


class Prepared(NamedTuple):
    """What every test of a model shares."""

    free: Fit  # mu_hat and its nuisance parameters
    reference: Fit  # mu held at the value of the Asimov data: 0 for limits, 1 for q0
    asimov: np.ndarray  # expected data at `reference`, shape (nmain + naux,)


class Tested(NamedTuple):
    """One hypothesis test."""

    p_values: PValues
    q_obs: float
    q_asimov: float


def prepare(model: Model, test_statistic: str) -> Prepared:
    """Fit all that does not depend on mu.

    The Asimov data come from the fit to the data with mu held (arXiv:1007.1727, section 3.2, and pyhf).

    Raises:
        FitError: if a fit does not converge.
    """
    asimov_mu = TEST_STATISTICS[test_statistic].asimov_mu
    reference = fit(model, model.data, [model.initial], mu=asimov_mu)
    free = fit(model, model.data, [model.initial, reference.parameters])
    low, high = model.bounds[model.poi]
    if reference.deviance < free.deviance and low <= asimov_mu <= high:
        free = reference  # a free fit that ends above a fit with mu held missed the minimum
    return Prepared(free, reference, model.expected(reference.parameters))


def hypotest(model: Model, prepared: Prepared, mu: float, test_statistic: str, calculator: str) -> Tested:
    """Test one signal strength.

    The best fit to the Asimov data needs no search: the deviance of the parameters that made them is zero.

    Args:
        mu: tested value, within the bounds of the POI.
        test_statistic: "qtilde", "q" or "q0".
        calculator: "asymptotics".

    Raises:
        InputError: if mu is outside the bounds of the POI.
        FitError: if a fit does not converge, or ends below the free fit.
    """
    low, high = model.bounds[model.poi]
    if not low <= mu <= high:
        raise InputError(
            f"{model.poi_name} = {mu:g} is outside the bounds of the fits, {low:g} to {high:g}: widen them when fitting"
        )
    statistic = TEST_STATISTICS[test_statistic]
    free, reference = prepared.free, prepared.reference
    mu_hat = free.parameters[model.poi]
    if mu == statistic.asimov_mu == 0 and statistic.bounded:  # the signal is switched off: q = 0 by definition
        return Tested(CALCULATORS[calculator](test_statistic, 0.0, 0.0), 0.0, 0.0)
    observed = fit(model, model.data, [free.parameters, reference.parameters], mu=mu)
    if observed.deviance < free.deviance - CONSISTENCY:
        raise FitError(
            f"the fit with {model.poi_name} = {mu:g} ends {free.deviance - observed.deviance:.3g} below the free fit "
            "in -2 log L: the free fit is stuck in a local minimum"
        )
    q_obs = statistic.value(mu, mu_hat, observed.deviance - free.deviance)
    q_asimov = 0.0
    if mu != statistic.asimov_mu:
        asimov = fit(model, prepared.asimov, [reference.parameters, observed.parameters], mu=mu)
        q_asimov = statistic.value(mu, statistic.asimov_mu, asimov.deviance)
    return Tested(CALCULATORS[calculator](test_statistic, q_obs, q_asimov), q_obs, q_asimov)
