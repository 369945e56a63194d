"""The impacts of nuisance parameters on mu_hat, by three methods.

A parameter is shifted and held; the covariance tells how mu_hat follows it; or its auxiliary measurement is shifted
(A. Pinto et al., arXiv:2307.04007).
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from muscan.inference.fits import at_bound
from muscan.inference.ranking_basis import Basis
from muscan.inference.shifts import Shifts, shift_measurements, shift_parameters
from muscan.records.ranking import Impact
from muscan.records.record import nan_to_none

# Two methods disagree if their impacts differ by more than this, in units of the uncertainty of mu.
DISAGREE = 0.1
IMPACTS = (
    *(f"impact_{name}_{side}" for name in ("prefit", "postfit", "observable") for side in ("down", "up")),
    "impact_covariance",
)
SHIFTED = {
    "prefit": "by the pre-fit uncertainty",
    "postfit": "by the post-fit uncertainty",
    "observable": "of its auxiliary measurement",
}
# From the least to the most serious.
SEVERITY = ("ok", "at_bound", "undetermined", "lower_minimum", "fit_failed")
WORDS = {
    "at_bound": "a bound is met",
    "lower_minimum": "the fit ends {below:.3g} below the best fit in -2 log L: the best fit is a local minimum",
    "fit_failed": "the fit did not converge",
}


class Impacts(NamedTuple):
    """Impacts of the n ranked parameters, and changes of mu_hat by shifts of the counts of bins."""

    prefit: Shifts  # shape (2, n)
    postfit: Shifts  # shape (2, n)
    covariance: np.ndarray  # shape (n,)
    observable: Shifts  # shape (2, n)
    bins: Shifts  # shape (2, nmain)


def impacts(at: Basis) -> Impacts:
    """Calculate the impacts by all methods: one batch of fits with shifted parameters, and one with shifted data.

    Post-fit uncertainties are the errors of HESSE. Measurements are shifted by the width of a Gaussian constraint, or
    by the square root of a count.

    Args:
        at: the best fit, which must be usable.
    """
    profile, ranked = at.profile, at.ranked
    model, data = profile.engine.model, profile.data
    widths, number = model.constrained_widths()[ranked], len(ranked)
    shifts = shift_parameters(profile, np.tile(ranked, 2), np.concatenate([widths, at.errors[ranked]]))
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = at.covariance[model.poi, ranked] / np.sqrt(np.diag(at.covariance)[ranked])
    covariance = np.where(np.isnan(at.errors[ranked]), np.nan, covariance)

    constraints = model.constraints
    measurement = np.zeros(len(model.names), int)  # of each parameter; for others the first bin, with a shift of zero
    measurement[constraints.parameter] = model.nmain + np.arange(len(constraints.parameter))
    counted = np.ones(len(data), bool)
    counted[model.nmain :] = constraints.is_poisson
    size = np.sqrt(np.where(counted, data, 0.0))
    size[model.nmain :][~constraints.is_poisson] = constraints.sigma[~constraints.is_poisson]
    which = np.concatenate([measurement[ranked], np.arange(model.nmain)])
    sizes = size[which]
    sizes[:number][np.isnan(widths)] = 0.0
    moved = shift_measurements(profile, which, sizes, np.where(counted, 0.0, -np.inf)[which])
    return Impacts(
        shifts.some(slice(number)),
        shifts.some(slice(number, None)),
        covariance,
        moved.some(slice(number)),
        moved.some(slice(number, None)),
    )


def impact_records(at: Basis, found: Impacts | None, groups: dict[str, list[int]]) -> list[Impact]:
    """Return the impacts, the largest post-fit impact first, and the unknown ones last.

    Args:
        at: the best fit.
        found: the impacts; None if the best fit is not usable.
        groups: {name: indices of its parameters}.
    """
    model, best = at.profile.engine.model, at.profile.best.parameters
    widths = model.constrained_widths()
    records = []
    for row, i in enumerate(at.ranked):
        width, error = (float(each[i]) for each in (widths, at.errors))
        numbers = nan_to_none([(best[i] - model.initial[i]) / width, error / width, width, error])
        record = Impact(
            name=model.names[i],
            status=at.status,
            reason=at.reason,
            groups=[name for name, members in groups.items() if i in members],
            value=float(best[i]),
            **dict(zip(("pull", "constraint", "prefit_uncertainty", "postfit_uncertainty"), numbers, strict=True)),
            **dict.fromkeys(IMPACTS),
            stopped=[],
            methods_agree=None,
        )
        records.append(record if found is None else _with_impacts(record, found, row, at))
    return sorted(records, key=lambda each: -1.0 if each.largest is None else each.largest, reverse=True)


def _with_impacts(record: Impact, found: Impacts, row: int, at: Basis) -> Impact:
    """The record with the impacts of one row, its status, and the comparison of the methods."""
    numbers, stopped, problems = {}, [], []
    if record.postfit_uncertainty is None:
        at_its_bound = bool(at_bound(at.profile.engine.model, at.profile.best.parameters)[at.ranked[row]])
        flat = "the likelihood is flat: there is no post-fit uncertainty"
        problems.append(
            ("at_bound", f"the best fit of the parameter, {record.value:.4g}, is at its bound")
            if at_its_bound
            else ("undetermined", flat)
        )
    for name, words in SHIFTED.items():
        shifts: Shifts = getattr(found, name)
        for number, side in enumerate(("down", "up")):
            status = shifts.status[number, row]
            numbers[f"impact_{name}_{side}"] = nan_to_none([shifts.change[number, row]])[0]
            if status not in ("ok", "none"):
                cause = WORDS[status].format(below=shifts.below[number, row])
                problems.append((status, f"shift {side} {words}: {cause}"))
            elif shifts.stopped[number, row]:
                stopped.append(f"impact_{name}_{side}")
    numbers["impact_covariance"] = nan_to_none([found.covariance[row]])[0]
    status = max((status for status, _ in problems), key=SEVERITY.index, default="ok")
    record = replace(
        record,
        status=status,
        reason="; ".join(text for _, text in problems) or None,
        stopped=stopped,
        **numbers,
    )
    return replace(record, methods_agree=_agree(record, at.sigma))


def _agree(record: Impact, sigma: float) -> bool | None:
    """Whether the impacts are those of a Gaussian likelihood: linear in the shift, with the slope of the covariance.

    The change of mu_hat with the auxiliary measurement is the constraint times the impact of the covariance: both are
    the covariance of mu and the parameter, divided by the pre-fit and by the post-fit uncertainty.
    """
    slope = record.impact_covariance
    if slope is None or np.isnan(sigma):
        return None
    expected = {"impact_postfit_down": -slope, "impact_postfit_up": slope}
    if record.constraint is not None:
        by_observable = slope * record.constraint
        expected |= {"impact_observable_down": -by_observable, "impact_observable_up": by_observable}
    found = {name: getattr(record, name) for name in expected if name not in record.stopped}
    known = [abs(value - expected[name]) for name, value in found.items() if value is not None]
    return max(known) <= DISAGREE * sigma if known else None
