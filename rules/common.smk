# What the rules share: the checked configuration, the grids, the constraints of the wildcards, and what a script consists of.
#
# Needs: config. Makes: SIGNALS, SCANS, SCAN_PLOTS and the functions below; no files.

import atexit
import json
import os
import re
import subprocess
import sys

SCRIPTS = os.path.join(workflow.basedir, "scripts")
sys.path.append(SCRIPTS)

import config_check
import configuration
import dependencies


def checked_config():
    schema = os.path.join(workflow.basedir, "config", "config.schema.yaml")
    sources = ", ".join(os.path.relpath(file) for file in workflow.configfiles)
    try:
        config_check.check(config, schema)
    except config_check.ConfigError as error:
        raise SystemExit(f"{sources} cannot be used:\n{error}\nconfig/README.md explains every key.") from None


checked_config()

# A job has one core, and its numbers must not depend on how many the machine has.
os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def source(analysis):
    """The kind of an analysis' data set and what the configuration says of it."""
    return next(iter(config["datasets"][config["analyses"][analysis]["dataset"]].items()))


def signals(analysis):
    kind, block = source(analysis)
    if kind == "workspace":
        return configuration.signal_names(block)
    return {configuration.ONLY_SIGNAL: configuration.ONLY_SIGNAL}


SETTINGS = {analysis: configuration.scan_settings(config, analysis) for analysis in config["analyses"]}
GRIDS = {analysis: configuration.mu_grid(settings["mu"]) for analysis, settings in SETTINGS.items()}
MU_JOBS = {analysis: configuration.mu_jobs(grid, SETTINGS[analysis]["mu_per_job"]) for analysis, grid in GRIDS.items()}
SIGNALS = {analysis: signals(analysis) for analysis in config["analyses"]}
PUBLISHED = [analysis for analysis in SIGNALS if source(analysis)[0] == "workspace"]
SIMULATED = [name for name, dataset in config["datasets"].items() if "simulate" in dataset]
BINNED = [name for name, dataset in config["datasets"].items() if "histograms" in dataset]
SCANS = {
    f"{analysis}/{signal}/{calculator}": SETTINGS[analysis]["plots"]
    for analysis in SIGNALS
    for signal in SIGNALS[analysis]
    for calculator in SETTINGS[analysis]["calculators"]
}
SCAN_PLOTS = [
    f"results/{scan}/plots/{plot}" + ("" if plot in configuration.CHANNEL_PLOTS else ".png")
    for scan, plots in SCANS.items()
    for plot in plots
]


def one_of(names):
    """A regular expression for a wildcard that takes one of these names; none matches nothing."""
    return "|".join(re.escape(name) for name in names) or r"(?!)"


wildcard_constraints:
    dataset=one_of(config["datasets"]),
    analysis=one_of(config["analyses"]),
    signal=r"[^/]+",
    calculator=r"[a-z]+",
    plot=r"[a-z_]+",
    mu=r"[0-9][0-9.e+-]*(_to_[0-9][0-9.e+-]*)?",


def code(script):
    """A script and all modules of ours that it imports: as inputs of a rule, they make it run again when they change."""
    return [os.path.relpath(file) for file in dependencies.modules(script)]


def setting(key):
    """The setting of an analysis, as a function of the wildcards."""
    return lambda wildcards: SETTINGS[wildcards.analysis][key]


def show_limits_at_end():
    """Print the table of limits, if there is one, when Snakemake has said its last word (a progress bar would hide it)."""
    limits = "results/limits.csv"
    command = [sys.executable, os.path.join(SCRIPTS, "show_limits.py"), "--limits", limits]
    if os.path.exists(limits):
        atexit.register(subprocess.run, command, cwd=os.getcwd(), check=False)


def published_inputs(wildcards):
    """The published workspace of a data set and its patch set, by the name of the option that takes them."""
    files = configuration.input_files(config["datasets"][wildcards.dataset])
    return {key.removeprefix("workspace.").replace("file", "workspace"): path for key, path in files.items()}


def checked(wildcards):
    return f"results/datasets/{config['analyses'][wildcards.analysis]['dataset']}/checked.json"


def patch_inputs(wildcards):
    """Files that make the workspace of a signal, by the name of the option that takes them."""
    return configuration.workspace_files(source(wildcards.analysis)[1], SIGNALS[wildcards.analysis][wildcards.signal])


def patch_options(wildcards):
    """Options of patch_workspace.py: those files, the name of the signal, the measurement."""
    block = source(wildcards.analysis)[1]
    words = {**patch_inputs(wildcards), "signal": SIGNALS[wildcards.analysis][wildcards.signal]}
    words |= {"measurement": block["measurement"]} if "measurement" in block else {}
    return as_options(words)


def reference_inputs(wildcards):
    """Files that fits need on top of the model: pyhf's fits begin with the workspace."""
    if SETTINGS[wildcards.analysis]["engine"] == "pyhf":
        return {"workspace": f"results/{wildcards.analysis}/{wildcards.signal}/workspace.json"}
    return {}


def workspace_options(wildcards):
    return as_options(reference_inputs(wildcards))


def engine_options(wildcards):
    return as_options({"engine": SETTINGS[wildcards.analysis]["engine"], **reference_inputs(wildcards)})


# What each kind of plot reads.
PLOT_READS = {"brazil": ["limits"], "pulls": ["fit"], "yields": ["fit", "histograms", "workspace"]}


def plot_inputs(wildcards):
    """Files that a plot reads, by the name of the option that takes them."""
    signal = f"results/{wildcards.analysis}/{wildcards.signal}"
    files = {
        "fit": f"{signal}/fit.json",
        "limits": f"{signal}/{wildcards.calculator}/limits.json",
        "workspace": f"{signal}/workspace.json",
    }
    if wildcards.analysis not in PUBLISHED:
        files["histograms"] = histograms(wildcards)
    return {kind: files[kind] for kind in PLOT_READS[wildcards.plot] if kind in files}


def plot_options(wildcards):
    return as_options(plot_inputs(wildcards))


def as_options(values):
    return [word for name, value in values.items() for word in (f"--{name}", value)]


def histograms(wildcards):
    return f"results/datasets/{config['analyses'][wildcards.analysis]['dataset']}/histograms.csv"


def title(wildcards):
    return configuration.scan_name(wildcards.analysis, SIGNALS[wildcards.analysis][wildcards.signal])
