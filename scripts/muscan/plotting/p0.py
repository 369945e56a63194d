"""Draw p0 of a signal grid against one label, such as a mass.

Reads points.csv, writes a directory with a PNG and a PDF for each combination of the other labels that has two points
or more, such as m2_0.png; p0.png if there are no other labels.
"""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator

from muscan.inference.calculators import tail
from muscan.plotting import style
from muscan.plotting.mass_limits import MassSettings, draw_missing, draw_titles, is_isolated, save_pictures
from muscan.results import contours
from muscan.results.significances import method_text

NO_EXCESS = 0.5  # p0 of data without an excess, at the upper end of the axis
SIGMAS = (1, 2, 3, 4, 5, *range(10, 40, 5))  # lines; p0 of 38 standard deviations is the smallest number
LEAST_SHOWN = 3.5  # standard deviations down to which the axis extends at least
MOST_EXPECTED = 7.0  # standard deviations down to which it follows the expected p0, so that it stays readable
NEAREST = 0.03  # distance of two texts at the lines, as a fraction of the height of the frame
ABOVE = 1.2  # upper end of the axis below the legend, in units of the largest p0
BELOW = 0.3  # standard deviations of the axis below the largest Z


def draw_sigma_lines(axes: Axes, low: float, height: float) -> None:
    """Draw a line for each number of standard deviations above the end of the axis, with a text where there is room.

    Args:
        axes: with logarithmic p0.
        low: lower end of the axis.
        height: of the frame, in powers of ten.
    """
    last = math.inf
    for sigma in SIGMAS:
        p0 = tail(sigma)
        if p0 <= low:
            break
        axes.axhline(p0, color=style.GREY, linestyle=":", linewidth=0.9, zorder=1, label=f"_{sigma}σ")
        if last - math.log10(p0) > NEAREST * height:
            look = {
                "xycoords": axes.get_yaxis_transform(),
                "textcoords": "offset points",
                "color": style.GREY,
                "fontsize": 9,
            }
            axes.annotate(f"{sigma}σ", (1, p0), xytext=(4, 0), va="center", annotation_clip=False, **look)
            last = math.log10(p0)


def draw_p0(axes: Axes, x: np.ndarray, points: pd.DataFrame, blind: bool) -> list:
    """Draw the expected and the observed p0, with gaps where one is missing; return handles for the legend.

    Args:
        axes: of the picture.
        x: values of the label, shape (n,).
        points: of the line.
        blind: whether the observed p0 is left out.
    """
    look = {"color": style.PALETTE[0], "zorder": 3}
    handles = axes.plot(x, points["p0_exp"], "--", **look, linewidth=1.6, label="Expected for μ = 1")
    single = is_isolated(np.isfinite(points["p0_exp"].to_numpy()))
    axes.plot(x[single], points["p0_exp"][single], "_", **look, markersize=8)
    handles += draw_bounds(axes, x, points, "exp", look | {"markerfacecolor": "white"})
    if blind:
        return handles
    look = {"color": "black", "zorder": 5}
    observed = axes.plot(x, points["p0_obs"], "o-", **look, linewidth=1.2, markersize=4.5, label="Observed")
    error = points["p0_obs_error"].to_numpy()
    if np.nan_to_num(error).any():
        axes.errorbar(x, points["p0_obs"], yerr=error, fmt="none", **look, elinewidth=1)
    return observed + draw_bounds(axes, x, points, "obs", look) + handles


def draw_bounds(axes: Axes, x: np.ndarray, points: pd.DataFrame, kind: str, look: dict) -> list:
    """Draw a triangle that points downwards at each upper bound of p0; return a handle for the legend, if any."""
    bound = points[f"p0_{kind}_bound"].to_numpy()
    if not np.isfinite(bound).any():
        return []
    label = f"{'Observed' if kind == 'obs' else 'Expected'}, upper bound"
    return axes.plot(x, bound, "v", **look, markersize=6, linestyle="none", label=label)


@style.styled
def draw(points: pd.DataFrame, x: str, x_label: str, title: str, others: str) -> Figure:
    """Return the picture of one line of a grid; the arguments are those of `mass_limits.draw`."""
    points = points.sort_values(x)
    place = points[x].to_numpy()
    blind = contours.is_blinded(points)
    kinds = ("exp",) if blind else ("obs", "exp")
    figure = Figure(figsize=(7, 5.4))
    axes = figure.add_subplot()
    axes.set_yscale("log")
    handles = draw_p0(axes, place, points, blind)
    known = [points[f"p0_{kind}"].fillna(points[f"p0_{kind}_bound"]).to_numpy() for kind in kinds]
    handles += draw_missing(axes, place, np.array(known), "p0")
    margin = 0.04 * np.ptp(place)
    axes.set_xlim(place[0] - margin, place[-1] + margin)
    style.label_axis(axes, "x", x_label)
    style.label_axis(axes, "y", "Local p0")
    low = lower_end(np.concatenate([*known[:-1], np.maximum(known[-1], tail(MOST_EXPECTED))]))
    high = ABOVE * max(NO_EXCESS, np.nanmax(known, initial=NO_EXCESS))
    style.format_log_axis(axes.yaxis)
    axes.set_ylim(low, high)
    taken = style.legend_on_top(axes, handles)
    height = math.log10(high / low) / (1 - taken)
    draw_sigma_lines(axes, low, height)
    axes.axhline(NO_EXCESS, color=style.GREY, linewidth=0.9, zorder=1, label="_no excess")
    axes.set_ylim(low, 10 ** (math.log10(low) + height))
    major, minor = axes.yaxis.get_major_locator(), axes.yaxis.get_minor_locator()
    axes.yaxis.set_major_locator(ticks_below(major, low, high))
    axes.yaxis.set_minor_locator(ticks_below(minor, low, high))
    draw_titles(axes, title, others, method_text(points))
    return figure


def ticks_below(locator: LogLocator, low: float, high: float) -> FixedLocator:
    """Return the ticks between the ends of the axis, without those beside the legend, where there is no p0."""
    return FixedLocator([tick for tick in locator.tick_values(low, high) if low <= tick <= high])


def lower_end(p0: np.ndarray) -> float:
    """Return the lower end of the axis for values of p0, nan where they are missing."""
    least = np.nanmin(p0, initial=NO_EXCESS)
    sigma = LEAST_SHOWN
    while tail(sigma - BELOW) > least:
        sigma += 0.5
    return max(tail(sigma), np.finfo(float).tiny)


def plot_p0(output: str, points: str, settings: MassSettings) -> None:
    """Draw the table points.csv, and write a folder of pictures."""
    save_pictures(output, points, settings, draw, "p0")
