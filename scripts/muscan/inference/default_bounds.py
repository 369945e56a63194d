"""Default upper bounds of free factors: the fits that meet them, and the factors that must not exceed them."""

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model
from muscan.inference.fits import Fits

# A fit this close to an upper bound, in units of the distance of the bounds, has met it: Minuit stops a little before.
NEAR_DEFAULT = 1e-3
# A factor has no effect at a POI of zero if its derivatives there, in units of those at 1, are below this.
LEAST_EFFECT = 1e-20


def fits_at_default_bounds(model: Model, fits: Fits) -> np.ndarray:
    """Return the numbers of fits in which a free factor ends at its default bound, and of fits without a minimum.

    A fit may have found no minimum because the default bounds exclude all points at which the data are possible.
    """
    growing = model.default_bounded
    if not growing.any():
        return np.zeros(0, int)
    low, high = model.bounds[growing].T[..., None]
    inside = fits.parameters[growing] < high - NEAR_DEFAULT * (high - low)  # False where a fit has failed
    return np.flatnonzero(~inside.all(axis=0))


def growing_signal_factors(likelihood: Likelihood) -> np.ndarray:
    """Return which factors with a default bound act on the signal alone, shape (npar,).

    They have no effect at mu = 0. With a POI close to zero they would compensate for it, if they could grow without
    bound.
    """
    model = likelihood.model
    if not model.default_bounded.any():
        return model.default_bounded
    points = np.repeat(model.initial[:, None], 2, axis=1)
    points[model.poi] = 0, 1
    without, with_signal = (np.abs(likelihood.jacobian(point)).max(axis=0) for point in points.T)
    return model.default_bounded & (without < LEAST_EFFECT * with_signal)
