"""Feldman-Cousins intervals of a signal in the report."""

from muscan.base.words import join_items
from muscan.plotting.text import number, status_words, with_error
from muscan.records.feldman_cousins import FeldmanCousins
from muscan.report.measured.section import MeasuredSection, MeasuredTable

TITLE = "Feldman-Cousins intervals"
SIDES = ("lower", "upper")
SIGNIFICANT = 3.0  # standard deviations by which p at a bound should differ from 1 - level


def describe(record: dict) -> MeasuredSection:
    """Return what the report shows of feldman_cousins.json."""
    found = FeldmanCousins.from_json(record)
    return MeasuredSection(TITLE, list(_sentences(found)), [_table(found)], list(_warnings(found)))


def _sentences(found: FeldmanCousins):
    of = "the data expected for μ = 1, because the analysis is blind" if found.data == "asimov" else "the observed data"
    thrown = f"{found.toys['thrown']:,}".replace(",", "\u202f")
    yield (
        f"From {of}, with {thrown} toys at {len(found.points)} values of μ. An interval holds every μ for which a "
        "fraction 1 - confidence level or more of the toys agree with this μ no better than the data do. It covers the "
        "true μ in at least the stated fraction of experiments, also for few events and near a bound of μ. With "
        "nuisance parameters, whose best-fit values the toys have, this holds approximately."
    )
    for interval in found.intervals:
        ends = [end_words(interval[side]) for side in SIDES]
        yield f"At {100 * interval['level']:.6g} % confidence level μ is between {ends[0]} and {ends[1]}."


def end_words(end: dict) -> str:
    """Return an end of an interval in words."""
    if end["status"] == "at_bound":
        return f"{end['value']:g} (the bound of μ)"
    if end["value"] is None:
        beyond = "" if end["bound"] is None else f", beyond {number(end['bound'])}"
        return f"an unknown end ({status_words(end['status'])}{beyond})"
    return with_error(end["value"], end["error"])


def _table(found: FeldmanCousins) -> MeasuredTable:
    columns = ["confidence level", "lower end", "upper end", "asymptotic lower end", "asymptotic upper end"]
    rows = []
    for interval, profile in zip(found.intervals, found.asymptotics, strict=True):
        cells = [_cell(interval[side]) for side in SIDES]
        cells += ["at the bound" if profile[side] is None else number(profile[side]) for side in SIDES]
        rows.append([f"{100 * interval['level']:.6g} %", *cells])
    return MeasuredTable("", columns, rows)


def _cell(end: dict) -> str:
    if end["status"] == "at_bound":
        return f"{end['value']:g} (bound)"
    return status_words(end["status"]) if end["value"] is None else with_error(end["value"], end["error"])


def _warnings(found: FeldmanCousins):
    for interval in found.intervals:
        level = f"{100 * interval['level']:.6g} %"
        for side in SIDES:
            end = interval[side]
            if end["reason"]:
                yield f"There is no {side} end at {level}: {end['reason']}."
            if end["status"] == "at_bound" and (p := _p_near_alpha(found, end["value"], 1 - interval["level"])):
                alpha = 1 - interval["level"]
                yield f"At {level} the {side} end may be inside of the bound: p is {p} there, close to {alpha:.3g}."
        if interval["rejected_inside"]:
            values = join_items([number(mu) for mu in interval["rejected_inside"]], 5)
            yield f"Inside of the {level} interval, toys reject μ = {values}: the set of accepted values has gaps."
    if found.failed_points:
        values = join_items([f"{number(each['mu'])} ({each['reason']})" for each in found.failed_points], 3)
        yield f"Values of μ without usable toys: {values}."
    at_bound = sum(point["toys"]["poi_at_upper_bound"] for point in found.points)
    if at_bound:
        yield f"The fits of {at_bound} toys end at the upper bound of μ, {number(found.poi_bounds[1])}."
    if found.toys["target_reached"] is False:
        yield f"The relative errors of the ends are not below {found.toys['target']:g}: raise max of the toys."


def _p_near_alpha(found: FeldmanCousins, mu: float, alpha: float) -> str | None:
    """p at a tested mu as text, if it does not differ significantly from alpha."""
    for point in found.points:
        if point["mu"] == mu and abs(point["p"] - alpha) < SIGNIFICANT * point["error"]:
            return with_error(point["p"], point["error"])
    return None
