"""Where a best fit moves when its data or a held parameter change: one step of Fisher scoring."""

import numpy as np

from muscan.base.errors import FitError
from muscan.histfactory.interpolation import grouped, ungrouped
from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.poisson import LEAST_VARIANCE


class LinearResponse:
    """The response of the best fit to the data that `parameters` would make; other parameters than held ones move.

    With J the derivatives of all expected measurements by the parameters and V their variances, the best fit moves by
    (J^T V^-1 J)^-1 J^T V^-1 (data - expected), and a held parameter counts as a change of what is expected.
    """

    def __init__(self, likelihood: Likelihood, parameters: np.ndarray, held: np.ndarray):
        """The parameters and which of them are held, both of shape (npar,)."""
        self.parameters, self.expected = parameters, likelihood.asimov(parameters)
        constraints, nmain = likelihood.model.constraints, likelihood.model.nmain
        variance = np.maximum(self.expected, LEAST_VARIANCE)
        variance[nmain:] = np.where(constraints.is_poisson, variance[nmain:], constraints.sigma**2)
        jacobian = likelihood.jacobian(parameters)
        weighted = jacobian / variance[:, None]
        information = jacobian.T @ weighted
        free = np.flatnonzero(~held & (np.diag(information) > 0))
        scale = 1 / np.sqrt(np.diag(information)[free])  # parameters of very different information count alike
        scale = np.outer(scale, scale)
        try:
            inverse = np.linalg.pinv(information[np.ix_(free, free)] * scale, rcond=1e-12, hermitian=True) * scale
        except np.linalg.LinAlgError as error:
            raise FitError("the numbers of the model differ by too many orders of magnitude to be fitted") from error
        self.covariance = np.zeros((len(parameters), len(parameters)))
        self.covariance[np.ix_(free, free)] = inverse
        self._response = self.covariance @ np.hstack([weighted.T, -information * held])

    def __call__(self, data: np.ndarray, changes: np.ndarray) -> np.ndarray:
        """Estimates of the best fits, shape (npar, B).

        Args:
            data: shape (nmain + naux, B).
            changes: of the held parameters, shape (npar, B).
        """
        moved = np.concatenate([data - self.expected[:, None], changes])
        return self.parameters[:, None] + changes + ungrouped(self._response @ grouped(moved), moved.shape[1])
