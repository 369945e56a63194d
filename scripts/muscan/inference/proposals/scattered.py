"""Points around the initial values, for the fits to the data on which all tests of a signal depend.

The constrained parameters are drawn from their constraints, always the same; the others have their initial values.
This finds what no derivation foresees. It is too expensive for toys: every further start costs a fit.
"""

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.inference.proposals.proposal import FurtherStarts, Known, Proposal, Scope
from muscan.inference.proposals.ridges import may_have_ridges

# How many points. Not from a study: they ride in the batch of the first start, and four take hardly longer than one.
POINTS = 3
SEED = 0  # of the random numbers


class Scattered(Proposal):
    """Random points that all fits have in common, where the deviance may have several valleys."""

    scope = Scope.FIRST_STARTS

    def __init__(self, likelihood: Likelihood):
        super().__init__(likelihood)
        self.possible = may_have_ridges(self.model)

    def starts(self, known: Known) -> FurtherStarts:
        model = self.model
        widths = np.nan_to_num(model.constrained_widths())
        rng = np.random.default_rng(SEED)
        points = [model.initial + widths * rng.normal(size=len(widths)) for _ in range(POINTS)]
        return FurtherStarts(np.arange(known.data.shape[1]), points)
