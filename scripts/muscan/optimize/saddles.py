"""Saddles: points at which the gradient is zero and the function bends down in some direction.

A fit that begins where a symmetric function has its ridge stays on it: nothing pulls it to either side.
"""

import numpy as np

from muscan.optimize.problem import Derivatives

# A fit that is moved off saddles more often than this is lost.
MOST_NUDGES = 5


def off_saddle(parts: Derivatives, active: np.ndarray) -> np.ndarray:
    """Return steps along each global parameter in which the function bends down, shape (P, B).

    Along each, the function falls by 1/2, as far as its curvature says.

    Args:
        parts: derivatives of B fits.
        active: which parameters may move, shape (P, B).
    """
    count = len(parts.diagonal)
    steps = np.zeros_like(active, float)
    downwards = active[:count] & (parts.diagonal < 0)
    steps[:count] = np.where(downwards, 1 / np.sqrt(np.where(downwards, -parts.diagonal, 1.0)), 0.0)
    return steps
