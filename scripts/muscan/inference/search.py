"""The search for lower minima: propose starting points, fit from them, and keep lower minima, until none improves.

All further starting points of fits come from proposals (see `proposals`), which are only used here.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.inference.engine import Engine
from muscan.inference.fits import SAME, Fits, empty_fits, keep_lower
from muscan.inference.proposals.held_fits import ends_above
from muscan.inference.proposals.proposal import Border, FurtherStarts, Known, Proposal, Scope

# A fit that has become lower by more than this in -2 log L is searched once more.
IMPROVED = 1e-6
# Largest number of rounds of the search. Almost all fits end after the first or the second one.
MOST_ROUNDS = 4


def stages(proposals: Sequence[Proposal], *scopes: Scope) -> list[list[Proposal]]:
    """Return the possible proposals of some scopes, in stages that are tried one after the other.

    The proposals with borders are one stage, so that their fits are one batch. Every other proposal is a stage of its
    own and starts from the results of the stages before it.
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
    """Improve fits that have found a minimum, until none becomes lower.

    Args:
        best: B fits; improved in place.
        data: shape (nmain + naux, B).
        proposed: stages of proposals, see `stages`.
        fit: makes fits from further starting points, whose field `fit` has the numbers of their data sets.
        held: fits of the same data with the POI held, if there are any. A free fit that still ends above the held one
            is replaced by it.
        rounds: largest number of rounds.
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
            else:  # the next stage may start from the lowest of these held fits
                held = empty_fits(*best.parameters.shape)
                fit_and_keep(held, further, fit, 0.0)
        which = np.flatnonzero(best.deviance < before - IMPROVED)
    if held is not None:  # remaining differences are rounding: the end of a held fit is a point of the free fit, too
        lower = np.flatnonzero(held.deviance < best.deviance)
        keep_lower(best, held.some(lower), lower, 0.0)


def fit_and_keep(
    best: Fits, further: FurtherStarts, fit: Callable[[FurtherStarts], Fits], margin: float = SAME
) -> None:
    """Fit from further starting points, and keep the minima that are lower than the best ones.

    Args:
        best: B fits; improved in place.
        further: the starting points.
        fit: makes the fits.
        margin: in -2 log L, by which a minimum must be lower.
    """
    found = fit(further)
    for each in _groups(further):
        keep_lower(best, found.some(each), further.fit[each], margin)


def first_starts(proposals: Sequence[Proposal], likelihood: Likelihood) -> list[np.ndarray]:
    """Return the initial values and the points that are proposed before any fit, each of shape (npar,)."""
    model = likelihood.model
    known = Known(empty_fits(len(model.names), 0), np.empty((len(model.data), 0)))
    used = [proposal for stage in stages(proposals, Scope.FIRST_STARTS) for proposal in stage]
    return [model.initial, *(start for proposal in used for start in proposal.starts(known).starts)]


def repeat_above(engine: Engine, proposals: Sequence[Proposal], data: np.ndarray, free: Fits, held: Fits) -> np.ndarray:
    """Implement `Engine.repeat_above` with the proposals for free fits beside held ones."""
    above = ends_above(free, held)
    search(free, data, stages(proposals, Scope.BESIDE_HELD_FITS), _whole_fits(engine, data), held, rounds=1)
    return above


def look_along_poi(engine: Engine, proposals: Sequence[Proposal], data: np.ndarray, free: Fits) -> None:
    """Implement `Engine.look_along_poi` with the proposals for the free fit to the data."""
    proposed = stages(proposals, Scope.FREE_FIT_OF_DATA, Scope.BESIDE_HELD_FITS)
    search(free, data, proposed, _whole_fits(engine, data), rounds=1)


def _whole_fits(engine: Engine, data: np.ndarray) -> Callable[[FurtherStarts], Fits]:
    """A function that makes fits with an engine, each of which includes a search of its own."""
    return lambda further: engine.fit(data[:, further.fit], further.starts, further.mu)


def _joined(parts: list[FurtherStarts]) -> FurtherStarts:
    """The starting points of all proposals of a stage; a stage of several proposals has borders."""
    if len(parts) == 1:
        return parts[0]
    border = Border(*(np.concatenate(each) for each in zip(*(part.border for part in parts), strict=True)))
    start = np.hstack([each for part in parts for each in part.starts])
    return FurtherStarts(np.concatenate([part.fit for part in parts]), [start], border)


def _groups(further: FurtherStarts) -> Iterator[np.ndarray]:
    """Groups of starting points with at most one of each fit, in the order in which their results are compared."""
    fit, border = further.fit, further.border
    order = np.lexsort((fit,) if border is None else (border.value, border.parameter, fit))
    group = np.empty(len(fit), int)
    group[order] = np.arange(len(fit)) - np.searchsorted(fit[order], fit[order])
    return (np.flatnonzero(group == number) for number in range(group.max() + 1))
