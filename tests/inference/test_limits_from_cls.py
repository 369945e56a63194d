"""Limits estimated from CLs at one mu, against pyhf's limits from scans of many."""

import numpy as np
import pyhf
import pytest
from scipy.stats import norm

from muscan.inference.limits_from_cls import SIGMAS, limits_from_cls


def estimate(observed: float, expected: list[float], alpha: float = 0.05) -> list[float]:
    """The observed and the five expected limits."""
    limits = limits_from_cls(np.array([observed]), np.array([expected]), np.array([alpha]))
    return [*limits[0], *limits[1][0]]


@pytest.mark.parametrize("width", [0.05, 0.3, 1.0, 20.0])
@pytest.mark.parametrize("n", [-2.5, 0.0, 1.3, 6.0])
@pytest.mark.parametrize("alpha", [0.05, 0.1])
def test_of_a_gaussian_measurement_they_are_exact(width, n, alpha):
    """At the limit CLs is alpha, whatever the mu at which CLs was known."""
    fluctuations = np.array([n, *SIGMAS])

    def cls(mu):
        return norm.cdf(fluctuations - mu / width) / norm.cdf(fluctuations)

    observed, *expected = cls(1.0)
    limits = np.array(estimate(observed, expected, alpha))
    assert cls(limits) == pytest.approx(alpha, rel=1e-6)


@pytest.mark.parametrize(("nominal", "observed", "statistic"), [(12.0, 115, "qtilde"), (50.0, 92, "q")])
def test_of_a_counting_experiment_they_are_close_to_those_of_pyhf(nominal, observed, statistic):
    """100 ± 8 events of background, and signals whose limits are about twice, and half, of what is predicted."""
    model = pyhf.simplemodels.uncorrelated_background([nominal], [100.0], [8.0])
    data = [observed, *model.config.auxdata]
    test = {"test_stat": statistic, "par_bounds": model.config.suggested_bounds()}
    test["par_bounds"][0] = (0.0 if statistic == "qtilde" else -100 / nominal, 200 / nominal)
    found, expected = pyhf.infer.hypotest(1.0, data, model, return_expected_set=True, **test)
    scan = pyhf.infer.intervals.upper_limits.toms748_scan
    limit, band = scan(data, model, 0.05, 100 / nominal, rtol=1e-3, **test)
    estimates = estimate(float(found), [float(each) for each in expected])
    assert estimates == pytest.approx(np.array([limit, *band]), rel=0.1)


def test_what_is_missing_or_impossible_has_no_limit():
    nan = np.nan
    assert np.isnan(estimate(0.3, [nan] * 5)).all()
    assert np.isnan(estimate(nan, [0.3] * 5)[0])
    assert np.isnan(estimate(0.01, [1.0] * 5)[0])  # a signal without effect that the data exclude
    assert np.isinf(estimate(1.0, [1.0] * 5)[3])
    assert 0 < estimate(0.0, [0.0] * 5)[0] < 0.1
