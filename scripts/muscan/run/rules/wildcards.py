"""The wildcards of the rules, and values for the options of their scripts."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Protocol

Value = str | int | float | bool | list


class Wildcards(Protocol):
    """The wildcards of Snakemake, as text. A job has some of them."""

    dataset: str
    histograms: str  # "histograms", or "blinded" for those without observed events
    grid: str
    analysis: str
    signal: str  # name as in paths
    calculator: str
    plot: str
    mu: str  # label of the values of mu that a job tests
    toys: str  # folder of toys in that of the signal: "toybased", or that of a measurement
    round: str
    part: str  # number of the job among those that share the toys of a round, from 0
    parts: str  # number of these jobs


def one_of(names: Iterable[str]) -> str:
    """Return a regular expression that matches these names only; without names it matches nothing."""
    return "|".join(re.escape(name) for name in names) or r"(?!)"


def option_value(value: Any) -> Any:
    """Return the value of an option for the command of a rule: an empty list for None, otherwise the value itself.

    Snakemake writes an empty list as nothing, and the script takes its default. It would write None as text.
    """
    return [] if value is None else value


def literal(value: Any) -> Callable[[Wildcards], Any]:
    """Return a function that returns the value, so that Snakemake does not take braces in it for wildcards."""
    return lambda wildcards: value


def unrecorded(value: Any) -> Callable[..., Any]:
    """Return a function that returns the value, for a parameter whose changes do not make a step run again.

    Snakemake does not record parameters that are functions of the output, because they follow from it.
    """
    return lambda wildcards, output: value
