"""What the rules of packs ask: which signals share a job, and what their steps read and write."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

from muscan.config import result_files
from muscan.config.scans import packs_of
from muscan.run.rules.scans import Scans
from muscan.run.rules.wildcards import Wildcards

Question = Callable[[Wildcards], Any]


class Pack(NamedTuple):
    """Signals of an analysis that share a job. It has a rule of its own, whose only wildcards these would be."""

    name: str  # of the rule
    analysis: str
    signals: list[str]  # names in paths

    def answer(self, question: Question) -> Question:
        """Return the answer for the analysis of this pack, whatever the wildcards."""
        return lambda _: question(self._wildcards(self.signals[0]))

    def each(self, question: Question) -> Question:
        """Return the answers for all signals of this pack in a list, which has none where there is nothing."""
        return lambda _: [each for each in map(question, map(self._wildcards, self.signals)) if each != []]

    def outputs(self, scans: Scans) -> list[str]:
        """Return all files that the steps write."""
        settings = scans.settings[self.analysis]
        names = ["workspace.json", "model.npz", "fit.json"]
        if "asymptotics" in settings.calculators:
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
