"""Values for the rules of packs: which signals share a job, and what their steps read and write."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

from muscan.config import result_files
from muscan.config.measurements import FELDMAN_COUSINS
from muscan.config.scans import packs_of
from muscan.run.rules.scans import Scans
from muscan.run.rules.wildcards import Wildcards

WildcardFunction = Callable[[Wildcards], Any]


class Pack(NamedTuple):
    """Signals of an analysis that share a job. Each pack has a rule of its own, without wildcards."""

    name: str  # name of the rule
    analysis: str
    signals: list[str]  # names of the signals as in paths

    def value(self, function: WildcardFunction) -> WildcardFunction:
        """Return an input function with the value of `function` for the analysis of this pack."""
        return lambda _: function(self._wildcards(self.signals[0]))

    def values(self, function: WildcardFunction) -> WildcardFunction:
        """Return an input function with the values of `function` for all signals of this pack that have one."""
        return lambda _: [value for value in map(function, map(self._wildcards, self.signals)) if value != []]

    def outputs(self, scans: Scans) -> list[str]:
        """Return all files that the steps of this pack write."""
        settings = scans.settings[self.analysis]
        names = ["workspace.json", "model.npz", "fit.json"]
        calculators = [name for name in settings.calculators if name == "asymptotics"]
        names += [name for name in settings.measurements.files(calculators) if name != FELDMAN_COUSINS]
        if calculators:
            names += [f"asymptotics/{name}" for name in [*result_files.hypotest_files(settings), "limits.json"]]
        return [f"results/{self.analysis}/{signal}/{name}" for signal in self.signals for name in names]

    def _wildcards(self, signal: str) -> SimpleNamespace:
        return SimpleNamespace(analysis=self.analysis, signal=signal)


def all_packs(config: dict, scans: Scans) -> list[Pack]:
    """Return the packs of all analyses whose signals share jobs."""
    return [
        Pack(f"scan_{analysis}_{number}_of_{len(packs)}", analysis, signals)
        for analysis, settings in scans.settings.items()
        if settings.signals_per_job > 1
        for packs in [packs_of(config, analysis)]
        for number, signals in enumerate(packs, 1)
    ]
