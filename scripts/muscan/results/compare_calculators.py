"""Compare the limits from toys with the asymptotic ones.

Reads limits.json of every scan with toys, writes toybased.csv, one row per limit, and the same table as Markdown.
"""

from pathlib import Path
from urllib.parse import unquote

from muscan.config.scans import scans_in
from muscan.config.settings import TOYBASED
from muscan.records.columns import LIMIT_COLUMNS
from muscan.records.limits import Limits
from muscan.results.tables import TableSettings, with_labels, write_table

NUMBERS = ["toybased", "error", "asymptotics", "ratio", "ratio_error", "for_exclusion", "against_exclusion"]


def limit_rows(results: Path, scan: str) -> list[dict]:
    """Return a row for each of the six limits of a scan.

    Args:
        results: folder of the results.
        scan: `analysis/signal/calculator`.
    """
    analysis, signal, _ = scan.split("/")
    limits = Limits.read(results / scan / "limits.json")
    asymptotic = limits.asymptotic_limits()
    others = [None] * 6 if asymptotic is None else [value for value, *_ in asymptotic.entries()]
    with_failed = [_six((limits.failed_toys or {}).get(name)) for name in NUMBERS[-2:]]
    rows = []
    for i, (name, (value, status, _, _)) in enumerate(zip(LIMIT_COLUMNS, limits.entries(), strict=True)):
        error, other = limits.limit_errors()[i], others[i]
        comparable = value is not None and other
        ratios = (value / other, error / other) if comparable else (None, None)
        numbers = (value, error, other, *ratios)
        rows.append(
            {"analysis": analysis, "signal": unquote(signal), "limit": name, "status": status}
            | dict(zip(NUMBERS, (*numbers, *(values[i] for values in with_failed)), strict=True))
        )
    return rows


def _six(values: dict | None) -> list[float | None]:
    return [values["observed_limit"], *values["expected_limit"]] if values else [None] * 6


def compare_calculators(csv: str, markdown: str, settings: TableSettings) -> None:
    """Write a table that compares limits from toys with asymptotic ones, as a CSV file and as Markdown."""
    scans = [scan for scan in scans_in(settings.outline) if scan.endswith(f"/{TOYBASED}")]
    rows = [row for scan in scans for row in limit_rows(Path(settings.results), scan)]
    write_table(csv, markdown, with_labels(rows, NUMBERS, settings.outline))
