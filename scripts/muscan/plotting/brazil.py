"""Draw CLs against mu with its expected bands, and the limits where the curves cross 1 - confidence level.

Reads limits.json, writes a PNG and a PDF beside it.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from muscan.plotting import style
from muscan.plotting.registry import ScanFiles
from muscan.records.limits import Limits

BLUE, ASYMPTOTIC = "#1f4e9c", "#832db6"
SIGMAS = ("−2σ", "−1σ", "median", "+1σ", "+2σ")
FLOOR = 0.02  # lower end of the CLs axis in units of 1 - confidence level; points below are clearly excluded


def curves(limits: Limits) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the curves of a scan.

    Returns:
        mu, shape (n,); CLs, observed and for -2 ... +2 sigma, shape (6, n); which points are of the scan rather than
        refinements, shape (n,).
    """
    mu = np.array([point["mu"] for point in limits.points], dtype=float)
    cls = np.array([[point["CLs_obs"], *point["CLs_exp"]] for point in limits.points], dtype=float).T
    return mu, cls, np.array([not point["refinement"] for point in limits.points], dtype=bool)


def mu_range(mu: np.ndarray, cls: np.ndarray, failed: list[float], floor: float) -> tuple[float, float]:
    """Return the range of the mu axis: where a curve is above the floor of the CLs axis, and all failed points."""
    visible = np.flatnonzero((cls > floor).any(axis=0))
    last = mu[min(visible[-1] + 1, len(mu) - 1)] if len(visible) else mu[-1]
    low, high = min([mu[0], *failed]), max([last, *failed])
    margin = 0.06 * (high - low) or 0.5 * max(abs(high), 1e-3)
    return (low if low == 0 < high else low - margin), high + margin


def cls_errors(limits: Limits) -> np.ndarray | None:
    """Return the statistical errors of CLs, shape (6, n); None for asymptotic limits."""
    if limits.toys is None:
        return None
    return np.array([[point["CLs_obs_error"], *point["CLs_exp_error"]] for point in limits.points], dtype=float).T


def entries(limits: Limits) -> list[tuple[float | None, str, float | None]]:
    """Return (value, status, bound) of the observed and the five expected limits."""
    return [(value, status, bound) for value, status, _, bound in limits.entries()]


def limit_texts(limits: Limits) -> list[str]:
    """Return the observed limit, the median with its one-sigma range, and reasons why expected limits are missing."""
    (value, *why), *expected = entries(limits)
    error = limits.observed_limit_error
    observed = f": {style.status_words(*why)}" if value is None else f" {style.with_error(value, error)}"
    texts = [f"Observed limit{observed}"]
    missing: dict[str, list[str]] = {}
    for sigma, (value, *why) in zip(SIGMAS, expected, strict=True):
        if value is None:
            missing.setdefault(style.status_words(*why), []).append(sigma)
    if [*missing.values()] == [[*SIGMAS]]:
        return [*texts, f"Expected limits: {next(iter(missing))}"]
    _, minus, median, plus, _ = limits.expected_limit
    if median is None:
        texts.append(f"Expected limit: {style.status_words(*expected[2][1:])}")
    elif minus is None or plus is None:
        texts.append(f"Expected limit {style.number(median)}")
    else:
        texts.append(f"Expected limit {style.with_error(median, plus - median, median - minus)}")
    others = {words: [sigma for sigma in sigmas if sigma != "median"] for words, sigmas in missing.items()}
    return texts + [f"Expected {', '.join(sigmas)}: {words}" for words, sigmas in others.items() if sigmas]


def draw_curves(axes: Axes, mu: np.ndarray, cls: np.ndarray, scan: np.ndarray) -> list:
    """Draw bands, median and observed curve and return their handles; a single point gets a short piece of each."""
    single = len(mu) == 1
    x, y = (mu + np.array([-0.05, 0.05]) * max(mu[0], 1), np.repeat(cls, 2, axis=1)) if single else (mu, cls)
    below = np.nan_to_num(y)  # where too few toys are in the tail, the edge of the band is drawn below the frame
    marked = np.flatnonzero(scan).tolist()
    return [
        *axes.plot(mu, cls[0], "o-", color="black", markersize=3.5, markevery=marked, label="Observed", zorder=4),
        *axes.plot(x, y[3], "--", color="black", label="Expected (median)", zorder=3),
        axes.fill_between(x, below[2], y[4], color=style.GREEN, linewidth=0, label="Expected ± 1σ", zorder=2),
        axes.fill_between(x, below[1], y[5], color=style.YELLOW, linewidth=0, label="Expected ± 2σ", zorder=1),
    ]


def draw_errors(axes: Axes, mu: np.ndarray, cls: np.ndarray, errors: np.ndarray | None) -> None:
    """Draw the statistical errors of the points of all six curves, those of the bands in grey."""
    for curve in range(6) if errors is not None else ():
        color = "black" if curve in (0, 3) else "0.45"
        look = {"color": color, "linewidth": 0.9, "capsize": 1.5, "zorder": 3.5 if curve else 4}
        axes.errorbar(mu, cls[curve], errors[curve], fmt="none", **look)


def draw_asymptotics(axes: Axes, limits: Limits) -> list:
    """Draw the observed and the median asymptotic curve below those from toys, and return their handles."""
    asymptotic = limits.asymptotic_limits()
    if asymptotic is None or not asymptotic.points:
        return []
    mu, cls, _ = curves(asymptotic)
    look = {"color": ASYMPTOTIC, "linewidth": 1.2, "zorder": 2.5}
    return [
        *axes.plot(mu, cls[0], **look, label="Asymptotic, observed"),
        *axes.plot(mu, cls[3], "--", **look, label="Asymptotic, expected"),
    ]


def draw_limit(
    axes: Axes, value: float | None, status: str, bound: float | None, height: float, line: str, label: str
) -> list:
    """Draw a line from the crossing down to the mu axis, or an arrow from the end of the scan towards the limit.

    Args:
        axes: of the curves.
        value: of the limit.
        status: of the limit.
        bound: of the limit.
        height: of the crossing.
        line: style of the line.
        label: for the legend.

    Returns:
        handles for the legend.
    """
    look = {"color": BLUE, "linestyle": line, "linewidth": 1.8}
    if value is not None:
        return axes.plot([value, value], [0, height], **look, label=label, zorder=5)
    if bound is not None and status in ("above_scan", "below_scan"):
        end = axes.get_xlim()[status == "above_scan"]
        arrow = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, **look}
        height *= 1 if line == "-" else 0.7  # both arrows may start at the same place
        axes.annotate("", xy=(end, height), xytext=(bound, height), arrowprops=arrow, zorder=5)
    return axes.plot([], [], **look, label=label)


@style.styled
def draw(limits: Limits, title: str) -> Figure:
    """Return the picture of one scan, with CLs on a logarithmic axis, on which the crossings are visible."""
    if not limits.points:
        example = "".join(f". At mu = {point['mu']:g}: {point['reason']}" for point in limits.failed_points[:1])
        return style.placeholder(f"{limits.reason['observed_limit']}{example}", title)
    alpha = 1 - limits.confidence_level
    mu, cls, scan = curves(limits)
    failed = [point["mu"] for point in limits.failed_points]
    figure = Figure(figsize=(7, 5.4))
    axes = figure.add_subplot()
    axes.set_yscale("log")
    axes.set_xlim(mu_range(mu, cls, failed, FLOOR * alpha))
    handles = draw_curves(axes, mu, cls, scan)[limits.is_blinded() :]
    draw_errors(axes, mu, cls, cls_errors(limits))
    handles += draw_asymptotics(axes, limits)
    handles.append(axes.axhline(alpha, color=style.SIGNAL_COLOR, linewidth=1, label=f"CLs = {alpha:.3g}", zorder=3))
    observed, _, _, expected, *_ = entries(limits)
    texts = limit_texts(limits)
    handles += draw_limit(axes, *observed, alpha, "-", texts[0])
    handles += draw_limit(axes, *expected, alpha, "--", texts[1])
    handles += [axes.plot([], [], " ", label=text)[0] for text in texts[2:]]
    if failed:
        look = {"color": style.SIGNAL_COLOR, "markersize": 8, "markeredgewidth": 1.8, "clip_on": False, "zorder": 10}
        on_axis = {"transform": axes.get_xaxis_transform(), "label": f"Failed tests: {len(failed)}"}
        handles += axes.plot(failed, [0] * len(failed), "x", **on_axis, **look)
    finish(axes, limits, handles, alpha, mu[scan])
    style.draw_header(axes, style.one_line(title), f"{limits.calculator}, {100 * limits.confidence_level:.4g} % CL")
    return figure


def finish(axes: Axes, limits: Limits, handles: list, alpha: float, scan: np.ndarray) -> None:
    """Add the legend above CLs = 1, the ticks below it, and the labels of the axes."""
    style.format_log_axis(axes.yaxis)
    axes.set_ylabel("CLs" if limits.test_statistic != "q0" else "p-value")
    cut = len(scan) and scan[-1] > axes.get_xlim()[1]
    axes.set_xlabel("Signal strength μ" + (f" (scanned from {scan[0]:g} to {scan[-1]:g})" if cut else ""))
    axes.set_ylim(FLOOR * alpha, 1)
    taken = style.legend_on_top(axes, handles)
    decades = -np.log10(FLOOR * alpha)
    axes.set_ylim(FLOOR * alpha, 10 ** (0.1 + decades * taken / (1 - taken)))
    powers = np.arange(-int(decades) - 1, 1)
    axes.yaxis.set_major_locator(FixedLocator(10.0**powers))
    axes.yaxis.set_minor_locator(FixedLocator(np.outer(10.0 ** powers[:-1], range(2, 10)).ravel()))


def picture(files: ScanFiles) -> Figure:
    """Return the picture of a scan, from limits.json."""
    return draw(Limits.read(files.limits), files.title)
