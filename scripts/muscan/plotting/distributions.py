"""Draw the distributions of the test statistic under both hypotheses at some values of mu.

Reads limits.json, the plan of the last round and its toys, model.npz and fit.json, writes a folder with a PNG and a PDF
for each mu.
"""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from muscan.inference.calculators import distribution
from muscan.plotting import style
from muscan.plotting.registry import ScanFiles
from muscan.plotting.toys import COLORS, WORDS
from muscan.records.limits import Limits
from muscan.toys.plan import ThrownPoint, ToyFiles, collect_toys, open_plan
from muscan.toys.pseudo_data import BACKGROUND_ONLY, HYPOTHESES, WITH_SIGNAL

PLACEHOLDER = ("none", "There are no toys.")  # file name and text of the picture if there are no toys
BINS = 40
SYMBOLS = {"qtilde": "q̃", "q": "q"}


def points_shown(limits: Limits, thrown: list[ThrownPoint], show: list[float]) -> list[ThrownPoint]:
    """Return the points nearest to some values of mu; without values, to the observed and the median expected limit."""
    known = [each for each in thrown if len(each.signal.q)]
    wanted = show or [each for each in (limits.observed_limit, limits.expected_limit[2]) if each is not None]
    wanted = wanted or [known[len(known) // 2].point.mu] if known else []
    nearest = {min(known, key=lambda each, mu=mu: abs(each.point.mu - mu)).point.mu for mu in wanted}
    return [each for each in known if each.point.mu in nearest]


def draw_histogram(axes: Axes, thrown: ThrownPoint, hypothesis: str, edges: np.ndarray, test_statistic: str) -> list:
    """Draw the distribution of sqrt(q) of the toys of one hypothesis, and the asymptotic one in the same bins.

    Args:
        axes: of the picture.
        thrown: the toys.
        hypothesis: one of HYPOTHESES.
        edges: of the bins of sqrt(q).
        test_statistic: a key of SYMBOLS.

    Returns:
        handles for the legend.
    """
    q = {WITH_SIGNAL: thrown.signal.q, BACKGROUND_ONLY: thrown.background.q}[hypothesis]
    q = q[np.isfinite(q)]
    counts, _ = np.histogram(np.sqrt(q), edges)
    middle = (edges[1:] + edges[:-1]) / 2
    fraction, errors = counts / len(q), np.sqrt(counts) / len(q)
    below = distribution(test_statistic, edges**2, thrown.point.q_asimov, hypothesis == WITH_SIGNAL)
    asymptotic = np.diff(below)
    asymptotic[0] += below[0]  # toys with q = 0
    color = COLORS[hypothesis]
    look = {"color": color, "markersize": 3.5, "linewidth": 1, "label": f"Toys, {WORDS[hypothesis]}"}
    points = axes.errorbar(middle, np.where(counts, fraction, np.nan), errors, fmt="o", **look)
    axes.stairs(asymptotic, edges, color=color, linewidth=1.2)
    return [points]


def draw_observed(axes: Axes, thrown: ThrownPoint, limits: Limits, high: float) -> list:
    """Draw the observed value and the tail beyond it, and return handles for the legend."""
    root = np.sqrt(thrown.point.q_obs)
    axes.axvspan(root, high, color="0.9", linewidth=0, zorder=0)
    label = f"Observed, √{SYMBOLS[limits.test_statistic]} = {style.number(root)}"
    line = axes.axvline(root, color="black", linewidth=1.2, label=label)
    row = next((point for point in limits.points if point["mu"] == thrown.point.mu), None)
    return [line, *axes.plot([], [], " ", label=tail_text(row))]


def tail_text(point: dict | None) -> str:
    """Return CLs with its error as text."""
    if point is None or point["CLs_obs"] is None:
        return "CLs: too few toys in the tail"
    return f"CLs = {style.with_error(point['CLs_obs'], point['CLs_obs_error'])}"


@style.styled
def draw(thrown: ThrownPoint, limits: Limits, title: str) -> Figure:
    """Return the picture of one mu."""
    finite = np.concatenate([thrown.signal.q, thrown.background.q])
    finite = finite[np.isfinite(finite)]
    q_obs = 0.0 if limits.is_blinded() else thrown.point.q_obs
    high = 1.05 * np.sqrt(max(np.quantile(finite, 0.9995) if len(finite) else 1.0, q_obs, 1e-3))
    edges = np.linspace(0, high, BINS + 1)
    figure = Figure(figsize=(7, 5.2))
    axes = figure.add_subplot()
    axes.set_yscale("log")
    handles = []
    for hypothesis in HYPOTHESES:
        handles += draw_histogram(axes, thrown, hypothesis, edges, limits.test_statistic)
    symbol = SYMBOLS[limits.test_statistic]
    handles += axes.plot([], [], color="0.4", linewidth=1.2, label="Asymptotic forms")
    if not limits.is_blinded():
        handles += draw_observed(axes, thrown, limits, high)
    axes.set_xlim(0, high)
    axes.set_xlabel(f"Root of the test statistic, √{symbol}, at μ = {thrown.point.mu:g}")
    axes.set_ylabel("Fraction of toys per bin")
    style.format_log_axis(axes.yaxis)
    low = 0.5 / max(len(thrown.signal.q), len(thrown.background.q))
    axes.set_ylim(low, 1)
    taken = style.legend_on_top(axes, handles)
    decades = -np.log10(low)
    axes.set_ylim(low, 10 ** (0.15 + decades * taken / (1 - taken)))
    style.draw_header(axes, style.one_line(title), f"{len(thrown.signal.q)} + {len(thrown.background.q)} toys")
    return figure


def pictures(files: ScanFiles) -> Iterator[tuple[str, Figure]]:
    """Yield (name, picture) of each mu that is shown.

    Raises:
        StepError: if the plan or the limits are the record of a failure.
    """
    plan, store, *_ = open_plan(ToyFiles(files.model, files.fit, files.workspace, plan=files.plan, toys=files.toys))
    limits = Limits.read(files.limits)
    for each in points_shown(limits, collect_toys(store, plan), files.show):
        yield f"mu_{each.point.mu:g}", draw(each, limits, files.title)
