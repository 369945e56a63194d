"""Expected events and their uncertainties, before and after a fit."""

from typing import NamedTuple

import numpy as np

from inference.model import Model

STEP = 1e-3  # of a central difference, in units of the parameter's uncertainty


class Yields(NamedTuple):
    """Expected events at one point in parameter space; the last row of each array is the sum of the samples."""

    expected: np.ndarray  # shape (nsamples + 1, nmain)
    uncertainty: np.ndarray  # shape (nsamples + 1, nmain)


def propagate(model: Model, parameters: np.ndarray, covariance: np.ndarray) -> Yields:
    """Linear error propagation, sigma^2 = J C J^T, for every sample, every bin and their sum over samples.

    Args:
        parameters: shape (npar,).
        covariance: of the parameters, shape (npar, npar); parameters whose row is nan are left out, because the
            likelihood, and so the yields, do not depend on them. If that leaves none, the uncertainties are nan.
    """
    errors = np.sqrt(np.diag(covariance))
    nothing = np.isnan(errors).any() and not (errors > 0).any()
    variances = np.full((len(model.samples) + 1, model.nmain), np.nan if nothing else 0.0)
    moving = np.flatnonzero(errors > 0)
    gradients = np.stack([_derivative(model, parameters, i, errors[i]) for i in moving]) if len(moving) else None
    if gradients is not None:
        reduced = covariance[np.ix_(moving, moving)]
        variances = np.einsum("isb,ij,jsb->sb", gradients, reduced, gradients)
    return Yields(_with_total(model.expected_by_sample(parameters)), np.sqrt(np.maximum(variances, 0.0)))


def prefit_covariance(model: Model) -> np.ndarray:
    """Covariance of the auxiliary measurements alone, shape (npar, npar); zero for unconstrained parameters."""
    return np.diag(np.nan_to_num(model.constrained_widths()) ** 2)


def _derivative(model: Model, parameters: np.ndarray, index: int, error: float) -> np.ndarray:
    shift = np.zeros_like(parameters)
    shift[index] = STEP * error
    up = model.expected_by_sample(parameters + shift)
    down = model.expected_by_sample(parameters - shift)
    return _with_total(up - down) / (2 * STEP * error)


def _with_total(by_sample: np.ndarray) -> np.ndarray:
    return np.vstack([by_sample, by_sample.sum(axis=0)])
