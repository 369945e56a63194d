"""Free fits from the lowest of fits with the POI held far from where the free fit has ended.

Where a factor may empty a bin of the signal (see `emptied_templates`), the fit to a large mu pays the price of that
once, and it hardly rises with mu: the deviance along the POI then has a second valley, which may lie many errors away.
"""

from functools import cached_property

import numpy as np

from muscan.inference.emptied_templates import large_factors, may_be_emptied, of_poi
from muscan.inference.linear_response import LinearResponse
from muscan.inference.proposals.proposal import FurtherStarts, Known, Proposal, Scope

# Relative uncertainties above this may empty a bin of the signal: that then costs less than 1 / NEAR^2,
# about 3, in the deviance.
NEAR = 0.6
# Where the POI is held, in expected errors of the POI from where the free fit has ended. Chosen with random models
# against pyhf (tests/physics/test_pathological.py, `make study-fuzz`); published grids have no such model, and take as
# long as without (`make bench`).
FAR_MU = np.array([-30.0, -8.0, -3.0, -1.0, 1.0, 3.0, 8.0, 30.0, 120.0])


class AlongPoi(Proposal):
    """Fits with the POI held; for the free fit of one data set."""

    scope = Scope.FREE_FIT_OF_DATA

    @cached_property
    def possible(self) -> bool:
        """Whether a factor may empty a bin of the signal, so that a free fit may end at two values of mu."""
        model = self.model
        return bool((may_be_emptied(model, large_factors(model, NEAR)) & of_poi(model)).any())

    def starts(self, known: Known) -> FurtherStarts:
        model, begin = self.model, known.fits.parameters[:, 0]
        covariance = LinearResponse(self.likelihood, model.initial, model.fixed).covariance
        values = begin[model.poi] + np.sqrt(covariance[model.poi, model.poi]) * FAR_MU
        values = np.unique(np.clip(values, *model.bounds[model.poi]))
        return FurtherStarts(np.zeros(len(values), int), [begin, model.initial], mu=values)
