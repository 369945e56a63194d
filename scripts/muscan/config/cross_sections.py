"""Read and check tables of predicted cross sections. Limits are not needed for this, so it is done before a run."""

from collections.abc import Iterable, Iterator

from muscan.base import csv_tables
from muscan.base.csv_tables import Row
from muscan.base.errors import InputError
from muscan.base.words import join_items

VALUES = ("cross_section", "cross_section_error")
MOST = 5  # largest number of problems of a file that a message lists


def read(path: str, labels: list[str]) -> tuple[list[str], list[Row]]:
    """Read a table of cross sections.

    Args:
        path: a CSV file.
        labels: columns that are labels of the signals.

    Returns:
        The columns that identify the points of a row; the rows, each with the number of its line. All cells are
        converted to numbers except those of `signal`.

    Raises:
        InputError: if columns are missing or unknown, a cell is not a number, a cross section is not positive, its
            error is negative, or the row occurs twice; lists all such rows.
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
    parsed, problems = [], []
    for row in rows:
        try:
            parsed.append((row[0], _numbers(path, row)))
        except InputError as error:
            problems.append(str(error))
    problems += _problems(path, keys, parsed)
    if problems:
        raise InputError(join_items(problems, MOST, "; "))
    return keys, parsed


def check(path: str, labels: list[str], points: list[dict]) -> None:
    """Check that a table of cross sections can be used for the points of a grid.

    Args:
        path, labels: as in `read`.
        points: values of the labels of each signal, and its name as `signal`.

    Raises:
        InputError: as `read` does, or if no row belongs to a point.
    """
    keys, rows = read(path, labels)
    if not any(all(_matches(point.get(key), row[key]) for key in keys) for _, row in rows for point in points):
        first = describe_row(rows[0][1], keys) if rows else "missing"
        point = describe_row(points[0], [key for key in keys if key in points[0]])
        raise InputError(
            f"{path}: no row belongs to a point of the grid: the first row is {first}, the first point {point}"
        )


def describe_row(row: dict, keys: Iterable[str]) -> str:
    """Describe the points to which a row belongs, such as "m1 = 100"."""
    return ", ".join(f"{key} = {row[key]:g}" if isinstance(row[key], int | float) else str(row[key]) for key in keys)


def _matches(label: float | str | None, cell: float | str) -> bool:
    """Return whether a cell equals the value of a label; in a patch set, numbers may be given as text."""
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
            yield f"{path}, line {line}: the row occurs twice: {describe_row(row, keys)}"
        seen.add(key)
        if row["cross_section"] <= 0 or row["cross_section_error"] < 0:
            what = "the cross section is not positive, or its error is negative"
            yield f"{path}, line {line}: {what}: {describe_row(row, keys)}"
