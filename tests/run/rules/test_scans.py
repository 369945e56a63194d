"""Values for the rules of fits, tests and toys."""

from types import SimpleNamespace

import pytest

from muscan.config.schema import complete
from muscan.run.rules.pictures import drawn_from
from muscan.run.rules.scans import Scans
from muscan.run.rules.toys import Toys

CONFIG = {
    "datasets": {"d": {"simulate": {}}, "w": {"workspace": {"file": "BkgOnly.json"}}},
    "models": {"m": {}},
    "scan": {"mu": [0, 1, 2, 12], "mu_per_job": 3},
    "analyses": {
        "a": {"dataset": "d", "model": "m", "calculators": ["asymptotics", "toybased"], "toys": {"jobs": 2, "seed": 5}},
        "b": {"dataset": "w", "mu": "auto", "engine": "pyhf", "blind": True, "interpolation": {"normsys": "code1"}},
        "c": {"dataset": "w", "calculators": ["toybased"], "toys": {"target": 0.1, "jobs": 1}},
    },
}


@pytest.fixture
def scans() -> Scans:
    return Scans(complete(CONFIG))


def of(analysis: str, **others) -> SimpleNamespace:
    return SimpleNamespace(analysis=analysis, signal="signal", **others)


def test_names(scans):
    assert scans.names == [
        "a/signal/asymptotics",
        "a/signal/toybased",
        "b/signal/asymptotics",
        "c/signal/toybased",
    ]
    assert scans.with_toys == ["a/signal/toybased", "c/signal/toybased"]
    assert (scans.of_histograms, scans.published) == (["a"], ["b", "c"])
    assert scans.title(of("a")) == "a"


def test_settings_are_those_of_the_analysis(scans):
    assert [scans.setting("engine")(of(name)) for name in "abc"] == ["newton", "pyhf", "newton"]
    assert [scans.setting("blind")(of(name)) for name in "abc"] == [False, True, False]
    assert [scans.interpolation("normsys")(of(name)) for name in "abc"] == ["code4", "code1", "code4"]
    assert [scans.fitted_by_pyhf(of(name)) for name in "abc"] == [False, True, False]
    assert [scans.uses("toybased")(of(name)) for name in "abc"] == [True, False, True]
    assert [scans.uses("asymptotics")(of(name)) for name in "abc"] == [True, True, False]
    assert scans.setting("check_asymptotics")(of("a")) == "auto"


def test_values_of_mu(scans):
    assert scans.setting("mu")(of("a")) == ["0", "1", "2", "12"]
    assert scans.mu_of_job(of("a", mu="0_to_2")) == ["0", "1", "2"]
    assert scans.mu_of_job(of("a", mu="12")) == ["12"]
    assert scans.poi_bound(of("a")) == 20  # 10, 20, 40, ...
    assert scans.range_confidence_level(of("a")) == []  # fits do not depend on it


def test_values_that_follow_from_the_limits_are_empty_lists(scans):
    assert scans.range_confidence_level(of("b")) == 0.95
    assert scans.setting("mu")(of("b")) == scans.mu_of_job(of("b", mu="auto")) == scans.poi_bound(of("b")) == []


class TestToys:
    @pytest.fixture
    def toys(self, scans) -> Toys:
        return Toys(scans)

    def test_settings(self, toys):
        assert [toys.setting("seed")(of(name)) for name in "ac"] == [5, 0]
        assert [toys.setting("per_hypothesis")(of(name)) for name in "ac"] == [5000, []]
        assert [toys.setting("target")(of(name)) for name in "ac"] == [[], 0.1]

    def test_a_fixed_number_of_toys_has_one_round(self, toys):
        assert toys.last_plan(of("a")) == "results/a/signal/toybased/plan_0.json"
        assert toys.last_jobs(of("a")) == [
            "results/a/signal/toybased/jobs/round_0_part_0_of_2.json",
            "results/a/signal/toybased/jobs/round_0_part_1_of_2.json",
        ]

    def test_a_round_follows_the_one_before(self, toys):
        assert toys.previous_plan(of("c", round="2")) == "results/c/signal/toybased/plan_1.json"
        assert toys.previous_jobs(of("c", round="2")) == ["results/c/signal/toybased/jobs/round_1_part_0_of_1.json"]
        assert toys.last_plan(of("c")) == "results/c/signal/toybased/plan_3.json"


def test_results_of_pictures():
    assert drawn_from("fit")(SimpleNamespace(plot="pulls"))
    assert not drawn_from("limits")(SimpleNamespace(plot="pulls"))
