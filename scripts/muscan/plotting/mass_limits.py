"""Draw the limits of a signal grid against one label, such as a mass.

Reads points.csv, writes a directory with a PNG and a PDF for each combination of the other labels that has two points
or more, such as m2_0.png; limits.png if there are no other labels.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from muscan.base.options import option
from muscan.plotting import style
from muscan.records.columns import LIMIT_COLUMNS
from muscan.results import contours

BANDS = ((1, 5, style.YELLOW, "Expected ± 2σ"), (2, 4, style.GREEN, "Expected ± 1σ"))  # outer one first
OBSERVED, EXPECTED = 0, 3  # positions in LIMIT_COLUMNS


def is_isolated(known: np.ndarray) -> np.ndarray:
    """Return which known values have no known neighbour, so that no line passes through them, shape (n,)."""
    padded = np.pad(known, 1)
    return known & ~padded[:-2] & ~padded[2:]


def draw_limits(axes: Axes, x: np.ndarray, limits: np.ndarray, blind: bool) -> list:
    """Draw bands, median and observed limits, with gaps where one is missing.

    Args:
        axes: of the picture.
        x: values of the label, shape (n,).
        limits: observed and expected, shape (6, n).
        blind: whether the observed limits are left out.

    Returns:
        handles for the legend.
    """
    handles = []
    for low, high, color, label in BANDS:
        look = {"color": color, "zorder": 2 if high == 4 else 1}
        handles.append(axes.fill_between(x, limits[low], limits[high], **look, linewidth=0, label=label))
        single = is_isolated(np.isfinite(limits[[low, high]]).all(axis=0))
        axes.vlines(x[single], limits[low, single], limits[high, single], **look, linewidth=7)
    look = {"color": "black", "zorder": 3}
    handles += axes.plot(x, limits[EXPECTED], "--", **look, linewidth=1.5, label="Expected")
    single = is_isolated(np.isfinite(limits[EXPECTED]))
    axes.plot(x[single], limits[EXPECTED, single], "_", **look, markersize=7)
    look = {"color": "black", "linewidth": 1.2, "markersize": 4.5, "label": "Observed", "zorder": 5}
    if not blind:
        handles += axes.plot(x, limits[OBSERVED], "o-", **look)
    return handles[::-1]


def draw_theory(axes: Axes, x: np.ndarray, points: pd.DataFrame) -> list:
    """Draw the predicted cross section and its error, or mu = 1 if there is none; return handles for the legend."""
    look = {"color": style.SIGNAL_COLOR, "zorder": 4}
    if not contours.has_cross_sections(points):
        return [axes.axhline(1, **look, linewidth=1.5, label="μ = 1")]
    value, error = points["cross_section"].to_numpy(), points["cross_section_error"].to_numpy()
    axes.fill_between(x, value - error, value + error, color=style.SIGNAL_COLOR, alpha=0.25, linewidth=0, zorder=2.5)
    label = "Theory ± 1σ" if np.isfinite(error).any() else "Theory"
    return axes.plot(x, value, **look, linewidth=1.5, label=label)


def draw_missing(axes: Axes, x: np.ndarray, values: np.ndarray, what: str = "A limit") -> list:
    """Draw crosses on the x axis where any of the values, shape (k, n), is missing; return handles for the legend."""
    missing = x[~np.isfinite(values).all(axis=0)]
    if not len(missing):
        return []
    look = {"color": style.SIGNAL_COLOR, "markersize": 8, "markeredgewidth": 1.8, "clip_on": False, "zorder": 10}
    label = f"{what} is missing: {len(missing)}"
    return axes.plot(missing, np.zeros(len(missing)), "x", transform=axes.get_xaxis_transform(), label=label, **look)


@style.styled
def draw(points: pd.DataFrame, x: str, x_label: str, title: str, others: str) -> Figure:
    """Return the picture of one line of a grid.

    Args:
        points: of the line.
        x: label on the x axis.
        x_label: text at the x axis.
        title: of the picture.
        others: the labels that the points have in common, as text for the second line of the header.
    """
    points = points.sort_values(x)
    cross_sections = contours.has_cross_sections(points)
    columns = [f"xsec_{name}" if cross_sections else name for name in LIMIT_COLUMNS]
    place, limits = points[x].to_numpy(), points[columns].to_numpy().T
    figure = Figure(figsize=(7, 5.4))
    axes = figure.add_subplot()
    axes.set_yscale("log")
    blind = contours.is_blinded(points)
    handles = draw_limits(axes, place, limits, blind)
    handles += draw_theory(axes, place, points)
    handles += draw_missing(axes, place, limits[1:] if blind else limits)
    margin = 0.04 * np.ptp(place)
    axes.set_xlim(place[0] - margin, place[-1] + margin)
    unit = style.one_line(contours.units(points), 20)
    quantity = f"the cross section{unit and f' [{unit}]'}" if cross_sections else "μ"
    style.label_axis(axes, "x", x_label)
    style.label_axis(axes, "y", f"Upper limit on {quantity}")
    heights = np.append(limits, points["cross_section"] if cross_sections else 1.0)
    heights = heights[np.isfinite(heights) & (heights > 0)]
    low, high = heights.min() / 1.6, heights.max() * 1.4
    style.format_log_axis(axes.yaxis)
    axes.set_ylim(low, high)
    taken = style.legend_on_top(axes, handles)
    axes.set_ylim(low, low * (high / low) ** (1 / (1 - taken)))
    draw_titles(axes, title, others, contours.conditions_text(points))
    return figure


def draw_titles(axes: Axes, title: str, others: str, right: str) -> None:
    """Write the title and the text on the right above the frame, and the common labels below the title."""
    left = style.one_line(title)
    style.draw_header(axes, f"{left}\n{style.one_line(others)}" if others else left, f"\n{right}" if others else right)


def pictures(
    points: pd.DataFrame,
    x: str,
    x_label: str,
    title: str,
    draw: Callable[[pd.DataFrame, str, str, str, str], Figure] = draw,
    name: str = "limits",
) -> Iterator[tuple[str, Figure]]:
    """Yield (file name, figure) of each combination of the other labels that has two points or more.

    Args:
        points: of the grid.
        x: label on the x axis.
        x_label: text at the x axis.
        title: of the pictures.
        draw: draws one picture.
        name: of the file if there are no other labels.

    Raises:
        InputError: if the label cannot be an axis, or if two signals have the same labels.
    """
    others = [name for name in contours.label_names(points) if name != x]
    contours.places(points.iloc[:0], x)
    contours.require_distinct_labels(points, [x, *others])
    points = points[points[x].notna()]
    groups = points.groupby(others, dropna=False) if others else [((), points)]
    for values, group in groups:
        if len(group) > 1:
            pairs = list(zip(others, map(contours.label_text, values), strict=True))
            file = "_".join(quote(f"{label}_{value}", safe="") for label, value in pairs) or name
            yield file, draw(group, x, x_label, title, ", ".join(f"{label} = {value}" for label, value in pairs))


@dataclass(frozen=True)
class MassSettings:
    """The label on the x axis, and the texts of the pictures."""

    x: str = option("label of the signals on the x axis")
    title: str = option("title: name of the signal grid")
    x_label: str | None = option("text at the x axis; default: the label", default=None)


def plot_mass_limits(output: str, points: str, settings: MassSettings) -> None:
    """Draw the table points.csv, and write a folder of pictures."""
    save_pictures(output, points, settings, draw, "limits")


def save_pictures(output: str, points: str, settings: MassSettings, draw: Callable, name: str) -> None:
    """Write a folder of pictures of the table points.csv; `draw` and `name` as in `pictures`."""
    x = settings.x

    def drawn() -> Iterator[tuple[str, Figure]]:
        yield from pictures(contours.read_points(points), x, settings.x_label or x, settings.title, draw, name)

    style.save_folder(output, drawn(), settings.title, "none", f"No two signal points differ in {x} alone.")
