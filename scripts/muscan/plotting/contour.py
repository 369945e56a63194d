"""Draw the exclusion contours of a signal grid in the plane of two labels.

Reads points.csv, writes a PNG and a PDF beside it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.tri import LinearTriInterpolator, UniformTriRefiner

from muscan.base.options import option
from muscan.plotting import style
from muscan.results import contours
from muscan.results.contours import CLS, CONTOURS

DOTTED = {"color": style.SIGNAL_COLOR, "linestyle": ":", "linewidth": 1.4, "zorder": 5}
LINES = {
    "observed": ("Observed", {"color": style.SIGNAL_COLOR, "linewidth": 2, "zorder": 5}),
    "theory_m1": ("", DOTTED),
    "theory_p1": ("Observed, ± 1σ theory", DOTTED),
    "expected": ("Expected", {"color": "black", "linestyle": "--", "linewidth": 1.5, "zorder": 4}),
}
SUBDIVISIONS = 3  # each triangle is divided into 4³
LARGEST, SMALLEST = 7, 2.5  # font size of the numbers at the points


def reason_for_no_contour(height: np.ndarray) -> str:
    """Return why points of these heights, shape (n,), have no contour."""
    known = height[np.isfinite(height)]
    if not len(known):
        return "no values"
    if (known < 0).all() or (known > 0).all():
        return "all points excluded" if known[0] < 0 else "no point excluded"
    return "too few points for a contour"


def draw_curves(axes: Axes, points: pd.DataFrame, x: str, y: str) -> list:
    """Draw the contours and return handles for the legend, which states why a contour is missing."""
    handles = []
    heights = contours.heights(points)
    curves = contours.contour_lines(points, x, y)
    for key, (label, look) in LINES.items():
        if key not in curves:
            continue
        axes.add_collection(LineCollection(curves[key], label=key, **look), autolim=False)
        if label:
            why = "" if curves[key] else f": {reason_for_no_contour(heights[key])}"
            handles.append(Line2D([], [], label=f"{label}{why}", **look))
    return handles


def draw_band(axes: Axes, points: pd.DataFrame, x: str, y: str) -> list:
    """Fill the region that the expected limit of -1 sigma excludes and that of +1 sigma does not.

    With the heights h of both (below zero where a point is excluded), the fraction h(+1) / (h(+1) - h(-1)) is between
    0 and 1 there.

    Returns:
        handles for the legend.
    """
    heights = contours.heights(points)
    interpolated = contours.surface(contours.places(points, x, y), heights["expected_m1"], heights["expected_p1"])
    if interpolated is None:
        return []
    coarse, edges = interpolated
    finer = UniformTriRefiner(coarse)  # the fraction is not linear in a triangle
    (plane, minus), (_, plus) = (finer.refine_field(z, LinearTriInterpolator(coarse, z), SUBDIVISIONS) for z in edges)
    fraction = np.clip(plus / np.maximum(plus - minus, 1e-9), -50, 50)
    if fraction.min() >= 1 or fraction.max() <= 0:
        return []
    axes.tricontourf(plane, fraction, levels=[0, 1], colors=[style.YELLOW], zorder=1)
    return [Patch(color=style.YELLOW, linewidth=0, label="Expected ± 1σ")]


def draw_points(axes: Axes, points: pd.DataFrame, x: str, y: str) -> list:
    """Draw the points: dots, with a circle if a limit is estimated; crosses where a contour has no value.

    Returns:
        handles for the legend.
    """
    measured = [height for key, height in contours.heights(points).items() if key not in contours.THEORY]
    known = np.isfinite(measured).all(axis=0)
    complete, incomplete = points[known], points[~known]
    handles = axes.plot(complete[x], complete[y], "o", color="0.55", markersize=2.5, label="Signal points", zorder=3)
    estimated = points[np.any([*contours.estimated_heights(points).values()], axis=0)]
    if len(estimated) and contours.quantity(points) == "limit":
        look = {"color": style.GREY, "markersize": 6, "markerfacecolor": "none", "markeredgewidth": 0.8, "zorder": 3}
        label = f"Limit from CLs at μ = 1: {len(estimated)}"
        handles += axes.plot(estimated[x], estimated[y], "o", label=label, **look)
    if len(incomplete):
        look = {"color": style.SIGNAL_COLOR, "markersize": 7, "markeredgewidth": 1.8, "zorder": 6}
        handles += axes.plot(incomplete[x], incomplete[y], "x", label=f"A value is missing: {len(incomplete)}", **look)
    return handles


def diagonal_text(x_label: str, y_label: str, offset: float) -> str:
    """Return the text of the diagonal, such as "m1 < m2 + 125 GeV".

    Args:
        x_label: label of the axis, which may end with a unit in square brackets.
        y_label: the same of the other axis.
        offset: x - y on the diagonal, in these units.
    """
    parts = [re.fullmatch(r"(.*?)\s*(?:\[(.*)\])?", style.one_line(label)) for label in (x_label, y_label)]
    (x, unit), (y, other) = (part.groups() for part in parts)
    shift = f" {'+' if offset > 0 else '−'} {abs(offset):g}" if offset else ""
    return f"{x} < {y}{shift}" + (f" {unit}" if offset and unit and unit == other else "")


def draw_diagonal(axes: Axes, offset: float, text: str) -> None:
    """Draw the line x = y + offset, and along it a text on the region beyond."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    ends = np.array([max(left, low + offset), min(right, high + offset)])
    if ends[0] >= ends[1]:
        return
    axes.plot(ends, ends - offset, "--", color=style.GREY, linewidth=1, label="diagonal", zorder=2)
    along = {"rotation": 45, "transform_rotates_text": True, "rotation_mode": "anchor"}
    at = ends.mean() - 0.008 * (right - left), ends.mean() - offset + 0.008 * (high - low)  # not on the line
    look = {"color": style.GREY, "fontsize": min(9, 300 / len(text)), "clip_on": True, "in_layout": False}
    axes.text(*at, text, **along, **look, ha="center", va="bottom")


def point_numbers(points: pd.DataFrame) -> tuple[list[str], str]:
    """Return the texts of the numbers at the points, empty where there is no value, and the name of the quantity."""
    kind = contours.shown_limit(points)
    limit = CONTOURS[kind]
    if contours.has_cross_sections(points):
        column, name = f"xsec_{limit}", f"{kind} upper limits on the cross section"
        unit = style.one_line(contours.units(points), 20)
        name += f" in {unit}" if unit else ""
    elif contours.quantity(points) == "limit":
        column, name = limit, f"{kind} upper limits on μ"
    else:
        column, name = CLS[kind], f"{kind} CLs at μ = 1"
    tiny = 0.01 if column in CLS.values() else 0  # smaller values are clearly excluded
    texts = [f"<{tiny:g}" if value < tiny else style.number(value, 2) for value in points[column].fillna(1)]
    return np.where(np.isfinite(points[column]), texts, "").tolist(), name


def draw_numbers(axes: Axes, points: pd.DataFrame, x: str, y: str, values: list[str], name: str) -> None:
    """Write a text above each point, in letters so small that the texts do not overlap.

    Args:
        axes: of the picture.
        points: of the grid.
        x: label on the x axis.
        y: label on the y axis.
        values: the texts, empty where there is none.
        name: of the quantity.
    """
    place = {"textcoords": "offset points", "ha": "center", "va": "bottom", "color": "0.25", "fontsize": LARGEST}
    texts = [
        axes.annotate(value, at, xytext=(0, 1.5), **place, zorder=7)
        for value, *at in zip(values, points[x], points[y], strict=True)
        if value and np.isfinite(at).all()
    ]
    style.footnote(axes, f"Numbers: {name}", line=1)
    axes.figure.get_layout_engine().execute(axes.figure)
    size = max(SMALLEST, LARGEST * largest_scale([text.get_window_extent() for text in texts]))
    for text in texts:
        text.set_fontsize(size)


def largest_scale(boxes: list) -> float:
    """Return the largest factor, at most 1, by which boxes can be scaled about their centres without overlap."""
    corners = np.array([box.get_points() for box in boxes]).reshape(-1, 2, 2)
    centres, sizes = corners.mean(axis=1), 1.06 * np.diff(corners, axis=1)[:, 0]
    one, other = np.triu_indices(len(boxes), 1)
    scales = 2 * np.abs(centres[one] - centres[other]) / (sizes[one] + sizes[other])
    return float(scales.max(axis=1).min(initial=1))


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
    """Return the picture of one signal grid.

    Args:
        points: of the grid.
        axis_names: labels of the signals on the two axes.
        axis_labels: texts at the axes.
        title: of the picture.
        diagonal: offset of the diagonal; None to leave it out.
        numbers: whether numbers are written at the points.
    """
    if not len(points):
        return style.placeholder("The table of signal points has no rows.", title)
    figure = Figure(figsize=(8, 6.4) if numbers else (7, 5.6))
    axes = figure.add_subplot()
    dots = draw_points(axes, points, *axis_names)
    axes.margins(0.05)
    limits = axes.get_xlim(), axes.get_ylim()
    handles = draw_curves(axes, points, *axis_names)
    handles[-1:] += draw_band(axes, points, *axis_names)
    axes.set(xlim=limits[0], ylim=limits[1])
    for axis, label in zip("xy", axis_labels, strict=True):
        style.label_axis(axes, axis, label)
    if diagonal is not None:
        draw_diagonal(axes, diagonal, diagonal_text(*axis_labels, diagonal))
    taken = style.legend_on_top(axes, handles + dots)
    axes.set_ylim(limits[1][0], limits[1][0] + np.ptp(limits[1]) / (1 - taken))
    style.footnote(axes, f"Contours: from {contours.describe_basis(points, *CONTOURS).replace('mu', 'μ')}")
    if numbers:
        draw_numbers(axes, points, *axis_names, *point_numbers(points))
    style.draw_header(axes, style.one_line(title), contours.conditions_text(points))
    return figure


@dataclass(frozen=True)
class ContourSettings:
    """The axes of the plane, and what is drawn in it."""

    x: str = option("label of the signals on the x axis")
    y: str = option("label of the signals on the y axis")
    title: str = option("title: name of the signal grid")
    x_label: str | None = option("text at the x axis; default: the label", default=None)
    y_label: str | None = option("text at the y axis; default: the label", default=None)
    diagonal: float | None = option("offset D: draw the line x = y + D", default=None)
    numbers: bool = option("write a limit at each point", default=False)


def plot_contour(output: str, points: str, settings: ContourSettings) -> None:
    """Draw the table points.csv, and write a PNG and a PDF beside it."""
    save_plane(output, points, settings, draw)


def save_plane(output: str, points: str, settings: ContourSettings, draw: Callable[..., Figure]) -> None:
    """Write a picture of the table points.csv, drawn by a function with the arguments of `draw`."""
    names = settings.x, settings.y
    labels = settings.x_label or settings.x, settings.y_label or settings.y

    def drawn() -> Figure:
        table = contours.read_points(points)
        return draw(table, names, labels, settings.title, diagonal=settings.diagonal, numbers=settings.numbers)

    style.save_figure(output, drawn, settings.title)
