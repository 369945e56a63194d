"""Systematic variations of templates that are not what they usually are: on one side, too large, or none."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from muscan.base.words import listed
from muscan.diagnosis.findings import DECISIVE, DOUBT, HINDER, HUGE, NOISE, UNTIDY, VISIBLE, Finding, Parts, plural

# Of all changes of a template, bin by bin: so many on one side are no accident of a few bins.
MOST_OF_IT = 0.5
SINGLY = 2  # so many modifiers have a finding each, more of them share one


class Changes(NamedTuple):
    """One entry per template and modifier, in parts of the events of the template."""

    kind: np.ndarray  # 0 for normsys, 1 for histosys
    sample: np.ndarray
    channel: np.ndarray
    parameter: np.ndarray
    down: np.ndarray  # of all bins together
    up: np.ndarray
    size_down: np.ndarray  # sum of absolute changes of the bins
    size_up: np.ndarray
    same: np.ndarray  # the part of both sizes in bins where up and down are on one side
    visible: np.ndarray  # of the larger variation of each bin, in standard deviations
    visible_same: np.ndarray  # of the smaller variation of each bin where both are on one side


KINDS = ("normsys", "histosys")


def variations(parts: Parts) -> Iterator[Finding]:
    """Findings about normsys and histosys."""
    changes = _changes(parts)
    size = changes.size_down + changes.size_up
    smaller, larger = (each(changes.size_down, changes.size_up) for each in (np.minimum, np.maximum))
    both = np.minimum(np.abs(changes.down), np.abs(changes.up))
    together = (changes.down * changes.up > 0) & (both > np.maximum(NOISE, MOST_OF_IT * size / 2))
    same = (smaller > NOISE) & (together | (changes.same > MOST_OF_IT * size)) & (changes.visible_same > VISIBLE)
    one = (smaller <= NOISE) & (larger > NOISE) & (changes.visible > VISIBLE)
    huge = (np.maximum(np.abs(changes.down), np.abs(changes.up)) > HUGE) & (changes.visible > VISIBLE)
    yield from _by_modifier(
        parts, "same-side", HINDER, changes, same, changes.visible_same,
        "up and down change the events to the same side",
        "Its pull has no clear meaning, and there may be two minima; symmetrise the variation if this is not meant",
    )  # fmt: skip
    yield from _by_modifier(
        parts, "one-sided", UNTIDY, changes, one, changes.visible,
        "only one of up and down differs from the nominal",
        "To the other side it has no effect; symmetrise the variation if this is not meant",
    )  # fmt: skip
    yield from _by_modifier(
        parts, "huge-uncertainty", DOUBT, changes, huge, changes.visible,
        "an uncertainty above 100 %",
        "Check the numbers (hi: 1.1 is 10 %); a background that is not known may better float freely",
    )  # fmt: skip
    yield from _by_modifier(
        parts, "zero-uncertainty", UNTIDY, changes, _without_effect(parts, changes, larger), changes.visible,
        "up and down both are the nominal",
        "It has no effect there; leave the modifier out, or check its numbers",
    )  # fmt: skip


def sizes(parts: Parts) -> np.ndarray:
    """What each parameter changes by normsys and histosys, in statistical standard deviations, shape (npar,)."""
    changes = _changes(parts)
    return np.sqrt(np.bincount(changes.parameter, changes.visible**2, len(parts.model.names)))


def _without_effect(parts: Parts, changes: Changes, larger: np.ndarray) -> np.ndarray:
    """Modifiers that do nothing, of parameters that do something, but not to the same template by another modifier."""
    template = np.ravel_multi_index(
        (changes.sample, changes.channel, changes.parameter),
        (len(parts.model.samples), len(parts.model.channels), len(parts.model.names)),
    )
    return (larger == 0) & ~np.isin(template, template[larger > 0]) & parts.effective[changes.parameter]


def _by_modifier(
    parts: Parts, slug: str, weight: str, changes: Changes, which: np.ndarray, size: np.ndarray, what: str, advice: str
) -> Iterator[Finding]:
    """Findings of few modifiers, or one that many share, with the largest first.

    Those of the signal stand apart: the others are the same for all signals of a patch set. What is not decisive is
    only untidy.
    """
    decisive = which & (size > DECISIVE) & (weight != UNTIDY)
    weighty = f"{what}, which weighs more than the statistical uncertainty,"
    yield from _of_weight(parts, slug, weight, changes, decisive, size, weighty, advice)
    yield from _of_weight(parts, slug, UNTIDY, changes, which & ~decisive, size, what, advice)


def _of_weight(
    parts: Parts, slug: str, weight: str, changes: Changes, which: np.ndarray, size: np.ndarray, what: str, advice: str
) -> Iterator[Finding]:
    of_signal = parts.per_channel(parts.signal)[changes.sample, changes.channel]
    for owner, kind, mine in (("", slug, which & ~of_signal), ("signal, ", f"{slug}-of-signal", which & of_signal)):
        places: dict[str, list[tuple[int, int]]] = {}
        for i in np.flatnonzero(mine)[np.argsort(-size[mine], kind="stable")]:
            modifier = f"{KINDS[changes.kind[i]]} {parts.model.names[changes.parameter[i]]!r}"
            places.setdefault(modifier, []).append((changes.sample[i], changes.channel[i]))
        if len(places) > SINGLY:
            names = listed([f"{modifier} ({parts.templates(pairs, 1)})" for modifier, pairs in places.items()], 3)
            text = f"{what} in {mine.sum()} templates: {names}"
            yield Finding(weight, kind, f"{owner}{len(places)} modifiers", text, advice)
            continue
        for modifier, pairs in places.items():
            text = f"{what} in {len(pairs)} {plural('template', pairs)}: {parts.templates(pairs)}"
            yield Finding(weight, kind, f"{owner}{modifier}", text, advice)


def _changes(parts: Parts) -> Changes:
    """All variations of templates that can have events."""
    norm, shift = _of_normsys(parts), _of_histosys(parts)
    group, bin_, down, up = (np.concatenate(pair) for pair in zip(norm[1:], shift[1:], strict=True))
    group[len(norm[1]) :] += len(norm[0][0])
    kind = np.repeat([0, 1], [len(norm[0][0]), len(shift[0][0])])
    sample, channel, parameter = (np.concatenate(pair) for pair in zip(norm[0], shift[0], strict=True))
    number = len(kind)
    whole = np.abs(np.add.reduceat(parts.model.nominal, parts.model.edges[:-1], axis=1)[sample, channel])

    def relative(values: np.ndarray) -> np.ndarray:
        return np.divide(np.bincount(group, values, number), whole, out=np.zeros(number), where=whole > 0)

    def significance(values: np.ndarray) -> np.ndarray:
        squares = values**2 * parts.per_variance[sample[group], bin_]
        return np.sqrt(np.bincount(group, squares, number))

    smaller, larger = (each(np.abs(down), np.abs(up)) for each in (np.minimum, np.maximum))
    one_side = (down * up > 0) & (smaller > NOISE * whole[group])
    return Changes(
        kind, sample, channel, parameter, relative(down), relative(up), relative(np.abs(down)), relative(np.abs(up)),
        relative(np.where(one_side, smaller + larger, 0.0)), significance(larger),
        significance(np.where(one_side, smaller, 0.0)),
    )  # fmt: skip


def _of_normsys(parts: Parts) -> tuple:
    """(sample, channel, parameter) of each modifier, and its number, bin and changes in events, bin by bin."""
    model, norm = parts.model, parts.model.normsys
    there = parts.per_channel(parts.possible)[norm.sample, norm.channel]
    sample, channel, parameter, low, high = (
        getattr(norm, name)[there] for name in ("sample", "channel", "parameter", "low", "high")
    )
    sizes = np.diff(model.edges)[channel]
    group = np.repeat(np.arange(len(sizes)), sizes)
    bin_ = np.arange(len(group)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + model.edges[channel][group]
    events = model.nominal[sample[group], bin_]
    return (sample, channel, parameter), group, bin_, (low - 1)[group] * events, (high - 1)[group] * events


def _of_histosys(parts: Parts) -> tuple:
    model, shift = parts.model, parts.model.histosys
    there = parts.per_channel(parts.possible)[shift.sample, parts.channel[shift.bin]]
    sample, bin_, parameter, down, up = (column[there] for column in shift)
    shape = (len(model.samples), len(model.channels), len(model.names))
    keys = np.ravel_multi_index((sample, parts.channel[bin_], parameter), shape)
    different, group = np.unique(keys, return_inverse=True)
    return np.unravel_index(different, shape), group, bin_, down, up
