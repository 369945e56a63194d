"""Two-sided intervals in the report."""

from collections.abc import Iterator

from muscan.records.intervals import Interval, Intervals
from muscan.report.fit_section import format_number
from muscan.report.measured.section import MeasuredSection, MeasuredTable

DIGITS = 4  # of ends
NEGLIGIBLE = 1e-6  # a best fit closer to zero than this, in units of its error, is rounding
COLUMNS = ["parameter", "best fit", "HESSE error"]
EXPLAINED = ("at_bound", "at_edge", "open")
WORDS = {
    "at_bound": "bound",
    "at_edge": "edge",
    "open": "open",
    "fit_failed": "fit failed",
    "lower_minimum": "lower minimum",
}


def describe(record: dict) -> MeasuredSection:
    """Return what the report shows of intervals.json."""
    content = Intervals.from_json(record)
    intervals = [Interval.from_json(each) for each in content.intervals]
    of_poi = [each for each in intervals if each.parameter == content.poi]
    sentences = [sentence(each, "mu", content.blinded) for each in of_poi]
    best = f"The best fit is {format_number(of_poi[0].best_fit)}. " if of_poi else ""
    sentences.append(
        f"{best}An interval contains the values at which -2 log L, minimised over all other parameters, is above its "
        "minimum by no more than the square of the normal quantile (0.99 at 68 %, 3.84 at 95 %). With few events its "
        "coverage is approximate."
    )
    warnings = list(dict.fromkeys(warnings_of(intervals)))
    return MeasuredSection("Intervals", sentences, [table(intervals)], [*content.warnings, *warnings])


def percent(level: float) -> str:
    """Return a confidence level as text."""
    return f"{100 * level:.6g} %"


def sentence(interval: Interval, name: str, blinded: bool) -> str:
    """Describe an interval of a parameter in words."""
    ends = [end_text(interval, side) for side in ("low", "high")]
    shown = f"from {ends[0]} to {ends[1]}"
    if interval.status["low"] == "at_edge":
        shown = f"up to {ends[1]}"
    text = (
        f"The {percent(interval.confidence_level)} interval of {name} is {shown}" + " (expected for mu = 1)" * blinded
    )
    differs = [explanation(interval, side) for side in ("low", "high") if interval.status[side] in EXPLAINED]
    return f"{text}. {' '.join(differs)}".strip() if differs else f"{text}."


def explanation(interval: Interval, side: str) -> str:
    """Explain in a sentence why an interval is not closed on a side."""
    end = {"low": "lower", "high": "upper"}[side]
    if interval.status[side] == "at_bound":
        return f"Its {end} side is cut off by the bound of the parameter at {interval.bound[side]:g}."
    if interval.status[side] == "at_edge":
        return f"It has no {end} end: {interval.reason[side]}."
    return f"Its {end} side is open: the likelihood does not fall far enough at any value."


def best_fit_text(interval: Interval) -> str:
    """Return the best fit as text; one that differs from zero by much less than its error is zero."""
    negligible = interval.error and abs(interval.best_fit) < NEGLIGIBLE * interval.error
    return format_number(0.0 if negligible else interval.best_fit, DIGITS)


def end_text(interval: Interval, side: str) -> str:
    """Return an end of an interval as text, or why there is none."""
    value = getattr(interval, side)
    if value is not None:
        return format_number(value, DIGITS)
    words = WORDS[interval.status[side]]
    bound = interval.bound[side]
    return words if bound is None else f"{bound:g} ({words})"


def table(intervals: list[Interval]) -> MeasuredTable:
    """Return the table of intervals, with one row for each parameter."""
    levels = list(dict.fromkeys(each.confidence_level for each in intervals))
    rows: dict[str, list[str]] = {}
    for each in intervals:
        row = rows.setdefault(each.parameter, [each.parameter, best_fit_text(each), format_number(each.error, 3)])
        row += [end_text(each, "low"), end_text(each, "high")]
    columns = [f"{percent(level)} {side}" for level in levels for side in ("from", "to")]
    return MeasuredTable("", [*COLUMNS, *columns], list(rows.values()))


def warnings_of(intervals: list[Interval]) -> Iterator[str]:
    """Yield warnings of ends that are not known because fits failed or ended below the best fit."""
    for each in intervals:
        for side, status in each.status.items():
            if status == "lower_minimum":
                yield f"No interval is known: {each.reason[side]}"
            elif status == "fit_failed":
                level = percent(each.confidence_level)
                yield f"{each.parameter}, {level}, {'lower' if side == 'low' else 'upper'} end: {each.reason[side]}"
            elif each.error is None and status == "open":
                yield f"{each.parameter} is not determined: {each.reason[side]}"
