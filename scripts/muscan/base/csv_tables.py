"""Read CSV files of users: a header, and rows with one cell per column; errors name the file, line and column."""

import csv
import io
import math
import re
from pathlib import Path

from muscan.base.errors import InputError, Problems
from muscan.base.json_input import require_regular_file
from muscan.base.words import join_items, shorten

LARGEST = 50_000_000  # largest size of a file in bytes
DECIMAL_POINT = "; write numbers with a decimal point, not a comma"
Row = tuple[int, dict[str, str]]  # number of the last line of the row, and its cells by column


def read_text(path: str | Path) -> str:
    """Read a text file in UTF-8, with or without a byte order mark.

    Raises:
        InputError: if the file is missing, too large or not text.
    """
    require_regular_file(path)
    try:
        if Path(path).stat().st_size > LARGEST:
            raise InputError(f"{path}: has more than {LARGEST / 1e6:g} MB")
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not text in UTF-8 (byte {error.start + 1}); save the file as UTF-8") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError(f"{path}, line {line}: not a text file: it contains zero bytes")
    return text


def parse_table(
    path: str | Path, text: str, required: tuple[str, ...], hints: dict[str, str] | None = None
) -> tuple[list[str], list[Row]]:
    """Split the text of a CSV file into its column names and its rows.

    Args:
        path: the file, for messages.
        text: its content.
        required: columns that the table must have.
        hints: by column, a hint that is added to the message if only this column is missing.

    Returns:
        the column names and all rows that are not empty.

    Raises:
        InputError: if required columns are missing, two columns have the same name, or a row has more or fewer cells
            than there are columns.
    """
    if not text.strip():
        raise InputError(f"{path}: the file is empty")
    reader = csv.reader(io.StringIO(text))
    rows: list[Row] = []
    problems = Problems()
    try:
        header = [cell.strip() for cell in next(reader, [])]
        _check_header(path, header, required, hints or {})
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                what = f"{len(cells)} cells, but the header has {len(header)}"
                hint = DECIMAL_POINT if len(cells) > len(header) else ""
                problems.add(f"{path}, line {reader.line_num}: {what}{hint}")
            rows.append((reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=False))))
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: not CSV: {error}; is a quotation mark open?") from error
    problems.raise_if_any()
    return header, rows


def _check_header(path: str | Path, header: list[str], required: tuple[str, ...], hints: dict[str, str]) -> None:
    missing = [name for name in required if name not in header]
    twice = [name for name in dict.fromkeys(header) if header.count(name) > 1] if not missing else []
    if missing or twice:
        lacks = f"lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}"
        what = lacks if missing else f"has two columns with the same name, {twice[0]!r}"
        content = shorten(",".join(header))
        separators = "" if len(header) > 1 else "; cells are separated by commas"
        hint = f"; {hints[missing[0]]}" if len(missing) == 1 and missing[0] in hints else ""
        raise InputError(f"{path}: the header line {what}; it reads {content!r}{separators}{hint}")


def parse_number(path: str | Path, row: Row, column: str) -> float:
    """Convert a cell to a finite number.

    Args:
        path: the file, for messages.
        row: the row of the cell.
        column: the column of the cell.

    Raises:
        InputError: if the cell is not a finite number; names the line and the column.
    """
    line, cells = row
    try:
        value = float(cells[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        cell = shorten(cells[column])
        hint = DECIMAL_POINT if re.fullmatch(r"[-+]?\d+,\d+", cell) else ""
        raise InputError(f"{path}, line {line}, column {shorten(column)}: {cell!r} is not a finite number{hint}")
    return value


def parse_column(path: str | Path, rows: list[Row], column: str, problems: Problems) -> list[float]:
    """Convert the cells of a column to finite numbers.

    Args:
        path: the file, for messages.
        rows: the rows of the table.
        column: the name of the column.
        problems: cells that are not finite numbers are added to it.

    Returns:
        one number per row; nan for a cell that is not a finite number.
    """
    values = []
    for row in rows:
        value = math.nan
        with problems.collect():
            value = parse_number(path, row, column)
        values.append(value)
    return values


def join_column_names(names: list[str]) -> str:
    """Join column names for a message; long names are cut, and of many names only the first ones are given."""
    return join_items([shorten(name) for name in names])
