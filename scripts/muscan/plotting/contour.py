"""Draw the exclusion contours of a signal grid in the plane of two labels.

Reads points.csv, writes a PNG and a PDF beside it.
"""

import re
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
from muscan.plotting import style as plotting
from muscan.results import contours
from muscan.results.contours import CLS, CONTOURS

GREY = "0.4"


DOTTED = {"color": plotting.SIGNAL, "linestyle": ":", "linewidth": 1.4, "zorder": 5}


LINES = {
    "observed": ("Observed", {"color": plotting.SIGNAL, "linewidth": 2, "zorder": 5}),
    "theory_m1": ("", DOTTED),
    "theory_p1": ("Observed, ± 1σ theory", DOTTED),
    "expected": ("Expected", {"color": "black", "linestyle": "--", "linewidth": 1.5, "zorder": 4}),
}


SUBDIVISIONS = 3  # each triangle becomes 4³


LARGEST, SMALLEST = 7, 2.5  # size of the letters at the points


def name_axis(axes: Axes, axis: str, text: str) -> None:
    """What the axis, "x" or "y", is called; in small letters if it is long."""
    text = plotting.one_line(text)
    getattr(axes, f"set_{axis}label")(text, fontsize=min(12, 330 / max(len(text), 1)))


def without_contour(height: np.ndarray) -> str:
    """Why there is no contour of these heights of the points."""
    known = height[np.isfinite(height)]
    if not len(known):
        return "no values"
    if (known < 0).all() or (known > 0).all():
        return "all points excluded" if known[0] < 0 else "no point excluded"
    return "too few points for a contour"


def draw_curves(axes: Axes, points: pd.DataFrame, x: str, y: str) -> list:
    """The contours; returns the legend, which says why one is missing."""
    handles = []
    heights = contours.heights(points)
    curves = contours.curves(points, x, y)
    for key, (label, look) in LINES.items():
        if key not in curves:
            continue
        axes.add_collection(LineCollection(curves[key], label=key, **look), autolim=False)
        if label:
            why = "" if curves[key] else f": {without_contour(heights[key])}"
            handles.append(Line2D([], [], label=f"{label}{why}", **look))
    return handles


def draw_band(axes: Axes, points: pd.DataFrame, x: str, y: str) -> list:
    """Fill where the expected limit of -1 sigma excludes and that of +1 sigma does not.

    There the fraction of the way from the one contour to the other is between 0 and 1.
    """
    heights = contours.heights(points)
    interpolated = contours.surface(contours.places(points, x, y), heights["expected_m1"], heights["expected_p1"])
    if interpolated is None:
        return []
    coarse, edges = interpolated
    finer = UniformTriRefiner(coarse)  # the way is not linear in a triangle
    (plane, minus), (_, plus) = (finer.refine_field(z, LinearTriInterpolator(coarse, z), SUBDIVISIONS) for z in edges)
    way = np.clip(plus / np.maximum(plus - minus, 1e-9), -50, 50)
    if way.min() >= 1 or way.max() <= 0:
        return []
    axes.tricontourf(plane, way, levels=[0, 1], colors=[plotting.YELLOW], zorder=1)
    return [Patch(color=plotting.YELLOW, linewidth=0, label="Expected ± 1σ")]


def draw_points(axes: Axes, points: pd.DataFrame, x: str, y: str) -> list:
    """Dots; circles around those with a limit that is estimated, and crosses where a contour has no value."""
    measured = [height for key, height in contours.heights(points).items() if key not in contours.THEORY]
    known = np.isfinite(measured).all(axis=0)
    there, gone = points[known], points[~known]
    handles = axes.plot(there[x], there[y], "o", color="0.55", markersize=2.5, label="Signal points", zorder=3)
    estimated = points[np.any([*contours.estimated(points).values()], axis=0)]
    if len(estimated) and contours.quantity(points) == "limit":
        look = {"color": GREY, "markersize": 6, "markerfacecolor": "none", "markeredgewidth": 0.8, "zorder": 3}
        label = f"Limit from CLs at μ = 1: {len(estimated)}"
        handles += axes.plot(estimated[x], estimated[y], "o", label=label, **look)
    if len(gone):
        look = {"color": plotting.SIGNAL, "markersize": 7, "markeredgewidth": 1.8, "zorder": 6}
        handles += axes.plot(gone[x], gone[y], "x", label=f"A value is missing: {len(gone)}", **look)
    return handles


def diagonal_text(x_label: str, y_label: str, offset: float) -> str:
    """Such as "m1 < m2 + 125 GeV" from the labels of the axes; the unit is the one in square brackets."""
    parts = [re.fullmatch(r"(.*?)\s*(?:\[(.*)\])?", plotting.one_line(label)) for label in (x_label, y_label)]
    (x, unit), (y, other) = (part.groups() for part in parts)
    shift = f" {'+' if offset > 0 else '−'} {abs(offset):g}" if offset else ""
    return f"{x} < {y}{shift}" + (f" {unit}" if offset and unit and unit == other else "")


def draw_diagonal(axes: Axes, offset: float, text: str) -> None:
    """The line x = y + offset through the frame and beside it what lies beyond."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    ends = np.array([max(left, low + offset), min(right, high + offset)])
    if ends[0] >= ends[1]:
        return
    axes.plot(ends, ends - offset, "--", color=GREY, linewidth=1, label="diagonal", zorder=2)
    along = {"rotation": 45, "transform_rotates_text": True, "rotation_mode": "anchor"}
    at = ends.mean() - 0.008 * (right - left), ends.mean() - offset + 0.008 * (high - low)  # not on the line
    look = {"color": GREY, "fontsize": min(9, 300 / len(text)), "clip_on": True, "in_layout": False}
    axes.text(*at, text, **along, **look, ha="center", va="bottom")


def numbers(points: pd.DataFrame) -> tuple[list[str], str]:
    """What is written at the points, empty where there is no value, and what it is called."""
    kind = contours.shown_limit(points)
    limit = CONTOURS[kind]
    if contours.has_cross_sections(points):
        column, name = f"xsec_{limit}", f"{kind} upper limits on the cross section"
        unit = plotting.one_line(contours.units(points), 20)
        name += f" in {unit}" if unit else ""
    elif contours.quantity(points) == "limit":
        column, name = limit, f"{kind} upper limits on μ"
    else:
        column, name = CLS[kind], f"{kind} CLs at μ = 1"
    tiny = 0.01 if column in CLS.values() else 0  # excluded beyond doubt
    texts = [f"<{tiny:g}" if value < tiny else plotting.number(value, 2) for value in points[column].fillna(1)]
    return np.where(np.isfinite(points[column]), texts, "").tolist(), name


def footnote(axes: Axes, text: str, line: int = 0) -> None:
    """A line of small letters below the frame and what stands at its axis."""
    below = {"xycoords": "axes fraction", "xytext": (0, -38 - 11 * line), "textcoords": "offset points"}
    axes.annotate(text, (0, 0), **below, va="top", color=GREY, fontsize=min(9, 540 / len(text)))


def draw_numbers(axes: Axes, points: pd.DataFrame, x: str, y: str) -> None:
    """A number above each point, all in letters as small as they must be not to touch."""
    values, name = numbers(points)
    place = {"textcoords": "offset points", "ha": "center", "va": "bottom", "color": "0.25", "fontsize": LARGEST}
    texts = [
        axes.annotate(value, at, xytext=(0, 1.5), **place, zorder=7)
        for value, *at in zip(values, points[x], points[y], strict=True)
        if value and np.isfinite(at).all()
    ]
    footnote(axes, f"Numbers: {name}", line=1)
    axes.figure.get_layout_engine().execute(axes.figure)
    size = max(SMALLEST, LARGEST * room([text.get_window_extent() for text in texts]))
    for text in texts:
        text.set_fontsize(size)


def room(boxes: list) -> float:
    """The scale, at most 1, at which boxes about the same places do not overlap."""
    corners = np.array([box.get_points() for box in boxes]).reshape(-1, 2, 2)
    centres, sizes = corners.mean(axis=1), 1.06 * np.diff(corners, axis=1)[:, 0]
    one, other = np.triu_indices(len(boxes), 1)
    scales = 2 * np.abs(centres[one] - centres[other]) / (sizes[one] + sizes[other])
    return float(scales.max(axis=1).min(initial=1))


@plotting.styled
def draw(
    points: pd.DataFrame, axis_names: tuple[str, str], axis_labels: tuple[str, str], title: str, **options
) -> Figure:
    """The picture of one signal grid.

    Args:
        axis_names, axis_labels: labels of the signal, and what the axes are called.
        options: diagonal, an offset or None; numbers, whether to write them.
    """
    if not len(points):
        return plotting.placeholder("The table of signal points has no rows.", title)
    figure = Figure(figsize=(8, 6.4) if options["numbers"] else (7, 5.6))
    axes = figure.add_subplot()
    dots = draw_points(axes, points, *axis_names)
    axes.margins(0.05)
    limits = axes.get_xlim(), axes.get_ylim()
    handles = draw_curves(axes, points, *axis_names)
    handles[-1:] += draw_band(axes, points, *axis_names)
    axes.set(xlim=limits[0], ylim=limits[1])
    for axis, label in zip("xy", axis_labels, strict=True):
        name_axis(axes, axis, label)
    if options["diagonal"] is not None:
        draw_diagonal(axes, options["diagonal"], diagonal_text(*axis_labels, options["diagonal"]))
    taken = plotting.legend_on_top(axes, handles + dots)
    axes.set_ylim(limits[1][0], limits[1][0] + np.ptp(limits[1]) / (1 - taken))
    footnote(axes, f"Contours: from {contours.basis(points, *CONTOURS).replace('mu', 'μ')}")
    if options["numbers"]:
        draw_numbers(axes, points, *axis_names)
    plotting.header(axes, plotting.one_line(title), contours.conditions(points))
    return figure


@dataclass(frozen=True)
class ContourSettings:
    """What is drawn, and how it is called."""

    x: str = option("label of the signal on the x axis")
    y: str = option("label of the signal on the y axis")
    title: str = option("of the signal grid")
    x_label: str | None = option("what the x axis is called", default=None)
    y_label: str | None = option("what the y axis is called", default=None)
    diagonal: float | None = option("D: draw the line x = y + D", default=None)
    numbers: bool = option("write a limit at each point", default=False)


def plot_contour(output: str, points: str, settings: ContourSettings) -> None:
    """Write the picture, a PNG and a PDF beside it, of the table points.csv."""
    names = settings.x, settings.y
    labels = settings.x_label or settings.x, settings.y_label or settings.y
    options = {"diagonal": settings.diagonal, "numbers": settings.numbers}
    plotting.save_figure(
        output, lambda: draw(contours.read_points(points), names, labels, settings.title, **options), settings.title
    )
