"""Rows of limits.csv and points.csv as text: how they are read, and how their numbers are shown."""

import csv
from pathlib import Path

from muscan.base import seals
from muscan.config.signals import scan_name
from muscan.records.columns import parse_statuses
from muscan.records.limits import BLINDED

NOTHING = "–"


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a table.

    Raises:
        BrokenResult: if it is not what was written.
    """
    seals.require_intact(path)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def number(text: str, digits: int = 4) -> str:
    return f"{float(text):.{digits}g}" if text else NOTHING


def with_error(row: dict[str, str], name: str) -> str:
    """A limit, and its statistical error if it has one."""
    error = row.get(f"{name}_error")
    return number(row[name]) + (f" ± {number(error, 2)}" if error else "")


def best_fit(row: dict[str, str]) -> str:
    """mu_hat and its error, which it does not have at a bound."""
    best = number(row["mu_hat"])
    if row["mu_hat_error"]:
        return f"{best} ± {number(row['mu_hat_error'], 2)}"
    return f"{best} (bound)" if row["mu_hat_at_bound"] == "True" else best


def several_calculators(rows: list[dict[str, str]]) -> bool:
    return len({row["calculator"] for row in rows}) > 1


def scan_of(row: dict[str, str], with_calculator: bool) -> str:
    """How people call the scan of a row of limits.csv."""
    return scan_name(row["analysis"], row["signal"]) + (f" / {row['calculator']}" if with_calculator else "")


def is_blinded(row: dict[str, str]) -> bool:
    """Whether the observed limit of a row of limits.csv is kept from view."""
    return parse_statuses(row["status"])["observed_limit"] == BLINDED


def worst_status(row: dict[str, str]) -> str:
    """The worst of the statuses of the six limits of a row of limits.csv; `blinded` only if there is none but `ok`."""
    found = list(parse_statuses(row["status"]).values())
    worse = [status for status in found if status not in ("ok", BLINDED)]
    return (
        "fit_failed" if "fit_failed" in worse else (worse or [each for each in found if each == BLINDED] or ["ok"])[0]
    )
