"""The significance of an excess from asymptotic formulae (arXiv:1007.1727)."""

import math
from typing import NamedTuple

import numpy as np

from muscan.base.errors import FitError
from muscan.inference.calculators import N_SIGMA
from muscan.inference.engine import Engine
from muscan.inference.fits import Fit
from muscan.inference.hypotest import CONSISTENCY, Prepared, hypotest
from muscan.inference.measured import EXPECTED_MU, expected_parameters

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
    p0 = 0.5 * math.erfc(z / math.sqrt(2))
    return Significance(max(z, 0.0) ** 2, z, p0 if p0 >= LEAST_P0 else None)


class Excess(NamedTuple):
    """The significance of an excess in the data, and the expected ones."""

    mu_hat: float
    no_excess: bool  # whether mu_hat is not above 0
    observed: Significance
    expected: list[Significance]  # for mu = 1 and data that fluctuate by N_SIGMA upwards, shape (5,)


def excess(engine: Engine, prepared: Prepared, blinded: bool) -> Excess:
    """Calculate the significance of an excess.

    The Asimov data of mu = 1 have the nuisance parameters of the fit to the data with mu held at 1, as in pyhf; in a
    blind analysis those of the fit with mu = 0.

    Args:
        engine: makes the fits.
        prepared: the fits that do not depend on mu.
        blinded: whether the analysis is blind. The observed significance then has no meaning.

    Raises:
        FitError: if a fit does not converge, or the best fit is not the lowest one.
    """
    signal = _blind_signal(engine, prepared) if blinded else _fit_with_signal(engine, prepared.free)
    asimov = engine.likelihood.asimov(signal.parameters)
    tested = hypotest(engine, prepared._replace(reference=signal, asimov=asimov), 0.0, "q0", "asymptotics")
    mu_hat = float(prepared.free.parameters[engine.model.poi])
    no_excess = mu_hat <= 0 or tested.q_obs <= 0
    observed = significance(0.0 if no_excess else math.sqrt(tested.q_obs))
    expected = [significance(math.sqrt(tested.q_asimov) + n) for n in N_SIGMA]
    return Excess(mu_hat, no_excess, observed, expected)


def _fit_with_signal(engine: Engine, free: Fit) -> Fit:
    """The fit to the data with mu held at 1."""
    found = engine.fit(engine.model.data[:, None], engine.starts(), np.array([EXPECTED_MU])).one(0)
    if found.deviance < free.deviance - CONSISTENCY:
        raise FitError(
            f"the fit with {engine.model.poi_name} = {EXPECTED_MU:g} ends {free.deviance - found.deviance:.3g} below "
            "the free fit in -2 log L: the free fit is stuck in a local minimum"
        )
    return found


def _blind_signal(engine: Engine, prepared: Prepared) -> Fit:
    """The parameters of the Asimov data of a blind analysis, as a fit to these data."""
    return Fit(expected_parameters(engine, prepared), 0.0, 0.0, prepared.free.fitter)
