"""Starting points on the other side of ridges of the deviance that interpolations cause.

Source: the interpolations of HistFactory (CERN-OPEN-2012-016, section 4.1; those of pyhf are code0, code1, code4 and
code4p). A template that is interpolated between three points has a large curvature at alpha = 0. If its contribution
to the second derivative of half the deviance is negative and larger in size than that of the constraint, which is 1,
alpha = 0 is a ridge between two valleys. The even part of code4p has a curvature of the opposite sign at alpha =
+-sqrt(2/3), of at most a third in size: if the curvature at zero is positive, there may be ridges at these edges.

A fit begins at its mirror image behind the ridge, and is abandoned when it crosses the ridge.
"""

import numpy as np

from muscan.histfactory.interpolation import KINKED
from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model
from muscan.inference.proposals.proposal import Border, FurtherStarts, Known, Proposal, Scope

# A negative curvature of half the deviance beyond this size, in units of the curvature of the constraint, makes a
# ridge: the sum of both is then negative.
RIDGE = 1.0
# The alpha at which the even part of code4p has its largest opposite curvature, and this in units of that at zero.
EDGE, EDGE_BEND = np.sqrt(2 / 3), -1 / 3
# Least distances in alpha of a starting point from a ridge at zero and from one at an edge, and the largest distance
# from an edge at which a fit is started on its other side. `make study` (tests/inference/test_engine.py) requires that
# of 1000 toys of sbottom-A and of 1Lbb at most one ends above the best of ten random starts.
ACROSS, ACROSS_EDGE, NEAR_EDGE = 0.7, 0.4, 0.5


def may_have_ridges(model: Model) -> bool:
    """Return whether any template is interpolated; without interpolation the deviance has one minimum."""
    return len(model.normsys.parameter) + len(model.histosys.parameter) > 0


class Ridges(Proposal):
    """One starting point behind each ridge near which a fit has ended."""

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
