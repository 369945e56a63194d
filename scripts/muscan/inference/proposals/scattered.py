"""Random points around the initial values, for the fits to the data on which all tests of a signal depend.

The constrained parameters are drawn from their constraints, with a fixed seed; the others have their initial values.
Such points find minima of causes that the other proposals do not consider. For toys they would take too long, as every
point costs a fit.
"""

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.inference.proposals.proposal import FurtherStarts, Known, Proposal, Scope
from muscan.inference.proposals.ridges import may_have_ridges

# Number of points. Their fits are in one batch with the fit from the initial values, so that a few points take little
# time.
POINTS = 3
SEED = 0  # of the random numbers


class Scattered(Proposal):
    """Random points, common to all fits, for models whose deviance may have several minima."""

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
