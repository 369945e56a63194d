"""Rows of limits.csv and points.csv as text: reading them, and formatting their numbers."""

import csv
from pathlib import Path

from muscan.base import seals
from muscan.config.signals import scan_name
from muscan.records.columns import parse_statuses
from muscan.records.limits import BLINDED

NOTHING = "–"  # shown for a missing number


def read_table(path: Path) -> list[dict[str, str]]:
    """Read the rows of a table.

    Raises:
        BrokenResult: if the file was changed after it was written.
    """
    seals.require_intact(path)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def number(text: str, digits: int = 4) -> str:
    """Return the number of a cell with some significant digits; a dash for an empty cell."""
    return f"{float(text):.{digits}g}" if text else NOTHING


def with_error(row: dict[str, str], name: str) -> str:
    """Return a limit, with its statistical error if it has one."""
    error = row.get(f"{name}_error")
    return number(row[name]) + (f" ± {number(error, 2)}" if error else "")


def best_fit(row: dict[str, str]) -> str:
    """Return mu_hat and its error; without an error at a bound."""
    best = number(row["mu_hat"])
    if row["mu_hat_error"]:
        return f"{best} ± {number(row['mu_hat_error'], 2)}"
    return f"{best} (bound)" if row["mu_hat_at_bound"] == "True" else best


def several_calculators(rows: list[dict[str, str]]) -> bool:
    """Return whether the rows are of more than one calculator."""
    return len({row["calculator"] for row in rows}) > 1


def scan_of(row: dict[str, str], with_calculator: bool) -> str:
    """Return the name of the scan of a row of limits.csv, as it is shown to users."""
    return scan_name(row["analysis"], row["signal"]) + (f" / {row['calculator']}" if with_calculator else "")


def is_blinded(row: dict[str, str]) -> bool:
    """Return whether the observed limit of a row of limits.csv is blinded."""
    return parse_statuses(row["status"])["observed_limit"] == BLINDED


def worst_status(row: dict[str, str]) -> str:
    """Return the worst status of the six limits of a row of limits.csv.

    That is `fit_failed`, if it occurs; otherwise the first status that is neither `ok` nor `blinded`; otherwise
    `blinded`, if it occurs; otherwise `ok`.
    """
    statuses = list(parse_statuses(row["status"]).values())
    if "fit_failed" in statuses:
        return "fit_failed"
    problems = [status for status in statuses if status not in ("ok", BLINDED)]
    return problems[0] if problems else BLINDED if BLINDED in statuses else "ok"
