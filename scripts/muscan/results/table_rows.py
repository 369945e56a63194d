"""Rows of limits.csv and points.csv as text: reading them, and formatting their numbers."""

import csv
from pathlib import Path
from statistics import NormalDist

from muscan.base import seals
from muscan.base.errors import WrongFileError
from muscan.base.json_input import require_regular_file
from muscan.base.words import join_items, shorten
from muscan.config.signals import scan_name
from muscan.records.columns import CLS_COLUMNS, FIT_COLUMNS, LIMIT_COLUMNS, parse_statuses
from muscan.records.limits import BLINDED

NOTHING = "–"  # shown for a missing number


LIMITS, POINTS, TOYS = "limits", "signal points", "limits from toys"  # the kinds of tables, as messages name them
_LIMITS_NUMBERS = ("confidence_level", *LIMIT_COLUMNS)
# By kind: the columns that a table must have, and those of them whose cells are numbers or empty.
COLUMNS = {
    LIMITS: (("analysis", "signal", "calculator", "status", *FIT_COLUMNS, "reason"), _LIMITS_NUMBERS),
    POINTS: (
        ("signal", "analysis", "calculator", "status", "unit", "excluded", "expected_excluded"),
        (*_LIMITS_NUMBERS, *CLS_COLUMNS, "cross_section", "cross_section_error"),
    ),
    TOYS: (("analysis", "signal", "limit", "status"), ("toybased", "error", "asymptotics", "ratio", "ratio_error")),
}


def read_table(path: str | Path, kind: str = LIMITS) -> list[dict[str, str]]:
    """Read the rows of a table.

    Args:
        path: a CSV file.
        kind: of the table, a key of COLUMNS.

    Raises:
        InputError: if there is no such file.
        WrongFileError: if it is not a table of this kind.
        BrokenResult: if it was changed after it was written.
    """
    seals.require_intact(path)
    require_regular_file(path)
    wrong = f"{path} is not a table of {kind}"
    texts, numbers = COLUMNS[kind]
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            header, rows = reader.fieldnames or [], list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise WrongFileError(f"{wrong}: {error}") from error
    missing = [repr(name) for name in (*texts, *numbers) if name not in header]
    if missing:
        raise WrongFileError(f"{wrong}: it lacks the column{'s' * (len(missing) > 1)} {join_items(missing, 3)}")
    for place, row in enumerate(rows, 1):
        if None in row or None in row.values():
            raise WrongFileError(f"{wrong}: row {place} does not have {len(header)} cells, as the header has")
        for name in numbers:
            if not _is_number(row[name]):
                cell = shorten(row[name])
                raise WrongFileError(f"{wrong}: row {place}, column {name!r}: {cell!r} is not a number")
    return rows


def _is_number(cell: str) -> bool:
    """Return whether a cell is a number or empty."""
    try:
        float(cell or 0)
    except ValueError:
        return False
    return True


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


def has_significances(rows: list[dict[str, str]]) -> bool:
    """Return whether the significance of an excess was asked for in any row."""
    return any(row.get("p0_status") for row in rows)


def z_of(p0: float) -> float:
    """Return the significance Z of a p-value between 0 and 1 (arXiv:1007.1727, equation (1))."""
    return -NormalDist().inv_cdf(p0)


def significance(row: dict[str, str]) -> str:
    """Return the observed significance Z of a row, or a lower bound of it; without any, the expected one for mu = 1."""
    observed, expected = (z_or_bound(row, kind) for kind in ("obs", "exp"))
    if observed != NOTHING or expected == NOTHING:
        return observed
    return f"{expected} (exp.)"


def z_or_bound(row: dict[str, str], kind: str) -> str:
    """Return the significance Z of a row, or a lower bound of it; a dash if there is neither.

    Args:
        row: of limits.csv or points.csv.
        kind: "obs" or "exp".
    """
    if z := row.get(f"Z_{kind}"):
        return f"{float(z):.2f}"
    bound = row.get(f"p0_{kind}_bound")
    return f"> {z_of(float(bound)):.2f}" if bound else NOTHING


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
