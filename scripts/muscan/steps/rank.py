"""The step that calculates the impacts of nuisance parameters on mu_hat, and the shares of groups of them."""

import sys
from dataclasses import dataclass, replace

import numpy as np

from muscan.base.files import made_by, record_failure, write_json, write_text
from muscan.base.options import option
from muscan.inference.engine import Engine
from muscan.inference.groups import Group, all_groups, find_members, median_limits, shares
from muscan.inference.hypotest import Prepared
from muscan.inference.ranking import impact_records, impacts
from muscan.inference.ranking_basis import basis
from muscan.inference.signal_point import SignalFiles, load
from muscan.inference.test_statistics import TEST_STATISTICS
from muscan.records.fit import FitResult
from muscan.records.ranking import Impact, Ranking, Share, impact_table


@dataclass(frozen=True)
class RankOptions:
    """What is calculated beside the impacts."""

    group_limits: bool = option("calculate the expected limit without each group")
    confidence_level: float = option("confidence level of the expected limits")
    groups: dict = option("{group: names of its parameters, in which * and ? are wildcards}, as JSON")
    show: int | None = option("number of parameters in the picture; default: 20", default=None)


def rank(output: str, csv: str, files: SignalFiles, options: RankOptions) -> None:
    """Write ranking.json and the impacts as a CSV file; if there are none, the reason."""
    ranked: list[Impact] = []
    with record_failure(output):
        engine, prepared, result = load(files)
        record, ranked = ranking(engine, prepared, result, options)
        if record.status != "ok":
            print(f"{record.status}: {record.reason}", file=sys.stderr)
        for warning in record.warnings:
            print(warning, file=sys.stderr)
        write_json(output, record.to_json() | {"made_by": made_by([files.model, files.fit])})
    write_text(csv, impact_table(ranked))


def ranking(
    engine: Engine, prepared: Prepared, result: FitResult, options: RankOptions
) -> tuple[Ranking, list[Impact]]:
    """Return the content of ranking.json, and the impacts in it.

    Args:
        engine: of the signal, see `signal_point.load`.
        prepared: its fits that do not depend on mu.
        result: content of fit.json.
        options: what is calculated.
    """
    at = basis(engine, prepared, result.blinded)
    members, warnings = find_members(at, options.groups)
    found = impacts(at) if at.usable else None
    ranked = impact_records(at, found, members)
    groups = all_groups(at, members)
    of_groups = shares(at, found, groups)
    if options.group_limits:
        of_groups = with_limits(of_groups, groups, engine, prepared, result, 1 - options.confidence_level)
    if any(each.status == "lower_minimum" for each in [*ranked, *of_groups]):
        warnings.append("a fit ended below the best fit, which is only a local minimum: the ranking is not reliable")
    model, total = at.profile.engine.model, of_groups[-1]
    record = Ranking(
        status=at.status,
        reason=at.reason,
        poi=model.poi_name,
        blinded=result.blinded,
        mu_hat=float(at.profile.best.parameters[model.poi]),
        mu_hat_error=total.covariance,
        mu_hat_minos=[None if total.below is None else -total.below, total.above],
        poi_bounds=model.bounds[model.poi].tolist(),
        parameters=[each.to_json() for each in ranked],
        shares=[each.to_json() for each in of_groups],
        show=options.show,
        confidence_level=options.confidence_level if options.group_limits else None,
        warnings=warnings,
        engine=engine.name,
    )
    return record, ranked


def with_limits(
    of_groups: list[Share], groups: list[Group], engine: Engine, prepared: Prepared, result: FitResult, alpha: float
) -> list[Share]:
    """Return the shares with the median expected limit without each group.

    Args:
        of_groups: the shares of the groups, the sum and the total.
        groups: in the same order.
        engine: of the signal, with the bounds of the fits for limits.
        prepared: its fits that do not depend on mu.
        result: content of fit.json.
        alpha: 1 - confidence level.
    """
    if TEST_STATISTICS[result.test_statistic].asimov_mu != 0:
        reason = f"the test statistic {result.test_statistic} has no upper limits"
        return [replace(each, limit_reason=reason) for each in of_groups]
    *others, sum_, total = of_groups
    held = [each.members for each in groups]
    *without, (free, why) = median_limits(engine, prepared, [*held, np.zeros(0, int)], alpha)
    found = [
        replace(each, limit=limit, limit_ratio=limit / free if limit and free else None, limit_reason=reason)
        for each, (limit, reason) in zip(others, without, strict=True)
    ]
    return [*found, sum_, replace(total, limit=free, limit_ratio=1.0 if free else None, limit_reason=why)]
