"""Values for the rules of fits and tests.

Methods with the argument `wildcards` serve as input functions or params of rules.
"""

import json
from collections.abc import Callable
from os.path import basename
from typing import Any

from muscan.config.mu_values import mu_jobs, poi_bound
from muscan.config.scans import all_scans, measurement_files, outline_of
from muscan.config.settings import TOYBASED, scan_settings, source_of
from muscan.config.signals import scan_name, signals_of
from muscan.run.rules.wildcards import Value, Wildcards, option_value


class Scans:
    """The scans of a configuration. The wildcards are `analysis`, `signal` and `calculator`.

    Attributes:
        settings: {analysis: all its settings}.
        mu_jobs: {analysis: {label of a job: the values of mu that it tests, as text}}.
        signals: {analysis: {name of the signal as in paths: name}}.
        published: names of the analyses of published workspaces.
        of_histograms: names of the analyses of histograms.
        names: names of all scans, `analysis/signal/calculator`.
        with_toys: names of the scans whose limits come from toys.
        measurement_files: files of all measurements, `analysis/signal/file`.
        uses_pyhf: whether pyhf makes the fits of an analysis.
    """

    def __init__(self, config: dict):
        """Prepare the scans of a checked configuration."""
        self.settings = {analysis: scan_settings(config, analysis) for analysis in config["analyses"]}
        self.mu_jobs = {
            analysis: mu_jobs(settings.mu, settings.mu_per_job) for analysis, settings in self.settings.items()
        }
        self.signals = {analysis: signals_of(config, analysis) for analysis in config["analyses"]}
        self.published = [analysis for analysis in self.signals if source_of(config, analysis)[0] == "workspace"]
        self.of_histograms = [analysis for analysis in self.signals if analysis not in self.published]
        self.names = all_scans(config)
        self.with_toys = [scan for scan in self.names if basename(scan) == TOYBASED]
        self.measurement_files = measurement_files(outline_of(config))
        self.uses_pyhf = any(settings.engine == "pyhf" for settings in self.settings.values())

    def setting(self, key: str) -> Callable[[Wildcards], Any]:
        """Return a function of the wildcards that returns a setting, or an empty list if it is not set."""
        return lambda wildcards: option_value(getattr(self.settings[wildcards.analysis], key))

    def option_of(self, measurement: str, key: str) -> Callable[[Wildcards], Value]:
        """Return a function of the wildcards that returns an option of a measurement; a block of them as JSON."""

        def value(wildcards: Wildcards) -> Value:
            found = self.settings[wildcards.analysis].measurements.options()[measurement][key]
            return json.dumps(found) if isinstance(found, dict) else option_value(found)

        return value

    def levels_of_intervals(self, wildcards: Wildcards) -> Value:
        """Return the confidence levels of intervals; an empty list if there are none."""
        intervals = self.settings[wildcards.analysis].measurements.intervals
        return intervals.levels if intervals else []

    def measurements(self, wildcards: Wildcards) -> str:
        """Return {measurement: options} of an analysis as JSON."""
        return json.dumps(self.settings[wildcards.analysis].measurements.options())

    def interpolation(self, kind: str) -> Callable[[Wildcards], str]:
        """Return a function of the wildcards that returns the interpolation code of `normsys` or `histosys`."""
        return lambda wildcards: getattr(self.settings[wildcards.analysis].interpolation, kind)

    def fitted_by_pyhf(self, wildcards: Wildcards) -> bool:
        """Return whether pyhf makes the fits, for which it needs the workspace."""
        return self.settings[wildcards.analysis].engine == "pyhf"

    def poi_bound(self, wildcards: Wildcards) -> Value:
        """Return the largest mu that fits must be able to reach; an empty list if it follows from the limits."""
        mu = self.settings[wildcards.analysis].mu
        return poi_bound(float(mu[-1])) if mu else []

    def range_confidence_level(self, wildcards: Wildcards) -> Value:
        """Return the confidence level of the limits that decide the values of mu; an empty list if none do."""
        settings = self.settings[wildcards.analysis]
        return [] if settings.mu else settings.confidence_level

    def mu_of_job(self, wildcards: Wildcards) -> list[str]:
        """Return the values of mu that a job tests; an empty list if they follow from the limits."""
        return self.mu_jobs[wildcards.analysis][wildcards.mu]

    def uses(self, calculator: str) -> Callable[[Wildcards], bool]:
        """Return a function of the wildcards that tells whether an analysis uses a calculator."""
        return lambda wildcards: calculator in self.settings[wildcards.analysis].calculators

    def title(self, wildcards: Wildcards) -> str:
        """Return the name of the signal for titles: `analysis`, or `analysis / signal`."""
        return scan_name(wildcards.analysis, self.signals[wildcards.analysis][wildcards.signal])
