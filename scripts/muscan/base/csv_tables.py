"""CSV files of users: a header, rows of as many cells, and a message with file, line and column about what is wrong."""

import csv
import io
import math
from pathlib import Path

from muscan.base.errors import InputError, Problems
from muscan.base.json_input import check_regular
from muscan.base.words import listed, shortened

LARGEST = 50_000_000  # bytes
Row = tuple[int, dict[str, str]]  # the number of its last line, and its cells by column


def read_text(path: str | Path) -> str:
    """A file in UTF-8, with or without a byte order mark.

    Raises:
        InputError: if it is missing, too large or something else than text.
    """
    check_regular(path)
    try:
        if Path(path).stat().st_size > LARGEST:
            raise InputError(f"{path}: has more than {LARGEST / 1e6:g} MB")
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not text in UTF-8: byte {error.start + 1} of the file; save it as UTF-8") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError(f"{path}, line {line}: not text: there are zero bytes")
    return text


def table(
    path: str | Path, text: str, required: tuple[str, ...], hints: dict[str, str] | None = None
) -> tuple[list[str], list[Row]]:
    """Names of the columns, and all rows that are not empty.

    Args:
        path: for messages.
        text: of the file.
        required: columns that it must have.
        hints: what to say if a column alone is missing.

    Raises:
        InputError: if columns are missing or have one name, or a row has another number of cells.
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
                problems.note(f"{path}, line {reader.line_num}: {what}")
            rows.append((reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=False))))
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: not CSV: {error}; is a quotation mark open?") from error
    problems.end()
    return header, rows


def _check_header(path: str | Path, header: list[str], required: tuple[str, ...], hints: dict[str, str]) -> None:
    missing = [name for name in required if name not in header]
    twice = [name for name in dict.fromkeys(header) if header.count(name) > 1] if not missing else []
    if missing or twice:
        what = f"lacks the column {', '.join(missing)}" if missing else f"has two columns of one name, {twice[0]!r}"
        reads = ",".join(header)
        separators = "" if len(header) > 1 else "; cells are separated by commas"
        hint = f"; {hints[missing[0]]}" if len(missing) == 1 and missing[0] in hints else ""
        raise InputError(f"{path}: the header line {what}; it reads {shortened(reads)!r}{separators}{hint}")


def number(path: str | Path, row: Row, column: str) -> float:
    """A cell as a finite number.

    Raises:
        InputError: naming line and column.
    """
    line, cells = row
    try:
        value = float(cells[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        cell = shortened(cells[column])
        raise InputError(f"{path}, line {line}, column {shortened(column)}: {cell!r} is not a finite number")
    return value


def numbers(path: str | Path, rows: list[Row], column: str, problems: Problems) -> list[float]:
    """The cells of a column as finite numbers; nan where one is not, which is noted."""
    found = []
    for row in rows:
        value = math.nan
        with problems.noted():
            value = number(path, row, column)
        found.append(value)
    return found


def columns(names: list[str]) -> str:
    """Names of columns, the first of many."""
    return listed([shortened(name) for name in names])
