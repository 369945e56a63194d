"""The significance of an excess from asymptotic formulae (arXiv:1007.1727)."""

import math
from typing import NamedTuple

import numpy as np

from muscan.base.errors import FitError, reason_of
from muscan.inference.calculators import N_SIGMA, tail
from muscan.inference.engine import Engine
from muscan.inference.fits import SAME, Fit, Fits, at_bound
from muscan.inference.hypotest import CONSISTENCY, Prepared
from muscan.inference.measured import EXPECTED_MU, expected_parameters
from muscan.inference.test_statistics import TEST_STATISTICS

NO_SIGNAL = 0.0  # the tested mu
# p0 below the smallest normal floating-point number has lost its digits, or is stored as zero.
LEAST_P0 = float(np.finfo(float).tiny)


class Significance(NamedTuple):
    """The test statistic of an excess, and what follows from it."""

    q0: float
    Z: float  # in standard deviations; negative for a deficit
    p0: float | None  # None if it is below LEAST_P0


def significance(z: float) -> Significance:
    """Return p0 and q0 of a significance; q0 is zero for a deficit.

    Source: arXiv:1007.1727, equations (12), (52) and (53).
    """
    p0 = tail(z)
    return Significance(max(z, 0.0) ** 2, z, p0 if p0 >= LEAST_P0 else None)


class NoSignificance(NamedTuple):
    """Why there is no significance."""

    status: str  # as in discovery.json
    reason: str


NO_EFFECT = NoSignificance("no_effect", "mu has no effect: the expected events are the same with signal and without it")


class Excess(NamedTuple):
    """The significance of an excess in the data, and the expected ones."""

    mu_hat: float
    at_bound: float | None  # the upper bound of mu, if mu_hat is there, so that the observed excess may be larger
    observed: Significance | NoSignificance | None  # None in a blind analysis
    expected: list[Significance] | NoSignificance  # for mu = 1 and data that fluctuate by N_SIGMA upwards, shape (5,)


def excess(engine: Engine, prepared: Prepared, blinded: bool) -> Excess:
    """Calculate the significance of an excess.

    The Asimov data of mu = 1 have the nuisance parameters of the fit to the data with mu held at 1, as in pyhf; in a
    blind analysis those of the fit with mu = 0.

    Args:
        engine: makes the fits.
        prepared: the fits that do not depend on mu.
        blinded: whether the analysis is blind.

    Raises:
        FitError: if a fit with mu held ends below the free fit, so that no result can be trusted.
    """
    model, free = engine.model, prepared.free
    starts = [free.parameters, prepared.reference.parameters, *engine.starts()]
    mu_hat = float(free.parameters[model.poi])
    if blinded:
        return Excess(mu_hat, None, None, _expected(engine, expected_parameters(engine, prepared), starts))
    held = _held_fits(engine, model.data, free, starts, NO_SIGNAL, EXPECTED_MU)
    try:
        expected = _expected(engine, _one(held, 1, EXPECTED_MU).parameters, starts)
    except FitError as error:
        expected = _failed(error)
    observed = _observed(held, free, mu_hat)
    if expected == NO_EFFECT and mu_hat > NO_SIGNAL and getattr(observed, "q0", 0.0) <= SAME:
        observed = NO_EFFECT  # mu_hat means nothing
    ends_there = mu_hat > 0 and at_bound(model, free.parameters)[model.poi]
    bound = float(model.bounds[model.poi, 1]) if ends_there else None
    return Excess(mu_hat, bound, observed, expected)


def _failed(error: FitError) -> NoSignificance:
    return NoSignificance("fit_failed", reason_of(error))


def _observed(held: Fits, free: Fit, mu_hat: float) -> Significance | NoSignificance:
    """The significance in the data; the first of the fits has mu = 0."""
    try:
        difference = _one(held, 0, NO_SIGNAL).deviance - free.deviance
    except FitError as error:
        return _failed(error)
    q0 = TEST_STATISTICS["q0"].value(NO_SIGNAL, mu_hat, difference) if mu_hat > NO_SIGNAL else 0.0
    return significance(math.sqrt(q0))


def _expected(engine: Engine, parameters: np.ndarray, starts: list[np.ndarray]) -> list[Significance] | NoSignificance:
    """The significances of Asimov data with these parameters, to which they are the best fit with deviance 0."""
    best = Fit(parameters, 0.0, 0.0, "newton")
    try:
        held = _held_fits(engine, engine.likelihood.asimov(parameters), best, [parameters, *starts], NO_SIGNAL)
        q0 = _one(held, 0, NO_SIGNAL).deviance
    except FitError as error:
        return _failed(error)
    return [significance(math.sqrt(q0) + n) for n in N_SIGMA] if q0 > SAME else NO_EFFECT


def _held_fits(engine: Engine, data: np.ndarray, best: Fit, starts: list[np.ndarray], *mu: float) -> Fits:
    """Fits with mu held, none of which ends below the best fit."""
    fits = engine.fit(np.repeat(data[:, None], len(mu), axis=1), starts, np.array(mu))
    for value, below in zip(mu, best.deviance - fits.deviance, strict=True):
        if below > CONSISTENCY:
            raise FitError(
                f"the fit with {engine.model.poi_name} = {value:g} ends {below:.3g} below the free fit in -2 log L: "
                "the free fit is stuck in a local minimum"
            )
    return fits


def _one(fits: Fits, index: int, mu: float) -> Fit:
    """One of several fits, with its mu in the message of the error."""
    try:
        return fits.one(index)
    except FitError:
        raise FitError(f"the fit at mu = {mu:g} did not converge, neither with Newton steps nor with Minuit") from None
