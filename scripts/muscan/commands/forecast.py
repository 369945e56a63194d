"""Estimate the cost of a run: its jobs, core time and disk space, and a suitable packing of jobs.

Reads configuration files. Snakemake counts the jobs of each analysis in a dry run, and runs a sample of its signals
in a temporary folder; the times and sizes of the sample are extrapolated.
"""

import os
import sys
from math import ceil
from typing import NamedTuple

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from muscan.base.errors import InputError
from muscan.base.options import positive_integer
from muscan.base.words import format_duration
from muscan.commands.parser import command_parser
from muscan.commands.timed_sample import MEASURED_TOYS, SHORTEST, Sample, job_counts, sample, single_analysis, toy_fits
from muscan.config.loading import load
from muscan.config.problems import ConfigError
from muscan.config.settings import ScanSettings, ToySettings, scan_settings
from muscan.config.signals import signals_of
from muscan.inference.ranges import POINTS
from muscan.inputs.sources import Sources

SNAKEMAKE_JOB, CLUSTER_JOB = 0.03, 6  # overhead of Snakemake per job in seconds, on this machine and on a Slurm cluster
# Rules whose jobs are sent to a cluster; other rules take seconds, and run where Snakemake runs.
MEASURING = ("discover", "find_intervals", "scan_likelihood", "rank")
SENT = (
    *("fit", "hypotest", "invert", *MEASURING, "scan_signals", "throw_toys", "allocate_toys", "invert_toys"),
    *(MEASURED_TOYS, "allocate_toys_of_measurement", "measure_with_toys"),
)
# Intervals from toys need about so many times the toys of their first round; a sample is too small for further rounds.
ALL_ROUNDS = 3
FINAL = 3.0  # assumed duration in seconds of a job for a table or plot that is not in the sample
JOB_SECONDS = 120  # recommended duration of a job on a cluster
LONGEST_PACKED = 60  # seconds; signals that take longer get jobs of their own
# Recommended number of jobs per core, so that all cores finish at about the same time, and the shortest duration in
# seconds for which jobs are divided for this purpose.
JOBS_PER_CORE, BALANCED_SECONDS = 4, 15


class Forecast(NamedTuple):
    """The estimated cost of an analysis."""

    analysis: str
    signals: int
    jobs: int
    seconds: float  # core time
    longest: float  # duration of the longest job in seconds
    size: float  # of all results in bytes
    advice: str  # settings that would pack jobs better; "" if there are none


def forecast(config: dict, analysis: str) -> Forecast:
    """Estimate the cost of an analysis."""
    measured, counts = sample(config, analysis), job_counts(single_analysis(config, analysis))
    settings = scan_settings(config, analysis)
    signals, mu = len(signals_of(config, analysis)), settings.mu
    further = {
        "hypotest": signals * max(len(mu), 1) - counts["hypotest"],
        "scan_signals": signals - counts["scan_signals"],
        "throw_toys": signals * toy_fits(first_round_toys(settings.toys), len(mu) or POINTS),
        MEASURED_TOYS: signals * first_round_toys(settings.toys) * ALL_ROUNDS,
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
