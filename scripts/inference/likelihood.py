"""-2 log L in deviance form: zero where the model describes every measurement perfectly.

Summing `nu - n log(nu)` loses all digits where n is large (a Poisson constraint with tau = 1e12 is real); each term is
therefore taken relative to its own best value, so that the value at the minimum is also the saturated goodness of fit.
"""

import numpy as np

from inference.model import Model

# Below this yield the logarithm is continued by its tangent parabola: minimisers see a wall instead of nan.
SMALLEST_YIELD = 1e-9


def poisson_deviance(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """2 [nu - n + n log(n / nu)] per measurement (S. Baker, R. Cousins, Nucl. Instrum. Meth. 221 (1984) 437).

    A negative `expected` is outside the model; it gets a value that grows quadratically, to lead a minimiser back.
    """
    nu = np.maximum(expected, SMALLEST_YIELD)
    positive = observed > 0
    n = np.where(positive, observed, 1.0)
    x = (nu - n) / n
    deviance = np.where(positive, 2 * n * (x - np.log1p(x)), 2 * nu)
    below = np.minimum(expected - SMALLEST_YIELD, 0.0) / SMALLEST_YIELD
    return deviance + 2 * observed * (0.5 * below**2 - below) + 2 * SMALLEST_YIELD * np.abs(below) * (1 + np.abs(below))


def gaussian_deviance(observed: np.ndarray, expected: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """[(a - theta) / sigma]^2 per measurement."""
    return ((observed - expected) / sigma) ** 2


def deviance(model: Model, parameters: np.ndarray, data: np.ndarray) -> float:
    """-2 log [L(parameters) / L(saturated)] of main and auxiliary data.

    Args:
        parameters: shape (npar,).
        data: shape (nmain + naux,).
    """
    main, auxiliary = data[: model.nmain], data[model.nmain :]
    expected = model.expected_auxiliary(parameters)
    constraints = model.constraints
    constraint_terms = np.where(
        constraints.is_poisson,
        poisson_deviance(auxiliary, expected),
        gaussian_deviance(auxiliary, expected, constraints.sigma),
    )
    return float(poisson_deviance(main, model.expected_main(parameters)).sum() + constraint_terms.sum())
