"""Feldman-Cousins intervals from the toys of a measurement."""

import numpy as np

from muscan.records.feldman_cousins import FeldmanCousins
from muscan.toys import pseudo_data
from muscan.toys.acceptance import End
from muscan.toys.samples import OpenedMeasurement, ThrownSample, summary_of_toys
from muscan.toys.two_sided import SIDES, Scan, TestedMu, scan_of

ENDS = ("lower", "upper")


def intervals_from_toys(opened: OpenedMeasurement, thrown: list[ThrownSample]) -> FeldmanCousins:
    """Return the content of feldman_cousins.json."""
    plan, model = opened.plan, opened.measured.engine.model
    scan = scan_of(thrown, plan.mu_hat, plan.poi_bounds, plan.max_failed_fraction)
    ends = {level: scan.ends(level) for level in plan.levels}
    reached = None if plan.target is None else all(_reached(end, plan.target) for pair in ends.values() for end in pair)
    profile = zip(*(plan.asymptotics[name] for name in ("levels", *ENDS)), strict=True)
    return FeldmanCousins(
        poi=model.poi_name,
        data="asimov" if opened.result.blinded else "observed",
        mu_hat=plan.mu_hat,
        poi_bounds=plan.poi_bounds,
        intervals=[_interval(scan, level, pair) for level, pair in ends.items()],
        points=[_point(scan_point, each) for scan_point, each in _with_samples(scan, thrown)],
        failed_points=[
            {"mu": each.sample.tested, "status": "fit_failed", "reason": reason}
            for each in thrown
            if (reason := each.failure(plan.max_failed_fraction))
        ],
        asymptotics=[dict(zip(("level", *ENDS), each, strict=True)) for each in profile],
        toys=summary_of_toys(plan, thrown, reached),
    )


def _reached(end: End, target: float) -> bool:
    """Whether the error of an end, relative to its distance from the best fit, is below the target."""
    return end.status == "at_bound" or (end.status == "ok" and end.error <= target * end.value)


def _interval(scan: Scan, level: float, ends: tuple[End, End]) -> dict:
    """One interval as JSON, see `FeldmanCousins.intervals`."""
    any_failed = any(np.isnan(point.toys).any() for point in scan.points)
    others = [ends, ends]
    if any_failed:
        counted = ([point.with_failed(in_tail) for point in scan.points] for in_tail in (True, False))
        others = [scan._replace(points=points).ends(level) for points in counted]
    record: dict = {"level": level}
    for side, name in enumerate(ENDS):
        end, sign = ends[side], SIDES[side]
        record[name] = {
            "value": _value(scan, sign, end),
            "error": end.error,
            "status": end.status,
            "reason": end.reason,
            "bound": scan.points_on(sign)[-1].mu if end.status == "beyond_tested" else None,
            "found_by": end.found_by,
            "with_failed_toys": [_value(scan, sign, other[side]) for other in others],
        }
    return record | {"rejected_inside": scan.rejected_inside(level, ends)}


def _value(scan: Scan, sign: int, end: End) -> float | None:
    return None if end.value is None else float(scan.position(sign, end.value))


def _with_samples(scan: Scan, thrown: list[ThrownSample]) -> list[tuple[TestedMu, ThrownSample]]:
    """The tested values with their samples."""
    by_mu = {each.sample.tested: each for each in thrown}
    return [(point, by_mu[point.mu]) for point in scan.points]


def _point(point: TestedMu, thrown: ThrownSample) -> dict:
    """One tested mu as JSON, see `FeldmanCousins.points`."""
    tail, total = point.tail(), point.fitted()
    # The error of a fraction of 0 or 1 is that of one toy.
    spread = np.clip(tail / total, 1 / (total + 1), 1 - 1 / (total + 1))
    return {
        "mu": point.mu,
        "p": tail / total,
        "error": float(np.sqrt(spread * (1 - spread) / total)),
        "t_obs": point.t_obs,
        "p_asymptotic": point.asymptotic_p_value(),
        "toys": pseudo_data.count(thrown.toys)._asdict(),
    }
