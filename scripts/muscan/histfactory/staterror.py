"""The parameters of staterror modifiers, which several samples share: one factor per bin with a relative uncertainty.

The relative uncertainty of a bin is the quadratic sum over the samples that carry the modifier, divided by the events
of all these samples together, as in pyhf (https://scikit-hep.org/pyhf/likelihood.html).
"""

import numpy as np

from muscan.base.errors import InputError
from muscan.histfactory import parameters
from muscan.histfactory.parameters import ParameterSet
from muscan.histfactory.workspace import ParsedWorkspace, Template


def carriers_by_name(parsed: ParsedWorkspace) -> dict[str, list[Template]]:
    """Return the templates with each staterror, sorted by its name, as pyhf goes through them."""
    carriers: dict[str, list[Template]] = {}
    for template in parsed.templates:
        for name, kind in template.modifiers:
            if kind == "staterror":
                carriers.setdefault(name, []).append(template)
    return {name: carriers[name] for name in sorted(carriers)}


def carriers_events(parsed: ParsedWorkspace, carriers: list[Template]) -> np.ndarray:
    """Return the summed events of all samples that carry a staterror, shape (nmain,).

    As in pyhf a sample counts in all its channels, also in those where it lacks the modifier.
    """
    samples = {template.sample for template in carriers}
    events = np.zeros(parsed.edges[-1])
    for template in parsed.templates:
        if template.sample in samples:
            events[parsed.edges[template.channel] : parsed.edges[template.channel + 1]] += template.nominal
    return events


def staterror_sets(parsed: ParsedWorkspace) -> list[tuple[str, ParameterSet, str]]:
    """Return (name, parameters, place for messages) of each staterror.

    Raises:
        InputError: if samples carry the same staterror in different channels.
    """
    sets = []
    for name, carriers in carriers_by_name(parsed).items():
        channels = _common_channels(name, carriers)
        sigmas = _relative_uncertainties(parsed, name, carriers)
        bins = np.concatenate([np.arange(parsed.edges[channel], parsed.edges[channel + 1]) for channel in channels])
        sets.append((name, parameters.staterror(sigmas[bins]), f"{carriers[0].where}, staterror"))
    return sets


def _common_channels(name: str, carriers: list[Template]) -> list[int]:
    channels: dict[int, set[int]] = {}
    for template in carriers:
        channels.setdefault(template.sample, set()).add(template.channel)
    first, *others = channels.values()
    if any(each != first for each in others):
        raise InputError(f"staterror {name!r} is on samples in different channels")
    return sorted(first)


def _relative_uncertainties(parsed: ParsedWorkspace, name: str, carriers: list[Template]) -> np.ndarray:
    """Of all bins, shape (nmain,); zero where the samples have no events."""
    nominal, variance = carriers_events(parsed, carriers), np.zeros(parsed.edges[-1])
    for template in sorted(carriers, key=lambda template: template.sample):
        bins = slice(parsed.edges[template.channel], parsed.edges[template.channel + 1])
        uncertainty = np.asarray(template.modifiers[name, "staterror"], dtype=float)
        positive = nominal[bins] > 0
        relative = np.divide(uncertainty, nominal[bins], out=np.zeros_like(uncertainty), where=positive)
        variance[bins] += relative**2
    return np.sqrt(variance)


def staterror_offsets(parsed: ParsedWorkspace) -> dict[str, dict[int, int]]:
    """Return where the bins of each channel begin among the parameters of a staterror: {name: {channel: index}}."""
    offsets: dict[str, dict[int, int]] = {}
    for name, carriers in carriers_by_name(parsed).items():
        channels = sorted({template.channel for template in carriers})
        sizes = [int(parsed.edges[channel + 1] - parsed.edges[channel]) for channel in channels]
        offsets[name] = dict(zip(channels, np.cumsum([0, *sizes]).tolist(), strict=False))
    return offsets
