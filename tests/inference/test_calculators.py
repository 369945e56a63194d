"""p-values against pyhf and closed formulas; the test statistics against pyhf's."""

import numpy as np
import pyhf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhf.infer.calculators import AsymptoticCalculator
from scipy.stats import norm

from helpers.workspaces import SMALL, counting, engine_of, normsys, referee, tight_minuit
from muscan.base.errors import InputError
from muscan.inference.calculators import N_SIGMA, asymptotics, distribution
from muscan.inference.hypotest import hypotest, prepare
from muscan.inference.test_statistics import TEST_STATISTICS

OBSERVED = [0.0, 0.01, 0.5, 2.0, 7.0, 25.0]
ASIMOV = [0.2, 1.0, 4.0, 9.0, 30.0]


def distance(test_statistic: str, q_obs: float, q_asimov: float) -> float:
    """What pyhf compares with its two normal distributions (arXiv:1007.1727, equation 65)."""
    if test_statistic == "qtilde" and q_obs > q_asimov:
        return (q_obs - q_asimov) / (2 * np.sqrt(q_asimov))
    return np.sqrt(q_obs) - np.sqrt(q_asimov)


@pytest.mark.parametrize("test_statistic", ["qtilde", "q"])
@pytest.mark.parametrize("q_asimov", ASIMOV)
@pytest.mark.parametrize("q_obs", OBSERVED)
def test_p_values_are_those_of_pyhf(test_statistic, q_obs, q_asimov):
    model, data = referee(SMALL["normsys"])
    calculator = AsymptoticCalculator(data, model, test_stat=test_statistic)
    calculator.sqrtqmuA_v = np.sqrt(q_asimov)
    distributions = calculator.distributions(1.0)
    CLsb, CLb, CLs = calculator.pvalues(distance(test_statistic, q_obs, q_asimov), *distributions)
    _, _, expected = calculator.expected_pvalues(*distributions)
    ours = asymptotics(test_statistic, q_obs, q_asimov)
    assert (ours.CLsb_obs, ours.CLb_obs, ours.CLs_obs) == pytest.approx(
        (float(CLsb), float(CLb), float(CLs)), rel=1e-10
    )
    assert ours.CLs_exp == pytest.approx([float(value) for value in expected], rel=1e-10)


@pytest.mark.parametrize("q_obs", OBSERVED)
def test_p_values_of_a_discovery(q_obs):
    p_values = asymptotics("q0", q_obs, 9.0)
    assert p_values.CLs_obs == pytest.approx(norm.sf(np.sqrt(q_obs)))
    assert p_values.CLs_exp == pytest.approx([norm.sf(3 - n) for n in N_SIGMA])


def test_the_median_of_the_band_has_mu_hat_at_zero():
    """Background-like data have q = q_asimov; data one sigma above them shift mu_hat by one sigma."""
    for q_asimov in ASIMOV:
        at_median = asymptotics("qtilde", q_asimov, q_asimov)
        assert at_median.CLs_exp[2] == pytest.approx(at_median.CLs_obs)
        assert at_median.CLs_exp == pytest.approx(
            [norm.sf(np.sqrt(q_asimov) - n) / norm.sf(-n) for n in N_SIGMA], rel=1e-12
        )


@pytest.mark.parametrize("test_statistic", ["qtilde", "q"])
@pytest.mark.parametrize("q_obs", [0.0, 3.0, 1e4])
def test_no_effect_of_mu_is_no_exclusion(test_statistic, q_obs):
    p_values = asymptotics(test_statistic, q_obs, 0.0)
    assert p_values.CLs_obs == 1
    assert p_values.CLs_exp == [1, 1, 1, 1, 1]


@pytest.mark.parametrize("test_statistic", TEST_STATISTICS)
@pytest.mark.parametrize("q_asimov", [0.0, 1e-3, 1.0, 50.0, 2000.0])
def test_far_tails_are_finite_and_monotone(test_statistic, q_asimov):
    q = np.concatenate([[0], np.logspace(-3, np.log10(2000), 200)])
    cls = np.array([asymptotics(test_statistic, value, q_asimov).CLs_obs for value in q])
    assert np.isfinite(cls).all()
    assert ((cls >= 0) & (cls <= 1)).all()
    assert (np.diff(cls) <= 1e-12).all()
    assert np.isfinite(asymptotics(test_statistic, 2000.0, q_asimov).CLs_exp).all()


def test_cls_where_both_tails_underflow():
    """Mills' ratio: sf(x) = pdf(x) / x * (1 - 1/x^2 + 3/x^4 - ...)."""
    q_obs, q_asimov = 200.0, 1.0
    below = (q_obs - q_asimov) / 2
    assert norm.sf(below) == 0

    def mills(x: float) -> float:
        return (1 - 1 / x**2 + 3 / x**4) / x

    expected = np.exp(-below - 0.5) * mills(below + 1) / mills(below)
    assert asymptotics("qtilde", q_obs, q_asimov).CLs_obs == pytest.approx(expected, rel=1e-9)


@given(q_obs=st.floats(0, 2000), q_asimov=st.floats(0, 2000))
def test_cls_is_a_ratio_of_tails(q_obs, q_asimov):
    p_values = asymptotics("qtilde", q_obs, q_asimov)
    assert 0 <= p_values.CLs_obs <= 1
    assert 0 <= p_values.CLsb_obs <= p_values.CLb_obs <= 1
    assert (np.diff(p_values.CLs_exp) >= -1e-12).all()
    if p_values.CLsb_obs > 1e-290:
        assert p_values.CLs_obs == pytest.approx(p_values.CLsb_obs / p_values.CLb_obs, rel=1e-9)


def test_values_of_the_test_statistics():
    for name in ("qtilde", "q"):
        assert TEST_STATISTICS[name].value(1.0, 0.4, 3.0) == 3
        assert TEST_STATISTICS[name].value(1.0, 1.6, 3.0) == 0  # an excess does not speak against mu
    assert TEST_STATISTICS["q0"].value(0.0, 0.4, 3.0) == 3
    assert TEST_STATISTICS["q0"].value(0.0, -0.4, 3.0) == 0  # a deficit does not speak for a signal
    assert TEST_STATISTICS["qtilde"].value(1.0, 0.4, -1e-12) == 0  # rounding of two equal minima


@pytest.mark.parametrize("name", ["shapesys", "normsys", "deficit"])
@pytest.mark.parametrize("mu", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("test_statistic", ["qtilde", "q"])
def test_hypothesis_tests_are_those_of_pyhf(name, mu, test_statistic):
    """In `deficit`, mu_hat is negative where the test statistic allows it."""
    spec = SMALL[name]
    engine = engine_of(spec, {}, test_statistic)
    prepared = prepare(engine, test_statistic)
    ours = hypotest(engine, prepared, mu, test_statistic, "asymptotics")
    expected, data = referee(spec)
    bounds = expected.config.suggested_bounds()
    bounds[expected.config.poi_index] = tuple(engine.model.bounds[engine.model.poi])
    with tight_minuit():
        cls, tails, band = pyhf.infer.hypotest(
            mu,
            data,
            expected,
            par_bounds=bounds,
            test_stat=test_statistic,
            return_tail_probs=True,
            return_expected_set=True,
        )
    q_function = getattr(pyhf.infer.test_statistics, {"q": "qmu", "qtilde": "qmu_tilde"}[test_statistic])
    with tight_minuit():
        q = q_function(mu, data, expected, expected.config.suggested_init(), bounds, expected.config.suggested_fixed())
    assert ours.q_obs == pytest.approx(float(q), abs=2e-6)
    assert ours.p_values.CLs_obs == pytest.approx(float(cls), abs=1e-6)
    assert ours.p_values.CLs_exp == pytest.approx([float(value) for value in band], abs=2e-6)
    assert (ours.p_values.CLsb_obs, ours.p_values.CLb_obs) == pytest.approx([float(tail) for tail in tails], abs=1e-6)
    if name == "deficit":
        assert (prepared.free.parameters[engine.model.poi] < 0) == (test_statistic == "q")


@pytest.mark.parametrize("test_statistic", ["qtilde", "q"])
def test_mu_of_zero_is_never_excluded(test_statistic):
    for name in ("normsys", "deficit"):
        engine = engine_of(SMALL[name], {}, test_statistic)
        tested = hypotest(engine, prepare(engine, test_statistic), 0.0, test_statistic, "asymptotics")
        assert tested.q_asimov == 0
        assert tested.p_values.CLs_obs == 1
        assert tested.p_values.CLs_exp == [1, 1, 1, 1, 1]


@pytest.mark.parametrize("mu", [-0.5, 10.5])
def test_mu_outside_the_bounds_of_the_fits_is_refused(mu):
    engine = engine_of(counting([9.0], [3.0], [10.0], normsys(0.1)))
    with pytest.raises(InputError, match="outside the bounds of the fits, 0 to 10"):
        hypotest(engine, prepare(engine, "qtilde"), mu, "qtilde", "asymptotics")


@pytest.mark.parametrize("signal", [True, False])
@pytest.mark.parametrize("test_statistic", ["qtilde", "q"])
def test_asymptotic_distributions_are_those_of_a_gaussian_measurement(test_statistic, signal):
    """A measurement of mu with width 1; -2 log L is its squared distance, and qtilde keeps mu_hat at 0 or above."""
    mu, number = 1.5, 200_000
    measured = np.random.default_rng(1).normal(mu if signal else 0.0, 1.0, number)
    best = np.maximum(measured, 0) if test_statistic == "qtilde" else measured
    q = np.where(measured > mu, 0.0, (mu - measured) ** 2 - (best - measured) ** 2)
    points = np.array([0.0, 0.1, 1.0, 2.0, 2.5, 4.0, 8.0])
    fractions = (q[:, None] <= points).mean(axis=0)
    assert distribution(test_statistic, points, mu**2, signal) == pytest.approx(fractions, abs=4 / np.sqrt(number))
