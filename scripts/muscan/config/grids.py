"""The settings of each grid of signals, from a complete configuration (see `schema.complete`)."""

import re
from dataclasses import asdict, dataclass

from muscan.config.settings import TOYBASED, scan_settings
from muscan.records.columns import label_column


@dataclass(frozen=True)
class CrossSections:
    """A table of predicted cross sections."""

    csv: str
    unit: str


@dataclass(frozen=True)
class GridSettings:
    """The settings of a grid; the schema explains each key."""

    analyses: list[str]
    calculator: str
    x: str
    axis_labels: dict[str, str]
    numbers: bool
    y: str | None = None
    diagonal: float | None = None
    cross_sections: CrossSections | None = None

    @classmethod
    def from_json(cls, values: dict) -> "GridSettings":
        """Make settings from what `to_json` returns."""
        table = values.get("cross_sections")
        return cls(**values | {"cross_sections": table and CrossSections(**table)})

    def to_json(self) -> dict:
        """Return the settings as JSON values."""
        return asdict(self)


def grid_settings(config: dict, grid: str) -> GridSettings:
    """Return the settings of a grid of signals.

    Args:
        config: a complete configuration.
        grid: its name.
    """
    settings = config["grids"][grid]
    known = [set(scan_settings(config, analysis).calculators) for analysis in settings["analyses"]]
    calculator = "asymptotics" if "asymptotics" in set.intersection(*known) else TOYBASED
    return GridSettings.from_json({"calculator": calculator} | settings)


def grid_plots(config: dict, grid: str) -> list[str]:
    """Return the plots of a grid, as paths in its folder.

    The plots of limits against a mass are a folder; they need scans of several values of mu. The plots of p0, also a
    folder, and of Z need the significance of an excess from all analyses.
    """
    settings = grid_settings(config, grid)
    scans = [scan_settings(config, analysis) for analysis in settings.analyses]
    limits = any(len(scan.mu) != 1 for scan in scans)
    found = ["plots/exclusion.png"] * (settings.y is not None) + ["plots/limits"] * limits
    if all(scan.measurements.discovery for scan in scans):
        found += ["plots/significance.png"] * (settings.y is not None) + ["plots/p0"]
    return found


def units_of(axis_labels: dict[str, str]) -> list[str]:
    """Return the units of axes, in the form `label=unit`, from the brackets at the end of their labels."""
    found = {label: re.search(r"\[([^\[\]]+)\]\s*$", text) for label, text in axis_labels.items()}
    return [f"{label_column(label)}={match[1]}" for label, match in found.items() if match]
