"""The scans of a configuration: which there are, the outline that jobs get, and which signals share a job."""

from muscan.config.grids import grid_settings
from muscan.config.settings import scan_settings, source_of
from muscan.config.signals import signals_of, workspace_files

LONGEST_PACK = 15_000  # characters of all names and paths of patches; a command has at most 128 KiB


def all_scans(config: dict) -> list[str]:
    """Return all scans of a complete configuration, `analysis/signal/calculator`, with the signal as in paths."""
    return scans_in(outline_of(config))


def scans_in(outline: dict) -> list[str]:
    """Return all scans of an outline, in the same form."""
    return [
        f"{analysis}/{signal}/{calculator}"
        for analysis, entry in outline["analyses"].items()
        for signal in signals_of(outline, analysis)
        for calculator in entry["calculators"]
    ]


def outline_of(config: dict) -> dict:
    """Return the part of a complete configuration that says which scans and grids there are, but not how they are made.

    Returns:
        `datasets` with the sources of signals, `analyses` with data set and calculators, and the settings of `grids`.
    """
    datasets = {
        name: {kind: _without_limit(block) if kind == "workspace" else {} for kind, block in dataset.items()}
        for name, dataset in config["datasets"].items()
    }
    analyses = {
        name: {"dataset": analysis["dataset"], "calculators": scan_settings(config, name).calculators}
        for name, analysis in config["analyses"].items()
    }
    grids = {name: grid_settings(config, name).to_json() for name in config["grids"]}
    return {"datasets": datasets, "analyses": analyses, "grids": grids}


def _without_limit(block: dict) -> dict:
    """Return a `workspace` block without the largest size of files, on which no result depends."""
    return {key: value for key, value in block.items() if key != "max_megabytes"}


def packs_of(config: dict, analysis: str) -> list[list[str]]:
    """Return the signals of each job: `signals_per_job`, or fewer where a command that names them would be too long."""
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
