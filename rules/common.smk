# What the rules share: the checked configuration, the grids, the constraints of the wildcards, and what a script consists of.
#
# Needs: config. Makes: SIGNALS, SCANS, SCAN_PLOTS, TABLES and the functions below; no files.

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
# Large arrays that come and go stay with the process: the kernel takes a quarter of the time otherwise.
os.environ |= {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "2000000000"}


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
    f"{analysis}/{signal}/{calculator}": configuration.scan_plots(SETTINGS[analysis], calculator)
    for analysis in SIGNALS
    for signal in SIGNALS[analysis]
    for calculator in SETTINGS[analysis]["calculators"]
}
SCAN_PLOTS = [
    f"results/{scan}/plots/{plot}" + ("" if plot in configuration.FOLDER_PLOTS else ".png")
    for scan, plots in SCANS.items()
    for plot in plots
]
TOY_SCANS = [scan for scan in SCANS if os.path.basename(scan) == configuration.TOYBASED]
TABLES = [f"results/{name}.{kind}" for name in ["limits"] + ["toybased"] * bool(TOY_SCANS) for kind in ("csv", "md")]


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
    round=r"[0-9]+",
    part=r"[0-9]+",
    parts=r"[0-9]+",


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


def toys_of(wildcards):
    return f"results/{wildcards.analysis}/{wildcards.signal}/toybased"


def toy_jobs(wildcards, number):
    """What the jobs that throw the toys of a round leave."""
    jobs = SETTINGS[wildcards.analysis]["toys"]["jobs"]
    return [f"{toys_of(wildcards)}/jobs/round_{number}_part_{part}_of_{jobs}.json" for part in range(jobs)]


def round_before(wildcards):
    """The plan and the toys to which a round adds."""
    before = int(wildcards.round) - 1
    return {"plan": f"{toys_of(wildcards)}/plan_{before}.json", "jobs": toy_jobs(wildcards, before)}


def last_round(wildcards):
    """The last plan of toys, and what its jobs leave."""
    last = configuration.toy_rounds(SETTINGS[wildcards.analysis]["toys"]) - 1
    return {"plan": f"{toys_of(wildcards)}/plan_{last}.json", "jobs": toy_jobs(wildcards, last)}


def toy_options(wildcards):
    """Options of plan_toys.py: how many toys, and how they are made."""
    toys = SETTINGS[wildcards.analysis]["toys"]
    keys = ("seed", "block", "per_hypothesis", "target", "max", "max_failed_fraction")
    return as_options({key.replace("_", "-"): str(toys[key]) for key in keys if key in toys})


# What each kind of plot reads.
PLOT_READS = {
    "brazil": ["limits"],
    "distributions": ["limits", "plan", "model", "fit", "reference"],
    "pulls": ["fit"],
    "toys": ["limits"],
    "yields": ["fit", "histograms", "workspace"],
}


def plot_inputs(wildcards):
    """Files that a plot reads, by the name of the option that takes them."""
    signal = f"results/{wildcards.analysis}/{wildcards.signal}"
    files = {
        "fit": f"{signal}/fit.json",
        "limits": f"{signal}/{wildcards.calculator}/limits.json",
        "workspace": f"{signal}/workspace.json",
        "model": f"{signal}/model.npz",
    }
    reads = PLOT_READS[wildcards.plot]
    if "plan" in reads:
        files["plan"] = last_round(wildcards)["plan"]
    if wildcards.analysis not in PUBLISHED:
        files["histograms"] = histograms(wildcards)
    found = {kind: files[kind] for kind in reads if kind in files}
    return found | (reference_inputs(wildcards) if "reference" in reads else {})


def plot_options(wildcards):
    """Options of the script that draws a plot: its inputs, and what else it must know."""
    words = as_options(plot_inputs(wildcards))
    if wildcards.plot == "distributions":
        words += ["--toys", f"{toys_of(wildcards)}/toys"]
        show = SETTINGS[wildcards.analysis]["toys"]["show"]
        words += ["--show", *map(str, show)] if show else []
    return words


def as_options(values):
    return [word for name, value in values.items() for word in (f"--{name}", value)]


def histograms(wildcards):
    return f"results/datasets/{config['analyses'][wildcards.analysis]['dataset']}/histograms.csv"


def title(wildcards):
    return configuration.scan_name(wildcards.analysis, SIGNALS[wildcards.analysis][wildcards.signal])
