"""The search for lower minima: propose starting points, fit from them, keep what is lower, until nothing improves.

All further starting points of all fits come from proposals (see `proposals`); this is the only place that asks them.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.inference.engine import Engine
from muscan.inference.fits import SAME, Fits, keep_lower, nothing
from muscan.inference.proposals.held_fits import ends_above
from muscan.inference.proposals.proposal import Border, FurtherStarts, Known, Proposal, Scope

# A fit that has become lower by more than this is looked at once more.
IMPROVED = 1e-6
# How often a fit is looked at, at most. Almost all fits are done after the first or the second time.
MOST_ROUNDS = 4


def stages(proposals: Sequence[Proposal], *scopes: Scope) -> list[list[Proposal]]:
    """Proposals of these scopes that may propose anything, in the order in which they are tried.

    Those with borders are one stage, as their fits make one batch; each other one looks at what the stages before it
    have found.
    """
    found: list[list[Proposal]] = []
    for scope in scopes:
        used = [each for each in proposals if each.scope is scope and each.possible]
        one_sided = [each for each in used if each.one_sided]
        for each in used:
            if not each.one_sided:
                found.append([each])
            elif each is one_sided[0]:
                found.append(one_sided)
    return found


def search(
    best: Fits,
    data: np.ndarray,
    proposed: list[list[Proposal]],
    fit: Callable[[FurtherStarts], Fits],
    held: Fits | None = None,
    rounds: int = MOST_ROUNDS,
) -> None:
    """Improve fits that have found a minimum, until nothing becomes lower.

    Args:
        best: B fits; improved in place.
        data: shape (nmain + naux, B).
        proposed: what `stages` gives.
        fit: makes fits from further starting points, whose `fit` says to which data sets they belong.
        held: fits of the same data with the POI held, if there are any. Where one ends lower than the free fit after
            all, its end counts as that of the free fit.
        rounds: how often a fit is looked at, at most.
    """
    which = np.flatnonzero(np.isfinite(best.deviance))
    for number in range(rounds):
        if not len(which):
            break
        before = best.deviance.copy()
        for stage in proposed:
            known = Known(best.some(which), data[:, which], None if held is None else held.some(which), not number)
            further = _joined([each.starts(known) for each in stage])
            further = further._replace(fit=which[further.fit])
            if not len(further.fit):
                continue
            if further.mu is None:
                fit_and_keep(best, further, fit)
            else:  # where the lowest of these has ended, the next stage may begin
                held = nothing(*best.parameters.shape)
                fit_and_keep(held, further, fit, 0.0)
        which = np.flatnonzero(best.deviance < before - IMPROVED)
    if held is not None:  # what is left is rounding: where a fit was held is a point of the free fit too
        lower = np.flatnonzero(held.deviance < best.deviance)
        keep_lower(best, held.some(lower), lower, 0.0)


def fit_and_keep(
    best: Fits, further: FurtherStarts, fit: Callable[[FurtherStarts], Fits], margin: float = SAME
) -> None:
    """Fit from these starting points, and put in what ends lower by more than a margin, one after the other."""
    found = fit(further)
    for each in _turns(further):
        keep_lower(best, found.some(each), further.fit[each], margin)


def first_starts(proposals: Sequence[Proposal], likelihood: Likelihood) -> list[np.ndarray]:
    """The initial values, and what is proposed before any fit: points of shape (npar,)."""
    model = likelihood.model
    known = Known(nothing(len(model.names), 0), np.empty((len(model.data), 0)))
    asked = [proposal for stage in stages(proposals, Scope.FIRST_STARTS) for proposal in stage]
    return [model.initial, *(start for proposal in asked for start in proposal.starts(known).starts)]


def repeat_above(engine: Engine, proposals: Sequence[Proposal], data: np.ndarray, free: Fits, held: Fits) -> np.ndarray:
    """See `Engine.repeat_above`."""
    above = ends_above(free, held)
    search(free, data, stages(proposals, Scope.BESIDE_HELD_FITS), _whole_fits(engine, data), held, rounds=1)
    return above


def look_along_poi(engine: Engine, proposals: Sequence[Proposal], data: np.ndarray, free: Fits) -> None:
    """See `Engine.look_along_poi`."""
    proposed = stages(proposals, Scope.FREE_FIT_OF_DATA, Scope.BESIDE_HELD_FITS)
    search(free, data, proposed, _whole_fits(engine, data), rounds=1)


def _whole_fits(engine: Engine, data: np.ndarray) -> Callable[[FurtherStarts], Fits]:
    """Fits of an engine, each with a search of its own; one round of them is enough."""
    return lambda further: engine.fit(data[:, further.fit], further.starts, further.mu)


def _joined(parts: list[FurtherStarts]) -> FurtherStarts:
    """The starting points of all proposals of a stage; more than one if they have borders."""
    if len(parts) == 1:
        return parts[0]
    border = Border(*(np.concatenate(each) for each in zip(*(part.border for part in parts), strict=True)))
    start = np.hstack([each for part in parts for each in part.starts])
    return FurtherStarts(np.concatenate([part.fit for part in parts]), [start], border)


def _turns(further: FurtherStarts) -> Iterator[np.ndarray]:
    """Numbers of starting points of which each fit has one at most, in the order in which they are compared."""
    fit, border = further.fit, further.border
    order = np.lexsort((fit,) if border is None else (border.value, border.parameter, fit))
    turn = np.empty(len(fit), int)
    turn[order] = np.arange(len(fit)) - np.searchsorted(fit[order], fit[order])
    return (np.flatnonzero(turn == each) for each in range(turn.max() + 1))
