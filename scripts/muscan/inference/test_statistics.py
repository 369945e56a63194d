"""Profile-likelihood test statistics (arXiv:1007.1727), with pyhf's names and conventions."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class TestStatistic(NamedTuple):
    """The definition of a test statistic, a function of two minima."""

    __test__ = False  # not a test case of pytest

    # (mu, mu_hat, deviance(mu) - deviance(mu_hat)) -> q, numbers or arrays
    value: Callable[[float, np.ndarray, np.ndarray], np.ndarray]
    asimov_mu: float  # signal strength of the Asimov data
    bounded: bool  # whether mu_hat is restricted to mu >= 0


def _upper_limit(mu: float, mu_hat: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """Equations (14) and (16): an upward fluctuation, mu_hat > mu, is not evidence against mu."""
    return np.where(mu_hat > mu, 0.0, np.maximum(difference, 0.0))


def _discovery(mu: float, mu_hat: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """Equation (12): a downward fluctuation is not evidence for a signal."""
    return np.where(mu_hat < mu, 0.0, np.maximum(difference, 0.0))


def _two_sided(mu: float, mu_hat: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """Equations (8) and (11): fluctuations to both sides are evidence against mu."""
    return np.maximum(difference, 0.0)


TEST_STATISTICS = {
    "qtilde": TestStatistic(_upper_limit, asimov_mu=0.0, bounded=True),
    "q": TestStatistic(_upper_limit, asimov_mu=0.0, bounded=False),
    "q0": TestStatistic(_discovery, asimov_mu=1.0, bounded=True),
}
TWO_SIDED = "t"  # the test statistic of intervals from toys; mu_hat is within the bounds of the fits
# All test statistics that toys can have.
VALUES = {name: statistic.value for name, statistic in TEST_STATISTICS.items()} | {TWO_SIDED: _two_sided}
