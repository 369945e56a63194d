"""The step that finds two-sided intervals of parameters from the profile of the likelihood."""

import sys
from dataclasses import dataclass

from muscan.base.files import made_by, record_failure, write_json
from muscan.base.options import option
from muscan.histfactory.model import Model
from muscan.inference.intervals import ParameterInterval, intervals, profile_of, rise_of
from muscan.inference.measured import measured
from muscan.inference.parameter_names import matching
from muscan.inference.profile import Profile
from muscan.inference.signal_point import SignalFiles, load
from muscan.inference.uncertainties import Curvature
from muscan.records.intervals import Interval, Intervals
from muscan.records.record import nan_to_none


@dataclass(frozen=True)
class IntervalOptions:
    """Which intervals are found."""

    levels: list[float] = option("confidence levels")
    parameters: list[str] = option(
        "names of parameters beside mu, in which * and ? are wildcards", default_factory=list
    )


def find_intervals(output: str, files: SignalFiles, options: IntervalOptions) -> None:
    """Write intervals.json, or the reason why there is none."""
    with record_failure(output):
        engine, prepared, result = load(files)
        profile, errors = profile_of(measured(engine, prepared, result.blinded))
        chosen, warnings = choose_parameters(engine.model, options.parameters)
        found = intervals_of(profile, errors, chosen, options.levels)
        for each in found:
            for side, reason in each.reason.items():
                if reason:
                    print(f"{each.parameter}, {each.confidence_level:g}, {side} end: {reason}", file=sys.stderr)
        for warning in warnings:
            print(warning, file=sys.stderr)
        record = Intervals(
            poi=engine.model.poi_name,
            confidence_levels=options.levels,
            intervals=[each.to_json() for each in found],
            blinded=result.blinded,
            warnings=warnings,
            made_by=made_by([files.model, files.fit]),
        )
        write_json(output, record.to_json())


def choose_parameters(model: Model, patterns: list[str]) -> tuple[list[int], list[str]]:
    """Return the indices of the parameters that get an interval, and warnings of patterns that match none of them.

    The POI is the first of them, then all others that match a pattern and are not fixed.
    """
    chosen = [index for index in matching(model.names, patterns) if index != model.poi and not model.fixed[index]]
    unmatched = [each for each in patterns if not matching([*model.names, "mu"], [each])]
    return [model.poi, *chosen], [f"no parameter has a name like {each!r}" for each in unmatched]


def intervals_of(profile: Profile, errors: Curvature, parameters: list[int], levels: list[float]) -> list[Interval]:
    """Return the intervals of parameters at all confidence levels, without those of fixed ones.

    Args:
        profile: around the best fit.
        errors: the curvature there.
        parameters: their indices.
        levels: confidence levels.
    """
    free = [index for index in parameters if not profile.engine.model.fixed[index]]
    regions = [(index, level) for index in free for level in levels]
    found = intervals(profile, [(index, rise_of(level)) for index, level in regions]) if regions else []
    return [
        interval_record(profile, errors, level, rise_of(level), each)
        for (_, level), each in zip(regions, found, strict=True)
    ]


def interval_record(
    profile: Profile, errors: Curvature, level: float, rise: float, found: ParameterInterval
) -> Interval:
    """Return the record of one interval.

    Args:
        profile: around the best fit.
        errors: the curvature there.
        level: confidence level.
        rise: of -2 log L up to the ends.
        found: the interval.
    """
    index, ends = found.parameter, {"low": found.low, "high": found.high}
    return Interval(
        parameter=profile.engine.model.names[index],
        confidence_level=level,
        rise=rise,
        best_fit=float(profile.best.parameters[index]),
        error=nan_to_none(errors.errors[[index]])[0],
        low=found.low.value,
        high=found.high.value,
        status={side: end.status for side, end in ends.items()},
        reason={side: end.reason for side, end in ends.items()},
        bound={side: end.bound for side, end in ends.items()},
    )
