"""Saddles: points with a zero gradient and a negative curvature in some direction.

A fit that begins on the ridge of a symmetric function stays on it, because its gradient has no component across.
"""

import numpy as np

from muscan.optimize.problem import Derivatives

# A fit that is moved off saddles more often than this is abandoned.
MOST_NUDGES = 5


def step_off_saddle(parts: Derivatives, active: np.ndarray) -> np.ndarray:
    """Return steps along each global parameter with a negative curvature, shape (P, B).

    Their lengths are such that the curvature predicts a decrease by 1/2 along each parameter.

    Args:
        parts: derivatives of B fits.
        active: which parameters may move, shape (P, B).
    """
    count = len(parts.diagonal)
    steps = np.zeros_like(active, float)
    downwards = active[:count] & (parts.diagonal < 0)
    steps[:count] = np.where(downwards, 1 / np.sqrt(np.where(downwards, -parts.diagonal, 1.0)), 0.0)
    return steps
