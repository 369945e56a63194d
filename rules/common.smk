# What the rules share: the checked configuration, the grids, the constraints of the wildcards, and what a script consists of.
#
# Needs: config. Makes: SIGNALS, SCANS, PACKS, GRIDS, what `all` wants and the functions below; no files.

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


SETTINGS = {analysis: configuration.scan_settings(config, analysis) for analysis in config["analyses"]}
MU = {analysis: configuration.mu_grid(settings["mu"]) for analysis, settings in SETTINGS.items()}
MU_JOBS = {analysis: configuration.mu_jobs(grid, SETTINGS[analysis]["mu_per_job"]) for analysis, grid in MU.items()}
SIGNALS = {analysis: configuration.signals(config, analysis) for analysis in config["analyses"]}
PUBLISHED = [analysis for analysis in SIGNALS if configuration.source(config, analysis)[0] == "workspace"]
PACKS = {
    f"scan_{analysis}_{number}_of_{len(packs)}": (analysis, pack)
    for analysis in PUBLISHED
    if SETTINGS[analysis]["signals_per_job"] > 1
    for packs in [configuration.packs(list(SIGNALS[analysis]), SETTINGS[analysis]["signals_per_job"])]
    for number, pack in enumerate(packs, 1)
}
OUTLINE = json.dumps(configuration.outline(config))
GRIDS = {grid: configuration.grid_settings(config, grid) for grid in config.get("grids", {})}
SIMULATED = [name for name, dataset in config["datasets"].items() if "simulate" in dataset]
BINNED = [name for name, dataset in config["datasets"].items() if "histograms" in dataset]
SCANS = configuration.scans(config)
SCAN_PLOTS = [
    f"results/{scan}/plots/{plot}" + ("" if plot in configuration.FOLDER_PLOTS else ".png")
    for scan in SCANS
    for analysis, _, calculator in [scan.split("/")]
    for plot in configuration.scan_plots(SETTINGS[analysis], calculator)
]
TOY_SCANS = [scan for scan in SCANS if os.path.basename(scan) == configuration.TOYBASED]
GRID_RESULTS = [
    f"results/grids/{grid}/{name}"
    for grid in GRIDS
    for name in ["points.csv", *configuration.grid_plots(config, grid), "hepdata"]
]
TABLES = [f"results/{name}.{kind}" for name in ["limits"] + ["toybased"] * bool(TOY_SCANS) for kind in ("csv", "md")]


def one_of(names):
    """A regular expression for a wildcard that takes one of these names; none matches nothing."""
    return "|".join(re.escape(name) for name in names) or r"(?!)"


wildcard_constraints:
    dataset=one_of(config["datasets"]),
    grid=one_of(GRIDS),
    analysis=one_of(config["analyses"]),
    signal=r"[^/]+",
    calculator=r"[a-z]+",
    plot=r"[a-z_]+",
    mu=r"[0-9][0-9.e+-]*(_to_[0-9][0-9.e+-]*)?|auto",
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
    command = [sys.executable, os.path.join(SCRIPTS, "show_limits.py"), "--limits", limits, "--grids", *GRIDS]
    if os.path.exists(limits):
        atexit.register(subprocess.run, command, cwd=os.getcwd(), check=False)


def published_inputs(wildcards):
    """The published workspace of a data set and its patch set, by the name of the option that takes them."""
    files = configuration.input_files(config["datasets"][wildcards.dataset])
    return {key.removeprefix("workspace.").replace("file", "workspace"): path for key, path in files.items()}


def checked(wildcards):
    return checked_of(wildcards.analysis)


def checked_of(analysis):
    return f"results/datasets/{config['analyses'][analysis]['dataset']}/checked.json"


def patch_inputs(wildcards):
    """Files that make the workspace of a signal, by the name of the option that takes them."""
    return {key: path for key, path in workspace_files(wildcards).items() if os.path.exists(path)}


def workspace_files(wildcards):
    """The same, and a patch that is missing, which the job reports."""
    block = configuration.source(config, wildcards.analysis)[1]
    return configuration.workspace_files(block, SIGNALS[wildcards.analysis][wildcards.signal])


def patch_options(wildcards):
    """Options of patch_workspace.py: those files, the name of the signal, the measurement."""
    block = configuration.source(config, wildcards.analysis)[1]
    signal = SIGNALS[wildcards.analysis][wildcards.signal]
    return as_options({**workspace_files(wildcards), "signal": signal, "measurement": block.get("measurement")})


def mu_options(mu):
    """Options that say which values of mu are tested; without them the limits decide."""
    return as_options({"mu": mu or None})


def poi_bound(analysis):
    """How far mu must be able to go in fits; None where the limits decide."""
    return configuration.poi_bound(float(MU[analysis][-1])) if MU[analysis] else None


def bound_options(wildcards):
    """Options of fit.py: the bound of mu, or the confidence level of the limits that decide it."""
    bound = poi_bound(wildcards.analysis)
    level = None if bound else SETTINGS[wildcards.analysis]["confidence_level"]
    return as_options({"poi_bound": bound, "confidence_level": level})


def pack_files(pack):
    """Files outside of the results that make the workspaces of a pack, by the name of the option that takes them."""
    analysis, signals = PACKS[pack]
    block = configuration.source(config, analysis)[1]
    files = [configuration.workspace_files(block, SIGNALS[analysis][signal]) for signal in signals]
    patches = {"patches": [each["patch"] for each in files]} if "patches" in block else {}
    return {key: path for key, path in files[0].items() if key != "patch"} | patches


def pack_inputs(pack):
    """Those of them that are there."""
    files = pack_files(pack)
    return files | {"patches": [path for path in files.get("patches", []) if os.path.exists(path)]}


def pack_outputs(pack):
    """What the steps of a pack write."""
    analysis, signals = PACKS[pack]
    names = ["workspace.json", "model.npz", "fit.json"]
    names += ["asymptotics/limits.json"] * ("asymptotics" in SETTINGS[analysis]["calculators"])
    return [f"results/{analysis}/{signal}/{name}" for signal in signals for name in names]


def pack_options(pack):
    """Options of scan_signals.py."""
    analysis, signals = PACKS[pack]
    settings, block = SETTINGS[analysis], configuration.source(config, analysis)[1]
    values = pack_files(pack) | {"measurement": block.get("measurement"), **settings["interpolation"]}
    values |= {key: settings[key] for key in ("engine", "test_statistic", "confidence_level")}
    values |= {"mu": MU[analysis] or None, "poi_bound": poi_bound(analysis)}
    values |= {"folder": f"results/{analysis}", "signals": signals}
    return as_options(values) + ["--no-tests"] * ("asymptotics" not in settings["calculators"])


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
    return as_options({key: toys.get(key) for key in keys})


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
        show = SETTINGS[wildcards.analysis]["toys"]["show"]
        words += as_options({"toys": f"{toys_of(wildcards)}/toys", "show": show or None})
    return words


def grid_limits(wildcards):
    """limits.json of all signals of the analyses of a grid."""
    settings = GRIDS[wildcards.grid]
    scans = ((analysis, signal) for analysis in settings["analyses"] for signal in SIGNALS[analysis])
    return [f"results/{analysis}/{signal}/{settings['calculator']}/limits.json" for analysis, signal in scans]


def cross_sections(wildcards):
    return (GRIDS[wildcards.grid]["cross_sections"] or {}).get("csv", [])


def contour_options(wildcards):
    """Options of plot_contour.py: the axes, and what is drawn."""
    settings = GRIDS[wildcards.grid]
    axes = {key: settings[key] for key in ("x", "y", "diagonal")}
    axes |= {f"{axis}_label": settings["axis_labels"].get(settings[axis]) for axis in "xy"}
    return as_options(axes) + ["--numbers"] * settings["numbers"]


def mass_options(wildcards):
    """Options of plot_mass_limits.py."""
    settings = GRIDS[wildcards.grid]
    return as_options({"x": settings["x"], "x_label": settings["axis_labels"].get(settings["x"])})


def hepdata_options(wildcards):
    """Options of hepdata_submission.py: the axes of the contours, and the units that stand in the labels of axes."""
    settings = GRIDS[wildcards.grid]
    units = configuration.units(settings["axis_labels"])
    return as_options({"x": settings["x"], "y": settings["y"], "units": units or None})


def as_options(values):
    """A command line; a value may be a list, and without one there is no option."""
    words = []
    for name, value in values.items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}", *(map(str, value) if isinstance(value, list) else [str(value)])]
    return words


def histograms(wildcards):
    return f"results/datasets/{config['analyses'][wildcards.analysis]['dataset']}/histograms.csv"


def title(wildcards):
    return configuration.scan_name(wildcards.analysis, SIGNALS[wildcards.analysis][wildcards.signal])
