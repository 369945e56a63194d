"""Draw the fitted parameters: pulls of the constrained ones, values of the unconstrained ones.

Reads fit.json, writes a PNG and a PDF beside it.
"""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, NullLocator

from muscan.plotting import style
from muscan.plotting.pull_values import constrained_and_free, pulls
from muscan.plotting.registry import ScanFiles
from muscan.records.fit import FitResult, Parameters

ROWS = 45  # parameters in a column; more get further columns, up to four, and then longer ones
ROW = 0.19  # height of a row, in inches
NAME = 0.062  # width of a letter of a name, in inches


def draw_rows(axes: Axes, parameters: Parameters, indices: list[int], values: np.ndarray, errors: np.ndarray) -> None:
    """Draw one row per parameter, from top to bottom, with open red points for parameters at a bound."""
    rows = np.arange(len(indices))
    bound = np.array([parameters.at_bound[i] for i in indices], dtype=bool)
    for which, color, fill in ((~bound, "black", "black"), (bound, style.SIGNAL_COLOR, "white")):
        axes.errorbar(
            values[which], rows[which], xerr=errors[which], fmt="o", color=color, markerfacecolor=fill, markersize=3.5
        )
    axes.set_yticks(rows, [style.one_line(parameters.names[i], 48) for i in indices], fontsize=8)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(indices) - 0.5, -0.5)


def draw_pulls(axes: Axes, parameters: Parameters, indices: list[int], reach: float) -> None:
    """Draw a column of pulls, on an axis from -reach to reach."""
    for width, color in ((2, style.YELLOW), (1, style.GREEN)):
        axes.axvspan(-width, width, facecolor="white", linewidth=0)
        axes.axvspan(-width, width, facecolor=color, alpha=0.45, linewidth=0)
    axes.axvline(0, color="black", linestyle="--", linewidth=0.8)
    draw_rows(axes, parameters, indices, *pulls(parameters, indices))
    axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_locator(MultipleLocator(max(1, round(reach / 4))))
    axes.set_xlabel("(fitted − nominal) / σ", fontsize=10)


def draw_free(axes: Axes, parameters: Parameters, indices: list[int]) -> None:
    """Draw values with errors, and write them as numbers to the right of the frame."""
    values, errors = np.array(parameters.values)[indices], style.nan_to_zero(parameters.errors)[indices]
    draw_rows(axes, parameters, indices, values, errors)
    for row, i in enumerate(indices):
        text = style.with_error(values[row], errors[row]) + (" (at its bound)" if parameters.at_bound[i] else "")
        axes.text(1.02, row, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
    axes.set_xlabel("Fitted value, unconstrained parameters", fontsize=10)
    axes.margins(x=0.08)


def layout(constrained: int) -> tuple[int, int]:
    """Return the number of columns for so many pulls, and the number of rows in each."""
    columns = min(4, math.ceil(constrained / ROWS))
    return columns, math.ceil(constrained / columns) if columns else 0


@style.styled
def draw(fit: FitResult, title: str) -> Figure:
    """Return the picture of all parameters: columns of pulls, and below them the values of the unconstrained ones."""
    parameters = Parameters.from_json(fit.parameters)
    constrained, free = constrained_and_free(parameters)
    if not constrained and not free:
        return style.placeholder("All parameters are fixed.", title)
    columns, rows = layout(len(constrained))
    longest = max(len(style.one_line(parameters.names[i], 48)) for i in [*constrained, *free])
    heights = [rows * ROW + 0.5] * bool(rows) + [len(free) * ROW + 0.5] * bool(free)
    figure = Figure(figsize=(max(1, columns) * (longest * NAME + 3.2) + 0.8, sum(heights) + 0.6))
    grid = figure.add_gridspec(len(heights), max(1, columns), height_ratios=heights)
    if constrained:
        values, errors = pulls(parameters, constrained)
        reach = max(3.0, 1.1 * float(np.max(np.abs(values) + errors)))
    axes = []
    for column in range(columns):
        in_column = constrained[column * rows : (column + 1) * rows]
        axes.append(figure.add_subplot(grid[0, column]))
        draw_pulls(axes[-1], parameters, in_column, reach)
        axes[-1].set_ylim(rows - 0.5, -0.5)
    if free:
        axes.append(figure.add_subplot(grid[-1, :]))
        draw_free(axes[-1], parameters, free)
    style.draw_figure_title(figure, f"{title} (blinded: expected constraints)" if fit.blinded else title)
    return figure


def picture(files: ScanFiles) -> Figure:
    """Return the picture of a scan, from fit.json."""
    return draw(FitResult.read(files.fit), files.title)
