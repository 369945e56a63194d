"""The numbers behind a stack of histograms: order, colours and the errors of counts."""

import numpy as np
from scipy.special import gammaincinv

from muscan.plotting import style as plotting
from muscan.records.fit import ChannelYields, FitResult

TAIL = 0.158655253931457  # of a normal distribution, beyond one standard deviation


def garwood(counts: np.ndarray) -> np.ndarray:
    """Central 68 % confidence intervals of Poisson means as offsets, shape (2, n): down, up (Garwood, 1936)."""
    low = np.where(counts > 0, gammaincinv(np.maximum(counts, 1e-9), TAIL), 0.0)
    return np.array([counts - low, gammaincinv(counts + 1, 1 - TAIL) - counts])


def colors(fit: FitResult, signals: set[str]) -> dict[str, str]:
    """A colour for every sample, the same in all channels: background by size, the smallest share the last colour."""
    sizes = {name: 0.0 for channel in fit.yields for name in channel["samples"]}
    for channel in fit.yields:
        for name, sample in channel["samples"].items():
            sizes[name] += sum(sample["prefit"])
    backgrounds = sorted(sizes.keys() - signals, key=lambda name: (-sizes[name], name))
    last = len(plotting.PALETTE) - 1
    by_size = {name: plotting.PALETTE[min(i, last)] for i, name in enumerate(backgrounds)}
    return by_size | dict.fromkeys(sizes.keys() & signals, plotting.SIGNAL)


def stack_order(channel: ChannelYields, stage: str, palette: dict[str, str]) -> list[tuple[str, np.ndarray, str]]:
    """(label, events, colour) from bottom to top: small backgrounds first, the signal last, absent samples left out.

    Backgrounds of one colour are added up, and the label says how many they are.
    """
    groups: dict[str, list[str]] = {}
    for name, sample in channel.samples.items():
        if any(sample[stage]):
            groups.setdefault(name if palette[name] == plotting.SIGNAL else palette[name], []).append(name)
    stack = []
    for names in groups.values():
        label = plotting.one_line(names[0], 28) if len(names) == 1 else f"{len(names)} smaller backgrounds"
        events = np.sum([channel.samples[name][stage] for name in names], axis=0)
        size = np.sum([channel.samples[name]["prefit"] for name in names])
        color = palette[names[0]]
        stack.append((color == plotting.SIGNAL, size, label, events, color))
    return [entry[2:] for entry in sorted(stack, key=lambda entry: entry[:3])]
