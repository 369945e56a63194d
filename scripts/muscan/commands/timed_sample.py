"""Run and time a sample of an analysis in a temporary folder, and count the jobs of a whole run."""

import csv
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, replace
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from muscan.base.errors import InputError
from muscan.base.versions import ROOT
from muscan.commands.snakemake import run_snakemake
from muscan.config.mu_values import AUTO
from muscan.config.settings import scan_settings, source_of
from muscan.config.signals import signals_of

SIGNALS, VALUES, TOYS = 5, 9, 50  # numbers of signals, values of mu, and toys per hypothesis in a sample
MEASURED_TOYS = "throw_toys_of_measurement"  # the rule
SHORTEST = 0.01  # seconds; shorter times cannot be measured
PATHS = ("file", "patchset", "patches", "csv")  # keys of data sets whose values are paths


class Sample(NamedTuple):
    """Times (in seconds) and sizes (in bytes) measured with a few signals of an analysis."""

    # Mean time of a job of each rule; with one value of mu or one signal, if jobs can have several.
    job: dict[str, float]
    # Time of each further value of mu (hypotest), signal (scan_signals) or fit of a toy (throw_toys) in a job; for
    # toys of measurements, of the jobs of a signal together for each toy at every mu.
    more: dict[str, float]
    size: float  # of the results of a signal


def single_analysis(config: dict, analysis: str, **changes) -> dict:
    """Return the configuration of one analysis, without grids.

    Args:
        config: a complete configuration.
        analysis: the name of the analysis.
        changes: settings of the scan that are replaced.
    """
    name = config["analyses"][analysis]["dataset"]
    settings = config["scan"] | config["analyses"][analysis] | changes
    dataset = {"datasets": {name: _absolute(config["datasets"][name])}}
    return dataset | {"models": config["models"], "analyses": {analysis: settings}}


def _absolute(value: Any) -> Any:
    """Return a part of a data set with absolute paths."""
    if not isinstance(value, dict):
        return value
    return {
        key: os.path.abspath(each) if key in PATHS and isinstance(each, str) else _absolute(each)
        for key, each in value.items()
    }


def run(folder: str, config: dict) -> str:
    """Run a configuration in a folder; return the output of Snakemake."""
    options = ("--workflow-profile", "none", "--cores", "1", "--benchmark-extended")
    result = run_snakemake(folder, _write_config(folder, config), *options, capture_output=True, text=True)
    return result.stdout + result.stderr


def job_counts(config: dict) -> dict[str, int]:
    """Return the number of jobs of each rule for a run from scratch; packs of signals count as the rule `scan_signals`.

    Raises:
        InputError: if Snakemake cannot use the configuration.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "scripts" / "muscan"), "jobs", "--directory", folder]
        command += ["--configfile", _write_config(folder, _absolute(config))]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise InputError(f"the jobs cannot be counted: {result.stderr.strip()}")
    counts: dict[str, int] = defaultdict(int)
    for rule, number in json.loads(result.stdout).items():
        counts[_rule(rule)] += number
    return counts


def _write_config(folder: str, config: dict) -> str:
    """Write a configuration to a file in a folder; return the file."""
    file = Path(folder) / "forecast.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return str(file)


def _rule(name: str) -> str:
    return "scan_signals" if re.fullmatch(r"scan_.+_\d+_of_\d+", name) else name


def sample(config: dict, analysis: str) -> Sample:
    """Run a sample of an analysis in a temporary folder: a few signals, values of mu and toys.

    Raises:
        InputError: if all signals fail.
    """
    settings = scan_settings(config, analysis)
    mu = [float(value) for value in settings.mu]
    mu = sorted({*mu[:: ceil(len(mu) / VALUES)], mu[-1]}) if mu else AUTO
    toys = asdict(replace(settings.toys, per_hypothesis=TOYS, block=TOYS, jobs=1, target=None, max=None))
    toys = {key: value for key, value in toys.items() if value is not None}
    packed = settings.signals_per_job > 1
    small = single_analysis(config, analysis, mu=mu, toys=toys, mu_per_job=min(settings.mu_per_job, VALUES // 2))
    small["analyses"][analysis]["signals_per_job"] = (SIGNALS - 1) if packed else 1
    kind, source = source_of(small, analysis)
    if kind == "workspace" and len(signals_of(small, analysis)) > 1:
        known = list(signals_of(small, analysis).values())
        source["signals"] = known[:: ceil(len(known) / SIGNALS)] if packed else known[:1]
    with tempfile.TemporaryDirectory() as folder:
        output = run(folder, small)
        rows = list(_benchmarks(Path(folder)))
        signals = list((Path(folder) / "results" / analysis).glob("*"))
        size = sum(file.stat().st_size for path in signals for file in path.rglob("*") if file.is_file())
        table = Path(folder) / "results" / "limits.csv"
        failed = _failed(table) if table.exists() and signals else output.strip()
    if failed:
        raise InputError(f"{analysis}: nothing could be timed: {failed}")
    return _sample(rows, size / len(signals), len(mu))


def _failed(table: Path) -> str:
    """Return the reason of the first failure if all signals failed, otherwise ""."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return "" if any("fit_failed" not in row["status"] for row in rows) else rows[0]["reason"]


def _benchmarks(folder: Path) -> Iterator[tuple[str, str, float]]:
    """Yield the rule, the name of the benchmark file and the seconds of each job that was run."""
    for path in sorted((folder / "benchmarks").rglob("*.tsv")):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                yield _rule(row["rule_name"]), path.stem, float(row["s"])


def _sample(rows: list[tuple[str, str, float]], size: float, values: int) -> Sample:
    """Return times per job, and per further value of mu, signal or fit, from (rule, name, seconds) of all jobs."""
    by_rule: dict[str, list[float]] = defaultdict(list)
    for rule, _, seconds in rows:
        by_rule[rule].append(seconds)
    job, more = {rule: float(np.mean(seconds)) for rule, seconds in by_rule.items()}, {}
    for rule, most in (("hypotest", VALUES // 2), ("scan_signals", SIGNALS - 1)):
        if len(by_rule[rule]) > 1:
            fewest, many = min(by_rule[rule]), max(by_rule[rule])
            more[rule] = max((many - fewest) / (most - 1), SHORTEST)
            job[rule] = fewest
    if "throw_toys" in job:
        more["throw_toys"] = max(job["throw_toys"] - job["plan_toys"], SHORTEST) / toy_fits(TOYS, values)
        job["throw_toys"] = job["plan_toys"]
    if MEASURED_TOYS in job:
        # Jobs of later rounds have nothing to do, see `forecast.ALL_ROUNDS`.
        job[MEASURED_TOYS] = min(job["plan_measurement"], *by_rule[MEASURED_TOYS])
        more[MEASURED_TOYS] = max(max(by_rule[MEASURED_TOYS]) - job[MEASURED_TOYS], SHORTEST) / TOYS
    return Sample(job, more, size)


def toy_fits(per_hypothesis: int, values: int) -> int:
    """Return the number of fits of toys for a number of values of mu.

    Each signal toy needs two fits. A background-only toy, which all mu share, needs one, and one more at each mu.
    """
    return per_hypothesis * (2 * values + 1 + values)
