"""Limits from toys through Snakemake: results, packing, more toys, interruption."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.workflow import clone, copy, environment, limits, planned, snakemake, write_config

TOYS = {"per_hypothesis": 400, "block": 100, "jobs": 2}
SCAN = [0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.3, 1.5, 1.8]


@pytest.fixture(scope="module")
def config(default_config) -> dict:
    """The locked model with a fixed number of toys, a counting experiment with a target."""
    stat = {"name": "stat", "type": "staterror", "uncertainty": [0.4]}
    counting = {"samples": {"signal": [{"name": "mu", "type": "normfactor"}], "background": [stat]}}
    few = {"histograms": {"counts": {"SR": {"signal": 1, "background": 2.0, "observed": 1}}}}
    return {
        "datasets": {"mismatched": default_config["datasets"]["mismatched"], "few": few},
        "models": default_config["models"] | {"counting": counting},
        "scan": {"calculators": ["toybased"], "discovery": True},
        "analyses": {
            "locked": {"dataset": "mismatched", "model": "locked", "mu": SCAN, "toys": TOYS, "plots": []},
            "few": {
                "dataset": "few",
                "model": "counting",
                "toys": {"target": 0.1, "block": 100, "jobs": 2},
                "intervals": {"levels": [0.9], "feldman_cousins": True},
            },
        },
    }


def with_toys(config: dict, **changes) -> dict:
    """The same with other toys of the first analysis."""
    locked = config["analyses"]["locked"]
    return {**config, "analyses": {**config["analyses"], "locked": {**locked, "toys": TOYS | changes}}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, config) -> Path:
    folder = clone(tmp_path_factory.mktemp("toys") / "run")
    write_config(folder, config)
    snakemake(folder)
    return folder


@pytest.fixture
def changed(finished, tmp_path) -> Path:
    return copy(finished, tmp_path / "changed")


def results(folder: Path) -> dict[str, bytes]:
    """Limits and toys, without the files that say how jobs were cut, and the hidden ones that killed jobs leave."""
    found = folder.glob("results/*/signal/toybased/**/*")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.suffix in (".json", ".npz")
            and path.parent.name != "jobs" and not path.name.startswith(".")}  # fmt: skip


def test_limits_from_toys_are_in_the_tables(finished):
    for name, row in limits(finished).items():
        assert row["calculator"] == "toybased"
        assert float(row["observed_limit_error"]) < 0.1 * float(row["observed_limit"]), name
    with (finished / "results" / "toybased.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["limit"] == "observed_limit"]
    for row in rows:
        ratio = float(row["toybased"]) / float(row["asymptotics"])
        assert float(row["ratio"]) == pytest.approx(ratio)
        assert float(row["ratio_error"]) == pytest.approx(ratio * float(row["error"]) / float(row["toybased"]))
    locked = rows[0]
    assert float(locked["ratio"]) == pytest.approx(1, abs=4 * float(locked["ratio_error"]))  # hundreds of events a bin


def test_measurements_from_toys_are_in_the_tables_and_in_the_manifest(finished):
    rows = limits(finished)
    assert {row["failed_measurements"] for row in rows.values()} == {""}
    assert (rows["few/signal"]["p0_obs"], rows["few/signal"]["Z_obs"]) == ("0.5", "0.0")  # a deficit
    locked = rows["locked/signal"]
    asymptotic = json.loads((finished / "results/locked/signal/toybased/discovery.json").read_text())["asymptotics"]
    assert (locked["p0_status"], locked["p0_obs"]) == ("toys_too_few", "")  # 400 toys for p0 = 0.013
    assert asymptotic["p0_obs"] < float(locked["p0_obs_bound"]) < 0.05
    listed = {each["file"] for each in json.loads((finished / "results/manifest.json").read_text())["results"]}
    for name in ("feldman_cousins.json", "feldman_cousins/plan_0.json", "toybased/discovery/plan_0.json"):
        assert f"results/few/signal/{name}" in listed
    assert any(name.startswith("results/few/signal/feldman_cousins/toys/") for name in listed)


def test_every_picture_is_there(finished):
    plots = finished / "results" / "few" / "signal" / "toybased" / "plots"
    for name in ("brazil.png", "toys.pdf", "pulls.png", "yields", "feldman_cousins.png"):
        assert (plots / name).exists()
    assert len(list((plots / "distributions").glob("mu_*.png"))) in (1, 2)


def test_second_run_does_nothing(finished):
    assert planned(finished) == {}


def test_other_jobs_give_the_same_bytes(changed, finished, config):
    """The toys of another packing are found; those that were deleted are thrown afresh, and are the same."""
    shutil.rmtree(changed / "results" / "locked" / "signal" / "toybased" / "toys" / "free")
    kept = {path: path.stat().st_mtime_ns for path in changed.glob("results/*/signal/toybased/toys/*/[!.]*.npz")}
    write_config(changed, with_toys(config, jobs=1))
    snakemake(changed)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert results(changed) == results(finished)


def test_more_toys_add_to_the_old_ones(changed, config):
    old = {path: path.stat().st_mtime_ns for path in changed.glob("results/locked/signal/toybased/toys/*/[!.]*.npz")}
    write_config(changed, with_toys(config, per_hypothesis=600))
    before = float(limits(changed)["locked/signal"]["observed_limit_error"])
    assert not {"fit", "compile_model", "allocate_toys"} & set(planned(changed))
    snakemake(changed)
    assert {path: path.stat().st_mtime_ns for path in old} == old
    assert len(list(changed.glob("results/locked/signal/toybased/toys/*/[!.]*.npz"))) == len(old) * 6 // 4
    assert float(limits(changed)["locked/signal"]["observed_limit_error"]) < before


def test_a_killed_run_goes_on_where_it_was(tmp_path, config, finished):
    """SIGKILL for Snakemake and its jobs, as soon as some blocks are there; the rest gives the same bytes.

    So do other jobs.
    """
    folder = clone(tmp_path / "run")
    write_config(folder, with_toys(config, jobs=5))
    targets = [f"results/locked/signal/toybased/{name}.json" for name in ("limits", "discovery")]
    command = [sys.executable, "-m", "snakemake", *targets, "--cores", "1", "--configfile", "test.yaml"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    run = subprocess.Popen(command, cwd=folder, env=environment(), start_new_session=True, **quiet)
    deadline = time.monotonic() + 120
    while len(list(folder.glob("results/locked/signal/toybased/toys/*/[!.]*.npz"))) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("results/locked/signal/toybased/toys/*/[!.]*.npz")}
    assert len(kept) >= 5
    snakemake(folder, "--unlock")
    snakemake(folder, *targets)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    ours, theirs = results(folder), results(finished)
    assert ours == {name: content for name, content in theirs.items() if name.startswith("results/locked/")}
