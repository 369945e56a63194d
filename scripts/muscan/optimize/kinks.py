"""Kinks: the derivative of the function is discontinuous where a parameter is zero.

A kink is a bound for both of its sides. A fit that has reached it stays there, unless the function decreases on the
other side: the fit then turns to that side. The sign of the zero, +0.0 or -0.0, tells on which side a fit is.
"""

import numpy as np

from muscan.optimize.problem import Derivatives
from muscan.optimize.state import State


def turn_at_kinks(
    kinked: np.ndarray, state: State, parts: Derivatives, active: np.ndarray
) -> tuple[State, np.ndarray, np.ndarray]:
    """Turn fits that rest at a kink to its other side if the function decreases there.

    Args:
        kinked: indices of the parameters with a kink.
        state: of B fits.
        parts: derivatives at `there`.
        active: which parameters may move, shape (P, B).

    Returns:
        the state, which parameters of `kinked` rest at their kink, shape (len(kinked), B), and which fits have turned,
        shape (B,).
    """
    at, gradient = state.there[kinked], parts.gradient[kinked]
    side = np.copysign(1.0, at)
    resting = (at == 0) & (gradient * side >= 0) & active[kinked]
    turned = resting & (parts.other_side[kinked] * side > 0)
    if turned.any():
        here, there = state.here.copy(), state.there.copy()
        there[kinked] = np.where(turned, -at, at)
        here[kinked] = np.where(turned & (here[kinked] == 0), -here[kinked], here[kinked])
        state = state._replace(here=here, there=there)
    return state, resting, turned.any(axis=0)


def one_sided_bounds(
    kinked: np.ndarray, here: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper bounds, shape (P, B), that keep fits at points `here` on their side of each kink."""
    low, high = np.broadcast_to(low, here.shape).copy(), np.broadcast_to(high, here.shape).copy()
    negative = np.signbit(here[kinked])
    low[kinked], high[kinked] = np.where(negative, low[kinked], 0.0), np.where(negative, -0.0, high[kinked])
    return low, high


def with_sides_of(kinked: np.ndarray, there: np.ndarray, here: np.ndarray) -> np.ndarray:
    """Return the points `there` with the signs of their zeros taken from `here`, as clipping loses them."""
    there = there.copy()
    there[kinked] = np.where(there[kinked] == 0, np.copysign(0.0, here[kinked]), there[kinked])
    return there
