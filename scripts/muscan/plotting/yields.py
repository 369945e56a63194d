"""Draw data and prediction of every channel before and after the fit.

Reads fit.json, and if given histograms.csv for the bin edges and workspace.json to tell signal from background;
writes a directory with {channel}_prefit and {channel}_postfit as PNG and PDF, channel names percent-encoded.
"""

import hashlib
from collections.abc import Iterator
from urllib.parse import quote

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from muscan.base.errors import InputError
from muscan.base.files import read_result
from muscan.inputs.histograms import read_histograms
from muscan.plotting import style
from muscan.plotting.registry import ScanFiles
from muscan.plotting.stacks import garwood, sample_colors, stack_order
from muscan.records.fit import ChannelYields, FitResult

PLACEHOLDER = ("failed", "There are no channels.")  # file name and text of the picture if there are no channels
HATCH = {"facecolor": "none", "edgecolor": "#404040", "hatch": "//////", "linewidth": 0}


def draw_band(axes: Axes, edges: np.ndarray, middle: np.ndarray, error: np.ndarray) -> None:
    """Draw a hatched band of middle ± error in each bin."""
    axes.stairs(middle + error, edges, baseline=middle - error, fill=True, **HATCH)


def draw_stack(axes: Axes, edges: np.ndarray, stack: list, total: np.ndarray, error: np.ndarray) -> list[Patch]:
    """Draw stacked histograms and the band of their total; return handles for the legend, top to bottom."""
    base = np.zeros(len(total))
    handles = []
    for label, events, color in stack:
        axes.stairs(base + events, edges, baseline=base, fill=True, color=color, linewidth=0)
        base = base + events
        handles.append(Patch(color=color, linewidth=0, label=label))
    axes.stairs(total, edges, color="black", linewidth=0.8)
    draw_band(axes, edges, total, error)
    return [*reversed(handles), Patch(label="Uncertainty", **HATCH)]


def draw_data(axes: Axes, centres: np.ndarray, values: np.ndarray, errors: np.ndarray) -> ErrorbarContainer:
    """Draw points with errors of shape (2, n), and return a handle for the legend."""
    return axes.errorbar(centres, values, yerr=errors, fmt="o", color="black", markersize=4, label="Data", zorder=5)


def draw_ratio(axes: Axes, edges: np.ndarray, counts: np.ndarray, total: np.ndarray, error: np.ndarray) -> None:
    """Draw data / prediction; bins without prediction stay empty, triangles point to data outside the frame."""
    predicted = total > 0
    safe = np.where(predicted, total, 1.0)
    ratio, errors = np.where(predicted, counts / safe, np.nan), np.where(predicted, garwood(counts) / safe, np.nan)
    relative = np.where(predicted, error / safe, 0.0)
    centres = (edges[1:] + edges[:-1]) / 2
    axes.axhline(1, color="black", linewidth=0.8)
    draw_band(axes, edges, np.ones(len(total)), relative)
    draw_data(axes, centres, ratio, errors)
    reach = np.max([np.abs(ratio - 1) + errors.max(axis=0), relative], where=predicted, initial=0.18)
    half = min(1.1 * reach, 1.0)
    axes.set_ylim(1 - half, 1 + half)
    above, below = ratio > 1 + half, ratio < 1 - half
    axes.plot(centres[above], np.full(above.sum(), 1 + 0.9 * half), "^", color="black", markersize=6)
    axes.plot(centres[below], np.full(below.sum(), 1 - 0.9 * half), "v", color="black", markersize=6)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], prune="both"))
    axes.set_ylabel("Data / pred.", loc="center")


def set_range(axes: Axes, stack: list, counts: np.ndarray, total: np.ndarray, error: np.ndarray, handles: list) -> None:
    """Set a linear axis from zero, or a logarithmic one (see `style.LOG_RANGE`), with room for the legend."""
    heights = np.concatenate([total, counts])
    heights = heights[heights > 0]
    top = 1.08 * max(np.max(counts + garwood(counts)[1], initial=0), np.max(total + error), 1e-6)
    log = len(heights) > 0 and heights.max() > style.LOG_RANGE * heights.min()
    if log:
        lowest = stack[0][1] if stack else total
        low = max(min(heights.min() / 3, np.min(lowest[lowest > 0], initial=np.inf)), top * 1e-5)
        axes.set_yscale("log")
        style.format_log_axis(axes.yaxis)
        axes.set_ylim(low, top)
    else:
        axes.set_ylim(0, top)
    taken = style.legend_on_top(axes, handles, columns=(3, 2, 1))
    axes.set_ylim(top=low * (top / low) ** (1 / (1 - taken)) if log else top / (1 - taken))


@style.styled
def draw_channel(
    channel: ChannelYields, stage: str, title: str, notes: str, edges: np.ndarray | None, palette: dict[str, str]
) -> Figure:
    """Return the picture of one channel before or after the fit.

    Args:
        channel: with data and yields.
        stage: "prefit" or "postfit".
        title: of the scan.
        notes: for the second line of the header.
        edges: of the bins; None to number them.
        palette: {sample: colour}.
    """
    blind = channel.observed is None
    total, error = np.array(channel.total[stage]), style.nan_to_zero(channel.total[f"{stage}_error"])
    counts = np.zeros(0) if blind else np.array(channel.observed)
    numbered = edges is None
    edges = np.arange(len(total) + 1) + 0.5 if numbered else edges
    figure = Figure(figsize=(7, 4.8 if blind else 6.2))
    panels = figure.subplots(2 - blind, 1, sharex=True, squeeze=False, height_ratios=(3, 1)[: 2 - blind])[:, 0]
    main, lowest = panels[0], panels[-1]
    figure.get_layout_engine().set(hspace=0, h_pad=0.03)
    stack = stack_order(channel, stage, palette)
    handles = draw_stack(main, edges, stack, total, error)
    if not blind:
        handles = [draw_data(main, (edges[1:] + edges[:-1]) / 2, counts, garwood(counts)), *handles]
        draw_ratio(lowest, edges, counts, total, error)
    main.set_xlim(edges[0], edges[-1])
    main.set_ylabel("Events" if len(total) == 1 else "Events per bin")
    if numbered:
        lowest.xaxis.set_major_locator(FixedLocator(range(1, len(total) + 1), nbins=20))
        lowest.xaxis.set_minor_locator(NullLocator())
    lowest.set_xlabel("Bin" if numbered else "Observable")
    figure.align_ylabels()
    set_range(main, stack, counts, total, error, handles)
    names = f"{style.one_line(title)}\n{style.one_line(channel.channel)}"
    style.draw_header(main, names, f"{stage.replace('fit', '-fit')}\n{notes}")
    return figure


def stage_notes(fit: FitResult) -> dict[str, str]:
    """Return {stage: text of mu and goodness of fit}; a blind analysis has no stage after the fit."""
    poi = fit.parameters["names"].index(fit.poi)
    prefit = {"prefit": f"μ = {fit.parameters['initial'][poi]:g}"}
    if fit.blinded:
        return {"prefit": f"{prefit['prefit']}, blinded"}
    if fit.parameters["at_bound"][poi]:  # where an error has no meaning
        mu = f"{min(fit.poi_bounds, key=lambda bound: abs(bound - fit.mu_hat)):g} (at its bound)"
    else:
        mu = style.with_error(fit.mu_hat, fit.mu_hat_error)
    p_value = fit.goodness_of_fit["p_value"]
    quality = "no degrees of freedom" if p_value is None else f"goodness of fit p = {p_value:.2g}"
    return prefit | {"postfit": f"μ = {mu}, {quality}"}


def signal_samples(workspace: dict, poi: str) -> set[str]:
    """Return the names of the samples that the parameter of interest scales."""
    samples = [sample for channel in workspace["channels"] for sample in channel["samples"]]
    return {sample["name"] for sample in samples if poi in [modifier["name"] for modifier in sample["modifiers"]]}


def pictures(files: ScanFiles) -> Iterator[tuple[str, Figure]]:
    """Yield (name, picture) of each channel before and after the fit.

    Raises:
        StepError: if a file is the record of a failure, or has other channels or bins than the fit.
    """
    fit = FitResult.read(files.fit)
    edges = read_histograms(files.histograms, observed=False).edges if files.histograms else {}
    signals = signal_samples(read_result(files.workspace), fit.poi) if files.workspace else set()
    yield from pictures_of(fit, files.title, edges, signals)


def pictures_of(
    fit: FitResult, title: str, edges: dict[str, np.ndarray], signals: set[str]
) -> Iterator[tuple[str, Figure]]:
    """Yield pairs of a name and a figure.

    Args:
        fit: content of fit.json.
        title: of the scan.
        edges: of the bins, by channel; bins of other channels are numbered.
        signals: names of the samples that are signal.

    Raises:
        InputError: if the edges of a channel do not match its number of bins.
    """
    for channel in map(ChannelYields.from_json, fit.yields):
        own_edges, number = edges.get(channel.channel), len(channel.total["prefit"])
        if own_edges is not None and len(own_edges) != number + 1:
            bins = f"{len(own_edges) - 1} bins in the histograms, {number} in the fit"
            raise InputError(f"channel {channel.channel!r}: {bins}")
        for stage, text in stage_notes(fit).items():
            name = f"{file_name(channel.channel)}_{stage}"
            yield name, draw_channel(channel, stage, title, text, own_edges, sample_colors(fit, signals))


def file_name(channel: str, longest: int = 200) -> str:
    """Return the name of a channel for files: percent-encoded, and shortened with a digest if it is too long."""
    name = quote(channel, safe="")
    return name if len(name) <= longest else f"{name[:longest]}~{hashlib.sha256(channel.encode()).hexdigest()[:8]}"
