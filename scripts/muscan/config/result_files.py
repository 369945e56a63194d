"""The input files and the results of a configuration; the results are in the order in which they are made."""

from collections.abc import Iterator
from os.path import basename, exists
from pathlib import Path

from muscan.base import seals
from muscan.base.errors import InputError
from muscan.base.json_input import require_regular_file
from muscan.config.datasets import input_files, unblinded_datasets
from muscan.config.grids import grid_plots
from muscan.config.mu_values import mu_jobs
from muscan.config.settings import (
    FOLDER_PLOTS,
    TOYBASED,
    ScanSettings,
    ToySettings,
    scan_plots,
    scan_settings,
    source_of,
    toy_rounds,
)
from muscan.config.signals import signal_names, signals_of, workspace_files

MANIFEST = "results/manifest.json"
VERDICT = "results/.verdict"
REPORT = "results/report.html"
REPORT_PARTS = ("report/report.html.j2", "report/captions.yaml", "report/style.css")  # from which it is made
SUBMISSION = "hepdata/submission.yaml"


def require_results(path: str | Path) -> None:
    """Require that a result of a run exists.

    Raises:
        InputError: if there is no such file; for a file in `results/`, the message advises to run a scan.
    """
    if not exists(path) and seals.is_result(path):
        raise InputError(f"there are no results here yet: run make scan first ({path} does not exist)")
    require_regular_file(path)


def all_inputs(config: dict) -> list[str]:
    """Return the input files of all data sets and grids of a complete configuration, without missing patches.

    Files of data sets that no analysis uses are included, because the check of a configuration reads them.
    """
    found: dict[str, None] = {}
    observed = unblinded_datasets(config)
    for name, dataset in config["datasets"].items():
        found |= dict.fromkeys(input_files(dataset, blind=name not in observed).values())
        block = dataset.get("workspace", {})
        if "patches" in block:
            patches = (workspace_files(block, signal)["patch"] for signal in signal_names(block).values())
            found |= dict.fromkeys(patch for patch in patches if exists(patch))
    for grid in config["grids"].values():
        found |= dict.fromkeys(filter(None, [(grid.get("cross_sections") or {}).get("csv")]))
    return list(found)


def all_results(config: dict, folder: str | Path = seals.RESULTS) -> list[str]:
    """Return the paths of all results of a complete configuration except toys and the manifest; some are folders.

    Args:
        config: the configuration.
        folder: the folder of the results.
    """
    found = list(dict.fromkeys(name for analysis in config["analyses"] for name in _of_dataset(config, analysis)))
    for analysis in config["analyses"]:
        for signal in signals_of(config, analysis):
            found += [f"{analysis}/{signal}/{name}" for name in signal_results(scan_settings(config, analysis))]
    names = ["limits"] + ["toybased"] * any(f"/{TOYBASED}/" in name for name in found)
    found += [f"{name}.{kind}" for name in names for kind in ("csv", "md")]
    found += with_pdf("plots/limits.png")
    found += [name for grid in config["grids"] for name in _of_grid(config, grid)]
    return [f"{folder}/{name}" for name in [*found, basename(REPORT)]]


def signal_results(settings: ScanSettings) -> Iterator[str]:
    """Yield the results of a signal point for the settings of its scan, as paths in the folder of the signal."""
    yield from ("workspace.json", "model.npz", "fit.json")
    for folder in settings.measurements.with_toys(settings.calculators):
        yield from (f"{folder}/{name}" for name in toy_files(settings.toys, folder))
    yield from settings.measurements.files(settings.calculators)
    for calculator in settings.calculators:
        names = toy_files(settings.toys) if calculator == TOYBASED else hypotest_files(settings)
        yield from (f"{calculator}/{name}" for name in [*names, "limits.json"])
        for plot in scan_plots(settings, calculator):
            yield from with_pdf(f"{calculator}/plots/{plot}" + ("" if plot in FOLDER_PLOTS else ".png"))


def hypotest_files(settings: ScanSettings) -> list[str]:
    """Return the files of tests of mu: one per job, or a single one if one job runs all steps of a signal."""
    per_job = max(len(settings.mu), 1) if settings.signals_per_job > 1 else settings.mu_per_job
    return [f"hypotest/mu_{label}.json" for label in mu_jobs(settings.mu, per_job)]


def toy_files(toys: ToySettings, folder: str = TOYBASED) -> Iterator[str]:
    """Yield, for each round of the toys in a folder, its plan and the files that its jobs write."""
    for number in range(toy_rounds(toys, folder)):
        yield f"plan_{number}.json"
        yield from toy_jobs(toys, number)


def toy_jobs(toys: ToySettings, number: int) -> list[str]:
    """Return the files that the jobs of a round of toys write."""
    return [f"jobs/round_{number}_part_{part}_of_{toys.jobs}.json" for part in range(toys.jobs)]


def with_pdf(name: str) -> list[str]:
    """Return a PNG file and its PDF file; a folder of plots contains both formats, and is returned alone."""
    return [name, name.removesuffix(".png") + ".pdf"] if name.endswith(".png") else [name]


def histograms_file(blind: bool) -> str:
    """Return the name of the file of the histograms of a data set, with or without observed data."""
    return "blinded.csv" if blind else "histograms.csv"


def findings_file(blind: bool) -> str:
    """Return the name of the file that lists what was left out or changed when these histograms were read."""
    return histograms_file(blind).replace(".csv", "_findings.json")


def _of_dataset(config: dict, analysis: str) -> list[str]:
    kind, blind = source_of(config, analysis)[0], scan_settings(config, analysis).blind
    names = {"workspace": ["checked.json"], "histograms": [histograms_file(blind), findings_file(blind)]}
    folder = f"datasets/{config['analyses'][analysis]['dataset']}"
    return [f"{folder}/{name}" for name in names.get(kind, [histograms_file(blind)])]


def _of_grid(config: dict, grid: str) -> list[str]:
    plots = [name for plot in grid_plots(config, grid) for name in with_pdf(plot)]
    return [f"grids/{grid}/{name}" for name in ["points.csv", "points.md", *plots, SUBMISSION]]
