"""Draw the numbers of toys of each hypothesis at each mu, and the errors of CLs there.

Reads limits.json of a scan with toys, writes a PNG and a PDF beside it.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from muscan.plotting import style
from muscan.plotting.registry import ScanFiles
from muscan.records.limits import Limits
from muscan.toys.pseudo_data import BACKGROUND_ONLY, HYPOTHESES, WITH_SIGNAL

COLORS = {WITH_SIGNAL: style.PALETTE[0], BACKGROUND_ONLY: style.PALETTE[1]}
WORDS = {WITH_SIGNAL: "signal+background", BACKGROUND_ONLY: "background-only"}


def toys_by_round(limits: Limits, hypothesis: str) -> tuple[np.ndarray, np.ndarray]:
    """Return mu, shape (n,), and the toys of a hypothesis that each round has added there, shape (rounds, n)."""
    blocks = limits.toys["blocks_by_round"][hypothesis]
    rounds = max(map(len, blocks))
    totals = np.array([each or [0] * rounds for each in blocks], dtype=float).T * limits.toys["block"]
    return np.array(limits.toys["mu"], dtype=float), np.diff(totals, axis=0, prepend=0)


def draw_toys(axes: Axes, limits: Limits) -> list:
    """Draw two bars for each mu, with lighter colours for later rounds; return handles for the legend."""
    handles = []
    for side, hypothesis in enumerate(HYPOTHESES):
        mu, added = toys_by_round(limits, hypothesis)
        gaps = np.diff(mu, prepend=-np.inf, append=np.inf)
        width = 0.4 * np.minimum(np.minimum(gaps[1:], gaps[:-1]), mu[-1])
        below = np.zeros(len(mu))
        for number, toys in enumerate(added):
            look = {"color": COLORS[hypothesis], "alpha": 1 - 0.6 * number / max(len(added) - 1, 1), "linewidth": 0}
            bars = axes.bar(mu + (side - 0.5) * width, toys, width, bottom=below, **look)
            below += toys
            if not number:
                bars.set_label(f"Toys, {WORDS[hypothesis]}")
                handles.append(bars)
    if len(added) > 1:
        handles += axes.plot([], [], " ", label="Later rounds: lighter")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}".replace(",", "\u202f")))
    axes.set_ylabel("Toys")
    return handles


def draw_errors(axes: Axes, limits: Limits) -> list:
    """Draw the relative errors of CLs, and return handles for the legend."""
    mu = [point["mu"] for point in limits.points]
    with np.errstate(all="ignore"):
        observed, median = (
            100
            * np.array([error(point) for point in limits.points], dtype=float)
            / np.array([value(point) for point in limits.points], dtype=float)
            for value, error in (
                (lambda point: point["CLs_obs"], lambda point: point["CLs_obs_error"]),
                (lambda point: point["CLs_exp"][2], lambda point: point["CLs_exp_error"][2]),
            )
        )
    axes.set_ylabel("Error of CLs (%)")
    axes.set_xlabel("Signal strength μ")
    lines = axes.plot(mu, observed, "o-", color="black", markersize=3.5, label="Observed")
    return [
        *([] if limits.is_blinded() else lines),
        *axes.plot(mu, median, "s--", color="0.4", markersize=3.5, label="Expected (median)"),
    ]


@style.styled
def draw(limits: Limits, title: str) -> Figure:
    """Return the picture of a scan: toys above, errors of CLs below, lines at the limits."""
    if limits.toys is None:
        return style.placeholder(limits.reason["observed_limit"] or "There are no toys.", title)
    figure = Figure(figsize=(7, 6))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    handles, others = draw_toys(above, limits), draw_errors(below, limits)
    median = limits.expected_limit[2]
    for value, line, name in ((limits.observed_limit, "-", "Observed"), (median, "--", "Expected")):
        if value is not None:
            look = {"color": style.SIGNAL_COLOR, "linewidth": 1.2, "linestyle": line, "label": f"{name} limit"}
            handles.append(above.axvline(value, **look))
            below.axvline(value, **look)
    for axes, each in ((above, handles), (below, others)):
        taken = style.legend_on_top(axes, each)
        axes.set_ylim(0, axes.get_ylim()[1] / (1 - taken))
    thrown = limits.toys["thrown"]
    total = f"{sum(thrown.values()):,} toys".replace(",", "\u202f")
    style.draw_header(above, style.one_line(title), total)
    return figure


def picture(files: ScanFiles) -> Figure:
    """Return the picture of a scan, from limits.json of a scan with toys."""
    return draw(Limits.read(files.limits), files.title)
