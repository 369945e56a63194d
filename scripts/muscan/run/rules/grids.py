"""What the rules of grids of signals ask about them.

Methods with `wildcards` can stand in rules, as inputs or params.
"""

from collections.abc import Callable
from typing import Any

from muscan.config.grids import grid_settings, units_of
from muscan.records.columns import label_column
from muscan.run.rules.scans import Scans
from muscan.run.rules.wildcards import Value, Wildcards, or_nothing


class Grids:
    """All grids, by the wildcard `grid`.

    Attributes:
        names: of the grids.
    """

    def __init__(self, config: dict, scans: Scans):
        """Take a checked configuration and its scans."""
        self._settings = {grid: grid_settings(config, grid) for grid in config["grids"]}
        self._signals = scans.signals
        self.names = list(self._settings)

    def setting(self, key: str) -> Callable[[Wildcards], Any]:
        """Return a setting as a function of the wildcards; an empty list if there is none."""
        return lambda wildcards: or_nothing(getattr(self._settings[wildcards.grid], key))

    def limits(self, wildcards: Wildcards) -> list[str]:
        """Return limits.json of all signals of the analyses of a grid."""
        settings = self._settings[wildcards.grid]
        return [
            f"results/{analysis}/{signal}/{settings.calculator}/limits.json"
            for analysis in settings.analyses
            for signal in self._signals[analysis]
        ]

    def cross_sections(self, wildcards: Wildcards) -> Value:
        """Return the file of cross sections."""
        table = self._settings[wildcards.grid].cross_sections
        return table.csv if table else []

    def label(self, axis: str) -> Callable[[Wildcards], Value]:
        """Return the column of the label on an axis, "x" or "y", as a function of the wildcards."""

        return lambda wildcards: or_nothing(label_column(getattr(self._settings[wildcards.grid], axis)))

    def axis_title(self, axis: str) -> Callable[[Wildcards], Value]:
        """Return what an axis, "x" or "y", is called, as a function of the wildcards."""

        return lambda wildcards: self._axis_titles(wildcards).get(getattr(self._settings[wildcards.grid], axis), [])

    def units(self, wildcards: Wildcards) -> list[str]:
        """Return the units that stand in the texts of axes, `label=unit`."""
        return units_of(self._axis_titles(wildcards))

    def _axis_titles(self, wildcards: Wildcards) -> dict[str, str]:
        """Return what axes are called, by the labels of the signals."""
        return self._settings[wildcards.grid].axis_labels
