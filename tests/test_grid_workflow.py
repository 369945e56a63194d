"""A grid of signals through the whole workflow: packing, what goes wrong with single patches, published likelihoods."""

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hepdata_validator.full_submission_validator import FullSubmissionValidator
from scipy.optimize import brentq

import simulate_grid
from inference.hypotest import hypotest, prepare
from json_input import read_json
from patch_workspace import from_patchset, with_measurement
from workflow import COLUMNS, clone, limits, planned, snakemake, write_config
from workspaces import engine_of

SIGNALS = ["signal_300_0", "signal_500_0", "signal_500_200", "signal_700_0", "signal_700_200", "signal_1000_500"]

EVERY = 1 if os.environ.get("MUSCAN_STUDY") else 12  # signals of 1Lbb


def configuration(signals: list[str], **scan) -> dict:
    source = {"file": "data/BkgOnly.json", "patchset": "data/patchset.json", "signals": signals}
    return {
        "datasets": {"simulated": {"workspace": source}},
        "scan": {"mu": "auto", "plots": [], **scan},
        "analyses": {"simulated": {"dataset": "simulated"}},
        "grids": {
            "plane": {
                "analyses": ["simulated"],
                "x": "m1",
                "y": "m2",
                "cross_sections": {"csv": "data/cross_sections.csv", "unit": "pb"},
            }
        },
    }


def fresh(folder: Path) -> Path:
    clone(folder)
    simulate_grid.main(["--output", str(folder / "data")])
    return folder


def run(folder: Path, config: dict, code: int = 0) -> str:
    write_config(folder, config)
    result = snakemake(folder, "--cores", "2", check=False)
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout + result.stderr


def points(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "results" / "grids" / "plane" / "points.csv").open(newline="") as file:
        return {row["signal"]: row for row in csv.DictReader(file)}


def content(folder: Path, *patterns: str) -> dict[str, bytes]:
    results = folder / "results"
    return {
        str(path.relative_to(results)): path.read_bytes()
        for pattern in patterns
        for path in sorted(results.glob(pattern))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    folder = fresh(tmp_path_factory.mktemp("grid") / "run")
    run(folder, configuration(SIGNALS, signals_per_job=4))
    return folder


def test_all_points_have_limits_cross_sections_and_a_verdict(packed):
    rows = points(packed)
    assert set(rows) == set(SIGNALS)
    for row in rows.values():
        assert row["status"] == "ok"
        assert float(row["xsec_expected"]) == pytest.approx(float(row["expected"]) * float(row["cross_section"]))
        assert (row["excluded"] == "True") == (float(row["observed_limit"]) < 1) == (float(row["CLs_obs"]) < 0.05)
    assert (rows["signal_300_0"]["excluded"], rows["signal_1000_500"]["excluded"]) == ("True", "False")
    table = limits(packed)
    assert [table[f"simulated/{signal}"]["m2"] for signal in SIGNALS] == ["0", "0", "200", "0", "200", "500"]


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # hepdata_validator leaves them open
def test_the_results_of_a_grid_are_complete(packed):
    folder = packed / "results" / "grids" / "plane"
    for name in ("points.md", "plots/exclusion.png", "plots/exclusion.pdf", "plots/limits/m2_0.png"):
        assert (folder / name).stat().st_size > 100
    validator = FullSubmissionValidator(schema_version="1.1.1")
    assert validator.validate(directory=str(folder / "hepdata")), validator.get_messages()


@pytest.mark.parametrize("scan", [{"signals_per_job": 1}, {"signals_per_job": 5}])
def test_packing_changes_no_byte(packed, tmp_path, scan):
    folder = fresh(tmp_path / "run")
    run(folder, configuration(SIGNALS, **scan))
    wanted = ("limits.*", "simulated/*/*.*", "simulated/*/*/limits.json", "simulated/*/*/hypotest/*", "grids/**/*.*")
    ours, theirs = content(folder, *wanted), content(packed, *wanted)
    assert len(ours) > 6 * len(SIGNALS)
    assert ours == theirs


def test_values_of_mu_may_be_packed_too(packed, tmp_path):
    """An explicit grid, one test per job or all: the same table."""
    tables = []
    for number, scan in enumerate([{"mu_per_job": 1}, {"mu_per_job": 3}, {"signals_per_job": 2}]):
        folder = fresh(tmp_path / str(number))
        run(folder, configuration(SIGNALS[:2], mu=[0, 0.25, 1, 4, 10], **scan))
        tables.append(content(folder, "limits.csv", "grids/plane/points.csv", "simulated/*/asymptotics/limits.json"))
    assert tables[0] == tables[1] == tables[2]
    wide, narrow = limits(tmp_path / "0"), limits(packed)
    for signal in SIGNALS[1:2]:
        for column in ("observed_limit", "expected"):
            ours, auto = (float(table[f"simulated/{signal}"][column]) for table in (wide, narrow))
            assert ours == pytest.approx(auto, rel=3e-5)


def test_a_second_run_has_nothing_to_do_and_a_new_signal_costs_its_pack(packed):
    assert planned(packed) == {}
    write_config(packed, configuration([*SIGNALS, "signal_900_100"], signals_per_job=4))
    assert set(planned(packed)) >= {"grid_points", "tables", "hepdata"}
    assert "scan_simulated_1_of_2" not in planned(packed)
    write_config(packed, configuration(SIGNALS, signals_per_job=4))
    assert planned(packed) == {}


@pytest.mark.parametrize("signals_per_job", [1, 3])
def test_what_is_wrong_with_one_patch_does_not_stop_the_others(tmp_path, signals_per_job):
    """A missing patch, two of one name, one that does not apply, one with too few values: each is told by name."""
    folder = fresh(tmp_path / "run")
    file = folder / "data" / "patchset.json"
    patchset = json.loads(file.read_text())
    by_name = {patch["metadata"]["name"]: patch for patch in patchset["patches"]}
    patchset["patches"].append(by_name["signal_500_0"])
    by_name["signal_700_0"]["patch"] = [{"op": "replace", "path": "/channels/9/name", "value": "x"}]
    by_name["signal_700_200"]["metadata"]["values"] = [700]
    file.write_text(json.dumps(patchset))
    output = run(folder, configuration([*SIGNALS, "signal_301_0"], signals_per_job=signals_per_job), code=1)
    reasons = {
        "signal_500_0": "the patch set has two patches 'signal_500_0'",
        "signal_700_0": "the patch does not apply to the workspace",
        "signal_700_200": "the patch 'signal_700_200' has 1 values for the labels m1, m2",
        "signal_301_0": "the patch set has no patch 'signal_301_0'; did you mean 'signal_30",
    }
    table = limits(folder)
    for signal in [*SIGNALS, "signal_301_0"]:
        row = table[f"simulated/{signal}"]
        assert row["status"] == ("fit_failed" if signal in reasons else "ok")
        assert reasons.get(signal, "") in row["reason"]
        assert reasons.get(signal, "") in output.replace("\n", " ")
    assert "Traceback" not in output
    assert (folder / "results" / "grids" / "plane" / "plots" / "exclusion.png").is_file()
    assert (folder / "results" / "grids" / "plane" / "hepdata" / "submission.yaml").is_file()
    assert {row["status"] for row in points(folder).values()} == {"ok", "fit_failed"}


def test_a_digest_that_does_not_match_stops_its_data_set_alone(tmp_path):
    folder = fresh(tmp_path / "run")
    shutil.copytree(folder / "data", folder / "other")
    file = folder / "other" / "BkgOnly.json"
    spec = json.loads(file.read_text())
    spec["observations"][0]["data"][0] += 1
    file.write_text(json.dumps(spec))
    config = configuration(SIGNALS[:2], signals_per_job=2)
    config["datasets"]["tampered"] = {
        "workspace": {
            key: path.replace("data", "other") if key != "signals" else path
            for key, path in config["datasets"]["simulated"]["workspace"].items()
        }
    }
    config["analyses"]["tampered"] = {"dataset": "tampered"}
    config["grids"]["plane"]["analyses"].append("tampered")
    output = run(folder, config, code=1)
    table = limits(folder)
    for signal in SIGNALS[:2]:
        assert table[f"simulated/{signal}"]["status"] == "ok"
        assert table[f"tampered/{signal}"]["status"] == "fit_failed"
        assert "other/BkgOnly.json" in table[f"tampered/{signal}"]["reason"] or "other/patchset.json" in output
        assert "the patch set was made for another workspace" in table[f"tampered/{signal}"]["reason"]
    assert {row["analysis"] for row in points(folder).values()} == {"simulated"}
    assert all("tampered: " in row["reason"] for row in points(folder).values())


@pytest.fixture(scope="module")
def published(data, tmp_path_factory) -> tuple[Path, dict, dict]:
    """Limits of every twelfth signal of 1Lbb, of all in a study, and what they were made of."""
    folder = clone(tmp_path_factory.mktemp("1Lbb") / "run")
    source = {
        name: str(data / "1Lbb" / f"{file}.json.gz") for name, file in (("file", "BkgOnly"), ("patchset", "patchset"))
    }
    background, patchset = (read_json(path) for path in source.values())
    names = [patch["metadata"]["name"] for patch in patchset["patches"]]
    config = configuration(list(dict.fromkeys(["C1N2_Wh_hbb_1000_0", *names[::EVERY]])), signals_per_job=6)
    config["datasets"]["simulated"]["workspace"] |= source
    del config["grids"]["plane"]["cross_sections"]
    run(folder, config)
    return folder, background, patchset


def test_limits_of_1lbb_are_those_of_root_finding(published):
    """Brent's method on CLs of single tests, for the observed and the median expected limit."""
    folder, background, patchset = published
    rows = points(folder)
    assert len(rows) == (125 if EVERY == 1 else 12)
    for signal, row in rows.items():
        assert row["status"] == "ok"
        engine = engine_of(with_measurement(from_patchset(background, patchset, signal), None), {}, "qtilde", 1000.0)
        fits = prepare(engine, "qtilde")
        for column, pick in (("observed_limit", lambda p: p.CLs_obs), ("expected", lambda p: p.CLs_exp[2])):

            def distance(mu: float) -> float:
                return pick(hypotest(engine, fits, mu, "qtilde", "asymptotics").p_values) - 0.05  # noqa: B023

            limit = float(row[column])
            assert limit == pytest.approx(brentq(distance, 0.3 * limit, 3 * limit, rtol=1e-6), rel=1e-4)


def test_cls_of_1lbb_at_mu_of_one(published):
    """The reference value of the publication's repository, by pyhf."""
    row = points(published[0])["C1N2_Wh_hbb_1000_0"]
    assert float(row["CLs_obs"]) == pytest.approx(0.5856784, abs=1e-4)
    names = ("CLs_exp_m2", "CLs_exp_m1", "CLs_exp", "CLs_exp_p1", "CLs_exp_p2")
    expected = [0.0498812, 0.1264481, 0.2925806, 0.5694149, 0.8475967]
    np.testing.assert_allclose([float(row[name]) for name in names], expected, atol=1e-4)


def test_a_plan_of_thousands_of_single_tests(tmp_path, data):
    """125 signals at 51 values of mu, a job for each test."""
    folder = clone(tmp_path / "run")
    config = configuration([], mu={"start": 0, "stop": 10, "number": 51})
    config["datasets"]["simulated"]["workspace"] = {
        "file": str(data / "1Lbb" / "BkgOnly.json.gz"),
        "patchset": str(data / "1Lbb" / "patchset.json.gz"),
    }
    del config["grids"]["plane"]["cross_sections"]
    write_config(folder, config)
    assert planned(folder)["hypotest"] == 6375


def test_loose_patches_with_labels_in_their_names(packed, tmp_path):
    """Braces in the form of names are no wildcards of Snakemake; the limits are those of the patch set."""
    folder = fresh(tmp_path / "run")
    patches = folder / "patches"
    patches.mkdir()
    for patch in read_json(folder / "data" / "patchset.json")["patches"]:
        name, (m1, m2) = patch["metadata"]["name"], patch["metadata"]["values"]
        if name in SIGNALS:
            (patches / f"a {m1}_{m2}.json").write_text(json.dumps(patch["patch"]))
    config = configuration([], signals_per_job=4)
    source = {"file": "data/BkgOnly.json", "patches": "patches", "labels": "({m1})_{m2}"}
    config["datasets"]["simulated"]["workspace"] = source
    write_config(folder, config)
    refused = snakemake(folder, "-n", check=False)
    assert "does not have the form '({m1})_{m2}'" in refused.stdout + refused.stderr
    source["labels"] = "a {m1}_{m2}"
    run(folder, config)
    loose, table = limits(folder), limits(packed)
    for signal in SIGNALS:
        m1, m2 = signal.split("_")[1:]
        ours, theirs = loose[f"simulated/a {m1}_{m2}"], table[f"simulated/{signal}"]
        assert [ours[name] for name in (*COLUMNS, "m1", "m2")] == [theirs[name] for name in (*COLUMNS, "m1", "m2")]
    assert (folder / "results" / "grids" / "plane" / "plots" / "limits" / "m2_0.png").is_file()


@pytest.mark.parametrize("signals_per_job", [1, 2])
def test_any_name_without_braces_can_be_that_of_a_loose_patch(tmp_path, signals_per_job):
    folder = fresh(tmp_path / "run")
    (folder / "-patches").mkdir()
    (patch,) = [
        each["patch"]
        for each in read_json(folder / "data" / "patchset.json")["patches"]
        if each["metadata"]["name"] == SIGNALS[1]
    ]
    names = ["#x 'y' [z]*?", "-$HOME; `é` %20 \\"]
    for name in names:
        (folder / "-patches" / f"{name}.json").write_text(json.dumps(patch))
    config = configuration([], signals_per_job=signals_per_job)
    config["datasets"]["simulated"]["workspace"] = {"file": "data/BkgOnly.json", "patches": "./-patches"}
    del config["grids"]
    run(folder, config)
    rows = limits(folder)
    assert set(rows) == {f"simulated/{name}" for name in names}
    first, second = ([row[name] for name in COLUMNS] for row in rows.values())
    assert first == second
    assert all(float(limit) > 0 for limit in first)
