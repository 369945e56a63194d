"""The linear response of a best fit to its data and to held parameters: one step of Fisher scoring."""

import numpy as np

from muscan.base.errors import FitError
from muscan.histfactory.interpolation import grouped, ungrouped
from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.poisson import LEAST_VARIANCE


class LinearResponse:
    """The linear response of the best fit to the Asimov data of given parameters.

    With the derivatives J of all expected measurements by the parameters and their variances V, the best fit changes by
    (J^T V^-1 J)^-1 J^T V^-1 (data - expected). The change of a held parameter counts as one of the expectation.

    Args:
        likelihood: of the model.
        parameters: at which the response is calculated, shape (npar,).
        held: which parameters are held, shape (npar,).

    Attributes:
        parameters: see above.
        expected: main and auxiliary data that are expected there, shape (nmain + naux,).
        covariance: of the free parameters, shape (npar, npar); zero for held ones.

    Raises:
        FitError: if the numbers of the model differ by too many orders of magnitude.
    """

    def __init__(self, likelihood: Likelihood, parameters: np.ndarray, held: np.ndarray):
        self.parameters, self.expected = parameters, likelihood.asimov(parameters)
        constraints, nmain = likelihood.model.constraints, likelihood.model.nmain
        variance = np.maximum(self.expected, LEAST_VARIANCE)
        variance[nmain:] = np.where(constraints.is_poisson, variance[nmain:], constraints.sigma**2)
        jacobian = likelihood.jacobian(parameters)
        weighted = jacobian / variance[:, None]
        information = jacobian.T @ weighted
        free = np.flatnonzero(~held & (np.diag(information) > 0))
        scale = 1 / np.sqrt(
            np.diag(information)[free]
        )  # so that parameters of very different information are treated alike
        scale = np.outer(scale, scale)
        try:
            inverse = np.linalg.pinv(information[np.ix_(free, free)] * scale, rcond=1e-12, hermitian=True) * scale
        except np.linalg.LinAlgError as error:
            raise FitError("the numbers of the model differ by too many orders of magnitude to be fitted") from error
        self.covariance = np.zeros((len(parameters), len(parameters)))
        self.covariance[np.ix_(free, free)] = inverse
        self._response = self.covariance @ np.hstack([weighted.T, -information * held])

    def __call__(self, data: np.ndarray, changes: np.ndarray) -> np.ndarray:
        """Return estimates of the best fits, shape (npar, B).

        Args:
            data: shape (nmain + naux, B).
            changes: of the held parameters, shape (npar, B); zero for the others.
        """
        moved = np.concatenate([data - self.expected[:, None], changes])
        return self.parameters[:, None] + changes + ungrouped(self._response @ grouped(moved), moved.shape[1])
