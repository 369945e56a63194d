"""The step that profiles -2 log L along one or two parameters."""

import sys
from dataclasses import dataclass

import numpy as np

from muscan.base.errors import InputError, reason_of
from muscan.base.files import made_by, record_failure, write_json, write_text
from muscan.base.options import option
from muscan.histfactory.model import Model
from muscan.inference.intervals import profile_of, rise_of
from muscan.inference.likelihood_scan import LEVELS, Scan, scan, statuses
from muscan.inference.measured import measured
from muscan.inference.parameter_names import find_parameter
from muscan.inference.profile import Profile
from muscan.inference.signal_point import SignalFiles, load
from muscan.inference.uncertainties import Curvature
from muscan.records.likelihood_scans import LikelihoodScan, LikelihoodScans, scan_table
from muscan.records.record import nan_to_none
from muscan.steps.find_intervals import interval_record


@dataclass(frozen=True)
class ScanOptions:
    """The scans of a signal."""

    scans: dict = option("{name of a scan: one or two parameters}, as JSON")


def scan_likelihood(output: str, csv: str, files: SignalFiles, options: ScanOptions) -> None:
    """Write likelihood_scans.json and the same values as a CSV file; if there are none, the reason."""
    scans: list[LikelihoodScan] = []
    with record_failure(output):
        engine, prepared, result = load(files)
        profile, errors = profile_of(measured(engine, prepared, result.blinded))
        scans = [scan_record(profile, errors, *each) for each in options.scans.items()]
        for each in scans:
            if each.status != "ok":
                print(f"{each.name}: {each.status}: {each.reason}", file=sys.stderr)
        record = LikelihoodScans(
            poi=engine.model.poi_name,
            scans=[each.to_json() for each in scans],
            blinded=result.blinded,
            made_by=made_by([files.model, files.fit]),
        )
        write_json(output, record.to_json())
    write_text(csv, scan_table(scans))


def scan_record(profile: Profile, errors: Curvature, name: str, parameters: list[str]) -> LikelihoodScan:
    """Make a scan and return its record; if the parameters cannot be scanned, with the reason.

    Args:
        profile: around the best fit.
        errors: the curvature there.
        name: of the scan.
        parameters: names of one or two parameters.
    """
    try:
        indices = scanned_parameters(profile.engine.model, parameters)
    except InputError as error:
        return LikelihoodScan(name, "failed", reason_of(error))
    return _record(profile, errors, name, scan(profile, indices))


def scanned_parameters(model: Model, names: list[str]) -> list[int]:
    """Return the indices of the parameters of a scan.

    Raises:
        InputError: if there is no such parameter, it is fixed, or both are the same.
    """
    indices = [find_parameter(model, name) for name in names]
    for name, index in zip(names, indices, strict=True):
        if model.fixed[index]:
            raise InputError(f"the parameter {name!r} is fixed")
    if len(set(indices)) < len(indices):
        raise InputError(f"{names[0]!r} and {names[1]!r} are the same parameter")
    return indices


def _record(profile: Profile, errors: Curvature, name: str, found: Scan) -> LikelihoodScan:
    names, count = profile.engine.model.names, len(found.parameters)
    of_points = statuses(found.rises)
    status, reason = "ok", None
    if (of_points == "fit_failed").all():
        status, reason = "fit_failed", "the fits of all points failed"
    if found.lower_minimum:
        status, reason = "lower_minimum", found.lower_minimum
    rises = [nan_to_none(row) for row in found.rises.reshape(-1, found.rises.shape[-1])]
    thresholds = [{"confidence_level": level, "rise": rise_of(level, count)} for level in LEVELS]
    regions = [interval_record(profile, errors, level, rise_of(level, count), each) for level, each in found.regions]
    largest = [end for each in regions if each.confidence_level == max(LEVELS) for end in each.status.values()]
    return LikelihoodScan(
        name=name,
        status=status,
        reason=reason,
        parameters=[names[index] for index in found.parameters],
        best_fit=profile.best.parameters[found.parameters].tolist(),
        sigma=nan_to_none(np.sqrt(np.diag(errors.covariance))[found.parameters]),
        values=[each.tolist() for each in found.values],
        rises=rises[0] if count == 1 else rises,
        point_status=of_points.tolist(),
        range_status=[{"low": each.low.status, "high": each.high.status} for each in found.ranges],
        thresholds=thresholds,
        regions=[each.to_json() for each in regions],
        closed=None if {"fit_failed", "lower_minimum"} & {*largest} else {*largest} == {"ok"},
        improved=found.improved,
    )
