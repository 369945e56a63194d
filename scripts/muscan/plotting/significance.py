"""Draw the significance of an excess of a signal grid in the plane of two labels.

Reads points.csv, writes a PNG and a PDF beside it.
"""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from muscan.plotting import style
from muscan.plotting.contour import (
    ContourSettings,
    diagonal_text,
    draw_diagonal,
    draw_numbers,
    save_plane,
)
from muscan.results import contours
from muscan.results.significances import COLUMNS, method_text, reason_for_no_line, shown_kinds, significance_lines
from muscan.results.table_rows import z_of

COLOURS = "Blues"  # light where Z is small, so that lines and numbers stay readable
DARKEST = 0.6  # of the colours
LEAST_SCALE, MOST_SCALE = 5.0, 8.0  # standard deviations up to which the colours extend at least, and at most
LINES = {
    ("observed", 3): {"color": style.SIGNAL_COLOR, "linewidth": 1.2, "zorder": 5},
    ("observed", 5): {"color": style.SIGNAL_COLOR, "linewidth": 2.4, "zorder": 5},
    ("expected", 3): {"color": "black", "linestyle": "--", "linewidth": 1.2, "zorder": 4},
    ("expected", 5): {"color": "black", "linestyle": "--", "linewidth": 2.4, "zorder": 4},
}


def draw_surface(axes: Axes, points: pd.DataFrame, x: str, y: str, kind: str) -> None:
    """Fill the triangles between the points with the colours of the interpolated Z, and draw the scale of colours."""
    z = points[COLUMNS[kind]].to_numpy()
    interpolated = contours.surface(contours.places(points, x, y), z)
    if interpolated is None:
        return
    plane, (heights,) = interpolated
    colours = colormaps[COLOURS].resampled(256)(np.linspace(0, DARKEST, 256))
    highest = float(np.clip(heights.max(), LEAST_SCALE, MOST_SCALE))
    look = {"cmap": ListedColormap(colours), "vmin": 0, "vmax": highest, "zorder": 0.5}
    drawn = axes.tripcolor(plane, heights, shading="gouraud", rasterized=True, **look)
    bar = axes.figure.colorbar(
        drawn, ax=axes, pad=0.02, aspect=30, extend="max" if heights.max() > highest else "neither"
    )
    bar.set_label(f"{kind.capitalize()} Z")
    bar.ax.minorticks_off()


def draw_lines(axes: Axes, points: pd.DataFrame, x: str, y: str) -> list:
    """Draw the lines of evidence and observation; return handles for the legend, which says why a line is missing."""
    handles = []
    for (kind, level), lines in significance_lines(points, x, y).items():
        look = LINES[kind, level]
        axes.add_collection(LineCollection(lines, label=f"{kind} {level}", **look), autolim=False)
        why = "" if lines else f": {reason_for_no_line(points[COLUMNS[kind]].to_numpy(), level)}"
        handles.append(Line2D([], [], label=f"{kind.capitalize()} {level}σ{why}", **look))
    return handles


def draw_points(axes: Axes, points: pd.DataFrame, x: str, y: str) -> list:
    """Draw the points: dots, triangles where Z has only a lower bound, crosses where it is missing.

    Returns:
        handles for the legend.
    """
    kinds = shown_kinds(points)
    known = points[[COLUMNS[kind] for kind in kinds]].notna().all(axis=1)
    bounded = points[[f"p0_{COLUMNS[kind][2:]}_bound" for kind in kinds]].notna().any(axis=1) & ~known
    looks = {
        "Signal points": (known, {"marker": "o", "color": "0.45", "markersize": 2.5, "zorder": 3}),
        "Only a lower bound of Z": (
            bounded,
            {"marker": "^", "color": style.SIGNAL_COLOR, "markersize": 5, "zorder": 6},
        ),
        "A value is missing": (
            ~known & ~bounded,
            {"marker": "x", "color": style.SIGNAL_COLOR, "markersize": 7, "markeredgewidth": 1.8, "zorder": 6},
        ),
    }
    handles = []
    for label, (which, look) in looks.items():
        if label == "Signal points" or which.any():
            text = label if label == "Signal points" else f"{label}: {which.sum()}"
            handles += axes.plot(points[x][which], points[y][which], linestyle="none", label=text, **look)
    return handles


def point_texts(points: pd.DataFrame, kind: str) -> list[str]:
    """Return Z of each point, or its lower bound, as text; empty where there is neither."""
    column = COLUMNS[kind]
    bounds = points[f"p0_{column[2:]}_bound"]
    return [
        f"{z:.1f}".replace("-", "−") if np.isfinite(z) else f">{z_of(bound):.1f}" if np.isfinite(bound) else ""
        for z, bound in zip(points[column], bounds, strict=True)
    ]


@style.styled
def draw(
    points: pd.DataFrame,
    axis_names: tuple[str, str],
    axis_labels: tuple[str, str],
    title: str,
    *,
    diagonal: float | None,
    numbers: bool,
) -> Figure:
    """Return the picture of one signal grid; the arguments are those of `contour.draw`."""
    if not len(points):
        return style.placeholder("The table of signal points has no rows.", title)
    kind = shown_kinds(points)[0]
    figure = Figure(figsize=(8.8, 6.4) if numbers else (7.8, 5.6))
    axes = figure.add_subplot()
    dots = draw_points(axes, points, *axis_names)
    axes.margins(0.05)
    limits = axes.get_xlim(), axes.get_ylim()
    draw_surface(axes, points, *axis_names, kind)
    handles = draw_lines(axes, points, *axis_names)
    axes.set(xlim=limits[0], ylim=limits[1])
    for axis, label in zip("xy", axis_labels, strict=True):
        style.label_axis(axes, axis, label)
    if diagonal is not None:
        draw_diagonal(axes, diagonal, diagonal_text(*axis_labels, diagonal))
    taken = style.legend_on_top(axes, handles + dots)
    axes.set_ylim(limits[1][0], limits[1][0] + np.ptp(limits[1]) / (1 - taken))
    style.footnote(axes, "Expected: median for data with the signal μ = 1")
    if numbers:
        draw_numbers(axes, points, *axis_names, point_texts(points, kind), f"{kind} Z")
    style.draw_header(axes, style.one_line(title), method_text(points))
    return figure


def plot_significance(output: str, points: str, settings: ContourSettings) -> None:
    """Draw the table points.csv, and write a PNG and a PDF beside it."""
    save_plane(output, points, settings, draw)
