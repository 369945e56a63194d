"""Which files a configuration leads to: its inputs, and its results in the order in which they are made."""

from collections.abc import Iterator
from os.path import exists

from muscan.config.datasets import input_files, looked_at
from muscan.config.grids import grid_plots
from muscan.config.settings import (
    FOLDER_PLOTS,
    TOYBASED,
    mu_grid,
    mu_jobs,
    scan_plots,
    scan_settings,
    source_of,
    toy_rounds,
)
from muscan.config.signals import signal_names, signals_of, workspace_files

MANIFEST = "results/manifest.json"
REPORT = "results/report.html"
REPORT_PARTS = ("report/report.html.j2", "report/captions.yaml")  # of muscan
SUBMISSION = "hepdata/submission.yaml"


def inputs(config: dict) -> list[str]:
    """Files outside of the results that its data sets and grids name, patches that are missing not among them.

    Those of data sets that no analysis uses are among them: the configuration is checked with them.
    """
    found: dict[str, None] = {}
    observed = looked_at(config)
    for name, dataset in config["datasets"].items():
        found |= dict.fromkeys(input_files(dataset, blind=name not in observed).values())
        block = dataset.get("workspace", {})
        if "patches" in block:
            patches = (workspace_files(block, signal)["patch"] for signal in signal_names(block).values())
            found |= dict.fromkeys(patch for patch in patches if exists(patch))
    for grid in config.get("grids", {}).values():
        found |= dict.fromkeys(filter(None, [(grid.get("cross_sections") or {}).get("csv")]))
    return list(found)


def results(config: dict) -> list[str]:
    """All results but the toys and this list itself; some are folders."""
    found = list(dict.fromkeys(name for analysis in config["analyses"] for name in _of_dataset(config, analysis)))
    for analysis in config["analyses"]:
        for signal in signals_of(config, analysis):
            found += [f"results/{analysis}/{signal}/{name}" for name in of_signal(scan_settings(config, analysis))]
    names = ["limits"] + ["toybased"] * any(f"/{TOYBASED}/" in name for name in found)
    found += [f"results/{name}.{kind}" for name in names for kind in ("csv", "md")]
    found += with_pdf("results/plots/limits.png")
    return [*found, *(name for grid in config.get("grids", {}) for name in _of_grid(config, grid)), REPORT]


def of_signal(settings: dict) -> Iterator[str]:
    """The results of a signal, from the settings of its scan; names in its folder."""
    yield from ("workspace.json", "model.npz", "fit.json")
    for calculator in settings["calculators"]:
        names = toy_files(settings["toys"]) if calculator == TOYBASED else hypotest_files(settings)
        yield from (f"{calculator}/{name}" for name in [*names, "limits.json"])
        for plot in scan_plots(settings, calculator):
            yield from with_pdf(f"{calculator}/plots/{plot}" + ("" if plot in FOLDER_PLOTS else ".png"))


def hypotest_files(settings: dict) -> list[str]:
    """Tests of the values of mu, one file for each job, or one in all if a job has all steps of a signal."""
    grid = mu_grid(settings["mu"])
    per_job = max(len(grid), 1) if settings["signals_per_job"] > 1 else settings["mu_per_job"]
    return [f"hypotest/mu_{label}.json" for label in mu_jobs(grid, per_job)]


def toy_files(toys: dict) -> Iterator[str]:
    """Plans of toys, and what the jobs that threw them left, round by round."""
    for number in range(toy_rounds(toys)):
        yield f"plan_{number}.json"
        yield from toy_jobs(toys, number)


def toy_jobs(toys: dict, number: int) -> list[str]:
    """What the jobs of a round leave."""
    return [f"jobs/round_{number}_part_{part}_of_{toys['jobs']}.json" for part in range(toys["jobs"])]


def with_pdf(name: str) -> list[str]:
    """A picture and the same as PDF; a folder has both kinds in it."""
    return [name, name.removesuffix(".png") + ".pdf"] if name.endswith(".png") else [name]


def histograms(blind: bool) -> str:
    """The histograms of a data set, with or without the observed ones."""
    return "blinded.csv" if blind else "histograms.csv"


def findings(blind: bool) -> str:
    """What was left out or changed when these histograms were read."""
    return histograms(blind).replace(".csv", "_findings.json")


def _of_dataset(config: dict, analysis: str) -> list[str]:
    kind, blind = source_of(config, analysis)[0], scan_settings(config, analysis)["blind"]
    names = {"workspace": ["checked.json"], "histograms": [histograms(blind), findings(blind)]}
    folder = f"results/datasets/{config['analyses'][analysis]['dataset']}"
    return [f"{folder}/{name}" for name in names.get(kind, [histograms(blind)])]


def _of_grid(config: dict, grid: str) -> list[str]:
    plots = [name for plot in grid_plots(config, grid) for name in with_pdf(plot)]
    return [f"results/grids/{grid}/{name}" for name in ["points.csv", "points.md", *plots, SUBMISSION]]
