"""Minuit with its own MINOS, as the referee of profiles of the likelihood."""

from collections.abc import Callable

import numpy as np
from iminuit import Minuit

from muscan.histfactory.likelihood import Likelihood


def minuit_of(
    likelihood: Likelihood, start: np.ndarray, function: Callable[[np.ndarray], float] | None = None
) -> Minuit:
    """Minuit at the minimum of -2 log L near a starting point.

    Args:
        likelihood: of the model, with its data, bounds and fixed parameters.
        start: shape (npar,).
        function: -2 log L of another program; without it, that of the likelihood.
    """
    model = likelihood.model

    def deviance(parameters: np.ndarray) -> float:
        value = likelihood.deviance_of(parameters, model.data)
        return value if np.isfinite(value) else 1e15

    gradient = None if function else lambda parameters: likelihood.gradient_of(parameters, model.data)
    minuit = Minuit(function or deviance, start, grad=gradient, name=model.names)
    minuit.errordef = Minuit.LEAST_SQUARES
    minuit.limits = [tuple(each) for each in model.bounds]
    minuit.fixed = model.fixed
    minuit.strategy = 1
    minuit.tol = 1e-3
    minuit.migrad()
    minuit.hesse()
    assert minuit.valid
    return minuit
