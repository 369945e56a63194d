"""Stacks of histograms: order and colours of the samples, and the errors of the counts."""

import numpy as np
from scipy.special import gammaincinv

from muscan.plotting import style
from muscan.records.fit import ChannelYields, FitResult

TAIL = 0.158655253931457  # probability of a normal variable above one standard deviation


def garwood(counts: np.ndarray) -> np.ndarray:
    """Return the distances from counts, shape (n,), to the ends of the central 68 % intervals of their Poisson means.

    Source: F. Garwood, Biometrika 28 (1936) 437.

    Returns:
        distances down and up, shape (2, n).
    """
    low = np.where(counts > 0, gammaincinv(np.maximum(counts, 1e-9), TAIL), 0.0)
    return np.array([counts - low, gammaincinv(counts + 1, 1 - TAIL) - counts])


def sample_colors(fit: FitResult, signals: set[str]) -> dict[str, str]:
    """Return the colour of every sample, which is the same in all channels.

    Backgrounds get colours in the order of their size; the smallest have the last colour in common.
    """
    sizes = {name: 0.0 for channel in fit.yields for name in channel["samples"]}
    for channel in fit.yields:
        for name, sample in channel["samples"].items():
            sizes[name] += sum(sample["prefit"])
    backgrounds = sorted(sizes.keys() - signals, key=lambda name: (-sizes[name], name))
    last = len(style.PALETTE) - 1
    by_size = {name: style.PALETTE[min(i, last)] for i, name in enumerate(backgrounds)}
    return by_size | dict.fromkeys(sizes.keys() & signals, style.SIGNAL_COLOR)


def stack_order(channel: ChannelYields, stage: str, palette: dict[str, str]) -> list[tuple[str, np.ndarray, str]]:
    """Return (label, events, colour) of the histograms of a stack from bottom to top.

    Small backgrounds come first, the signal last; samples without events are left out. Backgrounds of one colour are
    added, and their label states their number.

    Args:
        channel: with the yields.
        stage: "prefit" or "postfit".
        palette: {sample: colour}.
    """
    groups: dict[str, list[str]] = {}
    for name, sample in channel.samples.items():
        if any(sample[stage]):
            groups.setdefault(name if palette[name] == style.SIGNAL_COLOR else palette[name], []).append(name)
    stack = []
    for names in groups.values():
        label = style.one_line(names[0], 28) if len(names) == 1 else f"{len(names)} smaller backgrounds"
        events = np.sum([channel.samples[name][stage] for name in names], axis=0)
        size = np.sum([channel.samples[name]["prefit"] for name in names])
        color = palette[names[0]]
        stack.append((color == style.SIGNAL_COLOR, size, label, events, color))
    return [entry[2:] for entry in sorted(stack, key=lambda entry: entry[:3])]
