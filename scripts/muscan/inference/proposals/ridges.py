"""The other sides of the ridges that interpolations make.

Source: the interpolations of HistFactory (CERN-OPEN-2012-016, section 4.1; those of pyhf are code0, code1, code4 and
code4p). A template that is interpolated between three points has a bend at alpha = 0. Where the data bend the deviance
down there by more than the constraint bends it up (by 1 in half the deviance, per unit of alpha squared), alpha = 0 is
a ridge between two valleys. The even part of code4p bends the other way at alpha = +-sqrt(2/3), by at most a third of
its bend at zero: where the bend at zero is positive, there may be ridges at these edges.

A fit begins at its mirror image behind the ridge, and is given up when it comes back over it.
"""

import numpy as np

from muscan.histfactory.interpolation import KINKED
from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model
from muscan.inference.proposals.proposal import Border, FurtherStarts, Known, Proposal, Scope

# An interpolation that bends half the deviance down by more than this, in units of the bend of the constraint, makes a
# ridge: the sum of both then bends down.
RIDGE = 1.0
# Where the even part of code4p bends most the other way, in alpha, and by how much, in units of its bend at zero.
EDGE, EDGE_BEND = np.sqrt(2 / 3), -1 / 3
# How far behind a ridge in the middle, and behind one at an edge, a fit starts at least, and from how far an edge is
# crossed at most, in alpha. Chosen with toys of published likelihoods: of 1000 of sbottom-A and of 1Lbb at most one may
# end above the best of ten random starts (tests/inference/test_engine.py, `make study`).
ACROSS, ACROSS_EDGE, NEAR_EDGE = 0.7, 0.4, 0.5


def may_have_ridges(model: Model) -> bool:
    """Whether anything is interpolated; without interpolation the deviance has one minimum."""
    return len(model.normsys.parameter) + len(model.histosys.parameter) > 0


class Ridges(Proposal):
    """Behind each ridge near which a fit has ended, one start."""

    scope = Scope.EVERY_FIT
    one_sided = True

    def __init__(self, likelihood: Likelihood):
        super().__init__(likelihood)
        self.possible = may_have_ridges(self.model)
        self._smooth = not KINKED.intersection(self.model.interpolation.values())

    def starts(self, known: Known) -> FurtherStarts:
        parameters, data = known.fits.parameters, known.data
        bends = self.likelihood.bends(parameters, data)
        bends[self.model.fixed] = 0.0
        middle = np.nonzero(bends < -RIDGE)
        near = np.abs(np.abs(parameters) - EDGE) < NEAR_EDGE
        edge = np.nonzero((bends * EDGE_BEND < -RIDGE) & near & self._smooth)
        border = np.concatenate([np.zeros(len(middle[0])), np.copysign(EDGE, parameters[edge])])
        least = np.repeat([ACROSS, ACROSS_EDGE], [len(middle[0]), len(edge[0])])
        parameter, fit = np.hstack([middle, edge])
        start = parameters[:, fit]
        here = (parameter, np.arange(len(fit)))
        away = start[here] - border
        start[here] = border - np.copysign(np.maximum(np.abs(away), least), away)
        return FurtherStarts(fit, [start], Border(parameter, border))
