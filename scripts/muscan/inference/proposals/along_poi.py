"""Free fits from the lowest of several fits with the POI held far from the end of the free fit.

If a factor can empty a bin of the signal (see `emptied_templates`), this costs a fixed amount of the deviance, which
then hardly rises with mu: along the POI the deviance may have a second valley, many standard deviations away.
"""

from functools import cached_property

import numpy as np

from muscan.inference.emptied_templates import large_factors, may_be_emptied, scaled_by_poi
from muscan.inference.linear_response import LinearResponse
from muscan.inference.proposals.proposal import FurtherStarts, Known, Proposal, Scope

# Factors with a relative uncertainty above this may empty a bin of the signal, which then costs less than 1 / NEAR^2,
# about 3, in the deviance.
NEAR = 0.6
# Values at which the POI is held: their distances from the end of the free fit, in units of the expected error of the
# POI. They are spaced by factors of about three, as a second valley is wide; `make study-fuzz` compares the results for
# random models with pyhf.
FAR_MU = np.array([-30.0, -8.0, -3.0, -1.0, 1.0, 3.0, 8.0, 30.0, 120.0])


class AlongPoi(Proposal):
    """Fits with the POI held at several values, for the free fit to the data."""

    scope = Scope.FREE_FIT_OF_DATA

    @cached_property
    def possible(self) -> bool:
        """Whether a factor can empty a bin of the signal, so that the free fit may have two minima in mu."""
        model = self.model
        return bool((may_be_emptied(model, large_factors(model, NEAR)) & scaled_by_poi(model)).any())

    def starts(self, known: Known) -> FurtherStarts:
        model, begin = self.model, known.fits.parameters[:, 0]
        covariance = LinearResponse(self.likelihood, model.initial, model.fixed).covariance
        values = begin[model.poi] + np.sqrt(covariance[model.poi, model.poi]) * FAR_MU
        values = np.unique(np.clip(values, *model.bounds[model.poi]))
        return FurtherStarts(np.zeros(len(values), int), [begin, model.initial], mu=values)
