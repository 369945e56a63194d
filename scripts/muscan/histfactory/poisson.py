"""Poisson terms of -2 log L in deviance form, with their derivatives.

Summing `nu - n log(nu)` loses all digits where n is large (a Poisson constraint with tau = 1e12 is real); each term is
therefore taken relative to its own best value, so that the value at the minimum is also the saturated goodness of fit
(S. Baker, R. Cousins, Nucl. Instrum. Meth. 221 (1984) 437).
"""

from typing import NamedTuple

import numpy as np

from muscan.optimize.walls import Walls, wall_terms

# Expected events below this are none; observed ones are then impossible.
NO_EVENTS = 1e-100
# Of the events in a bin, in the expected information: it would be infinite in a bin in which nothing is expected.
LEAST_VARIANCE = 0.01
# Where nothing is observed, nu >= 0 is a wall. Fits lean on it with this precision, in events.
WALL_WIDTH = 1e-6


def poisson_deviance(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return 2 [nu - n + n log(n / nu)] per measurement; infinite where nu is negative, or zero in spite of n > 0."""
    positive = observed > 0
    possible = np.where(positive, expected > NO_EVENTS, expected >= -WALL_WIDTH)
    n, nu = np.where(positive, observed, 1.0), np.where(positive & possible, expected, 1.0)
    half = np.where(positive, _half_deviance(n, nu), expected)
    return 2 * np.where(possible, half, np.inf)


def _half_deviance(n: np.ndarray, nu: np.ndarray) -> np.ndarray:
    """nu - n + n log(n / nu) for positive numbers."""
    x = (nu - n) / n
    log = np.log1p(x)
    far = x < -0.5  # 1 + x has lost digits
    if far.any():
        log = np.where(far, np.log(nu / n), log)
    return n * (x - log)


class BinTerms(NamedTuple):
    """Half the deviance of N bins of B fits, and its derivatives by the expected events; all of shape (N, B)."""

    value: np.ndarray
    slope: np.ndarray
    curvature: np.ndarray
    information: np.ndarray  # what is expected of the curvature


def bin_terms(n: np.ndarray, nu: np.ndarray, walls: Walls) -> BinTerms:
    """Return half the deviance of the bins, with walls at nu = 0 where nothing is observed.

    There half the deviance is nu, and templates that extrapolate below zero would win.

    Args:
        n: observed events, shape (N, B).
        nu: expected events, shape (N, B).
        walls: their terms count only where nothing is observed.
    """
    seen = n > 0
    if seen.all() and nu.min() > NO_EVENTS:
        ratio = n / nu
        return BinTerms(_half_deviance(n, nu), 1 - ratio, ratio / nu, 1 / np.maximum(nu, LEAST_VARIANCE))
    possible = nu > NO_EVENTS
    safe = np.where(possible, nu, 1.0)
    ratio = n / safe
    wall = wall_terms(nu, walls)
    value = np.where(possible, _half_deviance(np.where(seen, n, 1.0), safe), np.inf)
    curvature = np.where(seen, ratio / safe, wall.curvature)
    information = 1 / np.maximum(nu, LEAST_VARIANCE) + np.where(seen, 0.0, curvature)
    slope = 1 - np.where(seen, ratio, wall.push)
    return BinTerms(np.where(seen, value, nu + wall.value), slope, curvature, information)


def auxiliary_terms(n: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return half the deviance of Poisson measurements of positive parameters; all of one shape."""
    if n.min() > 0 and expected.min() > 0:
        return _half_deviance(n, expected)
    return 0.5 * poisson_deviance(n, expected)
