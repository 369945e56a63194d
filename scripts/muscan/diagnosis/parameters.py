"""Problems of parameters: the POI, parameters without effect, parameters that cannot be told apart, and bounds."""

from collections.abc import Iterator

import numpy as np

from muscan.base.words import join_items
from muscan.diagnosis.degeneracy import can_compensate_poi, flat_groups, same_effect_groups
from muscan.diagnosis.facts import DECISIVE, ModelFacts, plural
from muscan.diagnosis.findings import DOUBT, ERROR, HINDER, UNTIDY, Finding
from muscan.diagnosis.variations import variation_sizes
from muscan.inference.emptied_templates import large_factors, may_be_emptied

MOST_GROUPS = 4  # groups of parameters that a finding lists


def find_poi_problems(facts: ModelFacts) -> Iterator[Finding]:
    """Find a POI that has no effect, or bounds of it that exclude zero."""
    model = facts.model
    where = f"parameter of interest {model.poi_name!r}"
    if not facts.effective[model.poi]:
        if not (facts.signal_cells & facts.events).any():
            yield Finding(
                DOUBT,
                "empty-signal",
                where,
                "the samples that it scales have no events in any bin: nothing can be excluded, and all limits are "
                "above the scan",
                "Check the signal, or remove it",
            )
        else:
            yield Finding(
                ERROR,
                "poi-without-effect",
                where,
                "no expected yield depends on it, so there is no limit: its variations equal the nominal templates, "
                "or another factor of the signal is held at zero",
                "Check the modifiers of the signal",
            )
    low, high = model.bounds[model.poi]
    if low > 0:
        yield Finding(
            UNTIDY,
            "poi-bounds",
            where,
            f"its bounds, {low:g} to {high:g}, exclude zero; muscan's fits reach zero nonetheless, as limits need it",
            "Other programs may obey these bounds, and then find other limits",
        )


def find_idle_parameters(facts: ModelFacts) -> Iterator[Finding]:
    """Find parameters on which no expected yield depends."""
    idle = ~facts.effective & ~facts.held
    idle[facts.model.poi] = False
    for weight, which, consequence, advice in (
        (
            HINDER,
            idle & ~facts.constrained,
            "its value is arbitrary, and fits have no uncertainties while it is free",
            "Remove it, or hold it fixed",
        ),
        (UNTIDY, idle & facts.constrained, "limits are not affected", "Remove it, or check its modifiers"),
    ):
        indices = np.flatnonzero(which)
        if len(indices):
            where = f"{plural('parameter', indices)} {facts.parameter_names(indices)}"
            yield Finding(weight, "no-effect", where, f"no expected yield depends on it; {consequence}", advice)


def find_flat_directions(facts: ModelFacts) -> Iterator[Finding]:
    """Find free parameters that can change together without any change of the likelihood."""
    model = facts.model
    free = np.flatnonzero(facts.effective & ~facts.held & ~facts.constrained)
    for group in flat_groups(facts.likelihood, free):
        where = f"parameters {facts.parameter_names(group)}"
        if model.poi not in group:
            yield Finding(
                HINDER,
                "flat",
                where,
                "cannot be told apart: they can change together without any change of the expected events; limits are "
                "not affected, but the values of these parameters are arbitrary and have no uncertainties",
                "Hold one of them fixed",
            )
        elif can_compensate_poi(facts, free[free != model.poi]):
            yield Finding(
                ERROR,
                "poi-flat",
                where,
                f"occur only as products: the others can compensate any value of {model.poi_name!r}, so no value can "
                "be excluded",
                "Hold the others fixed, or give them a constraint or a channel of their own",
            )
        else:
            yield Finding(
                DOUBT,
                "poi-flat",
                where,
                "cannot be told apart: they can change together without any change of the expected events, and only "
                f"the bounds of the others make a limit on {model.poi_name!r}",
                "Hold one fixed, or add a channel that measures it",
            )


def find_same_effects(facts: ModelFacts) -> Iterator[Finding]:
    """Find parameters whose variations are the same."""
    groups = same_effect_groups(facts)
    if not groups:
        return
    sizes = variation_sizes(facts)
    decisive = [sizes[group[0]] > DECISIVE for group in groups]
    for weight, which in ((DOUBT, decisive), (UNTIDY, [not each for each in decisive])):
        texts = [f"({facts.parameter_names(group)})" for group, chosen in zip(groups, which, strict=True) if chosen]
        if texts:
            yield Finding(
                weight,
                "same-effect",
                f"parameters {join_items(texts, MOST_GROUPS)}",
                "have exactly the same effect on all yields, as if one uncertainty were counted several times",
                "If they describe one uncertainty, give them one name",
            )


def find_bounds_problems(facts: ModelFacts) -> Iterator[Finding]:
    """Find initial values and auxiliary measurements outside the bounds."""
    model = facts.model
    low, high = model.known_bounds.T
    free = ~model.fixed & (np.arange(len(low)) != model.poi)
    initial_outside = ((model.initial < low) | (model.initial > high)) & free
    constraints = model.constraints
    centre = model.initial.copy()
    centre[constraints.parameter] = model.data[model.nmain :] / constraints.factor
    centre_outside = facts.constrained & free & ((centre < low) | (centre > high))
    for weight, kind, which, message, advice in (
        (
            HINDER,
            "initial-value",
            initial_outside,
            "the initial value is outside the bounds; fits begin at the nearer bound",
            "Change the initial value or the bounds",
        ),
        (
            DOUBT,
            "auxiliary-data",
            centre_outside,
            "the auxiliary measurement is outside the bounds, so that no fit can agree with it",
            "Widen the bounds",
        ),
    ):
        if which.any():
            indices = np.flatnonzero(which)
            where = f"{plural('parameter', indices)} {facts.parameter_names(indices)}"
            yield Finding(weight, kind, where, message, advice)


def find_several_minima(facts: ModelFacts) -> Iterator[Finding]:
    """Find samples whose factors can stand in for each other, so that the likelihood may have several minima."""
    model = facts.model
    samples = np.flatnonzero(may_be_emptied(model, large_factors(model)).any(axis=1))
    if len(samples):
        names = join_items([repr(model.samples[i]) for i in samples])
        yield Finding(
            DOUBT,
            "several-minima",
            f"{plural('sample', samples)} {names}",
            "several factors with uncertainties above 50 % multiply the same bins; the likelihood may have minima that "
            "the fits miss",
            "Combine these uncertainties, or compare with pyhf: make verify",
        )
