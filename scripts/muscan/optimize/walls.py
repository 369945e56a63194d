"""Conditions c(theta) >= 0, kept by an augmented Lagrangian.

A wall adds `(max(0, force - k c)^2 - force^2) / 2k` to the function, with the stiffness k (R. Rockafellar, Math.
Programming 5 (1973) 354). A minimum with these terms is one under the condition, once the force has converged to the
multiplier of its condition. Walls are soft in the beginning. If a converged fit violates a condition, the forces are
corrected, the stiffness is increased, and the fit continues.
"""

from typing import NamedTuple

import numpy as np

# Initial stiffness, its growth with each correction of the forces, and its largest value, in units of 1 / condition^2.
# Harder walls need fewer corrections, but the Hessian then changes more abruptly where a wall begins.
SOFT_WALL, STIFFER, HARD_WALL = 10.0, 10.0, 1e5


class Walls(NamedTuple):
    """The walls of B fits, with W conditions each."""

    force: np.ndarray  # shape (W, B)
    stiffness: np.ndarray  # in units of 1 / condition^2, shape (B,)


class WallTerms(NamedTuple):
    """The terms that walls add to a function, and their derivatives by the condition, all of shape (W, B)."""

    value: np.ndarray
    push: np.ndarray  # minus the first derivative
    curvature: np.ndarray


def soft_walls(conditions: int, fits: int) -> Walls:
    """Return walls of the initial stiffness, without forces."""
    return Walls(np.zeros((conditions, fits)), np.full(fits, SOFT_WALL))


def wall_terms(condition: np.ndarray, walls: Walls) -> WallTerms:
    """Return the terms of walls where the conditions have these values, shape (W, B)."""
    push = np.maximum(walls.force - walls.stiffness * condition, 0.0)
    value = (push * push - walls.force * walls.force) / (2 * walls.stiffness)
    return WallTerms(value, push, walls.stiffness * (push > 0))


def corrected_walls(walls: Walls, condition: np.ndarray, walled: np.ndarray) -> tuple[Walls, np.ndarray]:
    """Return the walls with corrected forces, and the size of the correction.

    Args:
        walls: of B fits that have converged.
        condition: its values there, shape (W, B).
        walled: which conditions apply, shape (W, B).

    Returns:
        the walls, and twice the change of the function by the correction, shape (B,).
    """
    force = np.where(walled, np.maximum(walls.force - walls.stiffness * condition, 0.0), 0.0)
    change = ((force - walls.force) ** 2).sum(axis=0) / walls.stiffness
    return Walls(force, np.minimum(walls.stiffness * STIFFER, HARD_WALL)), change
