"""Compare the limits from toys with the asymptotic ones.

Reads limits.json of every scan with toys, writes toybased.csv, one row per limit, and the same as Markdown.
"""

from pathlib import Path
from urllib.parse import unquote

from muscan.base.files import read_result
from muscan.config.scans import scans_in
from muscan.config.settings import TOYBASED
from muscan.records.columns import LIMIT_COLUMNS
from muscan.records.limits import Limits
from muscan.results.tables import TableSettings, with_labels, write_table

NUMBERS = ["toybased", "error", "asymptotics", "ratio", "ratio_error", "for_exclusion", "against_exclusion"]


def rows(results: Path, scan: str) -> list[dict]:
    """The six limits of a scan; the asymptotic ones have no statistical error."""
    analysis, signal, _ = scan.split("/")
    limits = Limits.from_json(read_result(results / scan / "limits.json"))
    asymptotic = limits.asymptotic_limits()
    others = [None] * 6 if asymptotic is None else [value for value, *_ in asymptotic.entries()]
    with_failed = [_six((limits.failed_toys or {}).get(name)) for name in NUMBERS[-2:]]
    found = []
    for i, (name, (value, status, _, _)) in enumerate(zip(LIMIT_COLUMNS, limits.entries(), strict=True)):
        error, other = limits.limit_errors()[i], others[i]
        both = value is not None and other
        numbers = (value, error, other, value / other if both else None, error / other if both else None)
        found.append(
            {"analysis": analysis, "signal": unquote(signal), "limit": name, "status": status}
            | dict(zip(NUMBERS, (*numbers, *(values[i] for values in with_failed)), strict=True))
        )
    return found


def _six(values: dict | None) -> list[float | None]:
    return [values["observed_limit"], *values["expected_limit"]] if values else [None] * 6


def compare_calculators(csv: str, markdown: str, settings: TableSettings) -> None:
    """Write the limits of all scans with toys beside the asymptotic ones as a CSV file, and the same as Markdown."""
    scans = [scan for scan in scans_in(settings.outline) if scan.endswith(f"/{TOYBASED}")]
    found = [row for scan in scans for row in rows(Path(settings.results), scan)]
    write_table(csv, markdown, with_labels(found, NUMBERS, settings.outline))
