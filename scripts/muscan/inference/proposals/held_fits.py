"""Free fits from the ends of fits with the POI held, where these are lower.

The end of a fit with the POI held is a point of the free fit, too. A free fit that has ended above it is in a higher
local minimum.
"""

import numpy as np

from muscan.inference.fits import SAME, Fits
from muscan.inference.proposals.proposal import FurtherStarts, Known, Proposal, Scope


def ends_above(free: Fits, held: Fits) -> np.ndarray:
    """Return which free fits end above the held ones, shape (B,)."""
    return held.deviance < free.deviance - SAME


class HeldFits(Proposal):
    """The end of the held fit of the same data, if the free one ends above it."""

    scope = Scope.BESIDE_HELD_FITS

    def starts(self, known: Known) -> FurtherStarts:
        if known.held is None:
            return FurtherStarts(np.zeros(0, int), [known.fits.parameters[:, :0]])
        which = np.flatnonzero(ends_above(known.fits, known.held))
        return FurtherStarts(which, [known.held.parameters[:, which]])
