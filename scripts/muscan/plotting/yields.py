"""Draw data and prediction of every channel before and after the fit.

Reads fit.json, and if given histograms.csv for the bin edges and workspace.json to tell signal from background;
writes a directory with {channel}_prefit and {channel}_postfit as PNG and PDF, channel names percent-encoded.
"""

import hashlib
from collections.abc import Iterator
from urllib.parse import quote

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from muscan.base.errors import InputError
from muscan.base.files import read_result
from muscan.inputs.histograms import read_histograms
from muscan.plotting import style as plotting
from muscan.plotting.registry import ScanFiles
from muscan.plotting.stacks import colors, garwood, stack_order
from muscan.records.fit import ChannelYields, FitResult

PLACEHOLDER = ("failed", "There are no channels.")  # file and text of the picture without channels
HATCH = {"facecolor": "none", "edgecolor": "#404040", "hatch": "//////", "linewidth": 0}
LOG_RANGE = 30  # bins or channels whose contents differ by more than this factor get a logarithmic axis


def band(axes: Axes, edges: np.ndarray, middle: np.ndarray, error: np.ndarray) -> None:
    axes.stairs(middle + error, edges, baseline=middle - error, fill=True, **HATCH)


def draw_stack(axes: Axes, edges: np.ndarray, stack: list, total: np.ndarray, error: np.ndarray) -> list[Patch]:
    """Filled histograms on each other and the band of the total; returns the legend, top to bottom."""
    base = np.zeros(len(total))
    handles = []
    for label, events, color in stack:
        axes.stairs(base + events, edges, baseline=base, fill=True, color=color, linewidth=0)
        base = base + events
        handles.append(Patch(color=color, linewidth=0, label=label))
    axes.stairs(total, edges, color="black", linewidth=0.8)
    band(axes, edges, total, error)
    return [*reversed(handles), Patch(label="Uncertainty", **HATCH)]


def draw_data(axes: Axes, centres: np.ndarray, values: np.ndarray, errors: np.ndarray):
    return axes.errorbar(centres, values, yerr=errors, fmt="o", color="black", markersize=4, label="Data", zorder=5)


def draw_ratio(axes: Axes, edges: np.ndarray, counts: np.ndarray, total: np.ndarray, error: np.ndarray) -> None:
    """Data / prediction; bins without prediction stay empty, triangles point at data outside the frame."""
    some = total > 0
    safe = np.where(some, total, 1.0)
    ratio, errors = np.where(some, counts / safe, np.nan), np.where(some, garwood(counts) / safe, np.nan)
    relative = np.where(some, error / safe, 0.0)
    centres = (edges[1:] + edges[:-1]) / 2
    axes.axhline(1, color="black", linewidth=0.8)
    band(axes, edges, np.ones(len(total)), relative)
    draw_data(axes, centres, ratio, errors)
    reach = np.max([np.abs(ratio - 1) + errors.max(axis=0), relative], where=some, initial=0.18)
    half = min(1.1 * reach, 1.0)
    axes.set_ylim(1 - half, 1 + half)
    above, below = ratio > 1 + half, ratio < 1 - half
    axes.plot(centres[above], np.full(above.sum(), 1 + 0.9 * half), "^", color="black", markersize=6)
    axes.plot(centres[below], np.full(below.sum(), 1 - 0.9 * half), "v", color="black", markersize=6)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], prune="both"))
    axes.set_ylabel("Data / pred.", loc="center")


def set_range(axes: Axes, stack: list, counts: np.ndarray, total: np.ndarray, error: np.ndarray, handles: list) -> None:
    """A linear axis from zero, or a logarithmic one where bins differ much; the legend has its own room on top."""
    heights = np.concatenate([total, counts])
    heights = heights[heights > 0]
    top = 1.08 * max(np.max(counts + garwood(counts)[1], initial=0), np.max(total + error), 1e-6)
    log = len(heights) > 0 and heights.max() > LOG_RANGE * heights.min()
    if log:
        lowest = stack[0][1] if stack else total
        low = max(min(heights.min() / 3, np.min(lowest[lowest > 0], initial=np.inf)), top * 1e-5)
        axes.set_yscale("log")
        plotting.log_axis(axes.yaxis)
        axes.set_ylim(low, top)
    else:
        axes.set_ylim(0, top)
    taken = plotting.legend_on_top(axes, handles, columns=(3, 2, 1))
    axes.set_ylim(top=low * (top / low) ** (1 / (1 - taken)) if log else top / (1 - taken))


@plotting.styled
def yields(
    channel: ChannelYields, stage: str, title: str, notes: str, edges: np.ndarray | None, palette: dict[str, str]
) -> Figure:
    """One channel before ("prefit") or after ("postfit") the fit; `notes` come in the second line of the header."""
    blind = channel.observed is None
    total, error = np.array(channel.total[stage]), plotting.or_zero(channel.total[f"{stage}_error"])
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
    names = f"{plotting.one_line(title)}\n{plotting.one_line(channel.channel)}"
    plotting.header(main, names, f"{stage.replace('fit', '-fit')}\n{notes}")
    return figure


def notes(fit: FitResult) -> dict[str, str]:
    """The numbers that belong to each stage; a blind analysis has no fit to data."""
    poi = fit.parameters["names"].index(fit.poi)
    prefit = {"prefit": f"μ = {fit.parameters['initial'][poi]:g}"}
    if fit.blinded:
        return {"prefit": f"{prefit['prefit']}, blinded"}
    if fit.parameters["at_bound"][poi]:  # where an error has no meaning
        mu = f"{min(fit.poi_bounds, key=lambda bound: abs(bound - fit.mu_hat)):g} (at its bound)"
    else:
        mu = plotting.with_error(fit.mu_hat, fit.mu_hat_error)
    p_value = fit.goodness_of_fit["p_value"]
    quality = "no degrees of freedom" if p_value is None else f"goodness of fit p = {p_value:.2g}"
    return prefit | {"postfit": f"μ = {mu}, {quality}"}


def signal_samples(workspace: dict, poi: str) -> set[str]:
    """Names of the samples that the parameter of interest scales."""
    samples = [sample for channel in workspace["channels"] for sample in channel["samples"]]
    return {sample["name"] for sample in samples if poi in [modifier["name"] for modifier in sample["modifiers"]]}


def pictures(files: ScanFiles) -> Iterator[tuple[str, Figure]]:
    """Yield (name, picture) of each channel before and after the fit.

    Raises:
        StepError: if a file is the record of a failure, or has other channels or bins than the fit.
    """
    fit = FitResult.from_json(read_result(files.fit))
    edges = read_histograms(files.histograms, observed=False).edges if files.histograms else {}
    signals = signal_samples(read_result(files.workspace), fit.poi) if files.workspace else set()
    yield from pictures_of(fit, files.title, edges, signals)


def pictures_of(
    fit: FitResult, title: str, edges: dict[str, np.ndarray], signals: set[str]
) -> Iterator[tuple[str, Figure]]:
    """Yield pairs of a name and a figure.

    Args:
        fit: of all channels.
        title: of the scan.
        edges: of the bins, by channel; bins of other channels are numbered.
        signals: names of the samples that are signal.

    Raises:
        InputError: if the edges of a channel do not go with its number of bins.
    """
    for channel in map(ChannelYields.from_json, fit.yields):
        mine, number = edges.get(channel.channel), len(channel.total["prefit"])
        if mine is not None and len(mine) != number + 1:
            bins = f"{len(mine) - 1} bins in the histograms, {number} in the fit"
            raise InputError(f"channel {channel.channel!r}: {bins}")
        for stage, text in notes(fit).items():
            name = f"{file_name(channel.channel)}_{stage}"
            yield name, yields(channel, stage, title, text, mine, colors(fit, signals))


def file_name(channel: str, longest: int = 200) -> str:
    """A channel as the name of a file: percent-encoded, and cut off with a digest if it is too long for that."""
    name = quote(channel, safe="")
    return name if len(name) <= longest else f"{name[:longest]}~{hashlib.sha256(channel.encode()).hexdigest()[:8]}"
