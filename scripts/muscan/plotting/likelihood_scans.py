"""Draw scans of the likelihood: curves of one parameter, contours of two.

Reads likelihood_scans.json, writes a folder with a PNG and a PDF for each scan.
"""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.interpolate import RectBivariateSpline

from muscan.plotting import style
from muscan.plotting.registry import ScanFiles
from muscan.plotting.yields import file_name
from muscan.records.intervals import Interval
from muscan.records.likelihood_scans import LikelihoodScan, LikelihoodScans

PLACEHOLDER = "scans", "There are no scans."
RISE = "Rise of −2 log L"
LINES = ("-", "--", ":")  # of the regions, the smallest first
FINER = 8  # points between two of the grid at which the spline of a plane is drawn
COLORS, DARKEST = "Blues_r", 2.0  # colour map of a plane, which ends at this multiple of the largest threshold
CURVE_TOP = 1.12  # upper end of the axis of a curve, in units of its largest value
LONGEST_NAME = 100  # characters of a parameter in the name of a file
BEST = {"marker": "P", "color": style.SIGNAL_COLOR, "markeredgecolor": "white", "markersize": 10, "linestyle": "none"}
BOUND = {"color": style.PALETTE[1], "linewidth": 4, "alpha": 0.9}


def axis_text(scan: LikelihoodScan, index: int, poi: str) -> str:
    """Return the text at the axis of a parameter of a scan."""
    name = scan.parameters[index]
    return "Signal strength μ" if name == poi else style.one_line(name)


def percent(level: float) -> str:
    """Return a confidence level as text."""
    return f"{100 * level:.6g} %"


def best_fit_text(scan: LikelihoodScan, index: int, poi: str) -> str:
    """Return the best fit of a parameter, with the ends of its smallest region if both are known."""
    name = axis_text(scan, index, poi).removeprefix("Signal strength ")
    best = scan.best_fit[index]
    if best in edges(scan, index, "at_bound"):
        return f"{name} = {best:g} (at its bound)".replace("-", "−")
    if len(scan.parameters) == 1 and scan.regions:
        region = Interval.from_json(scan.regions[0])
        if region.low is not None and region.high is not None:
            return f"{name} = {style.with_error(best, region.high - best, region.low - best)}"
    return f"{name} = {style.with_error(best, scan.sigma[index])}"


def edges(scan: LikelihoodScan, index: int, status: str) -> list[float]:
    """Return the ends of the range of a parameter that have a status."""
    values, kinds = scan.values[index], scan.range_status[index]
    return [end for end, side in ((values[0], "low"), (values[-1], "high")) if kinds[side] == status]


def notes(scan: LikelihoodScan, poi: str) -> list[str]:
    """Return what a reader must know about the values: lower minima, failed fits and arbitrary ranges."""
    found = [f"{scan.status.replace('_', ' ')}: {scan.reason}"] if scan.reason else []
    failed = int(np.isnan(rises(scan)).sum())
    if failed:
        found.append(f"Fits failed, or the data are impossible, at {failed} of {rises(scan).size} points")
    for index, kinds in enumerate(scan.range_status):
        if "open" in kinds.values():
            name = axis_text(scan, index, poi)
            found.append(f"{name}: the likelihood does not rise far enough at any value; the range is arbitrary")
    return found


def rises(scan: LikelihoodScan) -> np.ndarray:
    """Return the rises of a scan, nan where a fit failed."""
    return np.array(scan.rises, dtype=float)


def draw_thresholds(axes: Axes, scan: LikelihoodScan) -> list:
    """Draw the thresholds of a curve, and lines from its crossings down to the axis; return handles for the legend."""
    handles = []
    for line, threshold in zip(LINES, scan.thresholds, strict=False):
        rise, level = threshold["rise"], threshold["confidence_level"]
        look = {"color": style.SIGNAL_COLOR, "linestyle": line, "linewidth": 1.1}
        axes.axhline(rise, **look)
        for region in map(Interval.from_json, scan.regions):
            if region.confidence_level == level:
                for end in [end for end in (region.low, region.high) if end is not None]:
                    axes.plot([end, end], [0, rise], **look)
                handles.append(Line2D([], [], label=f"{percent(level)}: {region_text(region)}", **look))
    return handles


def region_text(region: Interval) -> str:
    """Return the ends of an interval as text; the bound, or an ellipsis, in place of one that is not known."""

    def end_text(value: float | None, bound: float | None) -> str:
        if value is not None:
            return style.number(value, 4)
        return "…" if bound is None else f"{bound:g} (bound)".replace("-", "−")

    return f"{end_text(region.low, region.bound['low'])} to {end_text(region.high, region.bound['high'])}"


def draw_curve(axes: Axes, scan: LikelihoodScan) -> list:
    """Draw the curve of one parameter and the parabola of its covariance; return handles for the legend."""
    values, curve = np.array(scan.values[0]), rises(scan)
    best, sigma = scan.best_fit[0], scan.sigma[0]
    inside = (best >= values[0]) & (best <= values[-1]) & (scan.status == "ok")
    x, y = values, curve
    if inside:  # the grid need not have a point at the minimum
        place = np.searchsorted(values, best)
        x, y = np.insert(values, place, best), np.insert(curve, place, 0.0)
    handles = axes.plot(x, y, color="black", linewidth=1.8, label="Profile of the likelihood", zorder=3)
    if sigma:
        look = {"color": style.GREY, "linewidth": 0.9, "zorder": 2}
        parabola = ((x - best) / sigma) ** 2
        parabola[parabola > max(np.nanmax(curve), parabola.min())] = np.nan
        handles += axes.plot(x, parabola, **look, label="Parabola of the covariance")
    failed = values[np.isnan(curve)]
    if len(failed):
        cross = {"color": style.SIGNAL_COLOR, "clip_on": False, "zorder": 5}
        handles += axes.plot(failed, np.zeros(len(failed)), "x", **cross, label="Fit failed")
    handles += draw_thresholds(axes, scan)
    for bound in edges(scan, 0, "at_bound"):
        handles.append(axes.axvline(bound, **BOUND, label=f"Bound of the parameter: {bound:g}".replace("-", "−")))
    axes.set_xlim(*values[[0, -1]])
    return [*handles, *axes.plot(best, 0, **BEST, label="Best fit", clip_on=False, zorder=6)]


def refined(scan: LikelihoodScan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values of both parameters, shapes (m,) and (n,), and the rises there, shape (n, m).

    Between the points of the grid, a cubic spline interpolates log(1 + rise / largest threshold), which is smooth where
    the rise grows fast. If fits have failed, there is no spline.
    """
    x, y = (np.array(each) for each in scan.values)
    plane, scale = rises(scan), max(threshold["rise"] for threshold in scan.thresholds)
    if np.isnan(plane).any():
        return x, y, np.ma.masked_invalid(plane)
    finer = [np.linspace(each[0], each[-1], FINER * (len(each) - 1) + 1) for each in (x, y)]
    height = np.log1p(np.maximum(plane, 0.0) / scale)
    return *finer, scale * np.expm1(RectBivariateSpline(y, x, height)(*finer[::-1]))


def draw_plane(axes: Axes, scan: LikelihoodScan) -> list:
    """Draw the plane of two parameters with its contours; return handles for the legend."""
    x, y, plane = refined(scan)
    top = DARKEST * max(threshold["rise"] for threshold in scan.thresholds)
    scale = Normalize(0, top)
    axes.contourf(x, y, plane, np.linspace(0, top, 49), norm=scale, cmap=COLORS, extend="both", zorder=0)
    colors = axes.figure.colorbar(ScalarMappable(scale, COLORS), ax=axes, extend="max", pad=0.02)
    colors.set_label(RISE)
    handles = []
    for line, threshold in zip(LINES, scan.thresholds, strict=False):
        look = {"colors": [style.SIGNAL_COLOR], "linestyles": [line], "linewidths": [1.8]}
        axes.contour(x, y, plane, [threshold["rise"]], **look)
        label = f"{percent(threshold['confidence_level'])} (rise of {style.number(threshold['rise'])})"
        handles.append(Line2D([], [], color=style.SIGNAL_COLOR, linestyle=line, linewidth=1.8, label=label))
    bounds = [axes.axvline(each, **BOUND, zorder=4) for each in edges(scan, 0, "at_bound")]
    bounds += [axes.axhline(each, **BOUND, zorder=4) for each in edges(scan, 1, "at_bound")]
    for bound in bounds[:1]:
        bound.set_label("Bound of a parameter")
    axes.set_xlim(x[0], x[-1])
    axes.axhline(y[-1], color="black", linewidth=0.9, zorder=3)  # below the legend
    best = axes.plot(*scan.best_fit, **BEST, label="Best fit", clip_on=False, zorder=6)
    return [*handles, *best, *bounds[:1]]


@style.styled
def draw(scan: LikelihoodScan, title: str, poi: str, blinded: bool) -> Figure:
    """Return the picture of one scan.

    Args:
        scan: of one or two parameters.
        title: of the signal.
        poi: name of the parameter of interest.
        blinded: whether the data are those expected for mu = 1.
    """
    if scan.status in ("failed", "fit_failed"):
        return style.placeholder(f"{scan.name}: {scan.reason}", title)
    plane = len(scan.parameters) == 2
    figure = Figure(figsize=(7.6, 5.8) if plane else (7, 5.2))
    axes = figure.add_subplot()
    handles = draw_plane(axes, scan) if plane else draw_curve(axes, scan)
    style.label_axis(axes, "x", axis_text(scan, 0, poi))
    style.label_axis(axes, "y", axis_text(scan, 1, poi) if plane else RISE)
    taken = style.legend_on_top(axes, handles)
    if plane:
        low, high = scan.values[1][0], scan.values[1][-1]
    else:
        curve = rises(scan)
        largest = max(float(np.nanmax(curve)), *(threshold["rise"] for threshold in scan.thresholds))
        low, high = min(0.0, float(np.nanmin(curve))), CURVE_TOP * largest
    axes.set_ylim(low, low + (high - low) / (1 - taken))
    for line, note in enumerate(notes(scan, poi)):
        style.footnote(axes, style.one_line(note, 160), line)
    numbers = ", ".join(best_fit_text(scan, index, poi) for index in range(len(scan.parameters)))
    data = "Expected for μ = 1" if blinded else "Observed data"
    style.draw_header(axes, f"{style.one_line(title)}\n", f"{data}\n{numbers}")
    return figure


def pictures(files: ScanFiles) -> Iterator[tuple[str, Figure]]:
    """Yield (name, picture) of each scan of a signal.

    Raises:
        StepError: if the file is the record of a failure.
    """
    record = LikelihoodScans.read(files.measurement)
    for scan in map(LikelihoodScan.from_json, record.scans):
        name = ",".join(file_name(each, LONGEST_NAME) for each in scan.name.split(", "))
        yield name, draw(scan, files.title, record.poi, record.blinded)
