"""Blind analyses: no number depends on the observed data, and the expected limits are those of pyhf."""

import copy
import json

import numpy as np
import pyhf
import pytest

import read_histograms
import scan_signals
from helpers import workflow
from helpers.steps import run_step
from helpers.workspaces import EVERY_MODIFIER, SMALL, counting, normsys, referee, tight_minuit
from muscan.inputs import simulation as simulate
from muscan.inputs.blinding import blind_workspace

LEVEL = 0.95
MEASUREMENTS = {
    "discovery": {},
    "intervals": {"levels": [0.68, 0.95], "parameters": ["*"]},
    "likelihood_scans": {"scans": {"mu": ["mu"]}},
    "ranking": {"show": None, "group_limits": True, "groups": {"jets": ["jets"]}},
}


def with_observed(spec: dict, scale: float) -> dict:
    """The same workspace with other observed data."""
    changed = copy.deepcopy(spec)
    for observation in changed["observations"]:
        observation["data"] = [round(scale * events) for events in observation["data"]]
    return changed


@pytest.mark.parametrize("name", SMALL)
def test_the_expectation_is_that_of_pyhf_before_any_fit(name):
    spec = SMALL[name]
    model, _ = referee(spec)
    parameters = np.array(model.config.suggested_init())
    parameters[model.config.poi_index] = 0.0
    found = {each["name"]: each["data"] for each in blind_workspace(spec)["observations"]}
    wanted = np.asarray(model.expected_actualdata(parameters))
    slices = model.config.channel_slices
    for channel in model.config.channels:
        assert found[channel] == pytest.approx(wanted[slices[channel]].tolist(), rel=1e-12)


def test_constrained_parameters_are_where_their_auxiliary_measurements_are():
    shifted = {"name": "scale", "auxdata": [1.0], "inits": [0.0]}
    spec = counting([55.0], [10.0], [50.0], normsys(0.1), parameters=(shifted,))
    assert blind_workspace(spec)["observations"][0]["data"] == pytest.approx([55.0])  # one standard deviation up: 10 %


def test_observations_are_not_looked_at():
    spec = counting([55.0], [10.0], [50.0], normsys(0.1))
    without = {key: value for key, value in spec.items() if key != "observations"}
    assert (
        blind_workspace(spec)
        == blind_workspace(without)
        == blind_workspace(spec | {"observations": [{"name": "channel", "data": ["?"]}]})
    )


def scan(folder, spec: dict, *options: str) -> dict[str, bytes]:
    """All results of a workspace, from its file to the limits."""
    folder.mkdir()
    (folder / "published.json").write_text(json.dumps(spec))
    (folder / "checked.json").write_text('{"status": "ok"}')
    argv = ["--workspace", str(folder / "published.json"), "--checked", str(folder / "checked.json")]
    argv += ["--mu", "0", "1", "2", "4", "8", "--poi-bound", "10"]
    argv += ["--check-asymptotics", "false"]  # which has a test of its own
    argv += ["--measurements", json.dumps(MEASUREMENTS)]
    run_step(scan_signals, [*argv, "--folder", str(folder / "results"), "--signals", "signal", *options])
    files = [path for path in (folder / "results").rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("statistic", ["qtilde", "q"])
def test_no_result_depends_on_the_observed_data(tmp_path, statistic):
    results = [
        scan(tmp_path / f"{scale}", with_observed(EVERY_MODIFIER, scale), "--blind", "--test-statistic", statistic)
        for scale in (0.5, 1, 3)
    ]
    assert results[0] == results[1] == results[2]
    assert len(results[0]) == 11
    for name in ("intervals", "likelihood_scans", "ranking", "asymptotics/discovery"):
        assert json.loads(results[0][f"results/signal/{name}.json"])["blinded"] is True
    discovery = json.loads(results[0]["results/signal/asymptotics/discovery.json"])
    assert [discovery[name] for name in ("mu_hat", "no_excess", "q0_obs", "p0_obs", "Z_obs")] == [None] * 5
    assert discovery["status"] == {"observed": "blinded", "expected": "ok"}


@pytest.mark.parametrize("name", ["shapesys", "staterror", "normsys", "histosys"])
def test_expected_limits_are_those_of_pyhf(tmp_path, name):
    results = scan(tmp_path / "blind", SMALL[name], "--blind")
    limits = json.loads(results["results/signal/asymptotics/limits.json"])
    assert limits["observed_limit"] is None
    assert limits["status"]["observed_limit"] == "blinded"
    assert limits["status"]["expected_limit"] == ["ok"] * 5
    model, _ = referee(SMALL[name])
    parameters = np.array(model.config.suggested_init())
    parameters[model.config.poi_index] = 0.0
    data = np.asarray(model.expected_data(parameters))
    bounds = list(model.config.suggested_bounds())
    bounds[model.config.poi_index] = (0, 20)
    for i, limit in enumerate(limits["expected_limit"]):
        with tight_minuit():
            _, expected = pyhf.infer.hypotest(limit, data, model, par_bounds=bounds, return_expected_set=True)
        assert float(expected[i]) == pytest.approx(1 - LEVEL, abs=2e-4)


def test_no_number_of_a_blind_fit_is_observed(tmp_path):
    fit = json.loads(scan(tmp_path / "blind", EVERY_MODIFIER, "--blind")["results/signal/fit.json"])
    assert fit["blinded"]
    assert [fit["mu_hat"], fit["mu_hat_error"], fit["goodness_of_fit"]["p_value"]] == [None] * 3
    assert all(channel["observed"] is None for channel in fit["yields"])


CSV = """bin_low,bin_high,signal,background,observed
0,1,2,50,{0}
1,2,3,40,{0}
"""


def test_the_column_of_observed_data_is_not_read(tmp_path):
    for text in ("12", "not a number", ""):
        (tmp_path / "mine.csv").write_text(CSV.format(text))
        spec = json.dumps({"csv": str(tmp_path / "mine.csv")})
        read_histograms.main(["--spec", spec, "--blind", "--output", str(tmp_path / f"blinded{text}.csv")])
    contents = {path.read_text() for path in tmp_path.glob("blinded*.csv")}
    assert contents == {"bin_low,bin_high,signal,background\n0.0,1.0,2,50\n1.0,2.0,3,40\n"}


def test_counts_need_no_observed_ones(tmp_path):
    """The results are those of the same counts with observed ones, byte by byte."""
    results = []
    for observed in ({}, {"observed": [7, 900]}):
        folder = tmp_path / str(len(observed))
        spec = {"counts": {"SR": {"signal": [2.5, 1], "background": [4, 6]} | observed}}
        read_histograms.main(["--spec", json.dumps(spec), "--blind", "--output", str(folder / "blinded.csv")])
        model = {"samples": {"signal": [{"name": "mu", "type": "normfactor"}], "background": []}}
        argv = [
            "--histograms",
            str(folder / "blinded.csv"),
            "--model",
            json.dumps(model),
            "--blind",
            "--tests",
            "false",
        ]
        run_step(scan_signals, [*argv, "--folder", str(folder), "--signals", "signal"])
        results.append([(folder / name).read_bytes() for name in ("blinded.csv", "signal/fit.json")])
    assert results[0] == results[1]
    yields = json.loads(results[0][1])["yields"][0]
    assert yields["observed"] is None
    assert yields["total"]["postfit"] == pytest.approx([4, 6])


def test_templates_of_a_simulation_do_not_change(default_config):
    spec = default_config["datasets"]["original"]["simulate"]
    seen, blind = simulate.simulate(spec), simulate.simulate(spec, observed=False)
    for name in ("signal", "background"):
        assert seen.columns["channel"][name].tolist() == blind.columns["channel"][name].tolist()
    assert "observed" not in blind.columns["channel"]


@pytest.fixture(scope="module")
def unblinded(tmp_path_factory, default_config):
    """The tables of a blind run, and of the same folder after unblinding; what the second run planned."""
    folder = workflow.clone(tmp_path_factory.mktemp("blind") / "muscan")
    config = workflow.with_toys(default_config)
    config["scan"] |= {"calculators": ["asymptotics"], "mu_per_job": 4}
    config["analyses"]["locked"]["blind"] = True
    workflow.write_config(folder, config)
    workflow.snakemake(folder)
    blind = workflow.limits(folder), workflow.contents(folder)
    config["analyses"]["locked"] |= {"blind": False, "plots": []}
    workflow.write_config(folder, config)
    plan = workflow.planned(folder)
    workflow.snakemake(folder)
    return folder, blind, plan


def test_a_blind_run_has_expected_limits_only(unblinded):
    _, (table, contents), _ = unblinded
    row = table["locked/signal"]
    assert row["status"].startswith("blinded")
    assert row["observed_limit"] == row["CLs_obs"] == row["mu_hat"] == row["gof_p_value"] == ""
    assert "results/datasets/mismatched/histograms.csv" not in contents


def test_unblinding_computes_what_it_must(unblinded, seed_question):
    folder, _, plan = unblinded
    assert {"simulate", "build_workspace", "compile_model", "fit", "hypotest", "invert"} <= set(plan)
    row = workflow.limits(folder)["locked/signal"]
    reference = json.loads((seed_question / "reference.json").read_text())["mismatched/locked"]["exact_crossing"]
    assert row["status"] == "ok"
    assert float(row["observed_limit"]) == pytest.approx(reference["observed_limit"], rel=1e-4)
