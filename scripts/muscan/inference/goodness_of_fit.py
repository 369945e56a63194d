"""Goodness of fit against the saturated model."""

from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc

from muscan.histfactory.model import Model


class GoodnessOfFit(NamedTuple):
    """Result of a goodness-of-fit test."""

    statistic: float
    ndof: int  # degrees of freedom
    p_value: float | None  # None without degrees of freedom


def saturated(model: Model, deviance_at_minimum: float) -> GoodnessOfFit:
    """Compare the fit with a model that describes every bin perfectly.

    The statistic is the deviance at the minimum, whose asymptotic distribution is a chi-square (S. Baker, R. Cousins,
    Nucl. Instrum. Meth. 221 (1984) 437). Degrees of freedom are the bins minus the free parameters without constraint.
    """
    unconstrained = ~model.fixed & np.isnan(model.constrained_widths())
    ndof = model.nmain - int(unconstrained.sum())
    statistic = max(deviance_at_minimum, 0.0)  # of a perfect fit, rounding may leave a value just below zero
    p_value = float(chdtrc(ndof, statistic)) if ndof > 0 else None
    return GoodnessOfFit(statistic, ndof, p_value)
