"""Expected events and their uncertainties, before and after a fit."""

from typing import NamedTuple

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model

STEP = 1e-3  # step of central differences, in units of the uncertainty of the parameter


class Yields(NamedTuple):
    """Expected events at one point in parameter space; the last row of each array is the sum of the samples."""

    expected: np.ndarray  # shape (nsamples + 1, nmain)
    uncertainty: np.ndarray  # shape (nsamples + 1, nmain)


def propagate(likelihood: Likelihood, parameters: np.ndarray, covariance: np.ndarray) -> Yields:
    """Return expected events with uncertainties from linear error propagation, sigma^2 = J C J^T.

    Args:
        likelihood: of the model.
        parameters: shape (npar,).
        covariance: C, of the parameters, shape (npar, npar). Parameters whose row is nan are left out, because the
            likelihood, and thus the yields, do not depend on them. If none is left, the uncertainties are nan.
    """
    model = likelihood.model
    errors = np.sqrt(np.diag(covariance))
    undetermined = np.isnan(errors).any() and not (errors > 0).any()
    variances = np.full((len(model.samples) + 1, model.nmain), np.nan if undetermined else 0.0)
    moving = np.flatnonzero(errors > 0)
    if len(moving):
        gradients = _derivatives(likelihood, parameters, moving, errors[moving])
        reduced = covariance[np.ix_(moving, moving)]
        variances = np.einsum("isb,ij,jsb->sb", gradients, reduced, gradients)
    nominal = likelihood.expected_by_sample(parameters[:, None])[..., 0]
    return Yields(_with_total(nominal), np.sqrt(np.maximum(variances, 0.0)))


def prefit_covariance(model: Model) -> np.ndarray:
    """Return the covariance from the auxiliary measurements alone, shape (npar, npar); zero without a constraint."""
    return np.diag(np.nan_to_num(model.constrained_widths()) ** 2)


def _derivatives(likelihood: Likelihood, parameters: np.ndarray, which: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Derivatives of the yields by some parameters, shape (len(which), nsamples + 1, nmain)."""
    shifts = np.zeros((len(parameters), len(which)))
    shifts[which, np.arange(len(which))] = STEP * errors
    points = np.concatenate([parameters[:, None] + shifts, parameters[:, None] - shifts], axis=1)
    up, down = np.split(likelihood.expected_by_sample(points), 2, axis=2)
    derivatives = np.moveaxis((up - down) / (2 * STEP * errors), 2, 0)
    return np.stack([_with_total(each) for each in derivatives])


def _with_total(by_sample: np.ndarray) -> np.ndarray:
    return np.vstack([by_sample, by_sample.sum(axis=0)])
