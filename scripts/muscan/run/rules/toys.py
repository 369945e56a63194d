"""Values for the rules of toys: their settings, and the files of each round.

Methods with the argument `wildcards` serve as input functions or params of rules.
"""

from collections.abc import Callable
from typing import Any

from muscan.config import result_files
from muscan.config.settings import TOYBASED, toy_rounds
from muscan.run.rules.scans import Scans
from muscan.run.rules.wildcards import Wildcards, option_value


class Toys:
    """The toys of all signals. The wildcards are `analysis`, `signal`, `round`, and `toys`, the folder of the toys."""

    def __init__(self, scans: Scans):
        """Prepare the toys of all scans."""
        self._settings = {analysis: settings.toys for analysis, settings in scans.settings.items()}

    def setting(self, key: str) -> Callable[[Wildcards], Any]:
        """Return a function of the wildcards that returns a setting, or an empty list if it is not set."""
        return lambda wildcards: option_value(getattr(self._settings[wildcards.analysis], key))

    def previous_plan(self, wildcards: Wildcards) -> str:
        """Return the plan of the round before."""
        return _plan(wildcards, int(wildcards.round) - 1)

    def previous_jobs(self, wildcards: Wildcards) -> list[str]:
        """Return the files of the jobs that throw the toys of the round before."""
        return self._jobs(wildcards, int(wildcards.round) - 1)

    def last_plan(self, wildcards: Wildcards) -> str:
        """Return the plan of the last round."""
        return _plan(wildcards, self._last(wildcards))

    def last_jobs(self, wildcards: Wildcards) -> list[str]:
        """Return the files of the jobs that throw the toys of the last round."""
        return self._jobs(wildcards, self._last(wildcards))

    def _last(self, wildcards: Wildcards) -> int:
        return toy_rounds(self._settings[wildcards.analysis], _name(wildcards)) - 1

    def _jobs(self, wildcards: Wildcards, number: int) -> list[str]:
        names = result_files.toy_jobs(self._settings[wildcards.analysis], number)
        return [f"{_folder(wildcards)}/{name}" for name in names]


def _plan(wildcards: Wildcards, number: int) -> str:
    return f"{_folder(wildcards)}/plan_{number}.json"


def _folder(wildcards: Wildcards) -> str:
    return f"results/{wildcards.analysis}/{wildcards.signal}/{_name(wildcards)}"


def _name(wildcards: Wildcards) -> str:
    """The folder of the toys in that of the signal; rules of pictures, which show those of limits, do not state it."""
    return getattr(wildcards, "toys", TOYBASED)
