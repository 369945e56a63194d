"""What the rules of fits and tests ask about the scans of a configuration.

Methods with `wildcards` can stand in rules, as inputs or params.
"""

from collections.abc import Callable
from os.path import basename
from typing import Any

from muscan.config.mu_values import mu_jobs, poi_bound
from muscan.config.scans import all_scans
from muscan.config.settings import TOYBASED, scan_settings, source_of
from muscan.config.signals import scan_name, signals_of
from muscan.run.rules.wildcards import Value, Wildcards, or_nothing


class Scans:
    """All scans, by the wildcards `analysis`, `signal` and `calculator`.

    Attributes:
        settings: {analysis: its settings in full}.
        mu_jobs: {analysis: {label of a job: the values of mu that it tests, as text}}.
        signals: {analysis: {name in paths: name}}.
        published: analyses of published workspaces.
        of_histograms: analyses of histograms.
        names: of all scans, `analysis/signal/calculator`.
        with_toys: names of the scans whose limits come from toys.
    """

    def __init__(self, config: dict):
        """Take a checked configuration."""
        self.settings = {analysis: scan_settings(config, analysis) for analysis in config["analyses"]}
        self.mu_jobs = {
            analysis: mu_jobs(settings.mu, settings.mu_per_job) for analysis, settings in self.settings.items()
        }
        self.signals = {analysis: signals_of(config, analysis) for analysis in config["analyses"]}
        self.published = [analysis for analysis in self.signals if source_of(config, analysis)[0] == "workspace"]
        self.of_histograms = [analysis for analysis in self.signals if analysis not in self.published]
        self.names = all_scans(config)
        self.with_toys = [scan for scan in self.names if basename(scan) == TOYBASED]

    def setting(self, key: str) -> Callable[[Wildcards], Any]:
        """Return a setting as a function of the wildcards."""
        return lambda wildcards: or_nothing(getattr(self.settings[wildcards.analysis], key))

    def interpolation(self, kind: str) -> Callable[[Wildcards], str]:
        """Return the code of interpolation of `normsys` or `histosys`, as a function of the wildcards."""
        return lambda wildcards: getattr(self.settings[wildcards.analysis].interpolation, kind)

    def fitted_by_pyhf(self, wildcards: Wildcards) -> bool:
        """Return whether pyhf makes the fits, which begin with the workspace."""
        return self.settings[wildcards.analysis].engine == "pyhf"

    def poi_bound(self, wildcards: Wildcards) -> Value:
        """Return the largest mu that fits must be able to reach; nothing if the limits decide."""
        mu = self.settings[wildcards.analysis].mu
        return poi_bound(float(mu[-1])) if mu else []

    def level_of_range(self, wildcards: Wildcards) -> Value:
        """Return the confidence level of the limits that decide the values of mu; nothing if these are given."""
        settings = self.settings[wildcards.analysis]
        return [] if settings.mu else settings.confidence_level

    def mu(self, wildcards: Wildcards) -> list[str]:
        """Return all values of mu of a scan; none if the limits decide."""
        return self.settings[wildcards.analysis].mu

    def mu_of_job(self, wildcards: Wildcards) -> list[str]:
        """Return the values of mu that a job tests; none if the limits decide."""
        return self.mu_jobs[wildcards.analysis][wildcards.mu]

    def check_asymptotics(self, wildcards: Wildcards) -> str:
        """Return whether toys check asymptotic limits: auto, true or false."""
        return self.settings[wildcards.analysis].check_asymptotics

    def has(self, calculator: str) -> Callable[[Wildcards], bool]:
        """Return whether an analysis has limits of a calculator, as a function of the wildcards."""
        return lambda wildcards: calculator in self.settings[wildcards.analysis].calculators

    def title(self, wildcards: Wildcards) -> str:
        """Return how people call the signal of an analysis."""
        return scan_name(wildcards.analysis, self.signals[wildcards.analysis][wildcards.signal])
