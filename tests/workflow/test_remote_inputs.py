"""A whole run with input files from a web server and from another folder: the results of the same files given here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import workflow
from helpers.bad_inputs import BACKGROUND, PATCHSET
from helpers.web import needs_rsync, web
from muscan.config.remote_inputs import copy_of

BEFORE = 1_600_000_000.0  # a time in 2020
LIMITS = "results/search/m100/asymptotics/limits.json"


def config_of(workspace: str, patchset: str) -> dict:
    source = {"file": workspace, "patchset": patchset, "signals": ["m100"]}
    return {
        "datasets": {"search": {"workspace": source}},
        "scan": {"mu": [1.0, 30.0], "mu_per_job": 2, "plots": []},
        "analyses": {"search": {"dataset": "search"}},
    }


def results_of(folder: Path) -> dict[str, bytes]:
    files = [path for path in (folder / "results").rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


pytestmark = needs_rsync


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run with local files, one with the same files from elsewhere, and the server and the folder of these."""
    base = tmp_path_factory.mktemp("remote")
    elsewhere = base / "elsewhere"
    elsewhere.mkdir()
    with pytest.MonkeyPatch.context() as patch, web() as server:
        patch.setenv("NO_PROXY", "127.0.0.1")
        server.files["/BkgOnly.json"] = json.dumps(BACKGROUND).encode()
        server.changed["/BkgOnly.json"] = BEFORE
        remote, local = workflow.clone(base / "remote"), workflow.clone(base / "local")
        (local / "data").mkdir()
        (local / "data" / "BkgOnly.json").write_text(json.dumps(BACKGROUND))
        for folder in (local / "data", elsewhere):
            (folder / "patchset.json").write_text(json.dumps(PATCHSET))
        workflow.write_config(local, config_of("data/BkgOnly.json", "data/patchset.json"))
        workflow.write_config(remote, config_of(f"{server.url}/BkgOnly.json", f"fs://{elsewhere}/patchset.json"))
        workflow.snakemake(local, LIMITS)
        workflow.snakemake(remote)
        yield local, remote, server, elsewhere


def test_the_same_bytes(runs):
    local, remote, *_ = runs
    results, expected = results_of(remote), results_of(local)
    assert LIMITS in expected
    assert {name for name in expected if results[name] != expected[name]} == set()


def test_the_manifest_says_where_files_are_from(runs):
    _, remote, server, elsewhere = runs
    inputs = json.loads((remote / "results" / "manifest.json").read_text())["inputs"]
    assert [Path(each["file"]).name for each in inputs] == ["BkgOnly.json", "patchset.json"]
    sources = [f"{server.url}/BkgOnly.json", f"fs://{elsewhere}/patchset.json"]
    assert [each["fetched_from"] for each in inputs] == sources


def test_steps_run_again_if_a_remote_file_changes(runs):
    _, remote, server, elsewhere = runs
    os.utime(elsewhere / "patchset.json")  # another time, the same content
    server.changed["/BkgOnly.json"] = BEFORE + 60
    assert workflow.planned(remote) == {}
    (elsewhere / "patchset.json").write_text(json.dumps(PATCHSET, indent=1))
    planned = workflow.planned(remote)
    assert planned["check_published"] == planned["patch_workspace"] == 1


def test_a_remote_file_that_cannot_be_used(runs):
    """One line names it."""
    _, remote, server, _ = runs
    url = f"{server.url}/BkgOnly.json"
    del server.files["/BkgOnly.json"]
    run = workflow.snakemake(remote, "-n", check=False)
    assert run.returncode == 1
    assert f"\ndatasets.search.workspace.file: there is no file {url}, or it may not be read\n" in run.stderr
    server.files["/BkgOnly.json"] = b"<!DOCTYPE html><html><body>Please log in</body></html>"
    run = workflow.snakemake(remote, "-n", check=False)
    assert run.returncode == 1
    assert f"{url}: not JSON but" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_run_is_not_repeated_with_other_inputs(runs):
    """A copy that is missing is fetched again, and must be the file of that run."""
    _, remote, server, _ = runs
    url = f"{server.url}/BkgOnly.json"
    copy = copy_of(url)
    (remote / copy).unlink()
    server.files["/BkgOnly.json"] = json.dumps(BACKGROUND, indent=1).encode()
    words = [sys.executable, "scripts/muscan", "reproduce"]
    run = subprocess.run(words, cwd=remote, env=workflow.environment(), capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.splitlines()[0].startswith(f"Fetched {url}")
    assert f"{copy}" in run.stderr.splitlines()[-1]
    assert run.stderr.endswith("changed since that run, or missing\n")
