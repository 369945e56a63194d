"""Histograms of a data set, templates and observed events by channel, and histograms.csv in which they are stored."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from muscan.base import seals
from muscan.base.csv_tables import Row, parse_column, parse_table, read_text
from muscan.base.errors import InputError, Problems
from muscan.base.files import read_result, write_text
from muscan.base.words import OBSERVED_HINT, format_distinct, shorten
from muscan.diagnosis.findings import Finding
from muscan.inputs import bin_edges

PLACES = ("channel", "bin_low", "bin_high")  # columns that say which bin a row is
OBSERVED = "observed"  # the column of observed events
DEFAULT_CHANNEL = "channel"  # name of the channel if the table has no column of channels


@dataclass(frozen=True)
class Histograms:
    """Columns of numbers over the bins of each channel.

    Attributes:
        edges: {channel: bin edges, shape (nbins + 1,)}.
        columns: {channel: {column: shape (nbins,)}}. The column `observed` holds the observed events, the others are
            templates or their uncertainties and variations.
        findings: what was left out or changed when the histograms were read.
    """

    edges: dict[str, np.ndarray]
    columns: dict[str, dict[str, np.ndarray]]
    findings: tuple[Finding, ...] = ()


def write_histograms(path: str | Path, histograms: Histograms) -> None:
    """Write histograms as CSV with the columns [channel,] bin_low, bin_high, templates and observed.

    A cell is empty if the channel does not have the column.
    """
    with_channels = list(histograms.edges) != [DEFAULT_CHANNEL]
    names = list(dict.fromkeys(column for columns in histograms.columns.values() for column in columns))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["channel"] * with_channels + ["bin_low", "bin_high", *names])
    for channel, columns in histograms.columns.items():
        edges = histograms.edges[channel]
        for i in range(len(edges) - 1):
            cells = [_without_point(columns[name][i]) if name in columns else "" for name in names]
            writer.writerow([channel] * with_channels + [float(edges[i]), float(edges[i + 1]), *cells])
    write_text(path, text.getvalue())


def read_histograms(path: str | Path, observed: bool = True) -> Histograms:
    """Read histograms from CSV as `write_histograms` writes it.

    Args:
        path: the file.
        observed: whether to read the observed events; without, the file need not have them.

    Raises:
        InputError: if the file cannot be used; names the line and the column of each problem.
    """
    header, rows = _read_rows(path, [OBSERVED] if observed else [])
    edges, columns = {}, {}
    names = [name for name in header if name not in PLACES and (observed or name != OBSERVED)]
    problems = Problems()
    for channel, channel_rows in _rows_by_channel(rows).items():
        edges[channel] = _read_edges(path, channel_rows, problems)
        columns[channel] = {
            name: np.array(parse_column(path, channel_rows, name, problems))
            for name in names
            if any(cells[name] for _, cells in channel_rows)
        }
        if observed and OBSERVED not in columns[channel]:
            problems.add(f"{path}: channel {shorten(channel)!r} has no observed counts; {OBSERVED_HINT}")
        for (line, _), count in zip(channel_rows, columns[channel].get(OBSERVED, ()), strict=False):
            if count < 0:
                problems.add(f"{path}, line {line}, column observed: {count:g} is negative")
    problems.raise_if_any()
    return Histograms(edges, columns)


def _read_rows(path: str | Path, more_columns: list[str]) -> tuple[list[str], list[Row]]:
    """Read the column names and the rows of a table that must have `more_columns` besides the edges of the bins."""
    seals.require_intact(path)
    text = read_text(path)
    if text.startswith("{"):
        read_result(path)  # raises the failure of an earlier step, which stands here instead of the table
    header, rows = parse_table(path, text, ("bin_low", "bin_high", *more_columns), {OBSERVED: OBSERVED_HINT})
    if not rows:
        raise InputError(f"{path}: no bins: the table has only a header")
    return header, rows


def _rows_by_channel(rows: list[Row]) -> dict[str, list[Row]]:
    channels: dict[str, list[Row]] = {}
    for row in rows:
        channels.setdefault(row[1].get("channel", DEFAULT_CHANNEL), []).append(row)
    return channels


def _read_edges(path: str | Path, rows: list[Row], problems: Problems) -> np.ndarray:
    """Read the edges of the bins of a channel, shape (nbins + 1,); bins that are not adjacent are problems."""
    low, high = (np.array(parse_column(path, rows, name, problems)) for name in ("bin_low", "bin_high"))
    ends, begins = np.append(high[:-1], np.inf), np.append(low[1:], np.inf)  # nothing follows the last bin
    apart = np.isfinite(ends + begins) & ~bin_edges.bins_meet(low, high)
    for i in np.flatnonzero((low >= high) | apart):
        end, begin = format_distinct(high[i], begins[i])
        bins = f"this one is from {low[i]:g} to {end}" + (f", the next from {begin}" if low[i] < high[i] else "")
        problems.add(f"{path}, line {rows[i][0]}: bins must follow one another without gaps, low edge first; {bins}")
    return np.array([low[0], *bin_edges.representative_edges([high[:-1], low[1:]]), high[-1]])


def _without_point(value: float) -> int | float:
    """Return whole numbers as integers, which are written without a decimal point."""
    return int(value) if float(value).is_integer() else float(value)
