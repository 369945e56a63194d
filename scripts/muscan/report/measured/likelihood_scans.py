"""Scans of the likelihood in the report."""

from collections.abc import Iterator

from muscan.base.words import join_items
from muscan.records.intervals import Interval
from muscan.records.likelihood_scans import FIT_FAILED, LikelihoodScan, LikelihoodScans
from muscan.report.measured.intervals import best_fit_text, end_text, percent
from muscan.report.measured.section import MeasuredSection, MeasuredTable


def describe(record: dict) -> MeasuredSection:
    """Return what the report shows of likelihood_scans.json."""
    content = LikelihoodScans.from_json(record)
    scans = [LikelihoodScan.from_json(each) for each in content.scans]
    data = "the data expected for mu = 1, as the analysis is blind" if content.blinded else "the observed data"
    sentences = [
        f"Profiles of -2 log L for {data}. The table has the extent of each region along each parameter; the region of "
        "two parameters is larger than the interval of each."
    ]
    sentences += [text for scan in scans for text in closing(scan)]
    warnings = [text for scan in scans for text in warnings_of(scan)]
    rows = [row for scan in scans for row in rows_of(scan)]
    columns = ["scan", "parameter", "best fit", "region", "from", "to"]
    tables = [MeasuredTable("", columns, rows)] if rows else []
    return MeasuredSection("Scans of the likelihood", sentences, tables, warnings)


def rows_of(scan: LikelihoodScan) -> Iterator[list[str]]:
    """Yield the rows of the table of regions."""
    for each in map(Interval.from_json, scan.regions):
        best, level = best_fit_text(each), percent(each.confidence_level)
        yield [scan.name, each.parameter, best, level, end_text(each, "low"), end_text(each, "high")]


def closing(scan: LikelihoodScan) -> Iterator[str]:
    """Yield a sentence about the bounds that the largest region meets, if it meets any."""
    if scan.closed is False:
        largest = max(threshold["confidence_level"] for threshold in scan.thresholds)
        regions = [Interval.from_json(each) for each in scan.regions if each["confidence_level"] == largest]
        ends = [(each, side) for each in regions for side in ("low", "high")]
        met = [f"{each.parameter} = {each.bound[side]:g}" for each, side in ends if each.status[side] == "at_bound"]
        flat = [each.parameter for each, side in ends if each.status[side] == "open"]
        parts = [f"meets the bound {join_items(met)}"] * bool(met)
        edge = [each.parameter for each, side in ends if each.status[side] == "at_edge"]
        parts += [f"ends at the edge of the possible region of {join_items(list(dict.fromkeys(edge)))}"] * bool(edge)
        parts += [f"is open along {join_items(list(dict.fromkeys(flat)))}"] * bool(flat)
        if parts:
            yield f"{scan.name}: the {percent(largest)} region {' and '.join(parts)}."


def warnings_of(scan: LikelihoodScan) -> Iterator[str]:
    """Yield what the reader must know before using the values of a scan."""
    if scan.status != "ok":
        yield f"{scan.name}: {scan.status.replace('_', ' ')}: {scan.reason}"
    points = [each for row in scan.point_status for each in (row if isinstance(row, list) else [row])]
    failed = points.count(FIT_FAILED)
    if failed and scan.status != FIT_FAILED:
        yield f"{scan.name}: fits failed, or the data are impossible, at {failed} of {len(points)} points"
    for region in map(Interval.from_json, scan.regions):
        for side, status in region.status.items():
            if status == "fit_failed":
                yield f"{scan.name}, {percent(region.confidence_level)}: {region.parameter}: {region.reason[side]}"
