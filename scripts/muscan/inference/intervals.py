"""Two-sided intervals of parameters: where the profile of -2 log L has risen by a threshold on both sides."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import chdtri

from muscan.base.words import join_items
from muscan.histfactory.model import Model
from muscan.inference.engine import Engine
from muscan.inference.hypotest import CONSISTENCY
from muscan.inference.measured import Measured, bins_at_edge
from muscan.inference.profile import Ends, Profile
from muscan.inference.uncertainties import Curvature, curvature

STATUSES = ("ok", "at_bound", "at_edge", "open", "fit_failed", "lower_minimum")
PRECISION = 1e-5  # of an end, in units of its distance from the best fit


class End(NamedTuple):
    """An end of an interval, or the reason why there is none."""

    value: float | None
    status: str  # one of STATUSES
    reason: str | None = None
    bound: float | None = None  # of the parameter, if the status is "at_bound"


class ParameterInterval(NamedTuple):
    """Both ends of the interval of a parameter."""

    parameter: int  # its index
    low: End
    high: End


def rise_of(level: float, parameters: int = 1) -> float:
    """Return by how much -2 log L rises at the border of the region of a confidence level: a quantile of chi2.

    Source: S. S. Wilks, Ann. Math. Stat. 9 (1938) 60. With one parameter it is the square of the normal quantile of
    (1 + level) / 2.

    Args:
        level: the confidence level.
        parameters: the number of parameters of the region.
    """
    return float(chdtri(parameters, 1 - level))


def without_scan_bounds(engine: Engine) -> Engine:
    """Return the engine without the bounds of the POI that only follow from the range of a scan.

    A lower bound of zero stays: the test statistic demands it.
    """
    model = engine.model
    low = model.bounds[model.poi, 0]
    return engine.with_model(model.with_poi_bounds(-np.inf if low < 0 else low, np.inf))


def profile_of(measured: Measured) -> tuple[Profile, Curvature]:
    """Return the profile around the best fit to the data of a signal, and the curvature there."""
    errors = curvature(measured.engine.likelihood, measured.data, measured.best)
    engine = without_scan_bounds(measured.engine)
    return Profile(engine, measured.data, measured.best, errors.covariance), errors


def intervals(
    profile: Profile, regions: Iterable[tuple[int, float]], precision: float = PRECISION
) -> list[ParameterInterval]:
    """Find the intervals of parameters, all in one batch; see `Profile.ends`.

    If one of the fits ends below the best fit, no end is known, as all are defined by the rise above the best fit.

    Args:
        profile: around the best fit.
        regions: the index of a parameter and the rise in -2 log L for each interval.
        precision: of the ends, in units of their distances from the best fit.
    """
    parameters, rises = zip(*regions, strict=True)
    sides = np.tile([-1.0, 1.0], len(parameters))
    found = profile.ends(np.repeat(parameters, 2), sides, np.sqrt(np.repeat(rises, 2)), precision)
    ends = describe_ends(profile, np.repeat(parameters, 2), sides, np.repeat(rises, 2), found)
    pairs = list(pairwise(ends))[::2]
    return [ParameterInterval(index, *pair) for index, pair in zip(parameters, pairs, strict=True)]


def describe_ends(
    profile: Profile, parameters: Sequence[int], sides: np.ndarray, rises: np.ndarray, found: Ends
) -> list[End]:
    """Return the results of a search for ends with their statuses.

    Args:
        profile: around the best fit.
        parameters: their indices, shape (n,).
        sides: see `Profile.ends`.
        rises: in -2 log L, shape (n,).
        found: n ends.
    """
    model, best = profile.engine.model, profile.best.parameters
    if found.below.max(initial=0) > CONSISTENCY:
        lowest = int(found.below.argmax())
        reason = lower_minimum(model, [parameters[lowest]], found.below[lowest])
        return [End(None, "lower_minimum", reason)] * len(sides)
    ends = []
    edge = bins_at_edge(Measured(profile.engine, profile.data, profile.best)) if found.failed.any() else []
    for k, (index, side, rise) in enumerate(zip(parameters, sides, rises, strict=True)):
        inner, outer = (float(best[index] + side * distance) for distance in found.between[k])
        bound = float(model.bounds[index, int(side > 0)])
        if not np.isnan(found.distance[k]):
            ends.append(End(float(best[index] + side * found.distance[k]), "ok"))
        elif found.at_bound[k]:
            reason = f"-2 log L has risen by less than {rise:.4g} at the bound of the parameter, {bound:g}"
            ends.append(End(None, "at_bound", reason, bound))
        elif edge and found.failed[k] and abs(inner - best[index]) <= PRECISION * max(abs(best[index]), 1.0):
            reason = f"the best fit, {best[index]:.4g}, is at the edge of the possible region: nothing is observed and "
            ends.append(End(None, "at_edge", f"{reason}nothing is expected in {join_items(edge, 3)}"))
        elif found.failed[k]:
            beyond = f"between {inner:.6g} and {outer:.6g}" if np.isfinite(outer) else f"beyond {inner:.6g}"
            ends.append(End(None, "fit_failed", f"the end is {beyond}, where fits fail or end in different minima"))
        else:
            reason = f"-2 log L has risen by less than {rise:.4g} even at {inner:.3g}"
            ends.append(End(None, "open", reason))
    return ends


def lower_minimum(model: Model, parameters: Sequence[int], below: float) -> str:
    """Return the reason of the status "lower_minimum".

    Args:
        model: that was fitted.
        parameters: indices of those that were held in the lowest fit.
        below: by how much it ended below the best fit, in -2 log L.
    """
    names = " and ".join(model.names[index] for index in parameters)
    return (
        f"a fit with {names} held ends {below:.3g} below the best fit in -2 log L: the best fit is stuck in a local "
        "minimum"
    )
