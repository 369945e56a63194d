"""Goodness of fit against the saturated model."""

from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc

from muscan.histfactory.model import Model


class GoodnessOfFit(NamedTuple):
    statistic: float
    ndof: int
    p_value: float | None  # None where nothing is left to test


def saturated(model: Model, deviance_at_minimum: float) -> GoodnessOfFit:
    """Compare the fit with a model that describes every bin perfectly.

    The statistic is the deviance at the minimum, asymptotically chi-square distributed (S. Baker, R. Cousins,
    Nucl. Instrum. Meth. 221 (1984) 437). Degrees of freedom: bins minus free parameters without a constraint.
    """
    unconstrained = ~model.fixed & np.isnan(model.constrained_widths())
    ndof = model.nmain - int(unconstrained.sum())
    statistic = max(deviance_at_minimum, 0.0)  # that of a perfect fit may round to a value just below zero
    p_value = float(chdtrc(ndof, statistic)) if ndof > 0 else None
    return GoodnessOfFit(statistic, ndof, p_value)
