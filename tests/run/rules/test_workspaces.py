"""Values for the rules of data sets, workspaces and packs."""

import json
import re
from types import SimpleNamespace

import pytest

from muscan.config.schema import complete
from muscan.run.rules.datasets import Datasets
from muscan.run.rules.packs import all_packs
from muscan.run.rules.scans import Scans
from muscan.run.rules.wildcards import literal, one_of, option_value
from muscan.run.rules.workspaces import Workspaces

MODEL = {"samples": {"signal": [{"name": "{mu}", "type": "normfactor"}]}}
DRAWN = {"seed": 1, "bins": [0, 1], "components": {"b": {"shape": "uniform", "expected": 5, "observed": 7}}}


@pytest.fixture
def config(tmp_path) -> dict:
    for name in ("m_1", "m_2", "-x y"):
        (tmp_path / f"{name}.json").write_text("[]")
    loose = {"file": "BkgOnly.json", "patches": str(tmp_path), "measurement": "-first", "signals": "all"}
    return {
        "datasets": {
            "drawn": {"simulate": DRAWN},
            "mine": {"histograms": {"counts": {"SR": {"signal": 1.0, "background": 2.0, "observed": 3}}}},
            "file": {"histograms": {"csv": "mine.csv"}},
            "set": {"workspace": {"file": "set.json", "patchset": str(tmp_path / "set.json"), "max_megabytes": 3}},
            "loose": {"workspace": loose},
        },
        "models": {"m": MODEL},
        "analyses": {
            "a": {"dataset": "drawn", "model": "m"},
            "b": {"dataset": "mine", "model": "m", "blind": True},
            "l": {"dataset": "loose", "signals_per_job": 2, "mu": [0, 1]},
        },
    }


def of(analysis: str, signal: str = "signal") -> SimpleNamespace:
    return SimpleNamespace(analysis=analysis, signal=signal)


@pytest.fixture
def workspaces(config) -> Workspaces:
    return Workspaces(complete(config), Scans(complete(config)))


def test_an_analysis_of_histograms(workspaces):
    assert workspaces.histograms(of("a")) == "results/datasets/drawn/histograms.csv"
    assert workspaces.histograms(of("b")) == "results/datasets/mine/blinded.csv"
    assert workspaces.findings(of("a")) == []
    assert workspaces.findings(of("b")) == "results/datasets/mine/blinded_findings.json"
    assert json.loads(workspaces.model_spec(of("a"))) == MODEL | {"poi": "mu", "parameters": []}
    assert (
        workspaces.checked(of("a"))
        == workspaces.published("workspace")(of("a"))
        == workspaces.measurement(of("a"))
        == []
    )


def test_an_analysis_of_a_published_workspace(workspaces, tmp_path):
    loose = of("l", "m_2")
    assert workspaces.published("workspace")(loose) == "BkgOnly.json"
    assert workspaces.published("patch")(loose) == workspaces.existing_patch(loose) == str(tmp_path / "m_2.json")
    assert workspaces.published("patchset")(loose) == []
    assert workspaces.checked(loose) == "results/datasets/loose/checked.json"
    assert workspaces.measurement(loose) == "-first"
    assert workspaces.max_megabytes(loose) == 200
    assert workspaces.histograms(loose) == workspaces.findings(loose) == workspaces.model_spec(loose) == []
    assert workspaces.signal(of("l", "%2Dx%20y")) == "-x y"


def test_a_patch_that_is_missing_is_named_but_is_no_input(config, tmp_path):
    config["datasets"]["loose"]["workspace"]["signals"] = ["m_1", "gone"]
    workspaces = Workspaces(complete(config), Scans(complete(config)))
    assert workspaces.published("patch")(of("l", "gone")) == str(tmp_path / "gone.json")
    assert workspaces.existing_patch(of("l", "gone")) == []


class TestDatasets:
    @pytest.fixture
    def datasets(self, config) -> Datasets:
        return Datasets(complete(config))

    def test_names(self, datasets):
        assert (datasets.simulated, datasets.external) == (["drawn"], ["mine", "file"])

    @pytest.mark.parametrize(("histograms", "blind"), [("histograms", False), ("blinded", True)])
    def test_blind_analyses_do_not_get_the_observed_data(self, datasets, histograms, blind):
        wildcards = SimpleNamespace(dataset="drawn", histograms=histograms)
        assert datasets.blind(wildcards) == blind
        assert ("observed" in json.loads(datasets.simulation_spec(wildcards))["components"]["b"]) != blind
        wildcards.dataset = "mine"
        assert ("observed" in json.loads(datasets.histogram_spec(wildcards))["counts"]["SR"]) != blind

    def test_files(self, datasets, tmp_path):
        assert datasets.files(SimpleNamespace(dataset="file", histograms="histograms")) == ["mine.csv"]
        assert datasets.files(SimpleNamespace(dataset="mine", histograms="histograms")) == []
        assert datasets.published("workspace")(SimpleNamespace(dataset="set")) == "set.json"
        assert datasets.published("patchset")(SimpleNamespace(dataset="set")) == str(tmp_path / "set.json")
        assert datasets.published("patchset")(SimpleNamespace(dataset="loose")) == []
        assert datasets.max_megabytes(SimpleNamespace(dataset="set")) == 3


class TestPacks:
    def test_signals_share_jobs(self, config):
        scans = Scans(complete(config))
        packs = all_packs(complete(config), scans)
        assert [(pack.name, pack.signals) for pack in packs] == [
            ("scan_l_1_of_2", ["%2Dx%20y", "m_1"]),
            ("scan_l_2_of_2", ["m_2"]),
        ]
        names = (
            "workspace.json",
            "model.npz",
            "fit.json",
            "asymptotics/hypotest/mu_0_to_1.json",
            "asymptotics/limits.json",
        )
        assert packs[1].outputs(scans) == [f"results/l/m_2/{name}" for name in names]

    def test_without_asymptotics_there_are_only_fits(self, config):
        config["analyses"]["l"]["calculators"] = ["toybased"]
        scans = Scans(complete(config))
        outputs = all_packs(complete(config), scans)[1].outputs(scans)
        assert outputs == [f"results/l/m_2/{name}" for name in ("workspace.json", "model.npz", "fit.json")]

    def test_values_for_their_signals(self, config, workspaces, tmp_path):
        config["datasets"]["loose"]["workspace"]["signals"] = ["m_1", "gone"]
        scans = Scans(complete(config))
        (pack,) = all_packs(complete(config), scans)
        workspaces = Workspaces(complete(config), scans)
        assert pack.value(workspaces.published("workspace"))(None) == "BkgOnly.json"
        assert pack.value(scans.setting("engine"))(None) == "newton"
        assert pack.values(workspaces.published("patch"))(None) == [
            str(tmp_path / f"{name}.json") for name in pack.signals
        ]
        assert pack.values(workspaces.existing_patch)(None) == [str(tmp_path / "m_1.json")]
        assert pack.values(workspaces.published("patchset"))(None) == []


def test_names_as_wildcards():
    assert re.fullmatch(one_of(["a.b", "c+"]), "a.b")
    assert not re.fullmatch(one_of(["a.b", "c+"]), "axb")
    assert not re.search(one_of([]), "")


def test_values_of_options():
    assert [option_value(value) for value in (None, 0, False, "", [1])] == [[], 0, False, "", [1]]
    assert literal("{braces}")(None) == "{braces}"
