"""Groups of nuisance parameters: their shares in the uncertainty of mu, and in the expected limit."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from muscan.inference.engine import Engine
from muscan.inference.fits import Fit
from muscan.inference.hypotest import CONSISTENCY, Prepared
from muscan.inference.parameter_names import matching
from muscan.inference.profile import Ends, Profile
from muscan.inference.ranking import Impacts
from muscan.inference.ranking_basis import Basis
from muscan.inference.shifts import SIDES
from muscan.inference.uncertainties import curvature
from muscan.records.ranking import Share
from muscan.records.record import nan_to_none

REST = "other parameters"  # a space cannot be in the name of a group
ENDING = {"sum": "sum in quadrature", "total": "total"}  # {kind: name} of the last two shares
# Precision of the ends of intervals, in units of their distances from mu_hat. A share of 1 % of the uncertainty changes
# them by 5e-5.
PRECISION = 1e-6
# Precision of the limits, in units of the limit.
LIMIT_PRECISION = 1e-5


class Group(NamedTuple):
    """Parameters that are held together."""

    name: str
    kind: str  # see `records.ranking.Share`
    members: np.ndarray  # indices of the parameters that are held, shape (n,)


def find_members(at: Basis, groups: dict[str, list[str]]) -> tuple[dict[str, list[int]], list[str]]:
    """Return {group: indices of its parameters}, and warnings about the groups.

    The POI and fixed parameters are in no group. Groups without parameters are left out.

    Args:
        at: the best fit.
        groups: {name: patterns of names of parameters}.
    """
    names, ranked = at.profile.engine.model.names, set(at.ranked.tolist())
    warnings, members = [], {}
    for group, patterns in groups.items():
        indices = [i for i in matching(names, patterns) if i in ranked]
        if indices:
            members[group] = indices
        for pattern in patterns:
            if not ranked.intersection(matching(names, [pattern])):
                warnings.append(f"group {group}: {pattern!r} matches no free nuisance parameter")
    widths = at.profile.engine.model.constrained_widths()
    for i in sorted(ranked):
        within = [group for group, indices in members.items() if i in indices]
        if len(within) > 1:
            warnings.append(f"{names[i]} is in several groups ({', '.join(within)}): the sum counts it more than once")
        if within and np.isnan(widths[i]):
            warnings.append(f"{names[i]} in group {within[0]} has no constraint: the statistical share includes it too")
    return members, warnings


def all_groups(at: Basis, members: dict[str, list[int]]) -> list[Group]:
    """Return what shares the uncertainty of mu: statistical, each group, and the constrained parameters in none."""
    constrained = np.flatnonzero(~np.isnan(at.profile.engine.model.constrained_widths()))
    grouped = {i for indices in members.values() for i in indices}
    rest = [i for i in constrained.tolist() if i not in grouped]
    return [
        Group("statistical", "statistical", constrained),
        *(Group(name, "group", np.array(indices, int)) for name, indices in members.items()),
        *([Group(REST, "rest", np.array(rest))] if rest else []),
    ]


class Width(NamedTuple):
    """The uncertainty of mu in one situation."""

    sides: np.ndarray  # distances of the ends of the interval from mu_hat, nan where there is none, shape (2,)
    sigma: float  # from the covariance; nan if undetermined
    ends: Ends


def _width(at: Basis, held: np.ndarray) -> Width:
    """The uncertainty of mu with some parameters held at their best fit."""
    profile = at.profile
    model, best = profile.engine.model, profile.best
    engine, covariance = profile.engine, at.covariance
    if len(held):
        engine = _with_held(engine, held, best.parameters)
        covariance = _conditional(covariance, held)
    around = Profile(engine, profile.data, best, covariance)
    ends = around.ends([model.poi] * 2, SIDES, np.ones(2), PRECISION)
    return Width(ends.distance, float(np.sqrt(covariance[model.poi, model.poi])), ends)


def _with_held(engine: Engine, held: np.ndarray, values: np.ndarray) -> Engine:
    model = engine.model
    fixed = model.fixed.copy()
    fixed[held] = True
    return engine.with_model(replace(model, fixed=fixed, initial=np.where(fixed, values, model.initial)))


def _conditional(covariance: np.ndarray, held: np.ndarray) -> np.ndarray:
    """The covariance with some parameters held; those without a covariance, at bounds, are held in it anyway."""
    known = held[np.isfinite(np.diag(covariance)[held])]
    among = covariance[np.ix_(known, known)]
    scale = 1 / np.sqrt(np.diag(among))
    to_all = covariance[known] * scale[:, None]
    less = to_all.T @ np.linalg.solve(among * np.outer(scale, scale), to_all)
    found = covariance - less
    found[held] = found[:, held] = 0.0
    return found


def shares(at: Basis, found: Impacts | None, groups: Sequence[Group]) -> list[Share]:
    """Return the share of each group, the sum in quadrature and the total.

    Args:
        at: the best fit.
        found: the impacts, of which those of measurements are used; None if the best fit is not usable.
        groups: of parameters, see `all_groups`.
    """
    names = at.profile.engine.model.names
    named = [(each, [] if each.kind == "statistical" else [names[i] for i in each.members]) for each in groups]
    if found is None:
        nothing, why = [np.nan] * 4, [(at.status, at.reason or "")]
        records = [_share(each.name, each.kind, parameters, why, nothing) for each, parameters in named]
        return [*records, *(_share(name, kind, [], why, nothing) for kind, name in ENDING.items())]
    total = _width(at, np.zeros(0, int))
    records = [_share(each.name, each.kind, parameters, *_sizes(at, found, each, total)) for each, parameters in named]
    columns = zip(*([each.below, each.above, each.covariance, each.observables] for each in records), strict=True)
    sums = [np.nan if None in column else float(np.sqrt(sum(each * each for each in column))) for column in columns]
    missing = [("fit_failed", "a share is unknown")] if np.isnan(sums).any() else []
    of_total = [*total.sides, total.sigma, np.nan]
    return [
        *records,
        _share(ENDING["sum"], "sum", [], missing, sums),
        _share(ENDING["total"], "total", [], _problems(total), of_total),
    ]


def _sizes(at: Basis, found: Impacts, group: Group, total: Width) -> tuple[list[tuple[str, str]], list[float]]:
    """The problems of the share of a group, and its numbers: below, above, covariance, observables."""
    held = _width(at, group.members)
    if group.kind == "statistical":  # what is left with the constrained parameters held; for other groups the loss
        sides, sigma, moved = held.sides, held.sigma, found.bins.symmetric()
    else:
        ranked = at.ranked.tolist()
        sides, sigma = _loss(total.sides, held.sides), float(_loss(total.sigma, held.sigma))
        moved = found.observable.symmetric()[[ranked.index(i) for i in group.members]]
    observables = float(np.sqrt(np.sum(moved**2)))
    problems = [*_problems(held), *_problems(total)]
    if np.isnan(observables):
        problems.append(("fit_failed", "a fit with a shifted measurement cannot be used"))
    return problems, [*sides, sigma, observables]


def _loss(total: np.ndarray | float, held: np.ndarray | float) -> np.ndarray:
    """What is lost in quadrature; zero if rounding makes it negative."""
    return np.sqrt(np.maximum(np.square(total) - np.square(held), 0.0))


def _problems(width: Width) -> list[tuple[str, str]]:
    """Statuses and reasons of missing numbers."""
    ends, found = width.ends, []
    for number, side in enumerate(("lower", "upper")):
        if ends.below[number] > CONSISTENCY:
            found.append(("lower_minimum", f"a fit ends {ends.below[number]:.3g} below the best fit in -2 log L"))
        if ends.failed[number]:
            found.append(("fit_failed", f"a fit for the {side} end of the interval did not converge"))
        if ends.at_bound[number]:
            found.append(("at_bound", f"the {side} end of the interval is beyond a bound of mu"))
    if np.isnan(width.sigma):
        found.append(("undetermined", "the likelihood is flat: there is no covariance"))
    return found


def _share(name: str, kind: str, parameters: list[str], problems: list[tuple[str, str]], numbers: list[float]) -> Share:
    lower = any(status == "lower_minimum" for status, _ in problems)
    below, above, covariance, observables = nan_to_none(numbers)
    texts = dict.fromkeys(text for _, text in problems)
    return Share(
        name,
        kind,
        parameters,
        problems[0][0] if problems else "ok",
        "; ".join(texts) or None,
        None if lower else below,
        None if lower else above,
        covariance,
        observables,
    )


def median_limits(
    engine: Engine, prepared: Prepared, held: Sequence[np.ndarray], alpha: float
) -> list[tuple[float | None, str | None]]:
    """Return the median expected limits with some parameters held, each with the reason why there is none.

    The parameters are held at the values of the fit with mu = 0, from which the Asimov data are made; these do not
    change. On them, the median of CLs is 2 (1 - Phi(sqrt(q_A(mu)))) for both qtilde and q: CLb is 1/2 at the median
    (arXiv:1007.1727, equation 89), and q_A(mu) is the same for both because the best fit is mu = 0. The limit is
    therefore where sqrt(q_A) = Phi^-1(1 - alpha / 2).

    Args:
        engine: makes the fits, with the bounds of those for limits.
        prepared: the fits that do not depend on mu; their reference has mu = 0.
        held: indices of the parameters that are held, for each limit.
        alpha: 1 - confidence level.
    """
    poi = engine.model.poi
    best = Fit(prepared.reference.parameters, 0.0, 0.0, prepared.reference.fitter)
    covariance = curvature(engine.likelihood, prepared.asimov, best).covariance
    root, found = NormalDist().inv_cdf(1 - alpha / 2), []
    for each in held:
        own = _with_held(engine, each, best.parameters) if len(each) else engine
        around = Profile(own, prepared.asimov, best, _conditional(covariance, each) if len(each) else covariance)
        ends = around.ends([poi], SIDES[1:], np.array([root]), LIMIT_PRECISION)
        reason = None
        if ends.below[0] > CONSISTENCY or ends.failed[0]:
            reason = "a fit to the Asimov data did not converge"
        elif ends.at_bound[0]:
            reason = f"the limit is above the bound of mu, {engine.model.bounds[poi, 1]:g}"
        limit = best.parameters[poi] + ends.distance[0]
        found.append((None, reason) if reason else (float(limit), None))
    return found
