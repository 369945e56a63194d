"""Cells of the tables of the report, as texts."""

from collections.abc import Iterator, Mapping

from muscan.config.signals import scan_name
from muscan.records.columns import LIMIT_COLUMNS, parse_statuses
from muscan.records.limits import BLINDED
from muscan.report.run_findings import FAILED, NOTE, POOR_FIT, WARNING
from muscan.report.run_results import RunResults
from muscan.results.table_rows import (
    NOTHING,
    best_fit,
    has_significances,
    number,
    scan_of,
    several_calculators,
    significance,
    with_error,
    worst_status,
    z_or_bound,
)

SIGNS = {"above_scan": ">", "below_scan": "<"}  # of a limit beyond an end of the scan
ANSWERS = {"True": "yes", "False": "no"}


def limit_rows(results: RunResults, anchors: Mapping[tuple[str, str], str]) -> Iterator[dict]:
    """Yield the rows of the table of limits. `significance` is None in all of them if none was asked for.

    Args:
        results: the results of the run.
        anchors: {(analysis, signal): anchor of its section on the page}.
    """
    with_calculator = several_calculators(results.rows)
    with_significance = has_significances(results.rows)
    for row in results.rows:
        limits = results.limits_of(row)
        status = parse_statuses(row["status"])
        bounds = (
            {name: entry.bound for name, entry in zip(LIMIT_COLUMNS, limits.entries(), strict=True)} if limits else {}
        )
        yield {
            "scan": scan_of(row, with_calculator),
            "anchor": anchors.get((row["analysis"], row["signal"])),
            "limits": [_format_limit(row, name, status[name], bounds.get(name)) for name in LIMIT_COLUMNS],
            "best": best_fit(row),
            "significance": significance(row) if with_significance else None,
            "gof": number(row["gof_p_value"], 2),
            "poor": bool(row["gof_p_value"]) and float(row["gof_p_value"]) < POOR_FIT,
            "cls": [number(row[name]) for name in ("CLs_obs", "CLs_exp")],
            "reason": "; ".join(filter(None, (row["reason"], row.get("warning")))),
            **_status_badge(row),
        }


def _format_limit(row: dict[str, str], name: str, status: str, bound: float | None) -> str:
    """Format a limit, or the end of the scan beyond which it lies."""
    if not row[name] and bound is not None and status in SIGNS:
        return f"{SIGNS[status]} {bound:.4g}"
    return with_error(row, name)


def _status_badge(row: dict[str, str]) -> dict[str, str]:
    """Return the worst status of the six limits and its severity."""
    status = worst_status(row)
    kinds = {"fit_failed": FAILED, BLINDED: NOTE, "ok": "ok"}
    return {"status": status, "kind": kinds.get(status, WARNING)}


def toy_cells(row: dict[str, str]) -> list[str]:
    """Return the cells of a row of toybased.csv: a limit from toys beside the asymptotic one."""
    return [
        scan_name(row["analysis"], row["signal"]),
        row["limit"].replace("_", " "),
        row["status"],
        number(row["toybased"]) + (f" ± {number(row['error'], 2)}" if row["error"] else ""),
        number(row["asymptotics"]),
        number(row["ratio"], 3) + (f" ± {number(row['ratio_error'], 2)}" if row["ratio_error"] else ""),
        number(row["for_exclusion"]),
        number(row["against_exclusion"]),
    ]


def grid_point_cells(row: dict[str, str], names: list[str], numbers: list[str], significances: list[str]) -> dict:
    """Return the cells of a row of points.csv.

    Args:
        row: a point of a grid of signals.
        names: columns that identify the point.
        numbers: columns with results.
        significances: kinds of Z that are shown after them, "obs" or "exp".
    """
    return {
        "names": [row[name] for name in names],
        "numbers": [
            *(number(row[name]) for name in numbers),
            *(z_or_bound(row, kind) for kind in significances),
        ],
        "answers": [ANSWERS.get(row[name], NOTHING) for name in ("excluded", "expected_excluded")],
        "reason": row["reason"],
        **_status_badge(row),
    }
