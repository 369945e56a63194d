"""Upper bounds of free factors that nobody stated: which fits they hinder, and which factors must not outgrow them."""

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model
from muscan.inference.fits import Fits

# A fit this close to an upper bound, in units of the bounds' distance, has met it: Minuit stops a little before.
NEAR_DEFAULT = 1e-3
# A factor whose derivatives fall by more than this when the POI becomes zero does nothing there; see ALMOST_ZERO.
LEAST_EFFECT = 1e-20


def hindered(model: Model, fits: Fits) -> np.ndarray:
    """Numbers of fits that end where only a default stops a free factor, or nowhere.

    A default may have left no possible point to a fit that ends nowhere.
    """
    grows = model.default_bounded
    if not grows.any():
        return np.zeros(0, int)
    low, high = model.bounds[grows].T[..., None]
    inside = fits.parameters[grows] < high - NEAR_DEFAULT * (high - low)  # nothing is inside where a fit failed
    return np.flatnonzero(~inside.all(axis=0))


def of_signal_alone(likelihood: Likelihood) -> np.ndarray:
    """Growing factors of templates that the POI multiplies, and of no others, shape (npar,).

    With mu = 0 they do nothing, but would make up for a POI that is all but zero if they could grow without end.
    """
    model = likelihood.model
    if not model.default_bounded.any():
        return model.default_bounded
    points = np.repeat(model.initial[:, None], 2, axis=1)
    points[model.poi] = 0, 1
    off, on = (np.abs(likelihood.jacobian(point)).max(axis=0) for point in points.T)
    return model.default_bounded & (off < LEAST_EFFECT * on)
