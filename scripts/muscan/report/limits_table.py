"""The table of limits in the terminal, and the most important findings below it."""

from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from muscan.base.words import join_items, printable_text
from muscan.config.signals import scan_name
from muscan.records.limits import BLINDED
from muscan.report.run_findings import FAILED, NOTE, WARNING, collect_findings, read_fits, read_limits
from muscan.report.summary import describe_all_clear, summary_lines
from muscan.results.measurements import FAILED_MEASUREMENTS, has_other_failures
from muscan.results.table_rows import (
    POINTS,
    best_fit,
    has_significances,
    number,
    read_table,
    scan_of,
    several_calculators,
    significance,
    with_error,
    worst_status,
)

STYLES = {FAILED: "red", WARNING: "yellow", NOTE: ""}  # of rich, by severity


def limits_table(rows: list[dict[str, str]]) -> Table:
    """Make a table with the limits, the best fit, the goodness of fit and the status of every scan.

    If any row has the significance Z of an excess, there is a column for it.

    Args:
        rows: of limits.csv.
    """
    levels = sorted({f"{float(row['confidence_level']):.4g}" for row in rows})
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=f"Upper limits on mu at confidence level {', '.join(levels)}"
    )
    table.add_column("scan", overflow="fold", min_width=12)
    with_z = has_significances(rows)
    for name in ("observed", "expected (-1, +1 sigma)", "mu_hat", *["Z"] * with_z, "GoF p"):
        table.add_column(name, justify="right")
    table.add_column("status")
    with_calculator = several_calculators(rows)
    for row in rows:
        table.add_row(
            Text(printable_text(scan_of(row, with_calculator))),
            with_error(row, "observed_limit"),
            f"{with_error(row, 'expected')} ({number(row['expected_m1'])}, {number(row['expected_p1'])})",
            best_fit(row),
            *[significance(row)] * with_z,
            number(row["gof_p_value"], digits=2),
            worst_status(row),
        )
    return table


def describe_failures(rows: list[dict[str, str]]) -> list[str]:
    """Describe the scans in which something failed, one text for all signals that failed for the same reason.

    Args:
        rows: of limits.csv.
    """
    signals_by_failure: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        failures = [f"{row['status']} ({row['reason']})"] * ("fit_failed" in row["status"])
        failures += [row[FAILED_MEASUREMENTS]] if has_other_failures(row) else []
        for failure in failures:
            signals_by_failure.setdefault((row["analysis"], failure), []).append(row["signal"])
    return [
        printable_text(f"{scan_name(analysis, join_items(signals, 3))}: {failure}")
        for (analysis, failure), signals in signals_by_failure.items()
    ]


def list_important_findings(rows: list[dict[str, str]], folder: Path) -> list[Table | Text]:
    """List the most important findings for the terminal; without any, say what was examined.

    Args:
        rows: of limits.csv.
        folder: the results.
    """
    findings = collect_findings(rows, read_fits(folder, rows), read_limits(folder, rows))
    lines = summary_lines(findings)
    if not lines:
        return [Text(f"Nothing needs attention: {describe_all_clear(findings)}.")]
    table = Table.grid(padding=(0, 1, 0, 0))
    for severity, line in lines:
        table.add_row("  -", Text(line, style=STYLES[severity]))
    return [Text("Check first:", style="bold"), table]


def grid_summary(points: Path) -> str:
    """Say how many points of a grid of signals are excluded, and where the results of the grid are.

    Args:
        points: points.csv of the grid.
    """
    rows = read_table(points, POINTS)
    excluded, expected = (sum(row[name] == "True" for row in rows) for name in ("excluded", "expected_excluded"))
    blind = any(row["status"].startswith(BLINDED) for row in rows)
    unknown = sum(not row["expected_excluded" if blind else "excluded"] for row in rows)
    if blind:
        counts = f"{expected} of {len(rows)} points expected to be excluded (blinded)"
    else:
        counts = f"{excluded} of {len(rows)} points excluded, {expected} expected"
    without = f", {unknown} without a number" if unknown else ""
    return f"Grid {points.parent.name}: {counts}{without}: {points.parent}/"
