"""What a configuration says, in full: the settings of each scan, its grid and jobs, the signals of a workspace, files.

The rules call this module; it knows nothing of Snakemake. config_check.py has seen the configuration before."""

from muscan.config.settings import scan_settings, source_of
from muscan.config.signals import signals_of, workspace_files

LONGEST_PACK = 15_000  # characters of all names and paths of patches; a command has at most 128 KiB


def all_scans(config: dict) -> list[str]:
    """All scans, `analysis/signal/calculator`, with the name of the signal in paths."""
    return [
        f"{analysis}/{signal}/{calculator}"
        for analysis in config["analyses"]
        for signal in signals_of(config, analysis)
        for calculator in scan_settings(config, analysis)["calculators"]
    ]


def outline_of(config: dict) -> dict:
    """The part of a configuration that says which scans and grids there are, and nothing of how they are made."""
    datasets = {
        name: {kind: _without_limit(block) if kind == "workspace" else {} for kind, block in dataset.items()}
        for name, dataset in config["datasets"].items()
    }
    analyses = {
        name: {"dataset": analysis["dataset"], "calculators": scan_settings(config, name)["calculators"]}
        for name, analysis in config["analyses"].items()
    }
    return {"datasets": datasets, "analyses": analyses, "grids": config.get("grids", {})}


def _without_limit(block: dict) -> dict:
    """A `workspace` block without the size of files, on which no result depends."""
    return {key: value for key, value in block.items() if key != "max_megabytes"}


def packs_of(config: dict, analysis: str) -> list[list[str]]:
    """Signals that share a job: so many, or fewer if the command that names them and their patches were too long."""
    kind, block = source_of(config, analysis)
    signals_per_job = scan_settings(config, analysis)["signals_per_job"]
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
