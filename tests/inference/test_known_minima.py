"""Fits against closed formulas and brute force, and data sets on which minimisers stumble."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.special import xlogy

from helpers.workspaces import SMALL, counting, engine_of, fit, normsys, workspace
from muscan.base.errors import FitError
from muscan.inference.fits import at_bound
from muscan.inference.hypotest import hypotest, prepare
from muscan.inference.uncertainties import uncertainties

SHAPESYS = ("stat", "shapesys", [3.0, 4.0])


def poisson(n, nu) -> float:
    """2 [nu - n + n log(n / nu)], summed over bins; -inf expected where nu = 0 and n > 0 is not asked for."""
    n, nu = np.asarray(n, dtype=float), np.asarray(nu, dtype=float)
    return float(np.sum(2 * (nu - n + xlogy(n, np.where(n > 0, n, 1)) - xlogy(n, np.where(n > 0, nu, 1)))))


def free_fit(spec: dict, test_statistic: str = "qtilde", bound: float = 10.0):
    engine = engine_of(spec, {}, test_statistic, bound)
    return engine, fit(engine, engine.model.data, [engine.model.initial])


def q_observed(spec: dict, mu: float) -> float:
    engine = engine_of(spec)
    return hypotest(engine, prepare(engine, "qtilde"), mu, "qtilde", "asymptotics").q_obs


class TestCounting:
    """n events, s expected of the signal, b of a background that is known exactly: all has a closed form."""

    n, s, b = 17.0, 4.0, 10.0
    spec = counting([n], [s], [b])

    def test_best_fit(self):
        _, best = free_fit(self.spec)
        assert best.parameters == pytest.approx([(self.n - self.b) / self.s], rel=1e-5)
        assert best.deviance == pytest.approx(0, abs=1e-9)

    def test_mu_is_held_where_it_is_told(self):
        engine = engine_of(self.spec)
        for mu in (0.0, 1e-9, 0.3, 10 - 1e-9, 10.0):
            held = fit(engine, engine.model.data, [engine.model.initial], mu=mu)
            assert held.parameters[engine.model.poi] == mu
            assert held.deviance == pytest.approx(poisson(self.n, mu * self.s + self.b), rel=1e-12)

    def test_curvature(self):
        engine, best = free_fit(self.spec, "q", 1000.0)
        errors = uncertainties(engine, engine.model.data, best)
        assert errors.covariance == pytest.approx(self.n / self.s**2, rel=2e-3)
        assert errors.errors == pytest.approx(np.sqrt(self.n) / self.s, rel=2e-3)

    def test_minos(self):
        engine, best = free_fit(self.spec)
        mu_hat = (self.n - self.b) / self.s

        def rise(mu: float) -> float:
            return poisson(self.n, mu * self.s + self.b) - 1

        lower, upper = brentq(rise, 0, mu_hat) - mu_hat, brentq(rise, mu_hat, 10) - mu_hat
        assert uncertainties(engine, engine.model.data, best).minos == pytest.approx((lower, upper), rel=1e-3)

    def test_minos_at_the_bound(self):
        """mu_hat = 0: there is no lower error; the upper one is where the deviance has risen by 1."""
        engine, best = free_fit(counting([6.0], [self.s], [self.b]))
        assert best.parameters[engine.model.poi] == 0
        assert at_bound(engine.model, best.parameters).tolist() == [True]
        lower, upper = uncertainties(engine, engine.model.data, best).minos
        expected = brentq(lambda mu: poisson(6, mu * self.s + self.b) - poisson(6, self.b) - 1, 0, 10)
        assert lower is None
        assert upper == pytest.approx(expected, rel=5e-3)

    def test_minos_where_the_lower_end_meets_the_bound(self):
        engine, best = free_fit(counting([11.0], [self.s], [self.b]))
        lower, upper = uncertainties(engine, engine.model.data, best).minos
        assert lower is None
        assert upper == pytest.approx(brentq(lambda mu: poisson(11, mu * 4 + 10) - 1, 0.25, 10) - 0.25, rel=1e-3)


@pytest.mark.parametrize("name", ["normsys", "histosys"])
def test_minos_against_a_profile_scan(name):
    engine, best = free_fit(SMALL[name])

    def profile(mu: float) -> float:
        def at(alpha: float) -> float:
            parameters = engine.model.initial.copy()
            parameters[engine.model.poi], parameters[1 - engine.model.poi] = mu, alpha
            return engine.likelihood.deviance_of(parameters, engine.model.data)

        valleys = ((-5, 0), (0, 5))
        return min(minimize_scalar(at, bounds=valley, options={"xatol": 1e-10}).fun for valley in valleys)

    mu_hat = minimize_scalar(profile, bounds=(0, 10), method="bounded", options={"xatol": 1e-9})
    assert best.deviance == pytest.approx(mu_hat.fun, abs=1e-8)
    assert best.parameters[engine.model.poi] == pytest.approx(mu_hat.x, abs=1e-4)

    def rise(mu: float) -> float:
        return profile(mu) - mu_hat.fun - 1

    lower = brentq(rise, 0, mu_hat.x) - mu_hat.x if rise(0) > 0 else None
    upper = brentq(rise, mu_hat.x, 10) - mu_hat.x
    found = uncertainties(engine, engine.model.data, best).minos
    assert found[0] == (None if lower is None else pytest.approx(lower, rel=2e-3))
    assert found[1] == pytest.approx(upper, rel=2e-3)


@pytest.mark.parametrize("spec", SMALL.values(), ids=SMALL)
def test_a_free_fit_is_never_above_a_fit_with_mu_held(spec):
    engine = engine_of(spec)
    prepared = prepare(engine, "qtilde")
    for mu in (0.0, 0.5, 1.0, 4.0):
        held = fit(engine, engine.model.data, [prepared.free.parameters], mu=mu)
        assert prepared.free.deviance <= held.deviance + 1e-8
    assert prepared.free.deviance <= prepared.reference.deviance


@pytest.mark.parametrize("spec", SMALL.values(), ids=SMALL)
def test_the_start_does_not_matter(spec):
    engine = engine_of(spec)
    best = fit(engine, engine.model.data, [engine.model.initial])
    rng = np.random.default_rng(0)
    for _ in range(2):
        start = engine.model.initial + rng.normal(size=len(engine.model.names)) * np.where(engine.model.fixed, 0, 0.3)
        other = fit(engine, engine.model.data, [start])
        assert other.deviance == pytest.approx(best.deviance, abs=1e-7)
        np.testing.assert_allclose(other.parameters, best.parameters, atol=3e-4)


def test_the_best_fit_to_asimov_data_made_them():
    engine = engine_of(SMALL["every modifier"])
    truth = engine.model.initial.copy()
    truth[engine.model.poi] = 2.0
    best = fit(engine, engine.likelihood.asimov(truth), [engine.model.initial])
    assert best.deviance == pytest.approx(0, abs=1e-7)
    np.testing.assert_allclose(best.parameters, truth, atol=1e-3)


def test_fixed_parameters_stay_and_have_no_uncertainty():
    spec = counting([12.0, 21.0], [3.0, 4.0], [10.0, 20.0], normsys(0.1), parameters=[{"name": "scale", "fixed": True}])
    engine, best = free_fit(spec)
    assert dict(zip(engine.model.names, best.parameters, strict=True))["scale"] == 0
    errors = uncertainties(engine, engine.model.data, best)
    index = engine.model.names.index("scale")
    assert errors.errors[index] == 0
    assert not errors.covariance[index].any()
    assert not errors.covariance[:, index].any()
    assert errors.errors[engine.model.poi] > 0


def on_off_deviance(n: float, signal: float, b: float, tau: float) -> float:
    """Profile of one bin, n ~ Poisson(signal + gamma b), tau ~ Poisson(tau gamma), in 60 digits.

    gamma solves gamma^2 (b + tau) b + gamma [signal (b + tau) - b (n + tau)] - tau signal = 0.
    """
    with localcontext(prec=60):
        n, signal, b, tau = (Decimal(float(value)) for value in (n, signal, b, tau))
        linear = signal * (b + tau) - b * (n + tau)
        root = (linear**2 + 4 * (b + tau) * b * tau * signal).sqrt()
        gamma = (root - linear) / (2 * (b + tau) * b)
        terms = ((n, signal + gamma * b), (tau, tau * gamma))
        return float(sum(2 * (nu - each + each * (each / nu).ln()) for each, nu in terms))


class TestDifficultData:
    def test_nothing_observed_anywhere(self):
        """The likelihood falls exponentially with mu whatever the background does: q = 2 mu s."""
        for modifiers in ([SHAPESYS], [normsys(0.1)], [("norm", "normfactor", None)]):
            spec = counting([0.0, 0.0], [3.0, 4.0], [10.0, 20.0], *modifiers)
            engine, best = free_fit(spec)
            assert best.parameters[engine.model.poi] == 0
            for mu in (0.1, 1.0, 10.0):
                assert q_observed(spec, mu) == pytest.approx(2 * mu * 7, rel=1e-5, abs=1e-6)

    @pytest.mark.parametrize("seen", [0.0, 1.0])
    def test_a_bin_without_background_and_with_a_small_signal(self, seen):
        observed, signal, background = [9.0, seen], [3.0, 0.01], [10.0, 0.0]

        def at(mu: float) -> float:
            return poisson(observed, mu * np.array(signal) + background)

        low = 1e-12 if seen else 0.0
        best = minimize_scalar(at, bounds=(low, 10), method="bounded", options={"xatol": 1e-12})
        mu_hat = best.x if seen else 0.0
        for modifiers in ([], [("fixed", "shapesys", [0.0, 0.0])]):
            spec = counting(observed, signal, background, *modifiers)
            engine, found = free_fit(spec)
            assert found.parameters[engine.model.poi] == pytest.approx(mu_hat, abs=1e-4)
            assert found.deviance == pytest.approx(at(mu_hat), abs=1e-6)
            for mu in (2.0, 10.0):
                assert q_observed(spec, mu) == pytest.approx(at(mu) - at(mu_hat), rel=1e-6, abs=1e-6)

    def test_a_bin_in_which_nothing_is_expected_changes_nothing(self):
        for mu in (0.5, 3.0):
            without = q_observed(counting([9.0], [3.0], [10.0], normsys(0.1)), mu)
            with_it = q_observed(counting([9.0, 0.0], [3.0, 0.0], [10.0, 0.0], normsys(0.1)), mu)
            assert with_it == pytest.approx(without, abs=1e-7)

    def test_a_template_that_its_systematic_uncertainty_drives_below_zero(self):
        """alpha < -1/2 makes the first bin negative; nothing is seen there. Checked on the line where it is zero."""
        shape = ("shape", "histosys", {"hi_data": [3.0, 22.0], "lo_data": [-1.0, 18.0]})
        engine = engine_of(counting([0.0, 21.0], [3.0, 4.0], [1.0, 20.0], shape))
        best = prepare(engine, "qtilde").free
        assert best.parameters[engine.model.poi] == pytest.approx(0, abs=1e-6)
        assert best.deviance == pytest.approx(0.25 + poisson(21, 19), abs=1e-5)

    def test_huge_counts(self):
        observed, signal, background = [10001234.0, 20003456.0], [3e3, 4e3], [1e7, 2e7]
        spec = counting(observed, signal, background)

        def at(mu: float) -> float:
            x = [(n - mu * s - b) / n for n, s, b in zip(observed, signal, background, strict=True)]
            return sum(-2 * n * (each + np.log1p(-each)) for n, each in zip(observed, x, strict=True))

        best = minimize_scalar(at, bounds=(0, 10), method="bounded", options={"xatol": 1e-10})
        engine, found = free_fit(spec)
        assert found.parameters[engine.model.poi] == pytest.approx(best.x, rel=1e-4)
        assert found.deviance == pytest.approx(best.fun, abs=1e-6)
        assert q_observed(spec, 3.0) == pytest.approx(at(3.0) - best.fun, rel=1e-6)

    @pytest.mark.parametrize("size", [1.0, 1e3, 1e7])
    @pytest.mark.parametrize("relative", [0.1, 1e-3, 1e-6])
    def test_an_on_off_measurement(self, size, relative):
        """Background of any size, known to anything between 10 % and one in a million (tau = 1e12)."""
        b, s = 10 * size, 3 * np.sqrt(size)
        n = np.round(b + s)
        engine = engine_of(counting([n], [s], [b], ("stat", "shapesys", [relative * b])))
        tau = engine.model.constraints.factor[0]
        for mu in (0.0, 0.7, 2.0, 8.0):
            found = fit(engine, engine.model.data, [engine.model.initial], mu=mu)
            expected = on_off_deviance(n, mu * s, b, tau)
            assert found.deviance == pytest.approx(expected, abs=1e-6, rel=1e-9)

    def test_only_mu(self):
        spec = counting([12.0, 21.0], [3.0, 4.0], [10.0, 20.0])
        _, best = free_fit(spec)
        score = brentq(lambda mu: 7 - 3 * 12 / (10 + 3 * mu) - 4 * 21 / (20 + 4 * mu), 0, 10)
        assert best.parameters == pytest.approx([score], rel=1e-5)

    def test_all_other_parameters_fixed_is_the_same_as_none(self):
        free = counting([12.0, 21.0], [3.0, 4.0], [10.0, 20.0])
        fixed = counting(
            [12.0, 21.0],
            [3.0, 4.0],
            [10.0, 20.0],
            normsys(0.1),
            ("norm", "normfactor", None),
            parameters=[{"name": "norm", "fixed": True}, {"name": "scale", "fixed": True}],
        )
        for mu in (0.3, 2.0):
            assert q_observed(fixed, mu) == pytest.approx(q_observed(free, mu), abs=1e-9)

    def test_any_name_of_the_poi(self):
        def spec(name: str) -> dict:
            samples = {
                "background": ([10.0, 20.0], [normsys(0.1, "a_scale")]),
                "signal": ([3.0, 4.0], [(name, "normfactor", None)]),
            }
            return workspace({"channel": ([12.0, 21.0], samples)}, poi=name)

        assert engine_of(spec("zz_xsec")).model.poi_name == "zz_xsec"
        for mu in (0.3, 2.0):
            assert q_observed(spec("zz_xsec"), mu) == pytest.approx(q_observed(spec("mu"), mu), abs=1e-9)

    def test_a_signal_of_nothing_is_not_excluded(self):
        spec = counting([12.0, 21.0], [0.0, 0.0], [10.0, 20.0], normsys(0.1))
        engine = engine_of(spec)
        tested = hypotest(engine, prepare(engine, "qtilde"), 5.0, "qtilde", "asymptotics")
        assert tested.p_values.CLs_obs == pytest.approx(1, abs=1e-6)
        assert tested.p_values.CLs_exp == pytest.approx([1] * 5, abs=1e-3)

    @pytest.mark.parametrize("mu", [None, 1.0])
    def test_no_minimum_is_an_error(self, mu):
        engine = engine_of(SMALL["normsys"])
        with pytest.raises(FitError, match="did not converge"):
            fit(engine, np.full_like(engine.model.data, np.nan), [engine.model.initial], mu=mu)
