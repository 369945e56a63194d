"""likelihood_scans.json: the profile of -2 log L on grids of one or two parameters."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from muscan.records.record import Record

COLUMNS = ("scan", "x_parameter", "x", "y_parameter", "y", "rise", "status")
# Statuses of a scan without points, and of a point without a value.
FAILED, FIT_FAILED = "failed", "fit_failed"


@dataclass(frozen=True)
class LikelihoodScan(Record):
    """The scan of one or two parameters. Lists have one entry for each of them where no other shape is stated.

    The statuses are `ok`; `lower_minimum`, where a fit ended below the best fit, so that all values refer to a wrong
    minimum; `fit_failed`, where the fits of all points failed; and `failed`, where the parameters cannot be scanned.
    """

    KIND: ClassVar[str] = "a scan of the likelihood"

    name: str  # the parameters as in the settings, separated by commas
    status: str  # "ok", "lower_minimum", "fit_failed" or "failed"
    reason: str | None = None  # why the status is not "ok"
    parameters: list[str] = field(default_factory=list)  # names in the model; empty if the status is "failed"
    best_fit: list[float] = field(default_factory=list)  # values at the best fit
    sigma: list[float | None] = field(default_factory=list)  # errors from the covariance; None where it is undetermined
    values: list[list[float]] = field(default_factory=list)  # of each parameter on the grid
    # Rise of -2 log L above the best fit, None where the fit failed: one number for each value of the parameter. With
    # two parameters, one list for each value of the second one, with a number for each value of the first one. A number
    # is negative only if the status is "lower_minimum".
    rises: list = field(default_factory=list)
    point_status: list = field(default_factory=list)  # "ok", "fit_failed" or "lower_minimum", of the shape of `rises`
    # Where the range of each parameter ends: {"low": status, "high": status}, with the statuses of an `Interval`. `ok`:
    # -2 log L has risen far enough; `at_bound`: at a bound. Otherwise the range is finite, but an end without meaning.
    range_status: list[dict[str, str]] = field(default_factory=list)
    # {"confidence_level", "rise"} of each region: quantiles of chi2 with as many degrees of freedom as parameters.
    thresholds: list[dict[str, float]] = field(default_factory=list)
    # An `Interval` for each parameter and region. With two parameters, it is the extent of the contour along each.
    regions: list[dict] = field(default_factory=list)
    closed: bool | None = None  # whether the largest region meets no bound; None if that is not known
    improved: int = 0  # points at which a fit that began at a neighbouring point ended lower


@dataclass(frozen=True)
class LikelihoodScans(Record):
    """likelihood_scans.json: all scans of a signal."""

    KIND: ClassVar[str] = "a likelihood_scans.json"

    poi: str  # name of the parameter of interest, mu
    scans: list[dict]  # a `LikelihoodScan` for each entry of the settings
    blinded: bool = False  # Whether the data are the Asimov data of mu = 1, because the analysis is blind.
    made_by: dict = field(default_factory=dict)  # versions, digests of the inputs, and options


def scan_table(scans: Iterable[LikelihoodScan]) -> str:
    """Return the points of scans as CSV, one row for each; the cells of a second parameter may be empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for scan in scans:
        writer.writerows(_rows(scan))
    return text.getvalue()


def _rows(scan: LikelihoodScan) -> Iterator[list]:
    if len(scan.parameters) == 1:
        for x, rise, status in zip(*scan.values, scan.rises, scan.point_status, strict=True):
            yield [scan.name, *scan.parameters, x, None, None, rise, status]
    elif scan.parameters:
        (one, other), (along, across) = scan.parameters, scan.values
        for y, row, of_row in zip(across, scan.rises, scan.point_status, strict=True):
            for x, rise, status in zip(along, row, of_row, strict=True):
                yield [scan.name, one, x, other, y, rise, status]
