"""The scans of a configuration, its outline for jobs that read all scans, and the signals that share a job."""

from muscan.config.grids import grid_settings
from muscan.config.settings import scan_settings, source_of
from muscan.config.signals import signals_of, workspace_files

LONGEST_PACK = 15_000  # largest number of characters of all names and patch paths; a command has at most 128 KiB


def all_scans(config: dict) -> list[str]:
    """Return all scans of a complete configuration as `analysis/signal/calculator`, with the signal as in paths."""
    return scans_in(outline_of(config))


def scans_in(outline: dict) -> list[str]:
    """Return all scans of an outline (see `outline_of`), in the form of `all_scans`."""
    return _of_signals(outline, "calculators")


def _of_signals(outline: dict, key: str) -> list[str]:
    """Return `analysis/signal/name` for all signals and the names that the entry of their analysis has under a key."""
    return [
        f"{analysis}/{signal}/{name}"
        for analysis, entry in outline["analyses"].items()
        for signal in signals_of(outline, analysis)
        for name in entry[key]
    ]


def outline_of(config: dict) -> dict:
    """Return the outline of a complete configuration: the part that determines which scans and grids there are.

    Returns:
        `datasets` with the sources of signals, `analyses` with data set, calculators and the files of measurements, and
        the settings of `grids`.
        Settings that only determine how a scan is made are left out.
    """
    datasets = {
        name: {kind: _without_limit(block) if kind == "workspace" else {} for kind, block in dataset.items()}
        for name, dataset in config["datasets"].items()
    }
    analyses = {name: _outline_of_analysis(config, name) for name in config["analyses"]}
    grids = {name: grid_settings(config, name).to_json() for name in config["grids"]}
    return {"datasets": datasets, "analyses": analyses, "grids": grids}


def _outline_of_analysis(config: dict, analysis: str) -> dict:
    settings = scan_settings(config, analysis)
    return {
        "dataset": config["analyses"][analysis]["dataset"],
        "calculators": settings.calculators,
        "measurements": list(settings.measurements.files(settings.calculators)),
    }


def measurement_files(outline: dict) -> list[str]:
    """Return the files of all measurements of an outline (see `outline_of`), as `analysis/signal/file`."""
    return _of_signals(outline, "measurements")


def _without_limit(block: dict) -> dict:
    """Return a `workspace` block without the size limit of files, on which no result depends."""
    return {key: value for key, value in block.items() if key != "max_megabytes"}


def packs_of(config: dict, analysis: str) -> list[list[str]]:
    """Return the signals of each job: `signals_per_job`, or fewer if the command line would be too long."""
    kind, block = source_of(config, analysis)
    signals_per_job = scan_settings(config, analysis).signals_per_job
    found: list[list[str]] = []
    length = 0
    for signal, name in signals_of(config, analysis).items():
        patch = workspace_files(block, name).get("patch", "") if kind == "workspace" else ""
        more = len(signal) + len(patch)
        if not found or len(found[-1]) == signals_per_job or length + more > LONGEST_PACK:
            found.append([])
            length = 0
        found[-1].append(signal)
        length += more
    return found
