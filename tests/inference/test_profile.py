"""Ends on the profile of the likelihood: closed formulas, failing trials, walls, bounds and open directions."""

import numpy as np
import pytest
from scipy.optimize import brentq

from helpers.workspaces import counting, engine_of, normsys
from muscan.inference.fits import Fit, Fits
from muscan.inference.hypotest import prepare
from muscan.inference.intervals import End, intervals, profile_of, rise_of
from muscan.inference.measured import measured
from muscan.inference.profile import Profile

SIGNAL, BACKGROUND = 4.0, 10.0


def profile(spec: dict, test_statistic: str = "q", poi_bound: float = 10.0) -> Profile:
    engine = engine_of(spec, test_statistic=test_statistic, poi_bound=poi_bound)
    return profile_of(measured(engine, prepare(engine, test_statistic), blinded=False))[0]


def interval(spec: dict, name: str = "mu", rise: float = 1.0, **options) -> tuple[End, End]:
    found = profile(spec, **options)
    (one,) = intervals(found, [(found.engine.model.names.index(name), rise)])
    return one.low, one.high


def rise(observed: float, mu: float) -> float:
    """Of a counting experiment, above its minimum."""
    expected = BACKGROUND + mu * SIGNAL
    return 2 * (expected - observed + (observed * np.log(observed / expected) if observed else 0.0))


class Gaussian:
    """An engine whose deviance is (theta / width)^2, except where fits fail or are in another minimum."""

    def __init__(self, width: float = 1.0, fails=lambda x: False, change=lambda x: 0.0, bounds=(-np.inf, np.inf)):
        self.width, self.fails, self.change, self.tried = width, fails, change, []
        self.model = type("Model", (), {"known_bounds": np.array([bounds]), "bounds": np.array([bounds])})
        self.model.names = ["theta"]

    def fit_held(self, data: np.ndarray, starts: np.ndarray, held: np.ndarray) -> Fits:
        assert held.all()
        self.tried += starts[0].tolist()
        value = [np.nan if self.fails(x) else (x / self.width) ** 2 + self.change(x) for x in starts[0]]
        return Fits(starts, np.array(value), np.zeros(len(value)), np.zeros(len(value), bool))

    def profile(self, sigma: float = 1.0) -> Profile:
        return Profile(self, np.zeros(1), Fit(np.zeros(1), 0.0, 0.0, "newton"), np.array([[sigma**2]]))

    def ends(self, *roots: float, sigma: float = 1.0):
        return self.profile(sigma).ends([0] * len(roots), np.ones(len(roots)), np.array(roots), 1e-6)


class TestFormulas:
    @pytest.mark.parametrize("observed", [12.0, 25.0, 3.0])
    @pytest.mark.parametrize("level", [0.68, 0.95, 0.9973])
    def test_counting(self, observed, level):
        """The ends are roots of the deviance; without data above the background, mu is negative."""
        low, high = interval(counting([observed], [SIGNAL], [BACKGROUND]), rise=rise_of(level))
        best, wall = (observed - BACKGROUND) / SIGNAL, -BACKGROUND / SIGNAL

        def distance(mu: float) -> float:
            return rise(observed, mu) - rise_of(level)

        assert low.value == pytest.approx(brentq(distance, wall + 1e-9, best), abs=2e-5 * (best - wall))
        assert high.value == pytest.approx(brentq(distance, best, 100), rel=2e-5)
        assert (low.status, high.status) == ("ok", "ok")

    @pytest.mark.parametrize("width", [0.01, 1.0, 300.0])
    def test_a_wrong_covariance_does_not_matter(self, width):
        for sigma in (1.0, np.nan, 1e-3):
            found = Gaussian(width).ends(1.0, 2.0, 3.0, sigma=sigma)
            np.testing.assert_allclose(found.distance, width * np.array([1.0, 2.0, 3.0]), rtol=1e-6)

    @pytest.mark.parametrize(
        ("level", "rises"), [(0.682689492137086, (1.0, 2.295748928898636)), (0.95, (3.841, 5.991))]
    )
    def test_thresholds_of_regions(self, level, rises):
        """Table 40.2 of the Review of Particle Physics; at 68.27 % with two parameters it has 2.30."""
        assert [rise_of(level, count) for count in (1, 2)] == pytest.approx(rises, abs=6e-4)


class TestBounds:
    def test_without_events_the_lower_end_is_the_bound(self):
        low, high = interval(counting([7.0], [SIGNAL], [BACKGROUND]), test_statistic="qtilde")
        assert (low.status, low.value, low.bound) == ("at_bound", None, 0.0)
        assert "risen by less than 1 at the bound of the parameter, 0" in low.reason
        assert rise(7.0, high.value) - rise(7.0, 0.0) == pytest.approx(1.0, abs=1e-4)

    @pytest.mark.parametrize("name", ["mu", "k"])
    def test_bounds_that_no_one_stated_do_not_hold(self, name):
        """mu is bounded by the range of a scan, and k by pyhf's default, 10; its end is at about 20 + sqrt(20)."""
        signal, background = ([1.0, 0.1], [0.1, 1.0])
        spec = counting([20.0, 20.0], signal, background, ("k", "normfactor", None))
        _, high = interval(spec, name, rise=4.0, poi_bound=20.0)
        assert high.status == "ok"
        assert high.value > 20

    def test_a_stated_bound_holds(self):
        spec = counting([20.0], [1.0], [1.0], ("k", "normfactor", None), normsys(0.1))
        spec["measurements"][0]["config"]["parameters"] = [{"name": "k", "bounds": [[0.0, 1.5]]}]
        low, high = interval(spec, "k", poi_bound=40.0)
        assert (low.status, low.bound) == ("at_bound", 0.0)
        assert (high.status, high.bound) == ("at_bound", 1.5)


class TestOpenDirections:
    def test_a_signal_without_events(self):
        low, high = interval(counting([12.0], [0.0], [10.0], normsys(0.1)), test_statistic="qtilde")
        assert (low.status, high.status, high.value) == ("at_bound", "open", None)
        assert "risen by less than 1 even at" in high.reason

    def test_a_free_factor_of_a_template_without_events(self):
        spec = counting([12.0, 3.0], [4.0, 1.0], [10.0, 0.0], ("free", "shapefactor", None), normsys(0.1))
        assert interval(spec, "free[1]")[1].status == "open"

    def test_a_profile_that_rises_too_little(self):
        found = Gaussian(np.inf, change=lambda x: 0.8 * (1 - np.exp(-(x**2)))).ends(0.5, 1.0)
        assert found.distance[0] == pytest.approx(np.sqrt(-np.log(1 - 0.25 / 0.8)), rel=1e-5)
        assert np.isnan(found.distance[1])
        assert not found.at_bound.any()
        assert not found.failed.any()


class TestFailures:
    def test_beyond_the_end(self):
        """The first trial fails, and the end is still found between two others."""
        assert Gaussian(fails=lambda x: x > 1.1).ends(1.0).distance == pytest.approx([1.0], rel=1e-6)

    def test_single_trials(self):
        engine = Gaussian(fails=lambda x: len(engine.tried) in (3, 4))
        assert engine.ends(1.0, 2.0).distance == pytest.approx([1.0, 2.0], rel=1e-5)

    def test_around_the_end(self):
        found = Gaussian(fails=lambda x: 0.9 < x < 1.1).ends(1.0, 0.5)
        assert found.failed.tolist() == [True, False]
        assert np.isnan(found.distance[0])
        inner, outer = found.between[0]
        assert inner <= 0.9
        assert outer >= 1.1

    def test_everywhere(self):
        found = Gaussian(fails=lambda x: x > 0).ends(1.0)
        assert found.failed.all()
        assert found.between.tolist() == [[0.0, np.inf]]

    def test_a_jump_is_no_end(self):
        """Fits beyond 0.8 are in a minimum that is higher by 3: nowhere has -2 log L risen by 1."""
        found = Gaussian(change=lambda x: 3.0 * (x > 0.8)).ends(1.0, 0.5)
        assert found.failed.tolist() == [True, False]
        assert found.between[0] == pytest.approx([0.8, 0.8])

    def test_a_steep_profile_has_an_end(self):
        found = Gaussian(change=lambda x: 1e6 * max(x - 0.8, 0.0)).ends(1.0)
        assert found.distance == pytest.approx([0.8 + (1 - 0.8**2) / 1e6], rel=1e-6)


def test_a_fit_below_the_best_fit_invalidates_all_ends():
    dip = Gaussian(change=lambda x: -3.0 * (0.9 < x < 1.3)).profile()
    ends = [end for each in intervals(dip, [(0, 1.0), (0, 4.0)]) for end in (each.low, each.high)]
    assert {end.status for end in ends} == {"lower_minimum"}
    assert all("below the best fit in -2 log L" in end.reason and end.value is None for end in ends)


def test_ends_do_not_depend_on_their_company():
    found = profile(counting([12.0, 30.0], [4.0, 1.0], [10.0, 30.0], normsys(0.1)))
    regions = [(index, rise) for index in range(2) for rise in (1.0, 4.0)]
    together = intervals(found, regions)
    assert together == [intervals(found, [each])[0] for each in regions]
