"""Variations of templates, by normsys and histosys, that are unusual: on one side, too large, or without effect."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from muscan.base.words import join_items
from muscan.diagnosis.facts import DECISIVE, LARGE_UNCERTAINTY, ROUNDING, VISIBLE, ModelFacts, plural
from muscan.diagnosis.findings import DOUBT, HINDER, UNTIDY, Finding

# A variation is on one side if this part of all its changes, summed over the bins of a template, is.
MOST_CHANGES = 0.5
MOST_SINGLE = 2  # up to this number of modifiers have findings of their own; more share one
MOST_MODIFIERS = 3  # that a shared finding lists
MODIFIER_TYPES = ("normsys", "histosys")


class Changes(NamedTuple):
    """One entry per template and modifier; relative changes are those of all events of the template.

    Attributes:
        kind: index in MODIFIER_TYPES.
        sample: index of the sample.
        channel: index of the channel.
        parameter: index of the parameter.
        down: relative change of the sum of all bins at alpha = -1.
        up: the same at alpha = +1.
        size_down: sum over bins of the absolute changes at alpha = -1, relative.
        size_up: the same at alpha = +1.
        same_side: the part of `size_down + size_up` in bins that up and down change in the same direction.
        visible: the larger variation of each bin, in statistical standard deviations of all bins together.
        visible_same_side: the smaller variation of each bin that both change in the same direction, in these units.
    """

    kind: np.ndarray
    sample: np.ndarray
    channel: np.ndarray
    parameter: np.ndarray
    down: np.ndarray
    up: np.ndarray
    size_down: np.ndarray
    size_up: np.ndarray
    same_side: np.ndarray
    visible: np.ndarray
    visible_same_side: np.ndarray


class Problem(NamedTuple):
    """Words for one kind of unusual variations."""

    weight: str
    kind: str
    message: str
    advice: str


SAME_SIDE = Problem(
    HINDER,
    "same-side",
    "the up and down variations change the events in the same direction",
    "Its pull has no clear meaning, and there may be two minima; symmetrise the variation if this is not intended",
)
ONE_SIDED = Problem(
    UNTIDY,
    "one-sided",
    "only one of the up and down variations differs from the nominal template",
    "In the other direction it has no effect; symmetrise the variation if this is not intended",
)
TOO_LARGE = Problem(
    DOUBT,
    "huge-uncertainty",
    "an uncertainty above 100 %",
    "Check the numbers (hi: 1.1 is 10 %); for a background that is not known, a free normfactor may be better",
)
NO_VARIATION = Problem(
    UNTIDY,
    "zero-uncertainty",
    "the up and down variations both equal the nominal template",
    "It has no effect there; remove the modifier, or check its numbers",
)


def find_variation_problems(facts: ModelFacts) -> Iterator[Finding]:
    """Find unusual normsys and histosys modifiers."""
    changes = _changes(facts)
    smaller = np.minimum(changes.size_down, changes.size_up)
    larger = np.maximum(changes.size_down, changes.size_up)
    largest_sum = np.maximum(np.abs(changes.down), np.abs(changes.up))
    one_sided = (smaller <= ROUNDING) & (larger > ROUNDING) & (changes.visible > VISIBLE)
    too_large = (largest_sum > LARGE_UNCERTAINTY) & (changes.visible > VISIBLE)
    idle = _is_idle(facts, changes, larger)
    yield from _findings(facts, SAME_SIDE, changes, _is_on_same_side(changes, smaller), changes.visible_same_side)
    yield from _findings(facts, ONE_SIDED, changes, one_sided, changes.visible)
    yield from _findings(facts, TOO_LARGE, changes, too_large, changes.visible)
    yield from _findings(facts, NO_VARIATION, changes, idle, changes.visible)


def _is_on_same_side(changes: Changes, smaller: np.ndarray) -> np.ndarray:
    """Modifiers whose up and down change the sum of a template, or most of its bins, in the same direction."""
    size = changes.size_down + changes.size_up
    smaller_sum = np.minimum(np.abs(changes.down), np.abs(changes.up))
    same_sign = (changes.down * changes.up > 0) & (smaller_sum > np.maximum(ROUNDING, MOST_CHANGES * size / 2))
    same_side = same_sign | (changes.same_side > MOST_CHANGES * size)
    return (smaller > ROUNDING) & same_side & (changes.visible_same_side > VISIBLE)


def _is_idle(facts: ModelFacts, changes: Changes, larger: np.ndarray) -> np.ndarray:
    """Modifiers without effect on a template, if the parameter acts elsewhere but not on this template."""
    template = np.ravel_multi_index(
        (changes.sample, changes.channel, changes.parameter),
        (len(facts.model.samples), len(facts.model.channels), len(facts.model.names)),
    )
    return (larger == 0) & ~np.isin(template, template[larger > 0]) & facts.effective[changes.parameter]


def variation_sizes(facts: ModelFacts) -> np.ndarray:
    """Return what each parameter changes by normsys and histosys, in statistical standard deviations, shape (npar,)."""
    changes = _changes(facts)
    return np.sqrt(np.bincount(changes.parameter, changes.visible**2, len(facts.model.names)))


# Findings ------------------------------------------------------------------------------------------------------------


def _findings(
    facts: ModelFacts, problem: Problem, changes: Changes, which: np.ndarray, size: np.ndarray
) -> Iterator[Finding]:
    """Findings of a problem; those that are not decisive are UNTIDY.

    Args:
        facts: of the model.
        problem: of these changes.
        changes: all of them.
        which: those that have the problem.
        size: how much each matters, in statistical standard deviations.
    """
    decisive = which & (size > DECISIVE) & (problem.weight != UNTIDY)
    message = f"{problem.message}, which exceeds the statistical uncertainty,"
    yield from _findings_of_weight(facts, problem._replace(message=message), changes, decisive, size)
    yield from _findings_of_weight(facts, problem._replace(weight=UNTIDY), changes, which & ~decisive, size)


def _findings_of_weight(
    facts: ModelFacts, problem: Problem, changes: Changes, which: np.ndarray, size: np.ndarray
) -> Iterator[Finding]:
    """One finding for each of a few modifiers, or one for all, the largest first.

    Those of the signal are apart, because the others are the same for all signals of a patch set.
    """
    of_signal = facts.by_channel(facts.signal_cells)[changes.sample, changes.channel]
    weight, kind, message, advice = problem
    for prefix, suffix, chosen in (("", "", which & ~of_signal), ("signal, ", "-of-signal", which & of_signal)):
        templates: dict[str, list[tuple[int, int]]] = {}
        for i in np.flatnonzero(chosen)[np.argsort(-size[chosen], kind="stable")]:
            modifier = f"{MODIFIER_TYPES[changes.kind[i]]} {facts.model.names[changes.parameter[i]]!r}"
            templates.setdefault(modifier, []).append((changes.sample[i], changes.channel[i]))
        if len(templates) > MOST_SINGLE:
            names = [f"{modifier} ({facts.template_names(pairs, 1)})" for modifier, pairs in templates.items()]
            text = f"{message} in {chosen.sum()} templates: {join_items(names, MOST_MODIFIERS)}"
            yield Finding(weight, f"{kind}{suffix}", f"{prefix}{len(templates)} modifiers", text, advice)
            continue
        for modifier, pairs in templates.items():
            text = f"{message} in {len(pairs)} {plural('template', pairs)}: {facts.template_names(pairs)}"
            yield Finding(weight, f"{kind}{suffix}", f"{prefix}{modifier}", text, advice)


# Changes of templates ------------------------------------------------------------------------------------------------


class BinChanges(NamedTuple):
    """Changes in events of single bins, grouped by template and modifier.

    Attributes:
        sample: index of the sample of each group.
        channel: index of the channel of each group.
        parameter: index of the parameter of each group.
        group: the group of each bin.
        bin: index of the bin.
        down: events that alpha = -1 adds to the bin.
        up: events that alpha = +1 adds to the bin.
    """

    sample: np.ndarray
    channel: np.ndarray
    parameter: np.ndarray
    group: np.ndarray
    bin: np.ndarray
    down: np.ndarray
    up: np.ndarray


def _changes(facts: ModelFacts) -> Changes:
    """All variations of templates that can have events."""
    parts = _normsys_changes(facts), _histosys_changes(facts)
    numbers = [len(part.sample) for part in parts]
    sample, channel, parameter, group, bin_, down, up = (np.concatenate(pair) for pair in zip(*parts, strict=True))
    group[len(parts[0].group) :] += numbers[0]
    kind = np.repeat([0, 1], numbers)
    events = np.abs(np.add.reduceat(facts.model.nominal, facts.model.edges[:-1], axis=1)[sample, channel])

    def relative(values: np.ndarray) -> np.ndarray:
        sums = np.bincount(group, values, len(kind))
        return np.divide(sums, events, out=np.zeros(len(kind)), where=events > 0)

    def significance(values: np.ndarray) -> np.ndarray:
        squares = values**2 * facts.inverse_variance[sample[group], bin_]
        return np.sqrt(np.bincount(group, squares, len(kind)))

    smaller, larger = np.minimum(np.abs(down), np.abs(up)), np.maximum(np.abs(down), np.abs(up))
    same_side = (down * up > 0) & (smaller > ROUNDING * events[group])
    return Changes(
        kind, sample, channel, parameter, relative(down), relative(up), relative(np.abs(down)), relative(np.abs(up)),
        relative(np.where(same_side, smaller + larger, 0.0)), significance(larger),
        significance(np.where(same_side, smaller, 0.0)),
    )  # fmt: skip


def _normsys_changes(facts: ModelFacts) -> BinChanges:
    model, norm = facts.model, facts.model.normsys
    possible = facts.by_channel(facts.possible)[norm.sample, norm.channel]
    channel, sample, parameter, low, high = (column[possible] for column in norm)
    sizes = np.diff(model.edges)[channel]
    group = np.repeat(np.arange(len(sizes)), sizes)
    bin_ = np.arange(len(group)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + model.edges[channel][group]
    events = model.nominal[sample[group], bin_]
    return BinChanges(sample, channel, parameter, group, bin_, (low - 1)[group] * events, (high - 1)[group] * events)


def _histosys_changes(facts: ModelFacts) -> BinChanges:
    model, shift = facts.model, facts.model.histosys
    possible = facts.by_channel(facts.possible)[shift.sample, facts.channel[shift.bin]]
    sample, bin_, parameter, down, up = (column[possible] for column in shift)
    shape = (len(model.samples), len(model.channels), len(model.names))
    keys = np.ravel_multi_index((sample, facts.channel[bin_], parameter), shape)
    different, group = np.unique(keys, return_inverse=True)
    return BinChanges(*np.unravel_index(different, shape), group, bin_, down, up)
