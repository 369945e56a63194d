"""Free fits from where fits with the POI held have ended lower.

Where a fit with the POI held has ended is a point of the free fit too: a free fit that has ended above it has missed
the valley.
"""

import numpy as np

from muscan.inference.fits import SAME, Fits
from muscan.inference.proposals.proposal import FurtherStarts, Known, Proposal, Scope


def ends_above(free: Fits, held: Fits) -> np.ndarray:
    """Which free fits end above the held ones, shape (B,)."""
    return held.deviance < free.deviance - SAME


class HeldFits(Proposal):
    """The end of the held fit of the same data, where the free one ends above it."""

    scope = Scope.BESIDE_HELD_FITS

    def starts(self, known: Known) -> FurtherStarts:
        if known.held is None:
            return FurtherStarts(np.zeros(0, int), [known.fits.parameters[:, :0]])
        which = np.flatnonzero(ends_above(known.fits, known.held))
        return FurtherStarts(which, [known.held.parameters[:, which]])
