"""The step that adds toys where they make the uncertainties of the limits smaller, until the target is met.

Toys are only ever added, and how many depends on uncertainties, not on the limits.
"""

import sys
from dataclasses import replace

import numpy as np

from muscan.base.files import failure_recorded, made_by, settings_in, write_json
from muscan.records.toys import ToyPlan, ToyPoint
from muscan.steps.plan_toys import FIRST_BLOCKS, RATIO, planned, rounded
from muscan.toys.allocation import MEDIAN, OBSERVED, allocate, needs_points, relative_error
from muscan.toys.limits import ToyCurves
from muscan.toys.plan import OF_PLANS, ToyFiles, collect_toys, curves_of_plan, open_plan, usable_points
from muscan.toys.pseudo_data import HYPOTHESES

MORE_POINTS = 4  # on a side, in one round


def allocate_toys(output: str, files: ToyFiles) -> None:
    """Write the plan of the next round, or why there is none."""
    with failure_recorded(output, **settings_in(files.plan, *OF_PLANS)):
        plan, store, engine, prepared, _ = open_plan(files)
        points, failed = usable_points(collect_toys(store, plan), plan)
        mu = [point.mu for point in points]
        curves = curves_of_plan(points, failed, plan, engine) if points else None
        extended = next_round(plan, curves, mu)
        if curves is not None and plan.target is not None:
            observed, median = (relative_error(curves.limits[which]) for which in (OBSERVED, MEDIAN))
            print(f"relative errors: observed {observed:.3g}, median expected {median:.3g}", file=sys.stderr)
            more = further(curves, mu, plan, engine.model.bounds[engine.model.poi, 1])
            new = planned(engine, prepared, more, plan.test_statistic, FIRST_BLOCKS) if more else []
            extended = with_points(extended, new)
        write_json(output, extended.to_json() | {"made_by": made_by([files.model, files.fit, files.plan])})


def next_round(plan: ToyPlan, curves: ToyCurves | None, mu: list[float]) -> ToyPlan:
    """The plan with as many blocks more as the target wants and the largest number of toys allows.

    Args:
        curves: of the toys that are there; None if there are none to go by.
        mu: their points.
    """
    places = [index for index, point in enumerate(plan.points) if point.mu in mu]
    blocks = {kind: np.array([(getattr(point, kind) or [0])[-1] for point in plan.points]) for kind in HYPOTHESES}
    more = {kind: each.astype(float) for kind, each in blocks.items()}
    if curves is not None and plan.target is not None:
        have = [blocks[kind][places] * plan.block for kind in HYPOTHESES]
        for kind, wanted in zip(HYPOTHESES, allocate(curves, *have, plan.target), strict=True):
            more[kind][places] = wanted / plan.block
    more = _affordable(blocks, more, plan)
    points = list(plan.points)
    for i, point in enumerate(plan.points):
        if point.signal:
            points[i] = replace(point, **{kind: [*getattr(point, kind), int(more[kind][i])] for kind in HYPOTHESES})
    return replace(plan, points=points)


def further(curves: ToyCurves, mu: list[float], plan: ToyPlan, bound: float) -> list[float]:
    """Values of mu that the limits need besides those that are there.

    Args:
        mu: the points with usable toys; where those at an end of the plan have failed, none are added beyond them.
    """
    statuses = {each.limit.status for each in curves.limits}
    known = [point.mu for point in plan.points if point.mu > 0]
    steps = RATIO ** np.arange(1, MORE_POINTS + 1)
    below = mu[0] / steps if "below_scan" in statuses and mu[0] == min(known) else steps[:0]
    above = mu[-1] * steps if "above_scan" in statuses and mu[-1] == max(known) else steps[:0]
    sought = (curves.limits[which] for which in (OBSERVED, MEDIAN))
    between = [value for each in sought if needs_points(each, plan.target) for value in _around(each.crossing, known)]
    return sorted({rounded(value, bound) for value in (*below, *above, *between)} - set(known))


def _around(crossing: float, known: list[float]) -> np.ndarray:
    """Between the four values of mu that are nearest to a crossing, two on either side."""
    place = int(np.searchsorted(known, crossing))
    nearest = np.array(known[max(place - 2, 0) : place + 2])
    return np.sqrt(nearest[1:] * nearest[:-1])


def with_points(plan: ToyPlan, new: list[ToyPoint]) -> ToyPlan:
    """The plan of a round with points that come to it in this round, if the largest number of toys allows them."""
    rounds = max(len(point.signal) for point in plan.points)
    late = [
        replace(point, **{kind: [0] * (rounds - 1) + getattr(point, kind) for kind in HYPOTHESES})
        if point.signal
        else point
        for point in new
    ]
    longer = replace(plan, points=sorted([*plan.points, *late], key=lambda point: point.mu))
    return longer if longer.number_of_toys() <= (plan.max or np.inf) else plan


def _affordable(blocks: dict, more: dict, plan: ToyPlan) -> dict:
    """Whole blocks, as large a part of what is wanted as `max` allows."""
    most = np.inf if plan.max is None else plan.max / plan.block

    def total(part: float) -> dict:
        return {kind: np.ceil(blocks[kind] + part * (more[kind] - blocks[kind]) - 1e-9) for kind in more}

    for part in np.linspace(1, 0, 101):
        found = total(part)
        if found["signal"].sum() + found["background"].max(initial=0) <= most:
            return found
    return blocks
