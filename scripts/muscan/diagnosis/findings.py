"""Findings: problems of a model or of its inputs, in words for users."""

from typing import NamedTuple

# What a finding means for the limits, the worst first. Reports and the order of findings depend on the weight alone.
ERROR, DOUBT, HINDER, UNTIDY = WEIGHTS = ("no limit", "doubts a limit", "may hinder a fit", "only untidy")


class Finding(NamedTuple):
    """A problem of a model.

    Attributes:
        weight: one of WEIGHTS.
        kind: a short name of the problem, the same for all models.
        where: the channel, sample, bin or parameter, in words.
        message: what is wrong, and what follows from it.
        advice: what to do; may be empty.
    """

    weight: str
    kind: str
    where: str
    message: str
    advice: str = ""

    @property
    def severity(self) -> str:
        """What `make check` calls it: "error" or "warning"."""
        return severity(self.weight)

    def __str__(self) -> str:
        return finding_text(self.where, self.message, self.advice)


def severity(weight: str) -> str:
    """Return what `make check` calls a finding of this weight, "error" or "warning"."""
    return "error" if weight == ERROR else "warning"


def finding_text(where: str, message: str, advice: str) -> str:
    """Return place, message and advice as one text; place and advice may be empty."""
    return f"{where}: " * bool(where) + message + f". {advice}" * bool(advice)
