"""The step that computes upper limits from toys, with their statistical errors."""

import sys

import numpy as np

from muscan.base.errors import StepError
from muscan.base.files import made_by, read_step_settings, record_failure, write_json
from muscan.config.settings import TOYBASED
from muscan.inference.engine import Engine
from muscan.inference.limits import Limit, outside
from muscan.records.hypotest import collect_bounds_met
from muscan.records.limits import BLINDED, Limits
from muscan.records.record import nan_to_none
from muscan.records.toys import ToyPlan
from muscan.steps.invert import observed_and_expected, six_limits
from muscan.toys.allocation import MEDIAN, OBSERVED, UNDETERMINED, relative_error
from muscan.toys.limits import ToyCurves, limit_values
from muscan.toys.plan import OF_PLANS, ThrownPoint, ToyFiles, collect_toys, curves_of_plan, open_plan, usable_points
from muscan.toys.pseudo_data import BACKGROUND_ONLY, HYPOTHESES, WITH_SIGNAL
from muscan.toys.tail_counts import PointStatistics


def invert_toys(output: str, files: ToyFiles) -> None:
    """Write limits.json; if there is no plan, with the reason instead of limits."""
    with record_failure(output):
        try:
            plan, store, engine, _, blinded = open_plan(files)
            limits = limits_from_toys(collect_toys(store, plan), plan, engine)
            limits = limits.without_observed() if blinded else limits
            if store.blocks_made:
                print(f"{store.blocks_made} blocks of toys were missing and have been made", file=sys.stderr)
        except StepError as error:
            print(f"failed: {error}", file=sys.stderr)
            limits = Limits.from_failure(str(error), calculator=TOYBASED, **read_step_settings(files.plan, *OF_PLANS))
        if limits.status["observed_limit"] != "ok":
            print(f"no observed limit: {limits.reason['observed_limit'] or BLINDED}", file=sys.stderr)
        write_json(output, limits.to_json() | {"made_by": made_by([files.model, files.fit, files.plan])})


def limits_from_toys(thrown: list[ThrownPoint], plan: ToyPlan, engine: Engine) -> Limits:
    """Return the content of limits.json: limits, their errors, CLs at all points, and the numbers of toys."""
    points, failed = usable_points(thrown, plan)
    common = {"calculator": TOYBASED, "test_statistic": plan.test_statistic, "asymptotics": plan.asymptotics}
    if not points:
        return _without_toys(thrown, failed, plan, common)
    curves = curves_of_plan(points, failed, plan, engine)
    limits = [each.limit for each in curves.limits]
    errors, model_errors = ([getattr(each, name) for each in curves.limits] for name in ("error", "model_error"))
    return Limits(
        confidence_level=plan.confidence_level,
        **six_limits(limits),
        points=_points(thrown, points, curves),
        failed_points=failed,
        at_bounds=collect_bounds_met(plan.points),
        observed_limit_error=errors[0],
        expected_limit_error=errors[1:],
        observed_limit_model_error=model_errors[0],
        expected_limit_model_error=model_errors[1:],
        failed_toys=_limits_with_failed_toys(points, limits, failed, plan),
        toys=_summary_of_toys(thrown, plan, curves),
        **common,
    )


def _without_toys(thrown: list[ThrownPoint], failed: list[dict], plan: ToyPlan, common: dict) -> Limits:
    """The record if all points failed, or if the scan has no point except mu = 0, where CLs is 1."""
    if failed:
        return Limits.from_failure(failed[0]["reason"], plan.confidence_level, failed_points=failed, **common)
    limits = [outside(np.zeros(1), np.ones(1), 1 - plan.confidence_level, np.zeros(0))] * 6
    points = _points(thrown, [], None)
    return Limits(
        confidence_level=plan.confidence_level, **six_limits(limits), points=points, failed_points=[], **common
    )


def _points(thrown: list[ThrownPoint], points: list[PointStatistics], curves: ToyCurves | None) -> list[dict]:
    """CLs at every tested mu with its errors, as JSON; None where too few toys are in a tail."""
    place = {point.mu: index for index, point in enumerate(points)}
    records = []
    for each in thrown:
        mu = each.point.mu
        if mu in place:
            cls, errors = (nan_to_none(values[:, place[mu]]) for values in (curves.CLs, curves.errors))
        elif mu == 0 and each.point.status == "ok":  # without a signal both hypotheses are the same
            cls, errors = [1.0] * 6, [0.0] * 6
        else:
            continue
        status = ["ok" if value is not None else "toys_too_few" for value in cls]
        records.append(
            {
                "mu": mu,
                "CLs_obs": cls[0],
                "CLs_exp": cls[1:],
                "refinement": False,
                "CLs_obs_error": errors[0],
                "CLs_exp_error": errors[1:],
                "CLs_status": status,
                "q_obs": each.point.q_obs,
                "toys": each.counts_json(),
            }
        )
    return records


def _limits_with_failed_toys(
    points: list[PointStatistics], limits: list[Limit], failed: list[dict], plan: ToyPlan
) -> dict:
    """The limits if all failed toys are counted as if they strengthened, or weakened, the exclusion.

    Args:
        points: with usable toys.
        limits: without the failed toys; where there is no limit, there is none here either.
        failed: records of the points that cannot be used.
        plan: of the toys.
    """
    any_failed = any(np.isnan(q).any() for point in points for q in (point.signal, point.background))
    failed_mu = np.array([record["mu"] for record in failed])
    records = {}
    for name, excluded in (("for_exclusion", True), ("against_exclusion", False)):
        counted = [point.with_failed_toys(excluded) for point in points]
        shifted = limit_values(counted, 1 - plan.confidence_level, failed_mu) if any_failed else limits
        known = [other if limit.status == "ok" else limit for limit, other in zip(limits, shifted, strict=True)]
        records[name] = observed_and_expected(known, "value") | {"status": observed_and_expected(known, "status")}
    return records


def _summary_of_toys(thrown: list[ThrownPoint], plan: ToyPlan, curves: ToyCurves) -> dict:
    """How many toys were thrown, and whether the target for the errors of the limits was reached."""
    signal = sum(len(each.signal.q) for each in thrown)
    background = max(len(each.background.q) for each in thrown)
    sought = [curves.limits[i] for i in (OBSERVED, MEDIAN)]
    reached = None
    if plan.target and all(each.limit.status in ("ok", *UNDETERMINED) for each in sought):
        reached = all(relative_error(each) <= plan.target for each in sought)
    return {
        "seed": plan.seed,
        "block": plan.block,
        "thrown": {WITH_SIGNAL: signal, BACKGROUND_ONLY: background},
        "mu": [each.point.mu for each in thrown],
        "blocks_by_round": dict(zip(HYPOTHESES, plan.blocks_by_hypothesis(), strict=True)),
        "target": plan.target,
        "target_reached": reached,
        "max_failed_fraction": plan.max_failed_fraction,
    }
