"""What a configuration says, in full: the settings of each scan, its grid and jobs, the signals of a workspace, files.

The rules call this module; it knows nothing of Snakemake. config_check.py has seen the configuration before."""

import re

from muscan.config.settings import AUTO, TOYBASED, mu_grid, scan_settings
from muscan.records.columns import label_column


def grid_settings(config: dict, grid: str) -> dict:
    """Settings of a grid of signals, in full."""
    settings = {"y": None, "diagonal": None, "numbers": False, "cross_sections": None, "axis_labels": {}}
    settings |= config["grids"][grid]
    known = [set(scan_settings(config, analysis)["calculators"]) for analysis in settings["analyses"]]
    in_common = set.intersection(*known)
    return {"calculator": "asymptotics" if "asymptotics" in in_common else TOYBASED} | settings


def grid_plots(config: dict, grid: str) -> list[str]:
    """The pictures of a grid; the one of limits against a mass is a folder, and needs scans of more than one value."""
    settings = grid_settings(config, grid)
    scans = (scan_settings(config, analysis)["mu"] for analysis in settings["analyses"])
    limits = any(mu == AUTO or len(mu_grid(mu)) > 1 for mu in scans)
    return ["plots/exclusion.png"] * (settings["y"] is not None) + ["plots/limits"] * limits


def units_of(axis_labels: dict[str, str]) -> list[str]:
    """The units in brackets at the end of texts of axes, `label=unit`."""
    found = {label: re.search(r"\[([^\[\]]+)\]\s*$", text) for label, text in axis_labels.items()}
    return [f"{label_column(label)}={match[1]}" for label, match in found.items() if match]
