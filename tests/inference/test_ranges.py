"""The range of a scan that follows from the limits: it brackets all six, whatever the size of the signal."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import norm

from helpers.ranges import curves, ranged
from helpers.workspaces import SMALL, counting, engine_of, normsys
from muscan.inference.fit_bounds import fit_within_bound
from muscan.inference.hypotest import hypotest, prepare
from muscan.inference.limits import upper_limits
from muscan.inference.ranges import LARGEST_MU, POINTS, scan_range


@pytest.mark.parametrize("observed", [40.0, 50.0, 58.0, 75.0])
@pytest.mark.parametrize("size", [1e-7, 1e-3, 0.1, 1.0, 50.0, 1e5])
def test_all_limits_are_inside_for_signals_of_any_size(size, observed):
    engine, fits, mu = ranged(counting([observed], [5.0 * size], [50.0], normsys(0.05)))
    cls = curves(engine, fits, mu)
    assert mu[0] == 0
    assert len(mu) == POINTS
    assert np.ptp(np.diff(mu)) < 1e-5 * mu[-1]
    assert (cls[0] > 0.05).all()
    assert (cls[-1] < 0.05).all()
    assert (cls[-4] > 0.05).any()  # the range is not much wider than needed
    assert engine.model.bounds[engine.model.poi, 1] >= 2 * mu[-1]


@pytest.mark.parametrize("size", [1e-4, 0.3, 20.0])
def test_limits_scale_with_the_signal(size):
    """Twice the signal, half the limit; so the limit on events does not depend on the size."""

    def limits(scale: float) -> list[float]:
        engine, fits, mu = ranged(counting([55.0, 61.0], [10.0 * scale, 6.0 * scale], [50.0, 60.0], normsys(0.1)))
        found = upper_limits(
            np.array(mu),
            curves(engine, fits, mu),
            0.05,
            lambda values, which: curves(engine, fits, values)[np.arange(len(which)), which],
        )
        assert [each.status for each in found] == ["ok"] * 6
        return [each.value * scale for each in found]

    assert limits(size) == pytest.approx(limits(1.0), rel=1e-4)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.32])
def test_limits_at_other_confidence_levels_are_inside(alpha):
    engine, fits, mu = ranged(counting([50.0], [7.0], [50.0]), alpha=alpha)
    assert (curves(engine, fits, mu)[-1] < alpha).all()


def test_the_end_is_where_the_formula_has_the_largest_expected_limit():
    """n events without nuisance parameters, data as expected: CLs of +2 sigma is Phi(2 - r) / Phi(2), r = sqrt(q_A).

    q_A = 2 [s - b log(1 + s / b)] for a signal of s events on top of b.
    """
    b = 400.0
    needed = 2 - ndtri(0.05 * norm.cdf(2))
    events = brentq(lambda s: np.sqrt(2 * (s - b * np.log1p(s / b))) - needed, 1, 1000)
    _, _, mu = ranged(counting([b], [4.0], [b]))
    assert events / 4 < mu[-1] < 1.3 * events / 4


def test_an_excess_moves_the_bounds_of_the_fits():
    """mu_hat = 250, far above the bound of 10 with which the fits begin."""
    engine, fits, mu = ranged(counting([150.0], [0.2], [100.0]))
    assert fits.free.parameters[engine.model.poi] == pytest.approx(250, rel=1e-4)
    assert mu[-1] > 250
    assert (curves(engine, fits, mu)[-1] < 0.05).all()


def test_a_deficit_with_the_unbounded_statistic():
    engine, fits, mu = ranged(counting([60.0], [0.1], [100.0]), "q")
    assert fits.free.parameters[engine.model.poi] == pytest.approx(-400, rel=1e-4)
    assert (curves(engine, fits, mu, "q")[-1] < 0.05).all()


def test_a_signal_without_effect_ends_at_the_largest_mu():
    engine, fits, mu = ranged(counting([50.0], [0.0], [50.0]))
    assert mu[-1] == pytest.approx(LARGEST_MU, rel=0.05)
    assert curves(engine, fits, mu)[-1] == pytest.approx([1.0] * 6)


@pytest.mark.parametrize("name", SMALL)
def test_models_of_every_kind(name):
    engine, fits, mu = ranged(SMALL[name])
    assert (curves(engine, fits, mu)[-1] < 0.05).all()


def test_a_failed_test_is_avoided(monkeypatch):
    """The tests at mu = 1 fail; the range is found from those around it."""
    engine = engine_of(counting([50.0], [30.0], [50.0]), {}, "qtilde", LARGEST_MU)
    fits = prepare(engine, "qtilde")
    expected = scan_range(engine, fits, "qtilde", 0.05)

    def fragile(engine, prepared, mu, *rest):
        from muscan.base.errors import FitError

        if mu == 1.0:
            raise FitError("the minimiser gave up")
        return hypotest(engine, prepared, mu, *rest)

    monkeypatch.setattr("muscan.inference.ranges.hypotest", fragile)
    assert scan_range(engine, fits, "qtilde", 0.05)[-1] == pytest.approx(expected[-1], rel=0.1)


@pytest.mark.parametrize("bound", [10, 40, 640])
def test_the_best_fit_does_not_meet_a_bound_that_only_the_range_sets(bound):
    """No event on a background of 600: without a bound mu_hat is where no event is expected, -600 / 2."""
    spec = counting([0.0], [2.0], [600.0])
    engine, fits = fit_within_bound(lambda bound: engine_of(spec, {}, "q", bound), bound, "q")
    assert fits.free.parameters[engine.model.poi] == pytest.approx(-300, rel=1e-6)


@pytest.mark.parametrize("size", [1e5, 1e6])
def test_a_small_best_fit_is_not_at_a_far_bound(size):
    engine, fits, mu = ranged(counting([55.0, 62.0], [10.0 * size, 6.0 * size], [50.0, 52.0], normsys(0.1)))
    assert 0 < fits.free.parameters[engine.model.poi] < 1e-4
    assert engine.model.bounds[engine.model.poi].tolist() == [0, 10]
    assert mu[-1] < 1e-3
