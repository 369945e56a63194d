"""Draw p-values from toys against mu, and the Feldman-Cousins intervals that they give.

Reads feldman_cousins.json, writes a PNG and a PDF.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import chi2

from muscan.plotting import style
from muscan.plotting.registry import ScanFiles
from muscan.records.feldman_cousins import FeldmanCousins

LOWEST = 8.0  # the axis ends this factor below the lowest 1 - level
BESIDE = 0.12  # part of the width of the widest interval that is shown on either side of it
CURVE_POINTS = 400


def level_text(level: float) -> str:
    """Return a confidence level in per cent: "68 %"."""
    return f"{100 * level:.6g} %"


def shown_range(record: FeldmanCousins) -> tuple[float, float]:
    """Return the range of mu that is drawn: all intervals, and the points around them."""
    places = [record.mu_hat]
    for interval in record.intervals:
        for side, end in (("lower", min), ("upper", max)):
            value, bound = interval[side]["value"], interval[side]["bound"]
            known = [each for each in (value, bound) if each is not None]
            places += known or [end((point["mu"] for point in record.points), default=record.mu_hat)]
    low, high = min(places), max(places)
    margin = BESIDE * (high - low) or 1.0
    return max(low - margin, record.poi_bounds[0] - 0.2 * margin), high + margin


def draw_points(axes: Axes, record: FeldmanCousins, lowest: float) -> list:
    """Draw p with its errors, arrows where it is below the axis, and the asymptotic curve; return handles."""
    mu, p, errors, t = (np.array([each[key] for each in record.points]) for key in ("mu", "p", "error", "t_obs"))
    seen = p >= lowest
    handles = [axes.errorbar(mu[seen], p[seen], errors[seen], fmt="o", color="black", markersize=3, label="From toys")]
    axes.plot(mu[~seen], np.full((~seen).sum(), 1.15 * lowest), "v", color="black", markersize=4)
    # The root of t is nearly linear in mu on either side of the best fit.
    grid = np.linspace(*axes.get_xlim(), CURVE_POINTS)
    order = np.argsort(np.append(mu, record.mu_hat), kind="stable")
    roots = np.append(np.sign(mu - record.mu_hat) * np.sqrt(t), 0.0)[order]
    curve = chi2.sf(np.interp(grid, np.append(mu, record.mu_hat)[order], roots) ** 2, 1)
    curve[(grid < min(*mu, record.mu_hat)) | (grid > max(*mu, record.mu_hat))] = np.nan
    handles += axes.plot(grid, curve, "--", color=style.PALETTE[2], linewidth=1.4, zorder=1, label="Asymptotic")
    return handles


def draw_interval(axes: Axes, interval: dict, color: str, shown: tuple[float, float], lowest: float) -> list:
    """Draw a line at 1 - level, as thick as the interval reaches, and its ends with their errors; return a handle."""
    alpha = 1 - interval["level"]
    axes.axhline(alpha, color=color, linewidth=0.8, linestyle=":")
    ends = []
    for side, edge in zip(("lower", "upper"), shown, strict=True):
        end = interval[side]
        if end["value"] is None:
            ends.append(edge if end["bound"] is None else end["bound"])
            axes.plot(ends[-1], alpha, "<" if side == "lower" else ">", color=color, markersize=7)
            continue
        ends.append(end["value"])
        look = {"color": color, "linewidth": 1.2, "linestyle": "-" if end["status"] == "ok" else ":"}
        axes.plot([end["value"]] * 2, [lowest, alpha], **look)
        near = [end["value"] - end["error"], end["value"] + end["error"]]
        axes.fill_between(near, lowest, alpha, color=color, alpha=0.25, linewidth=0)
    label = f"{level_text(interval['level'])} interval: {interval_text(interval)}"
    return axes.plot(ends, [alpha, alpha], color=color, linewidth=3, solid_capstyle="butt", label=label)


def interval_text(interval: dict) -> str:
    """Return an interval as text, such as "0.52 to 1.43", with words for ends without a number."""
    return " to ".join(end_text(interval[side]) for side in ("lower", "upper"))


def end_text(end: dict, with_error: bool = False) -> str:
    """Return an end of an interval as text."""
    if end["status"] == "at_bound":
        return f"{end['value']:g} (bound)"
    if end["value"] is None:
        return style.status_words(end["status"])
    return style.with_error(end["value"], end["error"]) if with_error else style.number(end["value"])


@style.styled
def draw(record: FeldmanCousins, title: str) -> Figure:
    """Return the picture of a signal."""
    if not record.points:
        reasons = [each["reason"] for each in record.failed_points]
        return style.placeholder(reasons[0] if reasons else "No value of mu was tested.", title)
    figure = Figure(figsize=(7, 5))
    axes = figure.subplots()
    lowest = min(1 - interval["level"] for interval in record.intervals) / LOWEST
    shown = shown_range(record)
    axes.set_xlim(*shown)
    axes.set_yscale("log")
    axes.set_xlabel("Signal strength μ")
    axes.set_ylabel("p-value")
    handles = draw_points(axes, record, lowest)
    for interval, color in zip(record.intervals, [*style.PALETTE[:2], *style.PALETTE[3:]] * 3, strict=False):
        handles += draw_interval(axes, interval, color, shown, lowest)
    style.format_log_axis(axes.yaxis)
    axes.set_ylim(lowest, 1.0)
    taken = style.legend_on_top(axes, handles)
    axes.set_ylim(lowest, (1.2 / lowest) ** (1 / (1 - taken)) * lowest)
    axes.axhline(1.0, color="0.8", linewidth=0.6, zorder=0)
    best = f"best fit μ = {style.number(record.mu_hat)}"
    style.draw_header(axes, style.one_line(title), f"expected for μ = 1, {best}" if record.data == "asimov" else best)
    return figure


def picture(files: ScanFiles) -> Figure:
    """Return the picture of a signal, from feldman_cousins.json."""
    return draw(FeldmanCousins.read(files.measurement), files.title)
