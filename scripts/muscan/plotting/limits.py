"""Compare the limits of all scans in one picture.

Reads limits.csv, writes a PNG and a PDF beside it.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from muscan.config.signals import scan_name
from muscan.plotting import style
from muscan.records.columns import ERROR_COLUMNS, LIMIT_COLUMNS, parse_statuses
from muscan.results.table_rows import read_table

OBSERVED, *EXPECTED = LIMIT_COLUMNS
ERROR = ERROR_COLUMNS[0]
BANDS = ((EXPECTED[0], EXPECTED[4], style.YELLOW), (EXPECTED[1], EXPECTED[3], style.GREEN))
SHORT = dict(zip(LIMIT_COLUMNS, ("observed", "−2σ", "−1σ", "expected", "+1σ", "+2σ"), strict=True))
TALLEST = 26  # largest height of all rows, in inches; more rows get smaller letters


def read_limits(path: str | Path) -> pd.DataFrame:
    """Read the table of limits; only empty cells are missing values, as a signal may be called "NA"."""
    numbers = [*LIMIT_COLUMNS, ERROR, "confidence_level"]
    types = dict.fromkeys(numbers, float) | dict.fromkeys(["analysis", "signal", "calculator", "status"], str)
    read_table(path)  # requires a table of limits
    return pd.read_csv(path, dtype=types, keep_default_na=False, na_values=dict.fromkeys(numbers, ""))


def row_names(table: pd.DataFrame) -> list[str]:
    """Return the name of each row: analysis and signal, with calculator and confidence level if rows differ in them."""
    names = []
    for row in table.itertuples():
        name = scan_name(row.analysis, row.signal)
        marks = [row.calculator] if table["calculator"].nunique() > 1 else []
        marks += [f"{100 * row.confidence_level:.4g} %"] if table["confidence_level"].nunique() > 1 else []
        names.append(style.one_line(name) + (f" ({', '.join(marks)})" if marks else ""))
    return names


def row_text(row: pd.Series) -> str:
    """Return the limits of a row as text, with the reasons why some are missing."""
    status = parse_statuses(row["status"])
    observed, minus, median, plus = (row[name] for name in (OBSERVED, EXPECTED[1], EXPECTED[2], EXPECTED[3]))
    texts = [] if np.isnan(observed) else [style.number(observed)]
    if not np.isnan([minus, median, plus]).any():
        texts.append(f"({style.with_error(median, plus - median, median - minus)})")
    elif not np.isnan(median):
        texts.append(f"({style.number(median)})")
    missing: dict[str, list[str]] = {}
    for name, short in SHORT.items():
        if np.isnan(row[name]):
            missing.setdefault(style.status_words(status[name]), []).append(short)
    if [len(names) for names in missing.values()] == [len(SHORT)]:
        return next(iter(missing))
    return "  ".join(texts + [f"{', '.join(names)} {words}" for words, names in missing.items()])


def draw_row(axes: Axes, y: float, row: pd.Series) -> None:
    """Draw bars, median and observed limit of a row, and an arrow where an end of the bars is outside the scan."""
    status = parse_statuses(row["status"])
    known = row[EXPECTED].dropna().astype(float)
    for low, high, color in BANDS:
        inside = known[[name for name in EXPECTED[EXPECTED.index(low) : EXPECTED.index(high) + 1] if name in known]]
        if len(inside) > 1:
            axes.barh(y, inside.iloc[-1] - inside.iloc[0], left=inside.iloc[0], height=0.62, color=color, linewidth=0)
    if EXPECTED[2] in known:
        axes.plot([known[EXPECTED[2]]] * 2, [y - 0.31, y + 0.31], "--", color="black", linewidth=1.2)
    if not np.isnan(row[OBSERVED]):
        error = np.nan_to_num(row.get(ERROR, 0.0))  # limits from toys have one
        axes.errorbar(row[OBSERVED], y, xerr=error or None, fmt="o", color="black", markersize=4, zorder=5)
    arrow = {"arrowstyle": "<|-", "color": "#404040", "shrinkA": 0, "shrinkB": 1}  # with its head at `xytext`
    for names, outside, end, points in ((EXPECTED[3:], "above_scan", -1, 18), (EXPECTED[:2], "below_scan", 0, -18)):
        if len(known) and any(status[name] == outside for name in names):
            place = {"xy": (known.iloc[end], y), "xytext": (points, 0), "textcoords": "offset points"}
            axes.annotate("", **place, va="center", arrowprops=arrow, annotation_clip=False)


@style.styled
def draw(table: pd.DataFrame) -> Figure:
    """Return the picture of a table of limits, with one row per scan, in the order of the table."""
    if not len(table):
        return style.placeholder("The table of limits has no rows.")
    row_height = min(0.34, TALLEST / len(table))
    size = min(10, 72 * row_height * 0.62)
    names, texts = row_names(table), [row_text(row) for _, row in table.iterrows()]
    letters = max(map(len, names)) + max(map(len, texts))
    figure = Figure(figsize=(5 + letters * size * 0.0085, 1.5 + row_height * len(table)))
    axes = figure.add_subplot()
    for y, (_, row) in enumerate(table.iterrows()):
        draw_row(axes, y, row)
        axes.text(1.015, y, texts[y], transform=axes.get_yaxis_transform(), va="center_baseline", fontsize=size)
    numbers = table[list(LIMIT_COLUMNS)].to_numpy(dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers) and numbers.min() > 0 and numbers.max() > style.LOG_RANGE * numbers.min():
        axes.set_xscale("log")
        style.format_log_axis(axes.xaxis)
        axes.set_xlim(numbers.min() / 1.3, numbers.max() * 1.3)
    else:
        axes.set_xlim(min(0, numbers.min(initial=0)), 1.08 * numbers.max(initial=0) or 1)
    axes.axvline(1, color=style.SIGNAL_COLOR, linewidth=1, linestyle=":")
    axes.set_yticks(range(len(table)), names, fontsize=size)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(table) - 0.4, -0.6)
    levels = ", ".join(f"{100 * level:.4g} %" for level in sorted(table["confidence_level"].unique()))
    axes.set_xlabel(f"Upper limit on μ ({levels} CL)")
    axes.text(1.015, 1, "observed (expected)", transform=axes.transAxes, va="bottom", fontsize=size)
    figure.legend(handles=legend(), loc="outside upper left", ncols=6, fontsize=9, handlelength=1.5, columnspacing=1.2)
    return figure


def legend() -> list[Line2D | Patch]:
    """Return handles for the legend."""
    return [
        Line2D([], [], marker="o", color="black", linestyle="", markersize=4, label="Observed"),
        Line2D([], [], color="black", linestyle="--", label="Expected"),
        Patch(color=style.GREEN, linewidth=0, label="± 1σ"),
        Patch(color=style.YELLOW, linewidth=0, label="± 2σ"),
        Line2D([], [], color="#404040", marker=">", markersize=5, linewidth=1, label="Beyond the scan"),
        Line2D([], [], color=style.SIGNAL_COLOR, linestyle=":", label="μ = 1"),
    ]


def compare_limits(output: str, limits: str) -> None:
    """Draw the table limits.csv, and write a PNG and a PDF beside it."""
    style.save(draw(read_limits(limits)), output)
