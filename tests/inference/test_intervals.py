"""Upper limits from curves with known crossings, and a reason wherever there is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from helpers.workspaces import counting, engine_of, normsys
from muscan.inference.hypotest import hypotest, prepare
from muscan.inference.limits import STATUSES, Limit, upper_limits

NAN = np.nan
GRID = np.linspace(0, 5, 11)


def falling(mu):
    """CLs of a Gaussian measurement of mu_hat = 0 with sigma = 1: the 95 % limit is 1.96."""
    return 2 * norm.sf(mu)


def never(mu: float) -> float:
    raise AssertionError(f"no test is needed at mu = {mu}")


def failing(mu: float) -> float:
    return NAN


def limit(cls, mu=GRID, alpha=0.05, test=never) -> Limit:
    """The limit of one curve."""

    def tests(values: np.ndarray, curves: np.ndarray) -> np.ndarray:
        assert not curves.any()
        return np.array([test(value) for value in values])

    (found,) = upper_limits(np.asarray(mu, dtype=float), np.asarray(cls, dtype=float)[:, None], alpha, tests)
    return found


def no_limit(cls, status: str, *words: str, **options) -> Limit:
    """There is a status, a reason in words, and no number."""
    result = limit(cls, **options)
    assert result.status == status
    assert result.status in STATUSES
    assert result.value is None
    for word in words:
        assert word in result.reason
    return result


class TestACrossing:
    def test_it_is_found(self):
        result = limit(falling(GRID), test=falling)
        assert result == Limit(pytest.approx(1.959964, rel=1e-5), "ok")

    @pytest.mark.parametrize("alpha", [0.01, 0.1, 0.32])
    def test_at_other_confidence_levels(self, alpha):
        assert limit(falling(GRID), alpha=alpha, test=falling).value == pytest.approx(norm.isf(alpha / 2), rel=1e-5)

    @pytest.mark.parametrize("number", [2, 3, 7, 51, 500])
    def test_it_does_not_depend_on_the_grid(self, number):
        grid = np.linspace(0, 5, number)
        assert limit(falling(grid), mu=grid, test=falling).value == pytest.approx(1.959964, rel=1e-5)

    def test_at_a_point_of_the_scan_needs_no_test(self):
        assert limit([1, 0.4, 0.05, 0.01], mu=[0, 1, 2, 3]).value == 2

    def test_at_the_last_point_of_the_scan(self):
        """CLs equal to alpha is not above it, but nothing beyond shows that the curve goes on falling."""
        no_limit([1, 0.4, 0.05], "above_scan", "extend mu beyond 2", mu=[0, 1, 2])

    def test_where_cls_underflows_to_zero(self):
        def steep(mu):
            return np.exp(-((np.asarray(mu) * 10) ** 2))

        assert steep(5.0) == 0
        assert limit(steep(GRID), test=steep).value == pytest.approx(np.sqrt(np.log(20)) / 10, rel=1e-5)

    def test_at_negative_mu(self):
        """A strong deficit with the test statistic q."""

        def shifted(mu):
            return falling(np.asarray(mu) + 3)

        grid = [-3.0, -2.0, 0.0]
        assert limit(shifted(grid), mu=grid, test=shifted).value == pytest.approx(1.959964 - 3, rel=2e-5)

    def test_small_rises_are_rounding(self):
        cls = falling(GRID)
        cls[0] = cls[1] - 5e-4
        assert limit(cls, test=falling).status == "ok"


def test_curves_do_not_disturb_one_another():
    """Six curves at once, two without a crossing and one whose tests fail, give what each gives alone."""
    grid = np.linspace(0, 5, 4)
    sigmas = [1.0, 0.4, 2.0, 1.7, 60.0, 0.001]
    cls = np.array([falling(grid / sigma) for sigma in sigmas]).T
    cls[0, 5] = 0.01

    def tests(values: np.ndarray, curves: np.ndarray) -> np.ndarray:
        return np.where(curves == 3, NAN, falling(values / np.array(sigmas)[curves]))

    found = upper_limits(grid, cls, 0.05, tests)
    assert [each.status for each in found] == ["ok", "ok", "ok", "fit_failed", "above_scan", "not_monotone"]
    assert [each.value for each in found[:3]] == pytest.approx([1.959964 * sigma for sigma in sigmas[:3]], rel=2e-5)


class TestOutsideTheScan:
    def test_above(self):
        result = no_limit(falling(GRID / 5), "above_scan", "above 0.05 in the whole scan", "extend mu beyond 5")
        assert result.bound == 5

    def test_below(self):
        result = no_limit([0.04, 0.01], "below_scan", "below 0.05 in the whole scan", "begin mu below 3", mu=[3, 4])
        assert result.bound == 3

    def test_one_point_above(self):
        result = no_limit([0.3], "above_scan", "extend mu beyond 1", mu=[1])
        assert result.bound == 1

    def test_one_point_below(self):
        result = no_limit([0.01], "below_scan", "begin mu below 1", mu=[1])
        assert result.bound == 1

    @pytest.mark.parametrize("cls", [1.0, 0.995])
    def test_a_signal_with_hardly_any_effect(self, cls):
        result = no_limit(np.linspace(1, cls, 11), "above_scan", f"{cls:g} at mu = 5", "has events", "`mu: auto`")
        assert result.bound == 5

    @pytest.mark.parametrize("cls", [0.06, 1.0])
    def test_no_scan_goes_further_than_that_of_auto(self, cls):
        result = no_limit([1, cls], "above_scan", "even at mu = 1e+09: no signal of this size", mu=[0, 1.005e9])
        assert "extend" not in result.reason
        assert "auto" not in result.reason

    def test_of_mu_of_zero_alone(self):
        no_limit([1.0], "above_scan", "extend mu beyond 0", mu=[0])

    def test_cls_of_zero_everywhere(self):
        """At mu = 0 both hypotheses are the same: there is no limit below, and something is wrong."""
        result = no_limit(np.zeros(11), "not_monotone", "CLs is 0 at mu = 0, where it is 1")
        assert "begin mu" not in result.reason
        assert result.bound is None


class TestCurvesWithoutALimit:
    def test_several_crossings(self):
        cls = [1, 0.3, 0.01, 0.2, 0.01]
        no_limit(cls, "multiple_crossings", "3 times", "1 and 2, 2 and 3, 3 and 4", mu=[0, 1, 2, 3, 4])

    def test_a_rise_before_the_crossing(self):
        no_limit([1, 0.3, 0.4, 0.01], "not_monotone", "rises from 0.3 at mu = 1 to 0.4 at 2", mu=[0, 1, 2, 3])

    def test_a_rise_after_the_crossing(self):
        no_limit([1, 0.3, 0.01, 0.03], "not_monotone", "rises from 0.01 at mu = 2 to 0.03 at 3", mu=[0, 1, 2, 3])

    def test_a_curve_that_rises_through_alpha(self):
        no_limit([0.01, 0.3], "not_monotone", "rises", mu=[0, 1])

    def test_a_curve_that_rises_through_alpha_very_slowly(self):
        no_limit([0.0498, 0.0502], "not_monotone", "rises", mu=[0, 1])


class TestFailedTests:
    def test_everywhere(self):
        no_limit([NAN] * 11, "fit_failed", "none of the 11 tests")

    def test_of_the_only_point(self):
        no_limit([NAN], "fit_failed", "none of the 1 tests", mu=[1])

    def test_next_to_the_crossing(self):
        cls = falling(GRID)
        for gap in ([3], [4], [3, 4]):
            with_gap = cls.copy()
            with_gap[gap] = NAN
            assert limit(with_gap, test=falling).value == pytest.approx(1.959964, rel=1e-5)

    def test_far_from_the_crossing(self):
        cls = falling(GRID)
        cls[[0, 7, 10]] = NAN
        assert limit(cls, test=falling).value == pytest.approx(1.959964, rel=1e-5)

    def test_beyond_the_last_success(self):
        result = no_limit([1, 0.3, NAN, NAN], "fit_failed", "mu = 2, 3", mu=[0, 1, 2, 3])
        assert result.bound == 1

    def test_before_the_first_success(self):
        result = no_limit([NAN, 0.01, 0.001], "fit_failed", "mu = 0", mu=[0, 1, 2])
        assert result.bound == 1

    def test_on_the_other_side_of_a_limit_outside_the_scan(self):
        assert no_limit([NAN, 0.9, 0.3], "above_scan", mu=[0, 1, 2]).bound == 2
        assert no_limit([0.01, 0.001, NAN], "below_scan", mu=[1, 2, 3]).bound == 1

    def test_between_two_points_of_the_scan(self):
        no_limit(falling(GRID), "fit_failed", "between mu = 1.5 and 2", "failed: mu = 1.75", test=failing)

    def test_where_the_search_begins(self):
        def fragile(mu: float) -> float:
            return NAN if mu == 1.75 else falling(mu)

        assert limit(falling(GRID), test=fragile).value == pytest.approx(1.959964, rel=1e-5)


@given(st.lists(st.one_of(st.floats(0, 1), st.just(NAN)), min_size=1, max_size=8), st.sampled_from([0.05, 0.1, 0.32]))
def test_any_curve_gives_a_number_in_the_scan_or_a_reason(cls, alpha):
    mu = np.arange(len(cls), dtype=float)
    good = np.isfinite(cls)

    def between(value: float) -> float:
        return float(np.interp(value, mu[good], np.array(cls)[good]))

    result = limit(cls, mu=mu, alpha=alpha, test=between)
    assert result.status in STATUSES
    if result.status == "ok":
        assert result.reason is None
        assert between(result.value) == pytest.approx(alpha, abs=1e-3)
    else:
        assert result.value is None
        assert result.reason


class TestOfRealScans:
    """Properties of limits, on models cheap enough to try many."""

    @staticmethod
    def scan(signal: list, excess: float = 0.0, grid=(0.0, 20.0), alpha: float = 0.05, bound: float = 20.0):
        observed = [max(0.0, round(each + excess * np.sqrt(each))) for each in (30.0, 60.0)]
        engine = engine_of(counting(observed, signal, [30.0, 60.0], normsys(0.1)), {}, "qtilde", bound)
        prepared = prepare(engine, "qtilde")

        def cls(mu: float) -> float:
            return hypotest(engine, prepared, mu, "qtilde", "asymptotics").p_values.CLs_obs

        result = limit([cls(mu) for mu in grid], mu=grid, alpha=alpha, test=cls)
        assert result.status == "ok", result.reason
        return result.value, cls

    @settings(max_examples=6, deadline=None)
    @given(excess=st.floats(-2, 2), alpha=st.sampled_from([0.05, 0.1, 0.32]))
    def test_the_test_at_the_limit_gives_alpha(self, excess, alpha):
        value, cls = self.scan([8.0, 3.0], excess, alpha=alpha)
        assert cls(value) == pytest.approx(alpha, rel=1e-3, abs=1e-6)

    @settings(max_examples=4, deadline=None)
    @given(excess=st.floats(-2, 2), inner=st.lists(st.floats(0.1, 19.9), min_size=1, max_size=6, unique=True))
    def test_the_limit_does_not_depend_on_the_grid(self, excess, inner):
        reference, _ = self.scan([8.0, 3.0], excess)
        value, _ = self.scan([8.0, 3.0], excess, grid=(0.0, *sorted(inner), 20.0))
        assert value == pytest.approx(reference, rel=3e-5)

    @settings(max_examples=4, deadline=None)
    @given(excess=st.floats(-2, 2), factor=st.floats(0.3, 20))
    def test_the_limit_scales_with_the_signal(self, excess, factor):
        reference, _ = self.scan([8.0, 3.0], excess)
        value, _ = self.scan([8.0 * factor, 3.0 * factor], excess, grid=(0.0, 20 / factor), bound=20 / factor)
        assert value * factor == pytest.approx(reference, rel=1e-4)

    @settings(max_examples=4, deadline=None)
    @given(excess=st.floats(-2, 2))
    def test_a_limit_at_lower_confidence_is_stronger(self, excess):
        levels = [self.scan([8.0, 3.0], excess, alpha=alpha)[0] for alpha in (0.05, 0.1, 0.2)]
        assert levels == sorted(levels, reverse=True)

    def test_a_limit_above_the_usual_bound_of_the_poi(self):
        """mu up to 10 is pyhf's default; the limit in events is the same in any unit."""
        value, _ = self.scan([8.0, 3.0], 1.0)
        tenth, _ = self.scan([0.8, 0.3], 1.0, grid=(0.0, 50.0), bound=50.0)
        assert tenth > 10
        assert tenth == pytest.approx(10 * value, rel=1e-4)
