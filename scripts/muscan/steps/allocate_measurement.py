"""The next round of the toys of a measurement: more toys, and for intervals more values of mu."""

import sys
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from muscan.base.files import made_by, record_failure, write_json
from muscan.config.settings import TOY_ROUNDS
from muscan.inference.signal_point import load
from muscan.records.toy_measurement import MeasurementPlan, ToySample
from muscan.steps.plan_measurement import DISCOVERY, interval_samples, rounded
from muscan.toys.acceptance import further_distances, growth_of_toys
from muscan.toys.allocation import MAX_GROWTH
from muscan.toys.discovery import discovery_toys, wanted_toys
from muscan.toys.plan import ToyFiles
from muscan.toys.samples import OpenedMeasurement, collect_samples, open_measurement
from muscan.toys.two_sided import SIDES, Scan, scan_of


class NextRound(NamedTuple):
    """What a round adds: blocks of each sample in all, and new samples."""

    blocks: np.ndarray
    new: list[ToySample]


def allocate_measurement(output: str, files: ToyFiles) -> None:
    """Write the plan of the next round of a measurement, or the reason why there is none."""
    with record_failure(output):
        opened = open_measurement(files)
        plan = opened.plan
        more = more_for_discovery(opened) if plan.measurement == DISCOVERY else more_for_intervals(opened, files)
        extended = affordable(plan, more)
        added = (extended.number_of_toys() - plan.number_of_toys()) // plan.block
        print(f"{added} blocks and {len(extended.samples) - len(plan.samples)} values of mu added", file=sys.stderr)
        write_json(output, extended.to_json() | {"made_by": made_by([files.model, files.fit, files.plan])})


def affordable(plan: MeasurementPlan, more: NextRound) -> MeasurementPlan:
    """Return the plan of the next round with the largest part of the wanted blocks that `max` allows."""
    present = _present_blocks(plan)
    most = np.inf if plan.max is None else plan.max // plan.block
    left = most - present.sum()
    new = []
    for sample in more.new:
        if sum(sample.blocks) <= left:
            new.append(sample)
            left -= sum(sample.blocks)
    wanted = np.maximum(more.blocks - present, 0)
    part = min(1.0, left / max(wanted.sum(), 1))
    return plan.next_round((present + np.floor(part * wanted).astype(int)).tolist(), new)


def _present_blocks(plan: MeasurementPlan) -> np.ndarray:
    return np.array([sample.blocks[-1] if sample.blocks else 0 for sample in plan.samples])


def more_for_discovery(opened: OpenedMeasurement) -> NextRound:
    """Return the toys without and with signal that the target requires."""
    plan, present = opened.plan, _present_blocks(opened.plan)
    toys = discovery_toys(collect_samples(opened)).without_failed()
    if plan.target is None or not (len(toys.background) and len(toys.signal)):
        return NextRound(present, [])
    wanted = wanted_toys(toys, plan.target, plan.max or np.inf)
    return NextRound(np.ceil(np.array(wanted) / plan.block - 1e-9).astype(int), [])


def more_for_intervals(opened: OpenedMeasurement, files: ToyFiles) -> NextRound:
    """Return the values of mu and the toys that the ends of the intervals require."""
    plan, present = opened.plan, _present_blocks(opened.plan)
    scan = scan_of(collect_samples(opened), plan.mu_hat, plan.poi_bounds, plan.max_failed_fraction)
    growth = growth_by_mu(scan, plan)
    factors = [min(growth.get(sample.tested, 1.0), MAX_GROWTH) for sample in plan.samples]
    blocks = np.ceil(present * factors - 1e-9).astype(int)
    new = []
    for sample in interval_samples(opened.measured, load(files)[1], further_mu(scan, plan), 0):
        # As many toys as the nearest tested mu has.
        nearest = int(np.abs([each.tested - sample.tested for each in plan.samples]).argmin())
        new.append(replace(sample, blocks=[max(int(blocks[nearest]), 1)]) if sample.blocks else sample)
    return NextRound(blocks, new)


def growth_by_mu(scan: Scan, plan: MeasurementPlan) -> dict[float, float]:
    """Return by which factor the toys of tested values must become more numerous for the target.

    As long as further values are tested for an end, and rounds are left, its toys are not: they might be in vain.
    """
    growth: dict[float, float] = {}
    last_round = plan.rounds() >= TOY_ROUNDS - 1
    for level in plan.levels if plan.target else []:
        for sign, end in zip(SIDES, scan.ends(level), strict=True):
            factors = growth_of_toys(end, plan.target)
            waits = not last_round and further_distances(end, scan.side(sign), plan.target)
            if factors is not None and not waits:
                for point, factor in zip(scan.points_on(sign), factors.tolist(), strict=True):
                    growth[point.mu] = max(growth.get(point.mu, 1.0), factor)
    return growth


def further_mu(scan: Scan, plan: MeasurementPlan) -> list[float]:
    """Return values of mu that are to be tested, too."""
    values = {
        scan.position(sign, distance)
        for level in plan.levels
        for sign, end in zip(SIDES, scan.ends(level), strict=True)
        for distance in further_distances(end, scan.side(sign), plan.target)
    }
    at_bounds = values & set(scan.bounds)
    ends = np.array([plan.asymptotics["lower"], plan.asymptotics["upper"]], dtype=float)
    inside = rounded(values - at_bounds, np.abs(ends - scan.mu_hat)) if values else set()
    return sorted((inside | at_bounds) - {sample.tested for sample in plan.samples})
