"""Histograms of a data set: templates and observed counts per channel, and the CSV file they travel in."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import seals
from files import read_result, write_text
from inference.errors import InputError

DEFAULT_CHANNEL = "channel"


@dataclass(frozen=True)
class Histograms:
    """Columns of numbers over the bins of each channel.

    Attributes:
        edges: {channel: bin edges, shape (nbins + 1,)}.
        columns: {channel: {column: shape (nbins,)}}; the column `observed` holds the data, the others are templates.
    """

    edges: dict[str, np.ndarray]
    columns: dict[str, dict[str, np.ndarray]]


def write_histograms(path: str | Path, histograms: Histograms) -> None:
    """Write CSV with the columns [channel,] bin_low, bin_high, templates, observed."""
    named = list(histograms.edges) != [DEFAULT_CHANNEL]
    names = list(dict.fromkeys(column for columns in histograms.columns.values() for column in columns))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["channel"] * named + ["bin_low", "bin_high", *names])
    for channel, columns in histograms.columns.items():
        edges = histograms.edges[channel]
        for i in range(len(edges) - 1):
            cells = [_plain(columns[name][i]) if name in columns else "" for name in names]
            writer.writerow([channel] * named + [float(edges[i]), float(edges[i + 1]), *cells])
    write_text(path, text.getvalue())


def read_histograms(path: str | Path, observed: bool = True) -> Histograms:
    """Read CSV as `write_histograms` writes it; an empty cell means that the channel lacks the column.

    Args:
        path: of the file.
        observed: whether to read the observed counts; otherwise the file need not have them.

    Raises:
        InputError: naming file, line and column of what is wrong.
    """
    rows, header = _rows(path, observed)
    channels = list(dict.fromkeys(row.get("channel", DEFAULT_CHANNEL) for _, row in rows))
    edges, columns = {}, {}
    for channel in channels:
        mine = [(line, row) for line, row in rows if row.get("channel", DEFAULT_CHANNEL) == channel]
        lows = [_number(path, line, row, "bin_low") for line, row in mine]
        highs = [_number(path, line, row, "bin_high") for line, row in mine]
        for (line, _), low, high, next_low in zip(mine, lows, highs, [*lows[1:], highs[-1]], strict=True):
            if not low < high or high != next_low:
                raise InputError(f"{path}, line {line}: bins must follow one another without gaps, low edge first")
        edges[channel] = np.array([*lows, highs[-1]])
        templates = [
            name for name in header if name not in ("channel", "bin_low", "bin_high", *["observed"] * (not observed))
        ]
        columns[channel] = {
            name: np.array([_number(path, line, row, name) for line, row in mine])
            for name in templates
            if any(row[name] for _, row in mine)
        }
        if not observed:
            continue
        if "observed" not in columns[channel]:
            raise InputError(f"{path}: channel {channel!r} has no observed counts")
        for (line, _), count in zip(mine, columns[channel]["observed"], strict=True):
            if count < 0:
                raise InputError(f"{path}, line {line}, column observed: {count:g} is negative")
    return Histograms(edges, columns)


def _rows(path: str | Path, observed: bool) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    seals.check(path)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file: {error}") from error
    if text.startswith("{"):
        read_result(path)  # raises the failure that an earlier step left here
    reader = csv.reader(io.StringIO(text))
    header = [cell.strip() for cell in next(reader, [])]
    missing = [name for name in ("bin_low", "bin_high", *["observed"] * observed) if name not in header]
    if missing or len(set(header)) < len(header):
        what = f"lacks the column {', '.join(missing)}" if missing else "has two columns of one name"
        separators = "" if len(header) > 1 else "; cells are separated by commas"
        raise InputError(f"{path}: the header line {what}; it reads {','.join(header)!r}{separators}")
    rows = []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise InputError(f"{path}, line {reader.line_num}: {len(cells)} cells, but the header has {len(header)}")
        rows.append((reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
    if not rows:
        raise InputError(f"{path}: no bins")
    return rows, header


def _number(path: str | Path, line: int, row: dict[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise InputError(f"{path}, line {line}, column {column}: {row[column]!r} is not a finite number")
    return value


def _plain(value: float) -> int | float:
    """Whole numbers without a decimal point."""
    return int(value) if float(value).is_integer() else float(value)
