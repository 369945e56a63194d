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

from helpers.workflow import COLUMNS, clone, limits, planned, snakemake, write_config
from helpers.workspaces import engine_of
from muscan.base.json_input import read_json
from muscan.commands import simulate_grid
from muscan.inference.hypotest import hypotest, prepare
from muscan.inputs.patches import apply_from_patchset, select_measurement

SIGNALS = ["signal_300_0", "signal_500_0", "signal_500_200", "signal_700_0", "signal_700_200", "signal_1000_500"]

EVERY = 1 if os.environ.get("MUSCAN_STUDY") else 20  # signals of 1Lbb


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


def content(folder: Path, analysis: str, *patterns: str) -> dict[str, bytes]:
    """{file: bytes} of an analysis."""
    results = folder / "results" / analysis
    return {
        str(path.relative_to(results)): path.read_bytes()
        for pattern in patterns
        for path in sorted(results.glob(pattern))
        if path.is_file()
    }


def rows_of(folder: Path, analysis: str) -> dict[str, dict[str, str]]:
    """Those of an analysis in the table of limits, by signal, as texts."""
    with (folder / "results" / "limits.csv").open(newline="") as file:
        table = [row for row in csv.DictReader(file) if row.pop("analysis") == analysis]
    return {row["signal"]: row for row in table}


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    """Packs of four signals; the same signals in packs of other sizes, and with an explicit grid of mu."""
    folder = fresh(tmp_path_factory.mktemp("grid") / "run")
    run(folder, packings(SIGNALS))
    return folder


def packings(signals: list[str]) -> dict:
    config = configuration(signals, signals_per_job=4, discovery=True)
    source = config["datasets"]["simulated"]["workspace"]
    config["datasets"]["few"] = {"workspace": source | {"signals": SIGNALS[:2]}}
    config["analyses"] |= {
        "single": {"dataset": "few", "signals_per_job": 1},
        "fives": {"dataset": "simulated", "signals_per_job": 5},
    }
    for analysis in config["analyses"].values():
        analysis |= {"discovery": True, "intervals": [0.9], "likelihood_scans": ["mu"], "ranking": True}
    wide = {"dataset": "few", "mu": [0, 0.25, 1, 4, 10]}
    config["analyses"] |= {
        "wide-1": wide | {"signals_per_job": 1, "mu_per_job": 1},
        "wide-3": wide | {"signals_per_job": 1, "mu_per_job": 3},
        "wide-packed": wide | {"signals_per_job": 2},
    }
    return config


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
    pictures = ("exclusion.png", "exclusion.pdf", "limits/m2_0.png", "significance.png", "p0/m2_0.png")
    for name in ("points.md", "hepdata/local_p0.yaml", *(f"plots/{picture}" for picture in pictures)):
        assert (folder / name).stat().st_size > 100
    validator = FullSubmissionValidator(schema_version="1.1.1")
    assert validator.validate(directory=str(folder / "hepdata")), validator.get_messages()


@pytest.mark.parametrize(("analysis", "signals"), [("single", SIGNALS[:2]), ("fives", SIGNALS)])
def test_packing_changes_no_byte(packed, analysis, signals):
    names = ("*.*", "*/limits.json", "*/discovery.json", "*/hypotest/*")
    wanted = [f"{signal}/{name}" for signal in signals for name in names]
    ours, theirs = (content(packed, each, *wanted) for each in (analysis, "simulated"))
    assert len(ours) >= 11 * len(signals)
    assert ours == theirs
    whole = rows_of(packed, "simulated")
    assert rows_of(packed, analysis) == {signal: whole[signal] for signal in signals}


def test_values_of_mu_may_be_packed_too(packed):
    """An explicit grid, one test per job or all: the same table."""
    one, three, packs = (
        (rows_of(packed, analysis), content(packed, analysis, "*/asymptotics/limits.json"))
        for analysis in ("wide-1", "wide-3", "wide-packed")
    )
    assert len(one[0]) == len(one[1]) == 2
    assert one == three == packs
    tests = {len(content(packed, name, "*/asymptotics/hypotest/*.json")) for name in ("wide-1", "wide-3")}
    assert tests == {2 * 5, 2 * 2}
    auto = rows_of(packed, "simulated")
    for column in ("observed_limit", "expected"):
        assert float(one[0][SIGNALS[1]][column]) == pytest.approx(float(auto[SIGNALS[1]][column]), rel=3e-5)


def test_a_second_run_has_nothing_to_do_and_a_new_signal_costs_its_pack(packed):
    assert planned(packed) == {}
    write_config(packed, packings([*SIGNALS, "signal_900_100"]))
    assert set(planned(packed)) >= {"grid_points", "tables", "hepdata"}
    assert "scan_simulated_1_of_2" not in planned(packed)
    write_config(packed, packings(SIGNALS))
    assert planned(packed) == {}


REASONS = {
    "signal_500_0": "the patch set has two patches 'signal_500_0'",
    "signal_700_0": "the patch does not apply to the workspace",
    "signal_700_200": "the patch 'signal_700_200' has 1 values for the labels m1, m2",
    "signal_301_0": "the patch set has no patch 'signal_301_0'; did you mean 'signal_30",
}
TAMPERED = ["signal_300_0", "signal_500_200"]


@pytest.fixture(scope="module")
def wrong(tmp_path_factory) -> tuple[Path, str]:
    """What a run with wrong patches, and with a data set whose digest does not match, makes and says.

    A missing patch, two of one name, one that does not apply, one with too few values.
    """
    folder = fresh(tmp_path_factory.mktemp("wrong") / "run")
    shutil.copytree(folder / "data", folder / "other")
    file = folder / "other" / "BkgOnly.json"
    spec = json.loads(file.read_text())
    spec["observations"][0]["data"][0] += 1
    file.write_text(json.dumps(spec))
    file = folder / "data" / "patchset.json"
    patchset = json.loads(file.read_text())
    by_name = {patch["metadata"]["name"]: patch for patch in patchset["patches"]}
    patchset["patches"].append(by_name["signal_500_0"])
    by_name["signal_700_0"]["patch"] = [{"op": "replace", "path": "/channels/9/name", "value": "x"}]
    by_name["signal_700_200"]["metadata"]["values"] = [700]
    file.write_text(json.dumps(patchset))
    config = configuration([*SIGNALS, "signal_301_0"], signals_per_job=3)
    config["analyses"]["single"] = {"dataset": "simulated", "signals_per_job": 1}
    source = {"file": "other/BkgOnly.json", "patchset": "other/patchset.json", "signals": TAMPERED}
    config["datasets"]["tampered"] = {"workspace": source}
    config["analyses"]["tampered"] = {"dataset": "tampered", "signals_per_job": 2}
    config["grids"]["plane"]["analyses"].append("tampered")
    return folder, run(folder, config, code=1)


@pytest.mark.parametrize("analysis", ["single", "simulated"])
def test_what_is_wrong_with_one_patch_does_not_stop_the_others(wrong, analysis):
    """Each is told by name, whether the signals share jobs or not."""
    folder, output = wrong
    table = rows_of(folder, analysis)
    assert set(table) == {*SIGNALS, "signal_301_0"}
    words = " ".join(output.split())
    for signal, row in table.items():
        assert row["status"] == ("fit_failed" if signal in REASONS else "ok")
        assert REASONS.get(signal, "") in row["reason"]
        if signal in REASONS:
            assert f"{analysis} / {signal}: fit_failed ({row['reason']}" in words
    assert "Traceback" not in output
    assert (folder / "results" / "grids" / "plane" / "plots" / "exclusion.png").is_file()
    assert (folder / "results" / "grids" / "plane" / "hepdata" / "submission.yaml").is_file()
    assert {row["status"] for row in points(folder).values()} == {"ok", "fit_failed"}


def test_a_digest_that_does_not_match_stops_its_data_set_alone(wrong):
    folder, output = wrong
    good, table, grid = rows_of(folder, "simulated"), rows_of(folder, "tampered"), points(folder)
    for signal in TAMPERED:
        assert good[signal]["status"] == "ok"
        assert table[signal]["status"] == "fit_failed"
        assert "other/BkgOnly.json" in table[signal]["reason"] or "other/patchset.json" in output
        assert "the patch set was made for another workspace" in table[signal]["reason"]
        assert "tampered: " in grid[signal]["reason"]
    assert {row["analysis"] for row in grid.values()} == {"simulated"}


@pytest.fixture(scope="module")
def published(data, tmp_path_factory) -> tuple[Path, dict, dict]:
    """Limits of every twentieth signal of 1Lbb, of all in a study, and what they were made of."""
    folder = clone(tmp_path_factory.mktemp("1Lbb") / "run")
    source = {
        name: str(data / "1Lbb" / f"{file}.json.gz") for name, file in (("file", "BkgOnly"), ("patchset", "patchset"))
    }
    background, patchset = (read_json(path) for path in source.values())
    names = [patch["metadata"]["name"] for patch in patchset["patches"]]
    config = configuration(list(dict.fromkeys(["C1N2_Wh_hbb_1000_0", *names[::EVERY]])), signals_per_job=4)
    config["datasets"]["simulated"]["workspace"] |= source
    del config["grids"]["plane"]["cross_sections"]
    run(folder, config)
    return folder, background, patchset


def test_limits_of_1lbb_are_those_of_root_finding(published):
    """Brent's method on CLs of single tests, for the observed and the median expected limit."""
    folder, background, patchset = published
    rows = points(folder)
    assert len(rows) == (125 if EVERY == 1 else 8)
    for signal, row in rows.items():
        assert row["status"] == "ok"
        engine = engine_of(
            select_measurement(apply_from_patchset(background, patchset, signal), None), {}, "qtilde", 1000.0
        )
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
    """125 signals at 21 values of mu, a job for each test."""
    folder = clone(tmp_path / "run")
    config = configuration([], mu={"start": 0, "stop": 10, "number": 21})
    config["datasets"]["simulated"]["workspace"] = {
        "file": str(data / "1Lbb" / "BkgOnly.json.gz"),
        "patchset": str(data / "1Lbb" / "patchset.json.gz"),
    }
    del config["grids"]["plane"]["cross_sections"]
    write_config(folder, config)
    assert planned(folder)["hypotest"] == 2625


ODD = ["#x 'y' [z]*?", "-$HOME; `é` %20 \\"]


@pytest.fixture(scope="module")
def loose(tmp_path_factory) -> Path:
    """Patches in folders, for each signal a file: with labels in their names, and with any name."""
    folder = fresh(tmp_path_factory.mktemp("loose") / "run")
    patches, odd = folder / "patches", folder / "-patches"
    patches.mkdir()
    odd.mkdir()
    for patch in read_json(folder / "data" / "patchset.json")["patches"]:
        name, (m1, m2) = patch["metadata"]["name"], patch["metadata"]["values"]
        if name in SIGNALS:
            (patches / f"a {m1}_{m2}.json").write_text(json.dumps(patch["patch"]))
        if name == SIGNALS[1]:
            for each in ODD:
                (odd / f"{each}.json").write_text(json.dumps(patch["patch"]))
    config = configuration([], signals_per_job=4)
    source = {"file": "data/BkgOnly.json", "patches": "patches", "labels": "({m1})_{m2}"}
    config["datasets"]["simulated"]["workspace"] = source
    write_config(folder, config)
    refused = snakemake(folder, "-n", check=False)
    assert "does not have the form '({m1})_{m2}'" in refused.stdout + refused.stderr
    source["labels"] = "a {m1}_{m2}"
    config["datasets"]["odd"] = {"workspace": {"file": "data/BkgOnly.json", "patches": "./-patches"}}
    for number in (1, 2):
        config["analyses"][f"odd-{number}"] = {"dataset": "odd", "signals_per_job": number}
    run(folder, config)
    return folder


def test_loose_patches_with_labels_in_their_names(packed, loose):
    """Braces in the form of names are no wildcards of Snakemake; the limits are those of the patch set."""
    found, table = rows_of(loose, "simulated"), rows_of(packed, "simulated")
    assert len(found) == len(SIGNALS)
    for signal in SIGNALS:
        m1, m2 = signal.split("_")[1:]
        ours, theirs = found[f"a {m1}_{m2}"], table[signal]
        assert [ours[name] for name in COLUMNS] == [theirs[name] for name in COLUMNS]
        assert [float(ours[name]) for name in ("m1", "m2")] == [float(m1), float(m2)]
    assert (loose / "results" / "grids" / "plane" / "plots" / "limits" / "m2_0.png").is_file()


@pytest.mark.parametrize("signals_per_job", [1, 2])
def test_any_name_without_braces_can_be_that_of_a_loose_patch(packed, loose, signals_per_job):
    found, wanted = rows_of(loose, f"odd-{signals_per_job}"), rows_of(packed, "simulated")[SIGNALS[1]]
    assert set(found) == set(ODD)
    for row in found.values():
        assert [row[name] for name in COLUMNS] == [wanted[name] for name in COLUMNS]
    assert float(wanted["observed_limit"]) > 0
