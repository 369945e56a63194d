"""Pulls of fitted parameters, in units of the widths of their constraints."""

import numpy as np

from muscan.records.fit import Parameters


def constrained_and_free(parameters: Parameters) -> tuple[list[int], list[int]]:
    """Return the indices of the parameters with a constraint and of those without; fixed ones are in neither list."""
    moving = [i for i, fixed in enumerate(parameters.fixed) if not fixed]
    widths = parameters.constraint_widths
    return [i for i in moving if widths[i]], [i for i in moving if not widths[i]]


def pulls(parameters: Parameters, indices: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the pulls and the relative errors of some parameters.

    Returns:
        (value - initial) / constraint width and error / constraint width, shape (len(indices),) each; 0 for an unknown
        error.
    """
    widths = np.array([parameters.constraint_widths[i] for i in indices], dtype=float)
    shift = np.array([parameters.values[i] - parameters.initial[i] for i in indices], dtype=float)
    return shift / widths, np.nan_to_num(np.array([parameters.errors[i] for i in indices], dtype=float)) / widths
