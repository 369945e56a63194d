"""A step that fails tells later ones what they must know; so limits that are missing say of what kind they are."""

import pytest

import allocate_toys
import fit
import invert_toys
import plan_toys
from helpers.chain import SPEC, Chain, strict
from helpers.steps import run_step
from muscan.base.errors import FitError
from muscan.base.files import read_step_settings, record_failure, write_json
from muscan.records.limits import Limits

REASON = "the patch does not apply"


@pytest.fixture
def failed(tmp_path) -> Chain:
    """A signal whose model could not be made; q is its test statistic."""
    chain = Chain(tmp_path, {"status": "failed", "reason": REASON})
    chain.compile()
    assert chain.fit("--test-statistic", "q") == {"status": "failed", "reason": REASON, "test_statistic": "q"}
    return chain


def the_limits(path) -> Limits:
    limits = Limits.from_json(strict(path))
    assert limits.status == {"observed_limit": "fit_failed", "expected_limit": ["fit_failed"] * 5}
    assert limits.reason["observed_limit"] == REASON
    return limits


def test_asymptotic_limits(failed):
    failed.invert([failed.hypotest(1.0)], "--confidence-level", "0.9")
    limits = the_limits(failed.limits_file)
    assert (limits.calculator, limits.test_statistic, limits.confidence_level) == ("asymptotics", "q", 0.9)


def test_limits_from_toys(failed):
    folder = failed.folder / "toybased"
    plans = [str(folder / f"plan_{number}.json") for number in range(2)]
    common = ["--model", str(failed.model_file), "--fit", str(failed.fit_file)]
    of_toys = ["--toys", str(folder / "toys")]
    run_step(plan_toys, [*common, "--per-hypothesis", "10", "--confidence-level", "0.9", "--output", plans[0]])
    allocate_toys.main([*common, *of_toys, "--plan", plans[0], "--output", plans[1]])
    assert strict(folder / "plan_1.json") == {
        "status": "failed",
        "reason": REASON,
        "test_statistic": "q",
        "confidence_level": 0.9,
    }
    invert_toys.main([*common, *of_toys, "--plan", plans[1], "--output", str(folder / "limits.json")])
    limits = the_limits(folder / "limits.json")
    assert (limits.calculator, limits.test_statistic, limits.confidence_level) == ("toybased", "q", 0.9)


def test_a_plan_that_fails_by_itself(tmp_path):
    chain = Chain(tmp_path, SPEC)
    chain.fit()
    plan = tmp_path / "plan_0.json"
    words = ["--model", str(chain.model_file), "--fit", str(chain.fit_file), "--mu", "1", "--output", str(plan)]
    run_step(plan_toys, [*words, "--per-hypothesis", "10", "--target", "0.1"])
    assert strict(plan) == {
        "status": "failed",
        "reason": "give either per_hypothesis or target",
        "test_statistic": "qtilde",
        "confidence_level": 0.95,
    }


def test_a_fit_needs_a_bound_of_mu_or_a_confidence_level(tmp_path):
    chain = Chain(tmp_path, SPEC)
    chain.compile()
    words = ["--model", str(chain.model_file), "--engine", "newton", "--test-statistic", "q"]
    fit.main([*words, "--poi-bound", "10", "--output", str(chain.fit_file)])
    assert strict(chain.fit_file)["mu"] is None
    fit.main([*words, "--poi-bound", "--confidence-level", "--output", str(chain.fit_file)])
    assert "give either the bound of mu, or the confidence level" in strict(chain.fit_file)["reason"]


def test_settings_are_in_results_and_in_failures(tmp_path):
    write_json(tmp_path / "good.json", {"level": 0.9, "more": 1})
    with record_failure(tmp_path / "bad.json", level=0.9):
        raise FitError("no minimum")
    assert (
        read_step_settings(tmp_path / "good.json", "level")
        == read_step_settings(tmp_path / "bad.json", "level")
        == {"level": 0.9}
    )
    assert read_step_settings(tmp_path / "bad.json", "more") == {"more": None}
