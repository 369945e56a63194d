"""Print the table of limits in a terminal, and what to look at first.

Reads limits.csv and fit.json of every signal; with --verdict the exit code is 1 if a limit is missing because something
failed.
"""

from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from muscan.base.words import listed, printable
from muscan.config.signals import scan_name
from muscan.records.limits import BLINDED
from muscan.report import summary
from muscan.results.table_rows import (
    best_fit,
    number,
    read_table,
    scan_of,
    several_calculators,
    with_error,
    worst_status,
)

STYLES = {summary.FAILED: "red", summary.WARNING: "yellow", summary.NOTE: ""}


def limits_table(rows: list[dict[str, str]]) -> Table:
    """Observed limit, expected limit with its one-sigma range, best fit and goodness of fit of every scan."""
    levels = sorted({f"{float(row['confidence_level']):.4g}" for row in rows})
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=f"Upper limits on mu at confidence level {', '.join(levels)}"
    )
    table.add_column("scan", overflow="fold", min_width=12)
    for name in ("observed", "expected (-1, +1 sigma)", "mu_hat", "GoF p"):
        table.add_column(name, justify="right")
    table.add_column("status")
    with_calculator = several_calculators(rows)
    for row in rows:
        table.add_row(
            Text(printable(scan_of(row, with_calculator))),
            with_error(row, "observed_limit"),
            f"{with_error(row, 'expected')} ({number(row['expected_m1'])}, {number(row['expected_p1'])})",
            best_fit(row),
            number(row["gof_p_value"], digits=2),
            worst_status(row),
        )
    return table


def failures(rows: list[dict[str, str]]) -> list[str]:
    """What the user should know of scans in which something failed; signals that failed alike are one line."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        if "fit_failed" in row["status"]:
            alike.setdefault((row["analysis"], row["status"], row["reason"]), []).append(row["signal"])
    return [
        printable(f"{scan_name(analysis, listed(signals, 3))}: {status} ({reason})")
        for (analysis, status, reason), signals in alike.items()
    ]


def look_at_first(rows: list[dict[str, str]], folder: Path) -> list[Table | Text]:
    """The findings in a few lines, or what was looked at if there are none."""
    found = summary.findings(rows, summary.read_fits(folder, rows), summary.read_limits(folder, rows))
    lines = summary.brief(found)
    if not lines:
        return [Text(f"Nothing to look at first: {summary.fine(found)}.")]
    table = Table.grid(padding=(0, 1, 0, 0))
    for how, line in lines:
        table.add_row("  -", Text(line, style=STYLES[how]))
    return [Text("Look at first:", style="bold"), table]


def grid_summary(points: Path) -> str:
    """How many points of a grid of signals are excluded, and where its pictures are."""
    rows = read_table(points)
    number = {name: sum(row[name] == "True" for row in rows) for name in ("excluded", "expected_excluded")}
    blind = any(row["status"].startswith(BLINDED) for row in rows)
    unknown = sum(not row["expected_excluded" if blind else "excluded"] for row in rows)
    without = f", {unknown} without a number" if unknown else ""
    excluded = "" if blind else f"{number['excluded']} of {len(rows)} points excluded, "
    expected = f"{number['expected_excluded']} {f'of {len(rows)} points ' if blind else ''}expected"
    blinded = " to be excluded (blinded)" if blind else ""
    return f"Grid {points.parent.name}: {excluded}{expected}{blinded}{without}: {points.parent}/"
