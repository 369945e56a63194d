"""What the rules of toys ask: how many there are, and what their rounds leave.

Methods with `wildcards` can stand in rules, as inputs or params.
"""

from collections.abc import Callable
from typing import Any

from muscan.config import result_files
from muscan.config.settings import toy_rounds
from muscan.run.rules.scans import Scans
from muscan.run.rules.wildcards import Wildcards, or_nothing


class Toys:
    """The toys of all signals, by the wildcards `analysis`, `signal` and `round`."""

    def __init__(self, scans: Scans):
        """Take the scans of a configuration."""
        self._settings = {analysis: settings.toys for analysis, settings in scans.settings.items()}

    def setting(self, key: str) -> Callable[[Wildcards], Any]:
        """Return a setting as a function of the wildcards; an empty list if there is none."""
        return lambda wildcards: or_nothing(getattr(self._settings[wildcards.analysis], key))

    def plan_before(self, wildcards: Wildcards) -> str:
        """Return the plan to which a round adds."""
        return _plan(wildcards, int(wildcards.round) - 1)

    def jobs_before(self, wildcards: Wildcards) -> list[str]:
        """Return what the jobs leave that throw the toys of that plan."""
        return self._jobs(wildcards, int(wildcards.round) - 1)

    def last_plan(self, wildcards: Wildcards) -> str:
        """Return the plan of the last round."""
        return _plan(wildcards, self._last(wildcards))

    def last_jobs(self, wildcards: Wildcards) -> list[str]:
        """Return what the jobs leave that throw the toys of the last round."""
        return self._jobs(wildcards, self._last(wildcards))

    def _last(self, wildcards: Wildcards) -> int:
        return toy_rounds(self._settings[wildcards.analysis]) - 1

    def _jobs(self, wildcards: Wildcards, number: int) -> list[str]:
        names = result_files.toy_jobs(self._settings[wildcards.analysis], number)
        return [f"{_folder(wildcards)}/{name}" for name in names]


def _plan(wildcards: Wildcards, number: int) -> str:
    return f"{_folder(wildcards)}/plan_{number}.json"


def _folder(wildcards: Wildcards) -> str:
    return f"results/{wildcards.analysis}/{wildcards.signal}/toybased"
