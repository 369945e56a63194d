"""The part of the report about the ranking of nuisance parameters."""

import math
from collections.abc import Iterator

from muscan.base.words import join_items
from muscan.inference.ranking import DISAGREE
from muscan.records.ranking import USABLE, Impact, Ranking, Share
from muscan.report.fit_section import format_number
from muscan.report.measured.section import MeasuredSection, MeasuredTable
from muscan.results.table_rows import NOTHING

MOST = 15  # largest number of parameters in the table
MOST_NAMES = 5  # largest number of parameters in a sentence
CAUSES = {
    "at_bound": "a bound is met",
    "undetermined": "the likelihood is flat",
    "lower_minimum": "a fit ended below the best fit",
    "fit_failed": "a fit failed",
}


def describe(record: dict) -> MeasuredSection:
    """Return what the report shows of a ranking.

    Args:
        record: content of ranking.json.
    """
    ranking = Ranking.from_json(record)
    impacts = [Impact.from_json(each) for each in ranking.parameters]
    shares = [Share.from_json(each) for each in ranking.shares]
    sentences = [_best_fit(ranking)]
    if not impacts:
        sentences.append("The model has no free nuisance parameters.")
    elif ranking.status in USABLE:
        sentences += [
            *_largest(impacts, _places(ranking)),
            *_shares(shares),
            *_limits(ranking, shares),
            *_disagreement(impacts),
        ]
    tables = [_table_of_parameters(impacts, _places(ranking)), _table_of_groups(ranking, shares)] if impacts else []
    return MeasuredSection(
        "Ranking of nuisance parameters", sentences, tables, list(_warnings(ranking, impacts, shares))
    )


def _best_fit(ranking: Ranking) -> str:
    down, up = ranking.mu_hat_minos
    error = f" ± {ranking.mu_hat_error:.2g}" if ranking.mu_hat_error is not None else ""
    ends = f" (profile likelihood: {down:+.2g}, {up:+.2g})" if None not in (down, up) else ""
    result = f"mu_hat = {format_number(ranking.mu_hat)}{error}{ends}"
    if ranking.blinded:
        return f"The analysis is blind: impacts are those expected for Asimov data of mu = 1, where {result}."
    return f"The best fit with mu of both signs is {result}."


def _largest(impacts: list[Impact], places: int) -> Iterator[str]:
    if not impacts or impacts[0].largest is None:
        return
    known = {"above": impacts[0].impact_postfit_up, "below": impacts[0].impact_postfit_down}
    sides = [f"{_signed(value, places)} when held one post-fit uncertainty {side}" for side, value in known.items()]
    yield f"{impacts[0].name} is the largest: it changes mu_hat by {sides[0]} its best fit, and by {sides[1]}."


def _shares(shares: list[Share]) -> Iterator[str]:
    by_kind = {each.kind: each for each in shares}
    statistical, total, sum_ = (by_kind.get(kind) for kind in ("statistical", "total", "sum"))
    if not statistical or not total or not sum_ or None in (statistical.covariance, total.covariance):
        return
    yield (
        f"Of the uncertainty of mu, {total.covariance:.3g}, the statistical part is {statistical.covariance:.3g}: what "
        "is left when all constrained parameters are held; those without constraint stay free."
    )
    groups = [each for each in shares if each.kind == "group" and each.covariance is not None]
    if groups:
        largest = max(groups, key=lambda each: each.covariance or 0.0)
        yield f"The largest group is {largest.name} with {largest.covariance:.3g}."
    if groups and sum_.covariance is not None and f"{sum_.covariance:.2g}" != f"{total.covariance:.2g}":
        yield (
            f"All parts in quadrature give {sum_.covariance:.3g}; correlations between them make the difference to the "
            "total."
        )


def _limits(ranking: Ranking, shares: list[Share]) -> Iterator[str]:
    if ranking.confidence_level is None or not shares or shares[-1].limit is None:
        return
    yield f"The median expected limit at {100 * ranking.confidence_level:g} % is {format_number(shares[-1].limit)}."
    for each in shares:
        if each.kind in ("group", "statistical") and each.limit is not None and each.limit_ratio:
            held = "all constrained parameters" if each.kind == "statistical" else f"the group {each.name}"
            change = round(100 * (each.limit_ratio - 1), 1) + 0.0
            yield f"With {held} held, it would be {format_number(each.limit)} ({change:+.1f} %)."


def _disagreement(impacts: list[Impact]) -> Iterator[str]:
    differ = [each.name for each in impacts if each.methods_agree is False]
    limit = f"{100 * DISAGREE:g} % of the uncertainty of mu"
    if differ:
        yield (
            f"For {len(differ)} of {len(impacts)} parameters the methods differ by more than {limit}: "
            f"{join_items(differ, MOST_NAMES)}. The likelihood is not Gaussian there. Impacts by shifts are still "
            "exact; those by the covariance describe only small changes, and impacts cannot be added in quadrature."
        )
    elif any(each.methods_agree for each in impacts):
        yield f"The methods agree within {limit} for all parameters, as they do where the likelihood is Gaussian."


def _warnings(ranking: Ranking, impacts: list[Impact], shares: list[Share]) -> Iterator[str]:
    if ranking.status != "ok":
        yield f"{ranking.status}: {ranking.reason}"
    else:
        for status, cause in CAUSES.items():
            names = [each.name for each in impacts if each.status == status]
            if names:
                yield f"Impacts are missing because {cause}: {join_items(names, MOST_NAMES)}"
        yield from dict.fromkeys(f"{each.name}: {each.reason}" for each in shares if each.reason)
    stopped = [each.name for each in impacts if each.stopped]
    if stopped:
        yield f"The shift was stopped at a bound and is smaller than the uncertainty: {join_items(stopped, MOST_NAMES)}"
    for reason in dict.fromkeys(each.limit_reason for each in shares if each.limit_reason):
        names = [each.name for each in shares if each.limit_reason == reason]
        yield f"No expected limit ({join_items(names, MOST_NAMES)}): {reason}"
    yield from ranking.warnings


def _table_of_parameters(impacts: list[Impact], places: int) -> MeasuredTable:
    first = impacts[:MOST]
    title = f"The first {len(first)} of {len(impacts)} parameters" if len(impacts) > MOST else "All parameters"
    columns = [
        "Parameter",
        "Pull",
        "Constraint",
        "Post-fit shift down / up",
        "Pre-fit shift down / up",
        "Covariance",
        "Auxiliary measurement down / up",
        "Note",
    ]
    rows = [
        [
            each.name,
            NOTHING if each.pull is None else f"{each.pull:+.2f}",
            NOTHING if each.constraint is None else f"{each.constraint:.2f}",
            _pair(each.impact_postfit_down, each.impact_postfit_up, places),
            _pair(each.impact_prefit_down, each.impact_prefit_up, places),
            _signed(each.impact_covariance, places),
            _pair(each.impact_observable_down, each.impact_observable_up, places),
            _note(each),
        ]
        for each in first
    ]
    return MeasuredTable(f"{title}: changes of mu_hat", columns, rows)


def _table_of_groups(ranking: Ranking, shares: list[Share]) -> MeasuredTable:
    limits = ranking.confidence_level is not None
    columns = ["Group", "Parameters", "Below", "Above", "Covariance", "Auxiliary measurements"]
    columns += ["Expected limit", "Ratio"] * limits
    rows = []
    for each in shares:
        row = [each.name, str(len(each.parameters)) if each.parameters else NOTHING]
        row += [format_number(value, 3) for value in (each.below, each.above, each.covariance, each.observables)]
        rows.append(row + [format_number(value) for value in (each.limit, each.limit_ratio)] * limits)
    return MeasuredTable("Shares in the uncertainty of mu", columns, rows)


def _note(impact: Impact) -> str:
    words = [impact.status.replace("_", " ")] if impact.status != "ok" else []
    words += ["stopped at a bound"] * bool(impact.stopped)
    words += ["not Gaussian"] * (impact.methods_agree is False)
    return ", ".join(words)


def _pair(down: float | None, up: float | None, places: int) -> str:
    return NOTHING if down is None and up is None else f"{_signed(down, places)} / {_signed(up, places)}"


def _places(ranking: Ranking) -> int:
    """Decimal places of impacts: three significant digits of the uncertainty of mu, or of mu_hat if there is none."""
    size = ranking.mu_hat_error or abs(ranking.mu_hat)
    return max(0, 2 - math.floor(math.log10(size))) if size else 3


def _signed(value: float | None, places: int) -> str:
    return NOTHING if value is None else f"{round(value, places) + 0.0:+.{places}f}"
