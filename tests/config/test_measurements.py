"""Measurements beside the limits: the settings that ask for them, and the files that they make."""

import pytest

from helpers.configurations import DEFAULT, changed, problems
from muscan.config.measurements import IntervalSettings, Measurements, RankingSettings
from muscan.config.result_files import signal_results
from muscan.config.scans import measurement_files, outline_of
from muscan.config.schema import complete
from muscan.config.settings import scan_settings

NOTHING = {"discovery": False, "intervals": [], "likelihood_scans": [], "ranking": False, "groups": {}}
ANALYSIS = "original-floating"


def of(**settings) -> Measurements:
    config = complete(DEFAULT | {"scan": DEFAULT["scan"] | NOTHING | settings})
    config["analyses"][ANALYSIS] = {"dataset": "original", "model": "floating"}
    return scan_settings(config, ANALYSIS).measurements


def test_nothing_is_measured_that_nobody_asks_for():
    assert of() == Measurements(discovery=False, intervals=None, likelihood_scans={}, ranking=None)
    assert of().options() == {}
    assert list(of().files(["asymptotics"])) == []


def test_intervals_are_levels_or_a_block():
    assert of(intervals=[0.9]).intervals == IntervalSettings([0.9], [], feldman_cousins=False)
    block = {"parameters": ["a", "b*"], "feldman_cousins": True}
    assert of(intervals=block).intervals == IntervalSettings([0.68, 0.95], ["a", "b*"], feldman_cousins=True)
    assert of(intervals={"levels": [0.5], "parameters": "all"}).intervals.parameters == ["*"]


def test_groups_include_the_ranking():
    groups = {"jets": ["JET_*"]}
    assert of(groups=groups).ranking == RankingSettings(None, group_limits=False, groups=groups)
    assert of(ranking=True, group_limits=True).ranking == RankingSettings(None, group_limits=True, groups={})
    assert of(ranking=40).ranking.show == 40


def test_files_of_each_calculator_and_of_the_signal():
    everything = of(
        discovery=True, intervals={"feldman_cousins": True}, likelihood_scans=["mu", ["mu", "bkgnorm"]], ranking=True
    )
    assert list(everything.files(["asymptotics", "toybased"])) == [
        *("asymptotics/discovery.json", "toybased/discovery.json", "intervals.json", "feldman_cousins.json"),
        *("likelihood_scans.json", "likelihood_scans.csv", "ranking.json", "ranking.csv"),
    ]
    assert everything.likelihood_scans == {"mu": ["mu"], "mu, bkgnorm": ["mu", "bkgnorm"]}


def test_the_default_question_asks_for_all_in_few_files():
    config = complete(DEFAULT)
    names = measurement_files(outline_of(config))
    for analysis in config["analyses"]:
        settings = scan_settings(config, analysis)
        found = set(signal_results(settings))
        assert {"asymptotics/discovery.json", "intervals.json", "ranking.json"} <= found
        assert ("likelihood_scans.json" in found) == ("floating" in analysis)
        assert f"{analysis}/signal/ranking.json" in names


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("scan/intervals", [0.95, 1.5], "scan.intervals[1]: must be below 1, is 1.5"),
        ("scan/intervals", {"level": [0.9]}, "unknown key 'level'; did you mean 'levels'?"),
        ("scan/intervals", {"parameters": "al"}, "needs all, or a list of names, has the text 'al'"),
        ("scan/likelihood_scans", [["mu", "a", "b"]], "scan.likelihood_scans[0]: needs at most 2 entries, has 3"),
        ("scan/likelihood_scans", [["mu", "mu"]], "scan.likelihood_scans[0]"),
        ("scan/ranking", 0, "scan.ranking: must be at least 1, is 0"),
        ("scan/groups", {"jets": "JET_*"}, "scan.groups.jets: needs a list"),
        ("scan/discovery", "yes please", "scan.discovery: needs true or false"),
        (
            f"analyses/{ANALYSIS}/likelihood_scans",
            ["bkgnrm"],
            f"analyses.{ANALYSIS}.likelihood_scans: the model has no parameter 'bkgnrm'; did you mean 'bkgnorm'?",
        ),
        (
            "analyses/original-locked/likelihood_scans",
            ["mu", "background_stat[3]", ["mu", "bkgnorm"]],
            "analyses.original-locked.likelihood_scans: the model has no parameter 'bkgnorm'",
        ),
    ],
)
def test_wrong_settings_are_explained(path, value, message):
    assert any(message in line for line in problems(changed(path, value))), problems(changed(path, value))
