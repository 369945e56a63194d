"""The same configuration gives the same bytes, whatever the order, packing and environment; anyone can check that."""

import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.workflow import clone, contents, copy, environment, snakemake, with_toys, write_config
from muscan.config import result_files
from muscan.config.schema import complete


def test_inputs_are_those_of_all_data_sets(tmp_path, monkeypatch):
    """Also of those that no analysis uses: the configuration is checked with them when it is run again."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "patches").mkdir()
    for name in ("used.csv", "unused.json", "patches/a.json"):
        (tmp_path / name).write_text("{}")
    config = {
        "datasets": {
            "used": {"histograms": {"csv": "used.csv"}},
            "unused": {"workspace": {"file": "unused.json", "patches": "patches"}},
        },
        "analyses": {"a": {"dataset": "used", "model": "m"}},
    }
    assert result_files.all_inputs(complete(config)) == ["used.csv", "unused.json", "patches/a.json"]


@pytest.fixture(scope="module")
def question(default_config) -> dict:
    return with_toys(default_config)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, question) -> Path:
    """A run on one core; tests that change something work on a copy."""
    folder = clone(tmp_path_factory.mktemp("same") / "run")
    write_config(folder, question)
    snakemake(folder, "--cores", "1")
    return folder


def reproduce(folder: Path) -> subprocess.CompletedProcess:
    """What `make reproduce` runs."""
    command = [sys.executable, "scripts/muscan", "reproduce"]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=600)


def manifests(*folders: Path) -> list[dict]:
    """Manifests, but for the digest of muscan's own code."""
    found = [json.loads((folder / "results" / "manifest.json").read_text()) for folder in folders]
    for each in found:
        del each["versions"]["code"]
    return found


def test_order_and_environment(finished, tmp_path, question):
    """Two cores, another scheduler, random priorities; time zone, locale, hash seed, threads of the BLAS, host name and
    clock, as far as they can be set here.
    """
    folder = clone(tmp_path / "run")
    write_config(folder, question)
    rng = random.Random(1)
    for file in (folder / "rules").glob("*.smk"):
        text = re.sub(r"^    priority: .*\n", "", file.read_text(), flags=re.MULTILINE)
        rules = re.split(r"^(rule \w+:\n)", text, flags=re.MULTILINE)
        rules[1::2] = (f"{head}    priority: {rng.randrange(100)}\n" for head in rules[1::2])
        file.write_text("".join(rules))
    changes = {"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "42"}
    changes |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "2")
    if shutil.which("faketime"):
        python = tmp_path / "bin" / "python"
        python.parent.mkdir()
        python.write_text(f'#!/bin/sh\nexec faketime -f +400d {sys.executable} "$@"\n')
        python.chmod(0o755)
        changes["PATH"] = f"{python.parent}{os.pathsep}{environment()['PATH']}"
    prefix = ("unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh") if os.geteuid() == 0 else ()
    snakemake(folder, "--cores", "2", "--scheduler", "greedy", prefix=prefix, **changes)
    expected, found = contents(finished), contents(folder)
    # The rules, which are other ones here, are a part of the manifest.
    for each in (expected, found):
        for name in ("results/manifest.json", "results/.sha256/manifest.json"):
            del each[name]
    assert found == expected
    ours, theirs = manifests(folder, finished)
    assert ours == theirs


def test_packing(finished, tmp_path, question):
    """Other files hold the tests; what follows from them is the same."""
    folder = clone(tmp_path / "run")
    scan = question["scan"] | {"signals_per_job": 2, "toys": question["scan"]["toys"] | {"jobs": 1}}
    write_config(folder, question | {"scan": scan | {"plots": ["brazil"]}})
    snakemake(folder, "--cores", "2")
    # Two files have the configuration; of the pictures one kind is enough.
    other = re.compile(r"/hypotest/|/jobs/|(manifest\.json|report\.html)$|/signal/\w+/plots/(?!brazil)")
    expected, found = (
        {name: digest for name, digest in contents(each).items() if not other.search(name)}
        for each in (finished, folder)
    )
    assert "results/locked/signal/toybased/toys/mu_0.5/signal_1.npz" in found
    assert "results/locked/signal/toybased/plots/brazil.png" in found
    assert found == expected


@pytest.fixture(scope="module")
def counted(tmp_path_factory, question) -> Path:
    """A small run with an input of its own."""
    folder = clone(tmp_path_factory.mktemp("counted") / "run")
    (folder / "mine.csv").write_text("bin_low,bin_high,signal,background,observed\n0,1,5,20,22\n")
    scan = question["scan"] | {"mu": [0.1, 1, 3], "plots": []}
    scan["toys"] = {"per_hypothesis": 100, "block": 50, "jobs": 1}
    datasets = {"mine": {"histograms": {"csv": "mine.csv"}}}
    analyses = {"it": {"dataset": "mine", "model": "locked"}}
    write_config(folder, question | {"datasets": datasets, "scan": scan, "analyses": analyses})
    snakemake(folder)
    return folder


class TestManifest:
    def test_all_results_are_listed(self, finished):
        """All files but the manifest itself, seals and markers are there, with the digests that `sha256sum` gives."""
        manifest = json.loads((finished / "results" / "manifest.json").read_text())
        listed = {record["file"]: record["sha256"] for record in manifest["results"]}
        hidden = re.compile(r"/\.|manifest\.json$")
        assert listed == {name: digest for name, digest in contents(finished).items() if not hidden.search(name)}
        assert {"muscan", "numpy", "pyhf", "snakemake", "python"} <= set(manifest["versions"])
        assert manifest["config"]["analyses"] == {"locked": {"dataset": "mismatched", "model": "locked"}}

    def test_inputs_are_listed(self, counted):
        (record,) = json.loads((counted / "results" / "manifest.json").read_text())["inputs"]
        assert record == {"file": "mine.csv", "sha256": hashlib.sha256((counted / "mine.csv").read_bytes()).hexdigest()}


class TestReproduce:
    def test_the_same(self, counted):
        again = reproduce(counted)
        assert again.returncode == 0, again.stdout
        assert "The same bytes: " in again.stdout

    def test_another_input(self, counted, tmp_path):
        folder = copy(counted, tmp_path / "changed")
        (folder / "mine.csv").write_text("bin_low,bin_high,signal,background,observed\n0,1,5,20,23\n")
        again = reproduce(folder)
        assert again.returncode != 0
        assert "mine.csv: changed since that run, or missing" in again.stderr

    def test_the_first_value_that_differs(self, counted, tmp_path):
        """Another version of a formula: the first result that it changes is named, with both values."""
        folder = copy(counted, tmp_path / "changed")
        module = folder / "scripts" / "muscan" / "inference" / "limits.py"
        text = module.read_text()
        assert "PRECISION = " in text
        module.write_text(re.sub(r"^PRECISION = .*", "PRECISION = 0.1", text, flags=re.MULTILINE))
        again = reproduce(folder)
        assert again.returncode == 1
        name = "results/it/signal/asymptotics/limits.json"
        limit = json.loads((counted / name).read_text())["observed_limit"]
        assert f"{name}: observed_limit was {limit!r}, now it is " in again.stdout
