# What the rules share: the checked configuration, the grids, the constraints of the wildcards, and what a script consists of.
#
# Needs: config. Makes: SIGNALS, SCANS, PACKS, GRIDS, RESULTS and the functions below; no files.

import atexit
import json
import os
import re
import subprocess
import sys

SCRIPTS = os.path.join(workflow.basedir, "scripts")
sys.path.append(SCRIPTS)

from muscan.base import files
from muscan.base.code import modules
from muscan.base.errors import InputError
from muscan.base.json_input import MAX_MEGABYTES
from muscan.base.options import as_options
from muscan.config import check as config_check
from muscan.config import datasets, result_files
from muscan.config.grids import grid_settings, units_of
from muscan.config.scans import all_scans, outline_of, packs_of
from muscan.config.settings import FOLDER_PLOTS, TOYBASED, mu_grid, mu_jobs, scan_settings, source_of, toy_rounds
from muscan.config.settings import check_options as check_settings
from muscan.config.settings import poi_bound as needed_poi_bound
from muscan.config.signals import scan_name, signals_of
from muscan.config.signals import workspace_files as workspace_files_of
from muscan.config.text import check_file
from muscan.records.columns import label_column
from muscan.run import look_ahead, progress, start


def usable_config():
    """The part of the configuration that can be used, why other analyses cannot, and all problems."""
    schema = os.path.join(workflow.basedir, "config", "config.schema.yaml")
    try:
        if workflow.is_main_process:
            for file in workflow.configfiles:
                check_file(file)
        return config_check.usable(config, schema)
    except (config_check.ConfigError, InputError) as error:
        stop(error)


def stop(problems):
    """End before anything runs."""
    names = ", ".join(os.path.relpath(file) for file in workflow.configfiles)
    raise SystemExit(
        f"{names} cannot be used (in {os.getcwd()}):\n{problems}\nconfig/README.md explains every key."
    ) from None


def look_at_data_sets():
    """Say which analyses will fail because their data set cannot be read; end if all will."""
    unreadable = look_ahead.unreadable(config)
    if len(unreadable) == len(config["analyses"]):
        stop("\n".join(dict.fromkeys(unreadable.values())))
    for analysis, reason in unreadable.items():
        print(f"Will fail, while the rest is run: {analysis}: {reason}", file=sys.stderr)


def look_at_results():
    """Say what cannot be written, and which results are not what was written."""
    unwritable = ", ".join(start.unwritable())
    if unwritable:
        raise SystemExit(f"muscan cannot write here: {unwritable} (in {os.getcwd()})")
    for message in start.tidy():
        print(message, file=sys.stderr)


USABLE, NOT_RUN, PROBLEMS = usable_config()
# What no row of the table of limits tells.
OTHER_PROBLEMS = config_check.without_row(PROBLEMS, NOT_RUN)
config.clear()
config.update(USABLE)

# Jobs on a cluster start Snakemake too: the results they are to make have been looked at.
if workflow.is_main_process:
    look_at_results()
    for problem in PROBLEMS:
        print(f"Not run, while the rest is: {problem}", file=sys.stderr)
    look_at_data_sets()
    progress.follow(workflow)

# Large arrays that come and go stay with the process: the kernel takes a quarter of the time otherwise.
os.environ |= {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "2000000000"}


SETTINGS = {analysis: scan_settings(config, analysis) for analysis in config["analyses"]}
MU = {analysis: mu_grid(settings["mu"]) for analysis, settings in SETTINGS.items()}
MU_JOBS = {analysis: mu_jobs(grid, SETTINGS[analysis]["mu_per_job"]) for analysis, grid in MU.items()}
SIGNALS = {analysis: signals_of(config, analysis) for analysis in config["analyses"]}
PUBLISHED = [analysis for analysis in SIGNALS if source_of(config, analysis)[0] == "workspace"]
PACKS = {
    f"scan_{analysis}_{number}_of_{len(packs)}": (analysis, pack)
    for analysis in SIGNALS
    if SETTINGS[analysis]["signals_per_job"] > 1
    for packs in [packs_of(config, analysis)]
    for number, pack in enumerate(packs, 1)
}
OUTLINE = json.dumps(outline_of(config))
GRIDS = {grid: grid_settings(config, grid) for grid in config.get("grids", {})}
SIMULATED = [name for name, dataset in config["datasets"].items() if "simulate" in dataset]
BINNED = [name for name, dataset in config["datasets"].items() if "histograms" in dataset]
SCANS = all_scans(config)
TOY_SCANS = [scan for scan in SCANS if os.path.basename(scan) == TOYBASED]
RESULTS = result_files.results(config)


def one_of(names):
    """A regular expression for a wildcard that takes one of these names; none matches nothing."""
    return "|".join(re.escape(name) for name in names) or r"(?!)"


wildcard_constraints:
    dataset=one_of(config["datasets"]),
    histograms="histograms|blinded",
    grid=one_of(GRIDS),
    analysis=one_of(config["analyses"]),
    signal=r"[^/]+",
    calculator=r"[a-z]+",
    plot=r"[a-z_]+",
    mu=r"[0-9][0-9.e+-]*(_to_[0-9][0-9.e+-]*)?|auto",
    round=r"[0-9]+",
    part=r"[0-9]+",
    parts=r"[0-9]+",


def code(script, *others):
    """A script and all modules of ours that it imports: as inputs of a rule, they make it run again when they change."""
    files = modules(script, *others) if workflow.is_main_process else [os.path.join(SCRIPTS, script)]
    return [os.path.relpath(file) for file in files]


def setting(key):
    """The setting of an analysis, as a function of the wildcards."""
    return lambda wildcards: SETTINGS[wildcards.analysis][key]


def literally(value):
    """The value as a function of the wildcards: braces in it are no wildcards."""
    return lambda wildcards: value


def show_limits_at_end():
    """Print the table of limits, if there is one, when Snakemake has said its last word (a progress bar would hide it)."""
    limits = "results/limits.csv"
    command = [sys.executable, os.path.join(SCRIPTS, "muscan"), "limits", "--limits", limits, "--grids", *GRIDS]
    if os.path.exists(limits):
        atexit.register(subprocess.run, command, cwd=os.getcwd(), check=False)


def show_what_is_missing():
    """After a run with errors: which results are not there, and why none could be written if the disk is full."""
    for message in start.missing(RESULTS):
        atexit.register(print, message, file=sys.stderr)
