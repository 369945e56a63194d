"""Values for the rules of grids of signals.

Methods with the argument `wildcards` serve as input functions or params of rules.
"""

from collections.abc import Callable
from typing import Any

from muscan.config.grids import grid_settings, units_of
from muscan.records.columns import label_column
from muscan.run.rules.scans import Scans
from muscan.run.rules.wildcards import Value, Wildcards, option_value


class Grids:
    """The grids of a configuration. The wildcard is `grid`.

    Attributes:
        names: names of the grids.
    """

    def __init__(self, config: dict, scans: Scans):
        """Prepare the grids of a checked configuration with its scans."""
        self._settings = {grid: grid_settings(config, grid) for grid in config["grids"]}
        self._signals, self._scans = scans.signals, scans.settings
        self.names = list(self._settings)

    def setting(self, key: str) -> Callable[[Wildcards], Any]:
        """Return a function of the wildcards that returns a setting, or an empty list if it is not set."""
        return lambda wildcards: option_value(getattr(self._settings[wildcards.grid], key))

    def limits(self, wildcards: Wildcards) -> list[str]:
        """Return the paths of limits.json of all signals of a grid."""
        return self._files(wildcards, "limits.json", self._settings[wildcards.grid].analyses)

    def discoveries(self, wildcards: Wildcards) -> list[str]:
        """Return the paths of discovery.json of all signals of a grid; none if not all of its analyses ask for it."""
        analyses = self._settings[wildcards.grid].analyses
        wanted = all(self._scans[name].measurements.discovery for name in analyses)
        return self._files(wildcards, "discovery.json", analyses if wanted else [])

    def _files(self, wildcards: Wildcards, name: str, analyses: list[str]) -> list[str]:
        """Return the paths of a file of all signals of some analyses of a grid."""
        calculator = self._settings[wildcards.grid].calculator
        return [
            f"results/{analysis}/{signal}/{calculator}/{name}"
            for analysis in analyses
            for signal in self._signals[analysis]
        ]

    def cross_sections(self, wildcards: Wildcards) -> Value:
        """Return the path of the table of cross sections; an empty list if there is none."""
        table = self._settings[wildcards.grid].cross_sections
        return table.csv if table else []

    def label(self, axis: str) -> Callable[[Wildcards], Value]:
        """Return a function of the wildcards that returns the column of the label on an axis, "x" or "y"."""
        return lambda wildcards: option_value(label_column(getattr(self._settings[wildcards.grid], axis)))

    def axis_title(self, axis: str) -> Callable[[Wildcards], Value]:
        """Return a function of the wildcards that returns the title of an axis, "x" or "y"."""
        return lambda wildcards: self._axis_titles(wildcards).get(getattr(self._settings[wildcards.grid], axis), [])

    def units(self, wildcards: Wildcards) -> list[str]:
        """Return the units in the titles of axes, as texts `label=unit`."""
        return units_of(self._axis_titles(wildcards))

    def _axis_titles(self, wildcards: Wildcards) -> dict[str, str]:
        """Return the titles of axes: {label of the signals: title}."""
        return self._settings[wildcards.grid].axis_labels
