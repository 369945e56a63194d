"""Problems of expected and observed events: bins and templates."""

from collections.abc import Iterator

import numpy as np

from muscan.base.words import join_items
from muscan.diagnosis.facts import ModelFacts, plural, select_entries
from muscan.diagnosis.findings import DOUBT, ERROR, HINDER, UNTIDY, Finding
from muscan.histfactory.poisson import NO_EVENTS


def find_bin_problems(facts: ModelFacts) -> Iterator[Finding]:
    """Find bins in which observed events are impossible, bins without events, and sums that are not positive."""
    seen = facts.observed > 0
    impossible = seen & ~_can_be_positive(facts)
    background = np.where(facts.signal_cells, 0.0, facts.expected).sum(axis=0)
    total = facts.expected.sum(axis=0)
    yield from _finding_of_bins(
        facts, ERROR, "impossible-bin", impossible,
        f"{facts.observed[impossible].sum():g} events are observed where no sample predicts any, whatever the "
        "parameters: the likelihood is zero",
        "Add the missing background, or merge or remove these bins",
    )  # fmt: skip
    yield from _find_empty_bins(facts)
    without_background = seen & ~impossible & (background <= NO_EVENTS) & (total > NO_EVENTS)
    yield from _finding_of_bins(
        facts, DOUBT, "no-background", without_background,
        f"{facts.observed[without_background].sum():g} events are observed where no background is expected at the "
        "initial values: they count as signal, and zero signal is all but impossible",
        "Add the missing background, or merge bins",
    )  # fmt: skip
    yield from _finding_of_bins(
        facts, HINDER, "not-positive", seen & ~impossible & (total <= NO_EVENTS),
        "events are observed, but the sum of all samples at the initial values is zero or negative: the likelihood is "
        "zero there, and fits may find no better values",
        "Check negative yields and initial values, or merge bins",
    )  # fmt: skip
    yield from _finding_of_bins(
        facts, HINDER, "not-positive", ~seen & (np.minimum(total, background) < 0),
        "the sum of all samples, or of the background alone, is negative at the initial values: fits do not allow "
        "this, and may fail",
        "Check negative yields, or merge bins",
    )  # fmt: skip


def _find_empty_bins(facts: ModelFacts) -> Iterator[Finding]:
    """Bins without predicted and observed events; channels that have no others are named as a whole."""
    model = facts.model
    empty = (facts.observed <= 0) & ~facts.possible.any(axis=0)
    channels = np.array([empty[model.edges[i] : model.edges[i + 1]].all() for i in range(len(model.channels))])
    if channels.any():
        names = [repr(model.channels[i]) for i in np.flatnonzero(channels)]
        where = f"{plural('channel', names)} {join_items(names)}"
        advice = "Check the templates, or remove the channel"
        yield Finding(UNTIDY, "empty-channel", where, "no sample predicts events, and none are observed", advice)
    yield from _finding_of_bins(
        facts, UNTIDY, "empty-bin", empty & ~channels[facts.channel],
        "no sample predicts events, and none are observed: the fits learn nothing from it", "Check the templates",
    )  # fmt: skip


def _finding_of_bins(
    facts: ModelFacts, weight: str, kind: str, bins: np.ndarray, message: str, advice: str
) -> Iterator[Finding]:
    """One finding of all these bins, shape (nmain,); none if there are no such bins."""
    if bins.any():
        yield Finding(weight, kind, facts.bin_names(np.flatnonzero(bins)), message, advice)


def _can_be_positive(facts: ModelFacts) -> np.ndarray:
    """Bins in which any sample predicts events for some values of the parameters, shape (nmain,)."""
    model = facts.model
    farthest = np.maximum(np.abs(model.bounds).max(axis=1), np.abs(model.initial))
    highest = model.nominal.copy()
    shift = model.histosys
    largest_shift = np.maximum(np.abs(shift.down), np.abs(shift.up)) * np.maximum(farthest[shift.parameter], 1.0)
    np.add.at(highest, (shift.sample, shift.bin), largest_shift)
    may_be_negative = (model.bounds[:, 0] < 0) | (model.initial < 0) | (np.arange(len(model.names)) == model.poi)
    may_change_sign = np.zeros(model.nominal.shape, bool)
    for sample, channel in zip(*select_entries(model.factors, may_be_negative, "sample", "channel"), strict=True):
        may_change_sign[sample, facts.channel == channel] = True
    sample, bin_ = select_entries(model.bin_factors, may_be_negative, "sample", "bin")
    may_change_sign[sample, bin_] = True
    return (facts.possible & ((highest > 0) | may_change_sign)).any(axis=0)


def find_template_problems(facts: ModelFacts) -> Iterator[Finding]:
    """Find templates with negative yields, and templates without events."""
    negative = facts.model.nominal < 0
    if negative.any():
        pairs = [(sample, facts.channel[bin_]) for sample, bin_ in np.argwhere(negative)]
        different = dict.fromkeys(pairs)
        yield Finding(
            UNTIDY,
            "negative-yields",
            f"{len(different)} {plural('template', different)} with negative yields",
            facts.template_names(pairs),
            "They are used unchanged, which is right for interference; where they come from negative weights of few "
            "simulated events, merge bins. Setting them to zero would shift the sum",
        )
    empty = _present_templates(facts) & ~facts.by_channel(facts.events)
    empty &= ~facts.by_channel(facts.signal_cells)  # a signal may well be missing in a control region
    if empty.any():
        pairs = [tuple(pair) for pair in np.argwhere(empty)]
        yield Finding(
            UNTIDY,
            "empty-template",
            f"{len(pairs)} {plural('template', pairs)} without events",
            facts.template_names(pairs),
            "They have no effect; check them, or remove the sample from the channel",
        )


def _present_templates(facts: ModelFacts) -> np.ndarray:
    """Templates that a channel has, shape (nsamples, nchannels); those without modifiers cannot be recognised."""
    model = facts.model
    present = np.zeros((len(model.samples), len(model.channels)), bool)
    for entries in (model.factors, model.normsys):
        present[entries.sample, entries.channel] = True
    for entries in (model.bin_factors, model.histosys):
        present[entries.sample, facts.channel[entries.bin]] = True
    return present
