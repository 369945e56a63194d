"""Uncertainties of single bins: those that the factors of HistFactory cannot express, and those that are too large.

shapesys and staterror multiply yields. Where a yield is zero or negative, HistFactory fixes the factor, and the
uncertainty is lost; where it is small, most of the uncertainty is beyond the bounds of the factor.
"""

from collections.abc import Iterator

import numpy as np

from muscan.base.words import join_items
from muscan.diagnosis.facts import DECISIVE, LARGE_UNCERTAINTY, ROUNDING, VISIBLE, ModelFacts, plural
from muscan.diagnosis.findings import DOUBT, UNTIDY, Finding

MOST_PLACES = 6  # bins that a finding lists
# A histosys adds events, where factors multiply them: it expresses the same uncertainty, as a Gaussian.
REMEDY = "a histosys of its own, with hi_data and lo_data one uncertainty above and below the yield in that bin"
OTHER_BINS = "the nominal yields in the others"


# Uncertainties that are dropped --------------------------------------------------------------------------------------


def find_dropped_uncertainties(facts: ModelFacts) -> Iterator[Finding]:
    """Find uncertainties of shapesys and staterror that have no effect, see `Model.dropped`.

    Those of the signal have findings of their own, because the others are the same for all signals of a patch set.
    """
    table = facts.model.dropped
    sizes = np.abs(table.size) * np.sqrt(facts.inverse_variance[table.sample, table.bin])
    of_signal = facts.signal_cells[table.sample, table.bin]
    negative = table.size < 0
    yield from _negative_uncertainties(facts, np.flatnonzero(negative))
    for prefix, suffix, which in (("", "", ~of_signal & ~negative), ("signal, ", "-of-signal", of_signal & ~negative)):
        entries = np.flatnonzero(which)[np.argsort(-sizes[which], kind="stable")]
        if not len(entries):
            continue
        weight = DOUBT if np.sqrt((sizes[entries] ** 2).sum()) > VISIBLE else UNTIDY
        kind, reason = f"dropped-uncertainty{suffix}", f"because {_which_yields(facts, entries)} not positive"
        if len(entries) == 1:
            text = f"the uncertainty {_size(facts, entries[0])} is dropped, {reason}"
            yield Finding(weight, kind, f"{prefix}{_place(facts, entries[0])}", text, _remedy(facts, entries[0]))
            continue
        text = f"dropped, {reason} ({_places(facts, entries)})"
        advice = f"Move each to {REMEDY} (not below zero where the yield is zero) and {OTHER_BINS}"
        yield Finding(weight, kind, f"{prefix}uncertainties of {len(entries)} bins", text, advice)


def _negative_uncertainties(facts: ModelFacts, entries: np.ndarray) -> Iterator[Finding]:
    """Negative uncertainties of a shapesys, for which HistFactory fixes the factor too."""
    if len(entries):
        where = f"uncertainties of {len(entries)} {plural('bin', entries)}"
        text = f"dropped, because they are negative ({_places(facts, entries)})"
        yield Finding(DOUBT, "negative-uncertainty", where, text, "Give them as positive numbers")


def _which_yields(facts: ModelFacts, entries: np.ndarray) -> str:
    """Which yields are not positive; a staterror depends on the sum of all samples that share it."""
    table = facts.model.dropped
    if (facts.model.nominal[table.sample[entries], table.bin[entries]] > 0).any():
        return "the sum of the samples that share it is"
    return "its yield is" if len(entries) == 1 else "the yields are"


def _places(facts: ModelFacts, entries: np.ndarray) -> str:
    return join_items([f"{_place(facts, i)}: {_size(facts, i)}" for i in entries], MOST_PLACES, "; ")


def _place(facts: ModelFacts, entry: int) -> str:
    """Modifier, channel and bin of a dropped uncertainty."""
    model, table = facts.model, facts.model.dropped
    parameter = table.parameter[entry]
    poisson = model.constraints.is_poisson[model.constraints.parameter == parameter].any()
    name = model.names[parameter].rpartition("[")[0]
    return f"{'shapesys' if poisson else 'staterror'} {name!r}, {facts.bin_names(table.bin[[entry]])}"


def _size(facts: ModelFacts, entry: int) -> str:
    """A dropped uncertainty beside the yield."""
    table = facts.model.dropped
    sample, bin_ = table.sample[entry], table.bin[entry]
    yields = facts.model.nominal[sample, bin_]
    return f"{table.size[entry]:g} of the {yields:g} events of {facts.model.samples[sample]!r}"


def _remedy(facts: ModelFacts, entry: int) -> str:
    """What to write instead of a dropped uncertainty, in numbers."""
    table = facts.model.dropped
    yields, size = facts.model.nominal[table.sample[entry], table.bin[entry]], table.size[entry]
    numbers = f"hi_data {yields + size:g} and lo_data {yields - size if yields else 0:g}"
    zero = "; do not set the yield to zero" if yields else ""
    return f"Move it to a histosys of its own, with {numbers} in this bin and {OTHER_BINS}{zero}"


def find_truncated_uncertainties(facts: ModelFacts) -> Iterator[Finding]:
    """Find factors of bins whose bounds are closer than their uncertainty, because the yield is far below it."""
    sizes = _gamma_sizes(facts)
    truncated = np.flatnonzero(_is_truncated(facts))
    visible = sizes[truncated] > VISIBLE
    for weight, which in ((DOUBT, truncated[visible]), (UNTIDY, truncated[~visible])):
        if len(which):
            where = f"{plural('factor', which)} {facts.parameter_names(which)}"
            message = "the yield is so small that its uncertainty does not fit between the bounds of the factor, and "
            message += "most of it is dropped"
            advice = f"Move it to {REMEDY} (not below zero) and {OTHER_BINS}; or merge bins"
            yield Finding(weight, "cut-uncertainty", where, message, advice)


# Constrained factors that are too wide, or fixed ---------------------------------------------------------------------


def find_wide_gammas(facts: ModelFacts) -> Iterator[Finding]:
    """Find factors with a constraint, of single bins or lumi, whose relative uncertainty is above 100 %."""
    model = facts.model
    factor = np.zeros(len(model.names), bool)
    factor[model.factors.parameter] = factor[model.bin_factors.parameter] = True
    wide = model.constrained_widths() > LARGE_UNCERTAINTY * np.maximum(np.abs(model.initial), ROUNDING)
    wide &= factor & facts.effective & ~_is_truncated(facts)
    decisive = _gamma_sizes(facts) > DECISIVE
    decisive[model.factors.parameter] = True  # lumi, which acts on whole templates
    for weight, which in ((DOUBT, np.flatnonzero(wide & decisive)), (UNTIDY, np.flatnonzero(wide & ~decisive))):
        if len(which):
            message = "an uncertainty above 100 %: only the data determine such a yield"
            advice = "Check the uncertainty, or merge bins"
            yield Finding(weight, "huge-uncertainty", facts.parameter_names(which), message, advice)


def find_fixed_gammas(facts: ModelFacts) -> Iterator[Finding]:
    """Find factors that are fixed because their uncertainty is zero; the compiler gives them a width of one."""
    model, constraints = facts.model, facts.model.constraints
    fixed = constraints.parameter[(constraints.sigma == 1) & model.fixed[constraints.parameter]]
    positive = model.nominal[model.bin_factors.sample, model.bin_factors.bin] > 0
    fixed = np.intersect1d(fixed, model.bin_factors.parameter[positive])
    fixed = fixed[facts.effective[fixed]]
    if len(fixed):
        yield Finding(
            UNTIDY,
            "zero-uncertainty",
            facts.parameter_names(fixed),
            "held fixed, because the uncertainty is zero although there are events",
            "If the yield is uncertain there, give its uncertainty",
        )


def _is_truncated(facts: ModelFacts) -> np.ndarray:
    """Factors of bins whose upper bound is less than one standard deviation away, shape (npar,)."""
    model = facts.model
    of_bins = np.zeros(len(model.names), bool)
    of_bins[model.bin_factors.parameter] = True
    return of_bins & facts.effective & (model.constrained_widths() > model.bounds[:, 1] - model.initial)


def _gamma_sizes(facts: ModelFacts) -> np.ndarray:
    """Uncertainty of the yields through each factor of a bin, in statistical standard deviations, shape (npar,)."""
    model, table = facts.model, facts.model.bin_factors
    widths = np.nan_to_num(model.constrained_widths())
    events = model.nominal[table.sample, table.bin] * widths[table.parameter]
    squares = events**2 * facts.inverse_variance[table.sample, table.bin]
    return np.sqrt(np.bincount(table.parameter, squares, len(widths)))
