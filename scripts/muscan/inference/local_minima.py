"""Local minima of the deviance, found by batched Newton steps from starting points."""

from typing import NamedTuple

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.problem import DevianceProblem
from muscan.optimize.minimize import minimize


class LocalMinima(NamedTuple):
    """Results of B fits."""

    parameters: np.ndarray  # shape (npar, B)
    deviance: np.ndarray  # shape (B,)
    edm: np.ndarray  # estimated distance to the minimum, in units of the deviance, shape (B,)
    converged: np.ndarray  # shape (B,)
    iterations: np.ndarray  # shape (B,)


def local_minima(
    likelihood: Likelihood,
    data: np.ndarray,
    starts: np.ndarray,
    held: np.ndarray,
    border: tuple[np.ndarray, np.ndarray] | None = None,
) -> LocalMinima:
    """Minimise the deviance of B data sets, each from its starting point; a fit does not depend on the others.

    Args:
        likelihood: of the model, whose bounds are respected.
        data: main and auxiliary data, shape (nmain + naux, B).
        starts: shape (npar, B); moved into the bounds, except where held.
        held: parameters that keep their starting values, shape (npar,) or (npar, B).
        border: a parameter and a value for each fit, both of shape (B,). A fit is abandoned as soon as its parameter
            crosses its value.
    """
    if border is not None:
        place = np.empty(len(starts) + 1, int)
        place[likelihood.layout.order] = np.arange(len(likelihood.layout.order))
        border = (place[border[0]], border[1])
    found = minimize(
        DevianceProblem(likelihood),
        likelihood.arranged(data),
        likelihood.places(starts),
        likelihood.places(held.reshape(len(held), -1)) > 0,
        border,
    )
    parameters = np.empty_like(starts)
    parameters[:] = likelihood.parameters(found.parameters)
    return LocalMinima(parameters, 2 * found.value, found.edm, found.converged, found.iterations)
