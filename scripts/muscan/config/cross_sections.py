"""Read and check tables of predicted cross sections; no limits are needed, so it is done before a run."""

from collections.abc import Iterable, Iterator

from muscan.base import csv_tables
from muscan.base.csv_tables import Row
from muscan.base.errors import InputError
from muscan.base.words import join_items

VALUES = ("cross_section", "cross_section_error")
MOST = 5  # problems of a file in a message


def read(path: str, labels: list[str]) -> tuple[list[str], list[Row]]:
    """Read a table: the columns that say to which points a row belongs, and the rows, with numbers except for `signal`.

    Args:
        path: of a CSV file.
        labels: of the signals, as columns.

    Raises:
        InputError: if columns are missing or unknown, a number is not one, or a row stands twice; all such rows.
    """
    header, rows = csv_tables.parse_table(path, csv_tables.read_text(path), ())
    keys = [name for name in header if name not in VALUES]
    missing = [name for name in VALUES if name not in header]
    unknown = [name for name in keys if name not in ("signal", *labels)]
    if missing or unknown or not keys:
        raise InputError(
            f"{path}: needs the columns {', '.join(VALUES)}, and `signal` or some of the labels ({', '.join(labels)}); "
            f"has {csv_tables.join_column_names(header)}"
        )
    known, problems = [], []
    for row in rows:
        try:
            known.append((row[0], _numbers(path, row)))
        except InputError as error:
            problems.append(str(error))
    problems += _problems(path, keys, known)
    if problems:
        raise InputError(join_items(problems, MOST, "; "))
    return keys, known


def check(path: str, labels: list[str], points: list[dict]) -> None:
    """Check a table for the points of a grid.

    Args:
        path, labels: as in `read`.
        points: values of the labels of each signal, and its name as `signal`.

    Raises:
        InputError: as `read` does, or if no row belongs to a point.
    """
    keys, rows = read(path, labels)
    if not any(all(_same(point.get(key), row[key]) for key in keys) for _, row in rows for point in points):
        first = place(rows[0][1], keys) if rows else "missing"
        point = place(points[0], [key for key in keys if key in points[0]])
        raise InputError(
            f"{path}: no row belongs to a point of the grid: the first row is {first}, the first point {point}"
        )


def place(row: dict, keys: Iterable[str]) -> str:
    """Return in words to which points a row belongs, such as "m1 = 100"."""
    return ", ".join(f"{key} = {row[key]:g}" if isinstance(row[key], int | float) else str(row[key]) for key in keys)


def _same(label: float | str | None, cell: float | str) -> bool:
    """Return whether the cell of a row is the value of a label; a patch set may have numbers as text."""
    if isinstance(cell, str):
        return label == cell
    try:
        return label is not None and float(label) == cell
    except ValueError:
        return False


def _numbers(path: str, row: Row) -> dict:
    return {
        name: cell if name == "signal" else csv_tables.parse_number(path, row, name) for name, cell in row[1].items()
    }


def _problems(path: str, keys: list[str], rows: list[Row]) -> Iterator[str]:
    seen = set()
    for line, row in rows:
        key = tuple(row[name] for name in keys)
        if key in seen:
            yield f"{path}, line {line}: a row stands twice: {place(row, keys)}"
        seen.add(key)
        if row["cross_section"] <= 0 or row["cross_section_error"] < 0:
            yield f"{path}, line {line}: the cross section or its error is not positive: {place(row, keys)}"
