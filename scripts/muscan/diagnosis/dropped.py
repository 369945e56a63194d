"""Uncertainties of single bins that a workspace gives, and that the factors of HistFactory cannot express."""

from collections.abc import Iterator

import numpy as np

from muscan.base.words import listed
from muscan.diagnosis.findings import DOUBT, UNTIDY, VISIBLE, Finding, Parts, plural

PLACES = 6  # bins that a finding names
# A histosys adds events, where factors multiply them: it expresses the same uncertainty, as a Gaussian.
REMEDY = "a histosys of its own, with hi_data and lo_data one uncertainty above and below the yield in that bin"
OTHERS = "the nominal yields in the others"


def dropped(parts: Parts) -> Iterator[Finding]:
    """shapesys and staterror on yields that are not positive: their parameters are fixed, by HistFactory's definition.

    Those of the signal stand apart: the others are the same for all signals of a patch set.
    """
    table = parts.model.dropped
    size = np.abs(table.size) * np.sqrt(parts.per_variance[table.sample, table.bin])
    of_signal = parts.signal[table.sample, table.bin]
    negative = table.size < 0
    yield from _negative(parts, np.flatnonzero(negative))
    for owner, suffix, mine in (("", "", ~of_signal & ~negative), ("signal, ", "-of-signal", of_signal & ~negative)):
        found = np.flatnonzero(mine)[np.argsort(-size[mine], kind="stable")]
        if not len(found):
            continue
        weight = DOUBT if np.sqrt((size[found] ** 2).sum()) > VISIBLE else UNTIDY
        kind, why = f"dropped-uncertainty{suffix}", f"as {_yields(parts, found)} not positive"
        if len(found) == 1:
            text = f"the uncertainty {_sizes(parts, found[0])} is dropped, {why}"
            yield Finding(weight, kind, f"{owner}{_place(parts, found[0])}", text, _remedy(parts, found[0]))
            continue
        places = listed([f"{_place(parts, i)}: {_sizes(parts, i)}" for i in found], PLACES, "; ")
        text = f"dropped, {why} ({places})"
        advice = f"Move each to {REMEDY} (not below zero where the yield is zero) and {OTHERS}"
        yield Finding(weight, kind, f"{owner}uncertainties of {len(found)} bins", text, advice)


def _negative(parts: Parts, found: np.ndarray) -> Iterator[Finding]:
    """Negative numbers as uncertainties of a shapesys, whose parameters HistFactory fixes too."""
    if len(found):
        places = listed([f"{_place(parts, i)}: {_sizes(parts, i)}" for i in found], PLACES, "; ")
        text = f"dropped, as they are negative ({places})"
        where = f"uncertainties of {len(found)} {plural('bin', found)}"
        yield Finding(DOUBT, "negative-uncertainty", where, text, "Write their sizes without a sign")


def _yields(parts: Parts, found: np.ndarray) -> str:
    """Which yields are too small; a staterror looks at the sum of all samples that share it."""
    table = parts.model.dropped
    if (parts.model.nominal[table.sample[found], table.bin[found]] > 0).any():
        return "the sum of the samples that share it is"
    return "its yield is" if len(found) == 1 else "the yields are"


def _place(parts: Parts, i: int) -> str:
    """Modifier, channel and bin of a dropped uncertainty."""
    model, table = parts.model, parts.model.dropped
    parameter = table.parameter[i]
    poisson = model.constraints.is_poisson[model.constraints.parameter == parameter].any()
    name = model.names[parameter].rpartition("[")[0]
    return f"{'shapesys' if poisson else 'staterror'} {name!r}, {parts.bins(table.bin[[i]])}"


def _sizes(parts: Parts, i: int) -> str:
    table = parts.model.dropped
    sample, bin_ = table.sample[i], table.bin[i]
    return f"{table.size[i]:g} of the {parts.model.nominal[sample, bin_]:g} events of {parts.model.samples[sample]!r}"


def _remedy(parts: Parts, i: int) -> str:
    """What to write instead, in numbers."""
    table = parts.model.dropped
    yields, size = parts.model.nominal[table.sample[i], table.bin[i]], table.size[i]
    numbers = f"hi_data {yields + size:g} and lo_data {yields - size if yields else 0:g}"
    zero = "; do not set the yield to zero" if yields else ""
    return f"Move it to a histosys of its own, with {numbers} in this bin and {OTHERS}{zero}"


# Factors that are cut off ---------------------------------------------------------------------------------------------


def cut(parts: Parts) -> Iterator[Finding]:
    """Factors of bins whose bounds leave no room for their uncertainty, because the yield is far below it."""
    size = gamma_sizes(parts)
    found = np.flatnonzero(beyond_bounds(parts))
    for weight, which in ((DOUBT, found[size[found] > VISIBLE]), (UNTIDY, found[size[found] <= VISIBLE])):
        if len(which):
            where = f"{plural('factor', which)} {parts.names(which)}"
            message = "the yield is so small that its uncertainty does not fit between the bounds, and most is dropped"
            advice = f"Move it to {REMEDY} (not below zero) and {OTHERS}; or merge bins"
            yield Finding(weight, "cut-uncertainty", where, message, advice)


def beyond_bounds(parts: Parts) -> np.ndarray:
    """Factors of bins that cannot reach one standard deviation, shape (npar,)."""
    model = parts.model
    single = np.zeros(len(model.names), bool)
    single[model.bin_factors.parameter] = True
    return single & parts.effective & (model.constrained_widths() > model.bounds[:, 1] - model.initial)


def gamma_sizes(parts: Parts) -> np.ndarray:
    """What the uncertainty of each factor of a bin changes, in statistical standard deviations, shape (npar,)."""
    model, single = parts.model, parts.model.bin_factors
    widths = np.nan_to_num(model.constrained_widths())
    events = model.nominal[single.sample, single.bin] * widths[single.parameter]
    squares = events**2 * parts.per_variance[single.sample, single.bin]
    return np.sqrt(np.bincount(single.parameter, squares, len(widths)))
