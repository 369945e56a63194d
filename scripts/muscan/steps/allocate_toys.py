"""The step that plans more toys where they reduce the uncertainties of the limits most, until the target is reached.

Toys are only ever added. Their number depends on the uncertainties of the limits, not on the limits themselves.
"""

import sys
from dataclasses import replace

import numpy as np

from muscan.base.files import made_by, read_step_settings, record_failure, write_json
from muscan.base.json_input import read_json
from muscan.records.toy_measurement import MeasurementPlan
from muscan.records.toys import ToyPlan, ToyPoint
from muscan.steps.allocate_measurement import allocate_measurement
from muscan.steps.plan_toys import FIRST_BLOCKS, RATIO, plan_points, rounded_mu
from muscan.toys.allocation import MEDIAN, OBSERVED, allocate, needs_points, relative_error
from muscan.toys.limits import ToyCurves
from muscan.toys.plan import OF_PLANS, ToyFiles, collect_toys, curves_of_plan, open_plan, usable_points
from muscan.toys.pseudo_data import HYPOTHESES

MORE_POINTS = 4  # values of mu that one round adds beyond an end of the plan


def allocate_any_toys(output: str, files: ToyFiles) -> None:
    """Write the plan of the next round, of limits or of a measurement, or the reason why there is none."""
    content = read_json(files.plan)
    allocate = allocate_measurement if MeasurementPlan.describes(content) else allocate_toys
    allocate(output, files)


def allocate_toys(output: str, files: ToyFiles) -> None:
    """Write the plan of the next round of limits, or the reason why there is none."""
    with record_failure(output, **read_step_settings(files.plan, *OF_PLANS)):
        plan, store, engine, prepared, _ = open_plan(files)
        points, failed = usable_points(collect_toys(store, plan), plan)
        usable_mu = [point.mu for point in points]
        curves = curves_of_plan(points, failed, plan, engine) if points else None
        extended = add_blocks(plan, curves, usable_mu)
        if curves is not None and plan.target is not None:
            observed, median = (relative_error(curves.limits[which]) for which in (OBSERVED, MEDIAN))
            print(f"relative errors: observed {observed:.3g}, median expected {median:.3g}", file=sys.stderr)
            more = further_mu(curves, usable_mu, plan, engine.model.bounds[engine.model.poi, 1])
            new = plan_points(engine, prepared, more, plan.test_statistic, FIRST_BLOCKS) if more else []
            extended = add_points(extended, new)
        write_json(output, extended.to_json() | {"made_by": made_by([files.model, files.fit, files.plan])})


def add_blocks(plan: ToyPlan, curves: ToyCurves | None, usable_mu: list[float]) -> ToyPlan:
    """Return the plan of the next round with the blocks that the target requires, as far as `max` allows.

    Args:
        plan: of the last round.
        curves: CLs and the limits from the present toys; None if no point has usable toys.
        usable_mu: the values of mu of these curves.
    """
    places = [index for index, point in enumerate(plan.points) if point.mu in usable_mu]
    blocks = {kind: np.array([(getattr(point, kind) or [0])[-1] for point in plan.points]) for kind in HYPOTHESES}
    wanted = {kind: number.astype(float) for kind, number in blocks.items()}
    if curves is not None and plan.target is not None:
        present = [blocks[kind][places] * plan.block for kind in HYPOTHESES]
        for kind, toys in zip(HYPOTHESES, allocate(curves, *present, plan.target), strict=True):
            wanted[kind][places] = toys / plan.block
    affordable = _affordable(blocks, wanted, plan)
    points = list(plan.points)
    for i, point in enumerate(plan.points):
        if point.signal:
            totals = {kind: [*getattr(point, kind), int(affordable[kind][i])] for kind in HYPOTHESES}
            points[i] = replace(point, **totals)
    return replace(plan, points=points)


def further_mu(curves: ToyCurves, usable_mu: list[float], plan: ToyPlan, bound: float) -> list[float]:
    """Return the values of mu that the limits need in addition to those of the plan.

    Args:
        curves: CLs and the limits from the present toys.
        usable_mu: the values of mu of these curves. Where the toys at an end of the plan have failed, no values are
            added beyond it.
        plan: of the toys.
        bound: the largest mu that the fits can reach.
    """
    statuses = {each.limit.status for each in curves.limits}
    known = [point.mu for point in plan.points if point.mu > 0]
    steps = RATIO ** np.arange(1, MORE_POINTS + 1)
    lowest, highest = usable_mu[0], usable_mu[-1]
    below = lowest / steps if "below_scan" in statuses and lowest == min(known) else steps[:0]
    above = highest * steps if "above_scan" in statuses and highest == max(known) else steps[:0]
    sought = (curves.limits[which] for which in (OBSERVED, MEDIAN))
    crossings = [limit.crossing for limit in sought if needs_points(limit, plan.target)]
    between = [value for crossing in crossings for value in _mu_near_crossing(crossing, known)]
    return sorted({rounded_mu(value, bound) for value in (*below, *above, *between)} - set(known))


def _mu_near_crossing(crossing: float, known: list[float]) -> np.ndarray:
    """The geometric means of neighbours among the four values of mu around a crossing, two on either side."""
    place = int(np.searchsorted(known, crossing))
    nearest = np.array(known[max(place - 2, 0) : place + 2])
    return np.sqrt(nearest[1:] * nearest[:-1])


def add_points(plan: ToyPlan, new: list[ToyPoint]) -> ToyPlan:
    """Return the plan with points that are new in this round; without them if their toys would exceed `max`."""
    rounds = max(len(point.signal) for point in plan.points)
    late = [
        replace(point, **{kind: [0] * (rounds - 1) + getattr(point, kind) for kind in HYPOTHESES})
        if point.signal
        else point
        for point in new
    ]
    extended = replace(plan, points=sorted([*plan.points, *late], key=lambda point: point.mu))
    return extended if extended.number_of_toys() <= (plan.max or np.inf) else plan


def _affordable(blocks: dict[str, np.ndarray], wanted: dict[str, np.ndarray], plan: ToyPlan) -> dict[str, np.ndarray]:
    """The largest part of the wanted blocks that `max` allows, rounded up to whole blocks.

    Args:
        blocks: present numbers of blocks at each point, by hypothesis.
        wanted: wanted numbers of blocks at each point, by hypothesis.
        plan: with the largest number of toys.
    """
    most = np.inf if plan.max is None else plan.max / plan.block

    def total(part: float) -> dict[str, np.ndarray]:
        return {kind: np.ceil(blocks[kind] + part * (wanted[kind] - blocks[kind]) - 1e-9) for kind in wanted}

    for part in np.linspace(1, 0, 101):
        found = total(part)
        if found["signal"].sum() + found["background"].max(initial=0) <= most:
            return found
    return blocks
