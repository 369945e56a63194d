"""Collect the signal points of a grid.

Reads limits.json of every signal of the analyses of the grid and, if there is one, a CSV file of cross sections; writes
points.csv, one row per signal point, and the same table as Markdown. If several analyses have a signal at a point, the
one with the lowest expected limit is used.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import pandas as pd

from muscan.base.errors import LONGEST_REASON, InputError, StepError
from muscan.base.files import prefix_errors
from muscan.base.options import option
from muscan.base.words import shorten
from muscan.config import cross_sections
from muscan.config.grids import GridSettings
from muscan.config.signals import path_name, signals_of
from muscan.inference.limits_from_cls import MEDIAN, limits_from_cls
from muscan.records.columns import (
    CLS_COLUMNS,
    CROSS_SECTION_COLUMNS,
    DISCOVERY_COLUMNS,
    DISCOVERY_NUMBERS,
    LIMIT_COLUMNS,
    label_column,
)
from muscan.records.limits import Limits
from muscan.results.measurements import discovery_columns, files_of_scan, has_discovery
from muscan.results.tables import TableSettings, cls_columns, label_columns, reason_text, status_text, write_table

NUMBERS = [*LIMIT_COLUMNS, *CLS_COLUMNS, "cross_section", "cross_section_error", *CROSS_SECTION_COLUMNS]
EXCLUDED = ("excluded", "expected_excluded")
LARGEST = 1e30  # largest value of a label on an axis


def candidates(outline: dict, settings: GridSettings, results: Path) -> Iterator[dict]:
    """Yield a row, without cross sections, for every signal of every analysis of the grid.

    If all of the analyses ask for the significance of an excess, the rows have its columns.
    """
    measured = {name: files_of_scan(outline, name, settings.calculator) for name in settings.analyses}
    with_discovery = all(has_discovery([files]) for files in measured.values())
    for analysis in settings.analyses:
        labels = label_columns(outline, analysis)
        for signal in signals_of(outline, analysis).values():
            folder = results / analysis / path_name(signal)
            limits = read_limits(folder / settings.calculator / "limits.json", settings.calculator)
            observed, _, _, expected, *_ = limits.entries()
            values, wrong = _places(labels.get(signal, {}), settings)
            yield {
                "signal": signal,
                **values,
                "analysis": analysis,
                "calculator": settings.calculator,
                "confidence_level": limits.confidence_level,
                **dict(zip(LIMIT_COLUMNS, [value for value, *_ in limits.entries()], strict=True)),
                "status": status_text(limits),
                **(cls := cls_columns(limits)),
                **(discovery_columns(folder, measured[analysis]) if with_discovery else {}),
                "excluded": is_excluded(observed, cls["CLs_obs"], limits.confidence_level),
                "expected_excluded": is_excluded(expected, cls["CLs_exp"], limits.confidence_level),
                "reason": "; ".join(filter(None, [reason_text(limits), *wrong])),
            }


def _places(labels: dict, settings: GridSettings) -> tuple[dict, list[str]]:
    """The labels of a signal without those of the axes that are not numbers, and the reasons for leaving these out."""
    axes = [label_column(axis) for axis in (settings.x, settings.y)]
    bad = [label for label in axes if label in labels and not _is_number(labels[label])]
    reasons = [f"{label} = {labels[label]!r} has no place on an axis" for label in bad]
    return {label: value for label, value in labels.items() if label not in bad}, reasons


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < LARGEST


def read_limits(file: Path, calculator: str) -> Limits:
    """Read the limits of a signal; the record of a failure becomes their status."""
    try:
        return Limits.read(file)
    except StepError as error:
        return Limits.from_failure(str(error), None, calculator=calculator, test_statistic="")


def best_rows(rows: list[dict], labels: list[str]) -> list[dict]:
    """Return the row with the lowest expected limit at each point.

    Args:
        rows: of all signals of all analyses.
        labels: rows that agree in all of these are of one point. Rows without all labels are of one point if the name
            of their signal is the same.
    """
    places: dict[tuple, list[dict]] = {}
    for row in rows:
        place = tuple(row.get(label) for label in labels)
        places.setdefault((row["signal"],) if None in place or not place else place, []).append(row)
    return [_best([_only_signal(signals) for signals in by_analysis(several)]) for several in places.values()]


def by_analysis(rows: list[dict]) -> list[list[dict]]:
    """Return the rows of each analysis."""
    return [list(group) for _, group in groupby(rows, key=itemgetter("analysis"))]


def _only_signal(rows: list[dict]) -> dict:
    """The row of the only signal of an analysis at a point; a row without numbers if there are several signals."""
    if len(rows) == 1:
        return rows[0]
    names = ", ".join(row["signal"] for row in rows)
    no_numbers = dict.fromkeys((*LIMIT_COLUMNS, *CLS_COLUMNS, *EXCLUDED))
    no_numbers |= {name: None for name in DISCOVERY_COLUMNS if name in rows[0]}
    return (
        rows[0] | no_numbers | {"signal": names, "status": "fit_failed", "reason": f"several signals are here: {names}"}
    )


def _best(rows: list[dict]) -> dict:
    """The row with the lowest expected limit, with the reasons of failures in the others added to its own."""
    chosen = min(rows, key=_expected)
    others = [row for row in rows if row is not chosen and "fit_failed" in row["status"]]
    failed = [f"{row['analysis']}: {row['reason']}" for row in others]
    return chosen | {"reason": shorten("; ".join(filter(None, [chosen["reason"], *failed])), LONGEST_REASON)}


def _expected(row: dict) -> float:
    """The expected limit, estimated from CLs at mu = 1 if it is missing; inf if both are."""
    if row["expected"] is not None:
        return row["expected"]
    cls = np.array([row[name] for name in CLS_COLUMNS], dtype=float)
    if np.isnan(cls[1 + MEDIAN]):
        return np.inf
    _, limits = limits_from_cls(cls[:1], cls[None, 1:], np.array([1 - row["confidence_level"]]))
    return float(np.nan_to_num(limits[0, MEDIAN], nan=1.0))


def read_cross_sections(path: str, labels: list[str]) -> pd.DataFrame:
    """Read the table of cross sections, by `signal` or by some of the labels; raise errors as `cross_sections.read`."""
    keys, rows = cross_sections.read(path, labels)
    return pd.DataFrame([row for _, row in rows], columns=[*keys, *cross_sections.VALUES])


def with_cross_sections(points: pd.DataFrame, table: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Add the cross sections and the limits on them to the points.

    Args:
        points: of the grid. The reason of a point without a cross section says so.
        table: what `read_cross_sections` returns.
        unit: of the cross sections.

    Raises:
        InputError: if no point has a cross section.
    """
    keys = [name for name in table if name not in cross_sections.VALUES]
    known = points.drop(columns=["cross_section", "cross_section_error"])
    for key in keys:
        if key != "signal":
            known[key] = pd.to_numeric(known[key], errors="coerce").astype(float)
    found = known[keys].merge(table, how="left", on=keys)
    if found["cross_section"].isna().all():
        first = cross_sections.describe_row(table.iloc[0], keys) if len(table) else "missing"
        point = cross_sections.describe_row(known.iloc[0], keys)
        raise InputError(f"no row belongs to a point of the grid: the first row is {first}, the first point {point}")
    points = points.assign(**{name: found[name].to_numpy() for name in ("cross_section", "cross_section_error")})
    for name, limit in zip(CROSS_SECTION_COLUMNS, LIMIT_COLUMNS, strict=True):
        points[name] = points[limit] * points["cross_section"]
    without = points["cross_section"].isna()
    points["unit"] = np.where(without, "", unit)
    points.loc[without, "reason"] = points.loc[without, "reason"].map(
        lambda reason: "; ".join(filter(None, [reason, "no cross section for this point"]))
    )
    return points


def is_excluded(limit: tuple, cls: float | None, confidence_level: float | None) -> bool | None:
    """Return whether the predicted signal, mu = 1, is excluded; None if that is unknown.

    The limit decides, if there is one; otherwise CLs at mu = 1; otherwise the range of the scan.

    Args:
        limit: value, status, reason and bound, as in `Limits.entries`.
        cls: at mu = 1.
        confidence_level: of the limit.
    """
    value, status, _, bound = limit
    if value is not None:
        return value < 1
    if cls is not None:
        return cls < 1 - confidence_level
    if status == "above_scan" and bound is not None and bound >= 1:
        return False
    return True if status == "below_scan" and bound is not None and bound <= 1 else None


def points_of_grid(outline: dict, grid: str, results: Path) -> pd.DataFrame:
    """Return the table of all points of a grid, ordered by their labels.

    Args:
        outline: the datasets, analyses and grids of the configuration.
        grid: name of the grid.
        results: folder of the results.

    Raises:
        InputError: if the cross sections cannot be used.
    """
    settings = GridSettings.from_json(outline["grids"][grid])
    rows = list(candidates(outline, settings, results))
    known = (label_columns(outline, analysis).values() for analysis in settings.analyses)
    labels = list(dict.fromkeys(label for signals in known for values in signals for label in values))
    points = pd.DataFrame(best_rows(rows, labels))
    points[["cross_section", "cross_section_error", *CROSS_SECTION_COLUMNS]] = np.nan
    points["unit"] = ""
    discovery = [name for name in DISCOVERY_COLUMNS if name in points]
    numbers = NUMBERS + [name for name in discovery if name in DISCOVERY_NUMBERS]
    points[numbers] = points[numbers].astype(float)
    points["confidence_level"] = points["confidence_level"].astype(float).ffill().bfill()  # of points that failed
    if settings.cross_sections:
        file = settings.cross_sections.csv
        table = read_cross_sections(file, labels)
        with prefix_errors(file):
            points = with_cross_sections(points, table, settings.cross_sections.unit)
    columns = ["signal", *labels, "analysis", "calculator", "confidence_level", *LIMIT_COLUMNS, "status", *CLS_COLUMNS]
    columns += ["cross_section", "cross_section_error", "unit", *CROSS_SECTION_COLUMNS]
    columns += [*discovery, *EXCLUDED, "reason"]
    return points[columns].sort_values(labels or ["signal"], kind="stable")


@dataclass(frozen=True)
class GridTableSettings(TableSettings):
    """The grid of the table."""

    grid: str = option("name of the grid", kw_only=True)


def collect_points(csv: str, markdown: str, settings: GridTableSettings) -> None:
    """Write the points of a grid as a CSV file, and the same table as Markdown."""
    points = points_of_grid(settings.outline, settings.grid, Path(settings.results))
    for _, row in points[points["reason"] != ""].iterrows():
        print(f"{row['signal']}: {row['reason']}", file=sys.stderr)
    write_table(csv, markdown, points)
