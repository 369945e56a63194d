"""Estimate the cost of a run: its jobs, core time and disk space, and a suitable packing of jobs.

Reads configuration files. Snakemake counts the jobs of each analysis in a dry run, and runs a sample of its signals
in a temporary folder; the times and sizes of the sample are extrapolated.
"""

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
from rich import box
from rich.console import Console
from rich.table import Table

from muscan.base.errors import InputError
from muscan.base.options import positive_integer
from muscan.base.versions import ROOT
from muscan.base.words import format_duration
from muscan.commands.parser import command_parser
from muscan.commands.snakemake import run_snakemake
from muscan.config.loading import load
from muscan.config.mu_values import AUTO
from muscan.config.problems import ConfigError
from muscan.config.settings import ScanSettings, ToySettings, scan_settings, source_of
from muscan.config.signals import signals_of
from muscan.inference.ranges import POINTS
from muscan.inputs.sources import Sources

SNAKEMAKE_JOB, CLUSTER_JOB = 0.03, 6  # overhead of Snakemake per job in seconds, on this machine and on a Slurm cluster
# Rules whose jobs are sent to a cluster; other rules take seconds, and run where Snakemake runs.
SENT = ("fit", "hypotest", "invert", "scan_signals", "throw_toys", "allocate_toys", "invert_toys")
SIGNALS, VALUES, TOYS = 5, 9, 50  # numbers of signals, values of mu, and toys per hypothesis in a sample
FINAL = 3.0  # assumed duration in seconds of a job for a table or plot that is not in the sample
JOB_SECONDS = 120  # recommended duration of a job on a cluster
SHORTEST = 0.01  # seconds; shorter times cannot be measured
PATHS = ("file", "patchset", "patches", "csv")  # keys of data sets whose values are paths
LONGEST_PACKED = 60  # seconds; signals that take longer get jobs of their own
# Recommended number of jobs per core, so that all cores finish at about the same time, and the shortest duration in
# seconds for which jobs are divided for this purpose.
JOBS_PER_CORE, BALANCED_SECONDS = 4, 15


class Sample(NamedTuple):
    """Times (in seconds) and sizes (in bytes) measured with a few signals of an analysis."""

    job: dict[
        str, float
    ]  # mean time of a job of each rule; with one value of mu or one signal, if jobs can have several
    # Time of each further value of mu (hypotest), signal (scan_signals) or fit of a toy (throw_toys) in a job.
    more: dict[str, float]
    size: float  # of the results of a signal


class Forecast(NamedTuple):
    """The estimated cost of an analysis."""

    analysis: str
    signals: int
    jobs: int
    seconds: float  # core time
    longest: float  # duration of the longest job in seconds
    size: float  # of all results in bytes
    advice: str  # settings that would pack jobs better; "" if there are none


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
    return Sample(job, more, size)


def toy_fits(per_hypothesis: int, values: int) -> int:
    """Return the number of fits of toys for a number of values of mu.

    Each signal toy needs two fits. A background-only toy, which all mu share, needs one, and one more at each mu.
    """
    return per_hypothesis * (2 * values + 1 + values)


def forecast(config: dict, analysis: str) -> Forecast:
    """Estimate the cost of an analysis."""
    measured, counts = sample(config, analysis), job_counts(single_analysis(config, analysis))
    settings = scan_settings(config, analysis)
    signals, mu = len(signals_of(config, analysis)), settings.mu
    further = {
        "hypotest": signals * max(len(mu), 1) - counts["hypotest"],
        "scan_signals": signals - counts["scan_signals"],
        "throw_toys": signals * toy_fits(first_round_toys(settings.toys), len(mu) or POINTS),
    }
    seconds = sum(number * measured.job.get(rule, FINAL) for rule, number in counts.items())
    seconds += sum(further[rule] * each for rule, each in measured.more.items())
    longest = max(
        measured.job[rule] + max(further.get(rule, 0), 0) / counts[rule] * measured.more.get(rule, 0)
        for rule in measured.job
        if counts[rule]
    )
    return Forecast(
        analysis, signals, sum(counts.values()), seconds, longest, signals * measured.size,
        advice(measured, settings, signals, counts),
    )  # fmt: skip


def first_round_toys(toys: ToySettings) -> int:
    """Return the number of toys of each hypothesis; with a target, that of the first round."""
    return toys.per_hypothesis or 2 * toys.block


def advice(measured: Sample, settings: ScanSettings, signals: int, counts: dict[str, int]) -> str:
    """Return settings that pack jobs better, where they differ from the present ones by more than a factor of two."""
    cores = os.cpu_count() or 1
    recommended = []
    if signals > 1:
        start = min(measured.job.values())
        chain = ("patch_workspace", "compile_model", "fit", "hypotest", "invert")
        unpacked = sum(max(measured.job.get(rule, 0) - start, SHORTEST) for rule in chain)
        per_signal = measured.more.get("scan_signals", unpacked)
        balanced = max(signals / (JOBS_PER_CORE * cores), BALANCED_SECONDS / per_signal)
        number = min(JOB_SECONDS / per_signal, balanced, ceil(signals / cores))
        number = 1 if per_signal > LONGEST_PACKED else int(max(number, 1))
        if not 0.5 <= number / settings.signals_per_job <= 2:
            packs = ceil(signals / number)
            duration = format_duration(start + number * per_signal)
            recommended.append(f"signals_per_job: {number} ({packs} x {duration})")
    if "throw_toys" in measured.more:
        total = measured.more["throw_toys"] * toy_fits(first_round_toys(settings.toys), counts["hypotest"] or POINTS)
        jobs = int(np.clip(total / JOB_SECONDS, 1, 1000))
        if not 0.5 <= jobs / settings.toys.jobs <= 2:
            recommended.append(f"toys.jobs: {jobs}")
    return ", ".join(recommended)


def table(forecasts: list[Forecast]) -> Table:
    """Return the table of the estimated costs, one row per analysis."""
    rows = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("analysis", "signals", "jobs", "core time", "longest job", "disk", "recommended"):
        rows.add_column(name, justify="left" if name in ("analysis", "recommended") else "right")
    for each in forecasts:
        rows.add_row(
            each.analysis, str(each.signals), str(each.jobs),
            format_duration(each.seconds), format_duration(each.longest), f"{each.size / 1e6:.0f} MB",
            each.advice or "nothing to change",
        )  # fmt: skip
    return rows


def without_unreadable(config: dict) -> tuple[dict, list[str]]:
    """Leave out analyses whose data sets cannot be read, and grids that need them.

    Returns:
        the rest of the configuration; the reasons, each with the name of its analysis.
    """
    sources = Sources(config)
    reasons = {name: reason for name in config["analyses"] if (reason := sources.unreadable(name))}
    kept = {
        "analyses": {name: each for name, each in config["analyses"].items() if name not in reasons},
        "grids": {name: each for name, each in config["grids"].items() if reasons.keys().isdisjoint(each["analyses"])},
    }
    return config | kept, [f"{name}: {reason}" for name, reason in reasons.items()]


def report(config: dict, cores: int, console: Console) -> int:
    """Print the forecast for a number of cores; return the exit code: 1 if an analysis could not be timed, else 0."""
    config, failed = without_unreadable(config)
    forecasts = []
    for analysis in config["analyses"]:
        console.print(f"Timing {analysis} ...", markup=False)
        try:
            forecasts.append(forecast(config, analysis))
        except InputError as error:
            failed.append(str(error))
    if forecasts:
        _print_forecasts(config, forecasts, cores, console)
    for each in failed:
        console.print(f"failed: {each}", style="red", markup=False)
    return bool(failed)


def _print_forecasts(config: dict, forecasts: list[Forecast], cores: int, console: Console) -> None:
    """Print the table of the estimated costs, and the sums for this machine and for a cluster."""
    counts = job_counts(config)
    jobs, sent = sum(counts.values()), sum(counts[rule] for rule in SENT)
    shared = jobs - sum(each.jobs for each in forecasts)
    seconds = sum(each.seconds for each in forecasts) + max(shared, 0) * FINAL
    longest = max((each.longest for each in forecasts), default=0)
    wall = max(seconds / cores, longest) + jobs * SNAKEMAKE_JOB
    console.print(table(forecasts))
    console.print(
        f"In all {jobs} jobs, {format_duration(seconds)} of core time, "
        f"{sum(each.size for each in forecasts) / 1e6:.0f} MB; about {format_duration(wall)} on {cores} cores."
    )
    on_cluster = seconds + sent * CLUSTER_JOB
    console.print(
        f"On a cluster {sent} jobs, {format_duration(on_cluster / sent)} each and "
        f"{format_duration(longest + CLUSTER_JOB)} at most; {on_cluster / 3600:.2g} core-hours. "
        f"{CLUSTER_JOB} s of each job are overhead of Snakemake. `mu_per_job` and `signals_per_job` put more work into "
        "a job; jobs of minutes are suitable.",
        markup=False,
    )
    if any(scan_settings(config, name).toys.target for name in config["analyses"]):
        console.print(
            "For toys with a target only the first round is counted; the target determines the toys of later rounds."
        )


def main(argv: list[str] | None = None) -> int:
    parse = command_parser(__name__, __doc__)
    parse.add_argument("--configfiles", nargs="+", required=True, help="configuration files")
    parse.add_argument(
        "--cores", type=positive_integer, default=os.cpu_count(), help="number of cores; default: all of this machine"
    )
    args = parse.parse_args(argv)
    try:
        config, _, problems = load(args.configfiles)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    for problem in problems:
        print(f"left out: {problem}", file=sys.stderr)
    return report(config, args.cores, Console(width=None if sys.stdout.isatty() else 120))
