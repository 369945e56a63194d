"""Two-sided intervals: equal to MINOS of iminuit, on pyhf's likelihood and on published ones."""

import numpy as np
import pytest

from helpers.default_question import default_question
from helpers.minos import minuit_of
from helpers.published import published
from helpers.workspaces import EVERY_MODIFIER, counting, engine_of, referee
from muscan.histfactory.compile import compile_workspace
from muscan.inference.engines import engine
from muscan.inference.hypotest import prepare
from muscan.inference.intervals import intervals, profile_of, rise_of
from muscan.inference.measured import measured
from muscan.inference.profile import Profile
from muscan.inference.signal_point import bounded


def profile(spec: dict) -> Profile:
    engine = engine_of(spec, test_statistic="q")
    return profile_of(measured(engine, prepare(engine, "q"), blinded=False))[0]


def assert_equal_to_minos(found: Profile, minuit, names: list[str], level: float, tolerance: float) -> None:
    """Both ends of all parameters agree, in units of their distance from the best fit."""
    model = found.engine.model
    minuit.minos(*names, cl=level)
    indices = [model.names.index(name) for name in names]
    for name, each in zip(names, intervals(found, [(index, rise_of(level)) for index in indices]), strict=True):
        best, errors = found.best.parameters[each.parameter], minuit.merrors[name]
        assert errors.is_valid, name
        distances = each.low.value - best, each.high.value - best
        assert distances == pytest.approx((errors.lower, errors.upper), rel=tolerance), name


@pytest.fixture(scope="module")
def question() -> Profile:
    return profile(default_question())


@pytest.mark.parametrize("level", [0.68, 0.95])
def test_all_parameters_of_the_default_question(question, level):
    model = question.engine.model
    minuit = minuit_of(question.engine.likelihood, question.best.parameters)
    assert len(model.names) == 22
    assert_equal_to_minos(question, minuit, model.names, level, 5e-5)


def test_the_default_question_with_the_likelihood_of_pyhf(question):
    model, data = referee(default_question())
    minuit = minuit_of(
        question.engine.likelihood, question.best.parameters, lambda each: -2 * float(model.logpdf(each, data)[0])
    )
    assert_equal_to_minos(question, minuit, ["mu", "bkgnorm"], 0.95, 1e-3)


@pytest.mark.parametrize(
    ("level", "names"),
    [
        (0.682689492137, ["mu_SIG", "mu_ttbar", "ttbar_Gen", "JET_GroupedNP_1", "staterror_SR_meff[2]"]),
        (0.95, ["ttbar_Gen", "JET_GroupedNP_1"]),
    ],
)
def test_a_published_likelihood(data, level, names):
    found = profile(published(data, "sbottom-A"))
    minuit = minuit_of(found.engine.likelihood, found.best.parameters)
    assert_equal_to_minos(found, minuit, names, level, 1e-3)


def test_both_engines_agree():
    """pyhf fits less precisely, by about 1e-6 in -2 log L."""
    found = []
    for name in ("newton", "pyhf"):
        fitter = engine(name, bounded(compile_workspace(EVERY_MODIFIER), "q", 20.0), EVERY_MODIFIER)
        at = profile_of(measured(fitter, prepare(fitter, "q"), blinded=False))[0]
        regions = [(at.engine.model.names.index(each), 1.0) for each in ("mu", "jets")]
        found.append([end.value for each in intervals(at, regions, 1e-3) for end in (each.low, each.high)])
    np.testing.assert_allclose(*found, rtol=5e-3)


def test_an_empty_bin_keeps_the_best_fit_at_the_edge_of_the_possible_region():
    """Nothing is observed, and with a negative mu nothing is expected: 2 (nu - 0) rises by 1 half an event further."""
    of_data = profile(counting([0.0], [3.0], [2.0]))
    (found,) = intervals(of_data, [(of_data.engine.model.poi, 1.0)])
    assert found.low.status == "at_edge"
    assert "nothing is expected in bin 1 of channel channel" in found.low.reason
    assert found.high.value == pytest.approx(-2 / 3 + 0.5 / 3, abs=1e-4)
