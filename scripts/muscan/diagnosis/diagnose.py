"""Problems of a model that its limits would suffer from, found from its arrays before anything is fitted."""

from collections.abc import Iterator

import numpy as np

from muscan.base.words import listed
from muscan.diagnosis import variations
from muscan.diagnosis.degeneracy import flat_groups, same_effect, swallows_poi
from muscan.diagnosis.dropped import beyond_bounds, cut, dropped, gamma_sizes
from muscan.diagnosis.findings import (
    DECISIVE,
    DOUBT,
    ERROR,
    HINDER,
    HUGE,
    NOISE,
    UNTIDY,
    WEIGHTS,
    Finding,
    Parts,
    entries_of,
    plural,
)
from muscan.histfactory.model import Model
from muscan.histfactory.poisson import NO_EVENTS
from muscan.inference.emptied_templates import large_factors, may_be_emptied

# Kinds of findings that explain why a fit fails.
HINDER_FITS = ("not-positive", "no-background")


def diagnose(model: Model) -> list[Finding]:
    """All problems of a model, those first that weigh most.

    Nothing is fitted. An error means that the likelihood is zero whatever the parameters are, or that the data can
    exclude no value of the POI.
    """
    parts = Parts(model)
    searches = (
        _poi, _bins, _templates, dropped, cut, variations.variations, _gammas, _without_effect, _flat, _twins, _bounds,
        _minima,
    )  # fmt: skip
    found = [finding for search in searches for finding in search(parts)]
    return sorted(found, key=lambda finding: WEIGHTS.index(finding.weight))


# The POI --------------------------------------------------------------------------------------------------------------


def _poi(parts: Parts) -> Iterator[Finding]:
    model = parts.model
    name = model.poi_name
    if not parts.effective[model.poi]:
        if not (parts.signal & parts.events).any():
            yield Finding(
                DOUBT,
                "empty-signal",
                f"parameter of interest {name!r}",
                "the samples that it scales have no events in any bin: nothing can be excluded, and all limits are "
                "above the scan",
                "Check the signal, or leave it out",
            )
        else:
            yield Finding(
                ERROR,
                "poi-without-effect",
                f"parameter of interest {name!r}",
                "no expected yield depends on it, so no limit can say anything: its variations are those of the "
                "nominal model, or another factor of the signal is held at zero",
                "Check the modifiers of the signal",
            )
    low, high = model.bounds[model.poi]
    if low > 0:
        yield Finding(
            UNTIDY,
            "poi-bounds",
            f"parameter of interest {name!r}",
            f"its bounds, {low:g} to {high:g}, exclude zero; the fits here reach zero nonetheless, as limits need it",
            "Limits made elsewhere with these bounds are others",
        )


# Bins and templates ---------------------------------------------------------------------------------------------------


def _bins(parts: Parts) -> Iterator[Finding]:
    model, seen = parts.model, parts.observed > 0
    impossible = seen & ~_can_be_positive(parts)
    empty = ~seen & ~parts.possible.any(axis=0)
    background = np.where(parts.signal, 0.0, parts.expected).sum(axis=0)
    total = parts.expected.sum(axis=0)
    bare = seen & ~impossible & (background <= NO_EVENTS) & (total > NO_EVENTS)
    whole = np.array([empty[model.edges[i] : model.edges[i + 1]].all() for i in range(len(model.channels))])
    yield from _in_bins(
        parts, ERROR, "impossible-bin", impossible,
        f"{parts.observed[impossible].sum():g} events are observed where no sample predicts any, whatever the "
        "parameters: the likelihood is zero",
        "Add the background that is missing, or merge or remove these bins",
    )  # fmt: skip
    if whole.any():
        names = [repr(model.channels[i]) for i in np.flatnonzero(whole)]
        where = f"{plural('channel', names)} {listed(names)}"
        advice = "Check the templates, or remove the channel"
        yield Finding(UNTIDY, "empty-channel", where, "no sample predicts events, and none are observed", advice)
    yield from _in_bins(
        parts, UNTIDY, "empty-bin", empty & ~whole[parts.channel],
        "no sample predicts events, and none are observed: nothing is learned there", "Check the templates",
    )  # fmt: skip
    yield from _in_bins(
        parts, DOUBT, "no-background", bare,
        f"{parts.observed[bare].sum():g} events are observed where no background is expected at the initial values: "
        "they count as signal, and zero signal is all but impossible",
        "Add the missing background, or merge bins",
    )  # fmt: skip
    yield from _in_bins(
        parts, HINDER, "not-positive", seen & ~impossible & (total <= NO_EVENTS),
        "events are observed, but at the initial values all samples together expect none or fewer: the likelihood is "
        "zero there, and fits may find no way out",
        "Check negative yields and initial values, or merge bins",
    )  # fmt: skip
    yield from _in_bins(
        parts, HINDER, "not-positive", ~seen & (np.minimum(total, background) < 0),
        "the sum of all samples, or of the background alone, is negative at the initial values: fits keep away from "
        "that, and may fail",
        "Check negative yields, or merge bins",
    )  # fmt: skip


def _in_bins(parts: Parts, weight: str, kind: str, which: np.ndarray, message: str, advice: str) -> Iterator[Finding]:
    if which.any():
        yield Finding(weight, kind, parts.bins(np.flatnonzero(which)), message, advice)


def _can_be_positive(parts: Parts) -> np.ndarray:
    """Bins in which any sample could predict events, for some values of the parameters, shape (nmain,)."""
    model = parts.model
    farthest = np.maximum(np.abs(model.bounds).max(axis=1), np.abs(model.initial))
    highest = model.nominal.copy()
    shift = model.histosys
    most = np.maximum(np.abs(shift.down), np.abs(shift.up)) * np.maximum(farthest[shift.parameter], 1.0)
    np.add.at(highest, (shift.sample, shift.bin), most)
    turned = np.zeros(model.nominal.shape, bool)  # by a factor that may be negative
    below = (model.bounds[:, 0] < 0) | (model.initial < 0) | (np.arange(len(model.names)) == model.poi)
    for sample, channel in zip(*entries_of(model.factors, below, "sample", "channel"), strict=True):
        turned[sample, parts.channel == channel] = True
    sample, bin_ = entries_of(model.bin_factors, below, "sample", "bin")
    turned[sample, bin_] = True
    return (parts.possible & ((highest > 0) | turned)).any(axis=0)


def _templates(parts: Parts) -> Iterator[Finding]:
    model = parts.model
    negative = model.nominal < 0
    if negative.any():
        pairs = [(s, parts.channel[b]) for s, b in np.argwhere(negative)]
        different = dict.fromkeys(pairs)
        yield Finding(
            UNTIDY,
            "negative-yields",
            f"{len(different)} {plural('template', different)} with negative yields",
            f"{parts.templates(pairs)}",
            "They are used as they are, which is right for interference; where they come from negative weights of few "
            "simulated events, merge bins. Set to zero, they would shift the sum",
        )
    present = _stands(parts)
    nothing = present & ~parts.per_channel(parts.events)
    nothing &= ~parts.per_channel(parts.signal)  # it may well be missing in a control region
    if nothing.any():
        pairs = [tuple(pair) for pair in np.argwhere(nothing)]
        yield Finding(
            UNTIDY,
            "empty-template",
            f"{len(pairs)} {plural('template', pairs)} without events",
            f"{parts.templates(pairs)}",
            "Nothing in them counts; check them, or leave the sample out of the channel",
        )


def _stands(parts: Parts) -> np.ndarray:
    """Templates that the model has, as far as their modifiers tell, shape (nsamples, nchannels)."""
    model = parts.model
    present = np.zeros((len(model.samples), len(model.channels)), bool)
    for entries in (model.factors, model.normsys):
        present[entries.sample, entries.channel] = True
    for entries in (model.bin_factors, model.histosys):
        present[entries.sample, parts.channel[entries.bin]] = True
    return present


def _gammas(parts: Parts) -> Iterator[Finding]:
    """Factors with a constraint: of single bins, and lumi."""
    model, constraints = parts.model, parts.model.constraints
    factor = np.zeros(len(model.names), bool)
    factor[model.factors.parameter] = factor[model.bin_factors.parameter] = True
    wide = model.constrained_widths() > HUGE * np.maximum(np.abs(model.initial), NOISE)
    wide &= factor & parts.effective & ~beyond_bounds(parts)
    large = gamma_sizes(parts) > DECISIVE
    large[model.factors.parameter] = True  # lumi, which acts on whole templates
    for weight, which in ((DOUBT, np.flatnonzero(wide & large)), (UNTIDY, np.flatnonzero(wide & ~large))):
        if len(which):
            message = "an uncertainty above 100 %: such a bin is known from the data alone"
            yield Finding(weight, "huge-uncertainty", parts.names(which), message, "Check it, or merge bins")
    # Those whose uncertainty is zero are held, with a width of one.
    plain = constraints.parameter[(constraints.sigma == 1) & model.fixed[constraints.parameter]]
    positive = model.nominal[model.bin_factors.sample, model.bin_factors.bin] > 0
    held = np.intersect1d(plain, model.bin_factors.parameter[positive])
    held = held[parts.effective[held]]
    if len(held):
        yield Finding(
            UNTIDY,
            "zero-uncertainty",
            parts.names(held),
            "held fixed without an uncertainty, though there are events",
            "If these bins have one, give it",
        )


# Parameters -----------------------------------------------------------------------------------------------------------


def _without_effect(parts: Parts) -> Iterator[Finding]:
    idle = ~parts.effective & ~parts.held
    idle[parts.model.poi] = False
    for weight, which, meaning, advice in (
        (
            HINDER,
            idle & ~parts.constrained,
            "its value is arbitrary, and fits have no uncertainties while it is free",
            "Remove it, or hold it fixed",
        ),
        (UNTIDY, idle & parts.constrained, "limits do not suffer", "Remove it, or check its modifiers"),
    ):
        found = np.flatnonzero(which)
        if len(found):
            where = f"{plural('parameter', found)} {parts.names(found)}"
            yield Finding(weight, "no-effect", where, f"no expected yield depends on it; {meaning}", advice)


def _flat(parts: Parts) -> Iterator[Finding]:
    model = parts.model
    free = np.flatnonzero(parts.effective & ~parts.held & ~parts.constrained)
    for group in flat_groups(parts.likelihood, free):
        where = f"parameters {parts.names(group)}"
        name = model.poi_name
        if model.poi not in group:
            yield Finding(
                HINDER,
                "flat",
                where,
                "cannot be told apart: they can change together without any change of the expected events; limits do "
                "not suffer, but their values are arbitrary and have no uncertainties",
                "Hold one of them fixed",
            )
        elif swallows_poi(parts, free[free != model.poi]):
            yield Finding(
                ERROR,
                "poi-flat",
                where,
                f"occur as products alone: whatever {name!r} is, the others make up for it, and no value can be "
                "excluded",
                "Hold the others fixed, or give them a constraint or a channel of their own",
            )
        else:
            yield Finding(
                DOUBT,
                "poi-flat",
                where,
                f"cannot be told apart: they can change together without any change of the expected events, and limits "
                f"on {name!r} come from the bounds of the others alone",
                "Hold one fixed, or add a channel that measures it",
            )


def _twins(parts: Parts) -> Iterator[Finding]:
    groups = same_effect(parts)
    if not groups:
        return
    size = variations.sizes(parts)
    large = [size[group[0]] > DECISIVE for group in groups]
    for weight, which in ((DOUBT, large), (UNTIDY, [not each for each in large])):
        texts = [f"({parts.names(group)})" for group, chosen in zip(groups, which, strict=True) if chosen]
        if texts:
            yield Finding(
                weight,
                "same-effect",
                f"parameters {listed(texts, 4)}",
                "have exactly the same effect on all yields, as if one uncertainty were counted several times",
                "If they are one, give them one name",
            )


def _bounds(parts: Parts) -> Iterator[Finding]:
    model = parts.model
    low, high = model.known_bounds.T
    free = ~model.fixed & (np.arange(len(low)) != model.poi)
    outside = ((model.initial < low) | (model.initial > high)) & free
    constraints = model.constraints
    centre = model.initial.copy()
    centre[constraints.parameter] = model.data[model.nmain :] / constraints.factor
    away = parts.constrained & free & ((centre < low) | (centre > high))
    at_bound = "the initial value is outside of the bounds; fits begin at the bound"
    pulled = "the auxiliary measurement is outside of the bounds, which pull at the fit"
    for weight, slug, which, message, advice in (
        (HINDER, "initial-value", outside, at_bound, "Move one"),
        (DOUBT, "auxiliary-data", away, pulled, "Widen them"),
    ):
        if which.any():
            found = np.flatnonzero(which)
            yield Finding(weight, slug, f"{plural('parameter', found)} {parts.names(found)}", message, advice)


def _minima(parts: Parts) -> Iterator[Finding]:
    model = parts.model
    found = np.flatnonzero(may_be_emptied(model, large_factors(model)).any(axis=1))
    if len(found):
        names = listed([repr(parts.model.samples[i]) for i in found])
        yield Finding(
            DOUBT,
            "several-minima",
            f"{plural('sample', found)} {names}",
            "several factors that are not known to 50 % each multiply the same bins; the likelihood may have minima "
            "that no fit finds",
            "Join these uncertainties, or let pyhf repeat tests: make verify",
        )
