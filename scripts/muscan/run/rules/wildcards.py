"""Wildcards of the rules, and values for the options of their scripts."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Protocol

Value = str | int | float | bool | list


class Wildcards(Protocol):
    """Those of Snakemake; a job has some of them, as text."""

    dataset: str
    histograms: str  # "histograms", or "blinded", without the observed data
    grid: str
    analysis: str
    signal: str  # as in paths
    calculator: str
    plot: str
    mu: str  # label of the values of mu of a job
    round: str
    part: str  # of the toys of a round, from 0
    parts: str


def one_of(names: Iterable[str]) -> str:
    """Return a regular expression for a wildcard that takes one of these names; without names it matches nothing."""
    return "|".join(re.escape(name) for name in names) or r"(?!)"


def or_nothing(value: Any) -> Any:
    """Return the value of an option; None becomes an empty list, with which the option has no value.

    Such an option has its default, as if it were not given. Snakemake would write None as text.
    """
    return [] if value is None else value


def literally(value: Any) -> Callable[[Wildcards], Any]:
    """Return the value as a function of the wildcards: Snakemake does not look for wildcards in its braces."""
    return lambda wildcards: value
