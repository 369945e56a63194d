"""Histograms of a data set: templates and observed counts per channel, and the CSV file they travel in."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from muscan.base import seals
from muscan.base.csv_tables import Row, numbers, read_text, table
from muscan.base.errors import InputError, Problems
from muscan.base.files import read_result, write_text
from muscan.base.words import WITHOUT_OBSERVED, shortened, told_apart
from muscan.diagnosis.findings import Finding
from muscan.inputs import bin_edges

PLACES, OBSERVED = ("channel", "bin_low", "bin_high"), "observed"  # columns that are no templates
DEFAULT_CHANNEL = "channel"


@dataclass(frozen=True)
class Histograms:
    """Columns of numbers over the bins of each channel.

    Attributes:
        edges: {channel: bin edges, shape (nbins + 1,)}.
        columns: {channel: {column: shape (nbins,)}}; the column `observed` holds the data, the others are templates.
        findings: what was left out or changed when they were read.
    """

    edges: dict[str, np.ndarray]
    columns: dict[str, dict[str, np.ndarray]]
    findings: tuple[Finding, ...] = ()


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
    header, rows = _rows(path, [OBSERVED] if observed else [])
    edges, columns = {}, {}
    templates = [name for name in header if name not in PLACES and (observed or name != OBSERVED)]
    problems = Problems()
    for channel, mine in _by_channel(rows).items():
        edges[channel] = _edges(path, mine, problems)
        columns[channel] = {
            name: np.array(numbers(path, mine, name, problems))
            for name in templates
            if any(cells[name] for _, cells in mine)
        }
        if observed and OBSERVED not in columns[channel]:
            problems.note(f"{path}: channel {shortened(channel)!r} has no observed counts; {WITHOUT_OBSERVED}")
        for (line, _), count in zip(mine, columns[channel].get(OBSERVED, ()), strict=False):
            if count < 0:
                problems.note(f"{path}, line {line}, column observed: {count:g} is negative")
    problems.end()
    return Histograms(edges, columns)


def _rows(path: str | Path, more: list[str]) -> tuple[list[str], list[Row]]:
    seals.check(path)
    text = read_text(path)
    if text.startswith("{"):
        read_result(path)  # raises the failure that an earlier step left here
    header, rows = table(path, text, ("bin_low", "bin_high", *more), {OBSERVED: WITHOUT_OBSERVED})
    if not rows:
        raise InputError(f"{path}: no bins: there is nothing but a header")
    return header, rows


def _by_channel(rows: list[Row]) -> dict[str, list[Row]]:
    channels: dict[str, list[Row]] = {}
    for row in rows:
        channels.setdefault(row[1].get("channel", DEFAULT_CHANNEL), []).append(row)
    return channels


def _edges(path: str | Path, rows: list[Row], problems: Problems) -> np.ndarray:
    """Edges of the bins of a channel."""
    low, high = (np.array(numbers(path, rows, name, problems)) for name in ("bin_low", "bin_high"))
    ends, begins = np.append(high[:-1], np.inf), np.append(low[1:], np.inf)  # nothing follows the last bin
    apart = np.isfinite(ends + begins) & ~bin_edges.adjacent(low, high)
    for i in np.flatnonzero((low >= high) | apart):
        end, begin = told_apart(high[i], begins[i])
        found = f"this one is from {low[i]:g} to {end}" + (f", the next from {begin}" if low[i] < high[i] else "")
        message = f"bins must follow one another without gaps, low edge first; {found}"
        problems.note(f"{path}, line {rows[i][0]}: {message}")
    return np.array([low[0], *bin_edges.common([high[:-1], low[1:]]), high[-1]])


def _plain(value: float) -> int | float:
    """Whole numbers without a decimal point."""
    return int(value) if float(value).is_integer() else float(value)
