"""Scans of the likelihood: equal to profiles and contours of Minuit; ranges, failures and lower minima."""

import numpy as np
import pytest
from iminuit import Minuit

from helpers.default_question import default_question
from helpers.minos import minuit_of
from helpers.published import published
from helpers.workspaces import counting, engine_of, normsys
from muscan.inference.hypotest import prepare
from muscan.inference.intervals import profile_of, rise_of
from muscan.inference.likelihood_scan import LEVELS, POINTS, REACH, Scan, scan, statuses
from muscan.inference.measured import measured
from muscan.inference.newton import Newton
from muscan.inference.profile import Profile


def profile(spec: dict, test_statistic: str = "q", kind: type = Newton) -> Profile:
    engine = engine_of(spec, test_statistic=test_statistic)
    found = profile_of(measured(engine, prepare(engine, test_statistic), blinded=False))[0]
    found.engine = kind(found.engine.model)
    return found


def scanned(found: Profile, *names: str) -> Scan:
    return scan(found, [found.engine.model.names.index(name) for name in names])


def profiled_by_minuit(minuit: Minuit, points: dict[str, list[float]]) -> np.ndarray:
    """The rise of -2 log L with parameters held, by a fit of Minuit for each point."""
    best, start = minuit.fval, np.array(minuit.values)
    rises = []
    for values in zip(*points.values(), strict=True):
        minuit.values = start
        for name, value in zip(points, values, strict=True):
            minuit.values[name], minuit.fixed[name] = value, True
        minuit.migrad()
        assert minuit.valid
        rises.append(minuit.fval - best)
    return np.array(rises)


@pytest.fixture(scope="module")
def question() -> Profile:
    return profile(default_question())


@pytest.fixture(scope="module")
def sbottom(data) -> Profile:
    return profile(published(data, "sbottom-A"))


class TestAgainstMinuit:
    @pytest.mark.parametrize("name", ["mu", "bkgnorm", "background_stat[9]"])
    def test_a_curve_of_the_default_question(self, question, name):
        found = scanned(question, name)
        minuit = minuit_of(question.engine.likelihood, question.best.parameters)
        _, values, valid = minuit.mnprofile(name, grid=found.values[0][::4])
        assert valid.all()
        np.testing.assert_allclose(found.rises[::4], values - minuit.fval, atol=1e-4)

    def test_a_curve_of_a_published_likelihood(self, sbottom):
        found = scanned(sbottom, "mu_SIG")
        minuit = minuit_of(sbottom.engine.likelihood, sbottom.best.parameters)
        some = slice(24, None, 9)  # at smaller mu, Minuit would begin where the data are impossible
        rises = profiled_by_minuit(minuit, {"mu_SIG": found.values[0][some]})
        np.testing.assert_allclose(found.rises[some], rises, atol=1e-4)

    def test_a_plane_of_the_default_question(self, question):
        found = scanned(question, "mu", "bkgnorm")
        rows, columns = np.array([0, 7, 15, 21, 29]), np.array([29, 3, 14, 18, 0])
        points = {"mu": found.values[0][columns], "bkgnorm": found.values[1][rows]}
        rises = profiled_by_minuit(minuit_of(question.engine.likelihood, question.best.parameters), points)
        np.testing.assert_allclose(found.rises[rows, columns], rises, atol=1e-4)

    def test_a_plane_of_a_published_likelihood(self, sbottom):
        found = scanned(sbottom, "mu_ttbar", "ttbar_Gen")
        rows, columns = np.array([1, 12, 25]), np.array([20, 14, 3])
        points = {"mu_ttbar": found.values[0][columns], "ttbar_Gen": found.values[1][rows]}
        rises = profiled_by_minuit(minuit_of(sbottom.engine.likelihood, sbottom.best.parameters), points)
        np.testing.assert_allclose(found.rises[rows, columns], rises, atol=1e-4)

    @pytest.mark.parametrize("level", LEVELS)
    def test_contours(self, question, level):
        minuit = minuit_of(question.engine.likelihood, question.best.parameters)
        points = minuit.mncontour("mu", "bkgnorm", cl=level, size=8)[:-1]
        indices = [question.engine.model.names.index(name) for name in ("mu", "bkgnorm")]
        starts = np.repeat(question.best.parameters[:, None], len(points), axis=1)
        held = np.zeros(starts.shape, bool)
        starts[indices], held[indices] = points.T, True
        rises = question.fits(held, starts).deviance - question.best.deviance
        np.testing.assert_allclose(rises, rise_of(level, 2), atol=6e-3)  # the precision of single points of Minuit
        assert np.median(rises) == pytest.approx(rise_of(level, 2), abs=1e-4)
        extents = [each for of_level, each in scanned(question, "mu", "bkgnorm").regions if of_level == level]
        for each, place in zip(extents, points.T, strict=True):
            assert each.low.value <= place.min() + 2e-3
            assert each.high.value >= place.max() - 2e-3


class TestRanges:
    def test_the_contour_at_the_rise_of_the_range_touches_all_sides(self, question):
        found = scanned(question, "mu", "bkgnorm")
        sides = [found.rises[0], found.rises[-1], found.rises[:, 0], found.rises[:, -1]]
        assert [side.min() for side in sides] == pytest.approx([REACH[2]] * 4, rel=0.02)
        assert found.rises.shape == (POINTS[2], POINTS[2])
        assert np.diff(found.values[0]).min() > 0

    def test_a_bound_is_the_last_point(self):
        found = scanned(profile(default_question(), "qtilde"), "mu")
        assert found.ranges[0].low.status == "at_bound"
        assert found.values[0][0] == 0.0
        assert [each.low.status for _, each in found.regions] == ["ok", "at_bound"]

    def test_an_open_direction_has_a_finite_range(self):
        found = scanned(profile(counting([12.0], [0.0], [10.0], normsys(0.1)), "qtilde"), "mu", "scale")
        assert [each.high.status for each in found.ranges] == ["open", "ok"]
        assert np.isfinite(found.values).all()
        np.testing.assert_allclose(found.rises, found.rises[:, :1].repeat(POINTS[2], axis=1), atol=1e-6)


class Failing(Newton):
    """Fits fail where the first held parameter is between 1 and 2."""

    def fit_held(self, data, starts, held):
        found = super().fit_held(data, starts, held)
        first = np.where(held, starts, np.nan)[held.any(axis=1)][0]
        found.deviance[(first > 1) & (first < 2)] = np.nan
        return found


class Stuck(Newton):
    """The first time that all points of a plane are fitted, those behind the first third end in a higher minimum."""

    def fit_held(self, data, starts, held):
        found = super().fit_held(data, starts, held)
        if starts.shape[1] == POINTS[2] ** 2 and not hasattr(self, "_made"):
            self._made = True
            found.deviance[POINTS[2] * (POINTS[2] // 3) :] += 0.5
        return found


class Lower(Newton):
    """Fits with a parameter above 1.5 end far below the best fit."""

    def fit_held(self, data, starts, held):
        found = super().fit_held(data, starts, held)
        found.deviance[starts[held.any(axis=1)][0] > 1.5] -= 50.0
        return found


SMALL = counting([55.0, 62.0], [10.0, 6.0], [50.0, 52.0], normsys(0.1))


def test_failed_fits_leave_gaps():
    found = scanned(profile(SMALL, kind=Failing), "mu")
    gap = (found.values[0] > 1) & (found.values[0] < 2)
    assert (np.isnan(found.rises) == gap).all()
    assert (statuses(found.rises) == np.where(gap, "fit_failed", "ok")).all()
    reference = scanned(profile(SMALL), "mu")
    assert {each.high.status for _, each in found.regions} == {"fit_failed", "ok"}
    assert [each.low.value for _, each in found.regions] == pytest.approx(
        [each.low.value for _, each in reference.regions], rel=1e-5
    )


def test_a_fit_below_the_best_fit_is_said():
    found = scanned(profile(SMALL, kind=Lower), "mu")
    assert "with mu held ends" in found.lower_minimum
    assert {end.status for _, each in found.regions for end in (each.low, each.high)} == {"lower_minimum"}
    assert (statuses(found.rises) == "lower_minimum").any()
    assert (found.rises[statuses(found.rises) == "ok"] >= 0).all()


def test_fits_from_neighbours_find_lower_minima():
    found = scanned(profile(SMALL, kind=Stuck), "mu", "scale")
    reference = scanned(profile(SMALL), "mu", "scale")
    assert found.improved == reference.rises.size - POINTS[2] * (POINTS[2] // 3)
    np.testing.assert_allclose(found.rises, reference.rises, atol=1e-6)
