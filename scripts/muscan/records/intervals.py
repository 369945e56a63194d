"""intervals.json: two-sided intervals of parameters from the profile of the likelihood."""

from dataclasses import dataclass, field
from typing import ClassVar

from muscan.records.record import Record


@dataclass(frozen=True)
class Interval(Record):
    """The interval of one parameter at one confidence level.

    Each end has a status: `ok`, it is known; `at_bound`, a bound of the parameter is met before; `at_edge`, the best
    fit is where a bin without observed events has no expected ones, and no fit can go further; `open`, -2 log L does
    not rise enough at any value; `fit_failed`, fits around it failed or are in different minima; `lower_minimum`, a
    fit ended below the best fit, so that no interval is known.
    """

    KIND: ClassVar[str] = "an interval of a parameter"

    parameter: str  # its name
    confidence_level: float  # of the interval
    rise: float  # by how much the profiled -2 log L rises up to the ends
    best_fit: float  # value of the parameter at the best fit
    error: float | None  # error of that value as HESSE of Minuit defines it; None where the likelihood is flat
    low: float | None  # lower end; None if its status is not "ok"
    high: float | None  # upper end; None if its status is not "ok"
    status: dict[str, str]  # {"low": status, "high": status} of the ends
    reason: dict[str, str | None]  # {"low": reason, "high": reason} why an end is not known
    bound: dict[str, float | None]  # {"low": bound, "high": bound} that is met


@dataclass(frozen=True)
class Intervals(Record):
    """intervals.json: two-sided intervals of mu and of further parameters."""

    KIND: ClassVar[str] = "an intervals.json"

    poi: str  # name of the parameter of interest, mu
    confidence_levels: list[float]  # of the intervals
    intervals: list[dict]  # an `Interval` for each parameter and confidence level, the POI first
    # Whether the data are the Asimov data of mu = 1, because the analysis is blind.
    blinded: bool = False
    warnings: list[str] = field(default_factory=list)  # patterns of the settings that no parameter matches
    made_by: dict = field(default_factory=dict)  # versions, digests of the inputs, and options
