"""The interface of problems to be minimised: batches of functions of one structure, with their derivatives."""

from typing import NamedTuple, Protocol

import numpy as np

from muscan.optimize.walls import Walls


class Derivatives(NamedTuple):
    """Values, gradients and structured Hessians of B functions f of P = G + K N parameters.

    Each function depends on its parameters through N responses r, and has additional terms of single parameters
    (constraints). The first G parameters are *global*: they act on any response. K more parameters for each response
    are *local*: they act on this response alone, and can be eliminated response by response. In a histogram the
    responses are the expected events of the bins, and the local parameters are factors of single bins. K may be zero.

    The Hessian among the global parameters is `x^T w x + y^T z + z^T y`, except for its diagonal. Here x are the first
    R + N lines of `factors`, w their `weight`, y the first R lines, and z the `shifts`, which belong to the H
    parameters with the indices `shifted`. R and H may be zero: with the responses alone, x^T w x has their derivatives
    in x and the second derivatives of f by them in w.

    The *expected information* replaces the Hessian where that is not positive definite. It is positive semi-definite,
    as the Gauss-Newton matrix of a sum of squares or the Fisher information of a likelihood:
    `j^T i j` with j the derivatives of the responses and i their `information`, and `prior` on its diagonal.
    """

    value: np.ndarray  # shape (B,); infinite or nan where f is not defined
    gradient: np.ndarray  # shape (P, B)
    factors: np.ndarray  # lines of R rows, dr/d(global), d^2 f/d(local) d(global): shape (R + N + K N, G, B)
    weight: np.ndarray  # of the first R + N lines, shape (R + N, B)
    shifts: np.ndarray  # shape (R, H, B)
    shifted: slice  # indices of the H parameters of the shifts
    diagonal: np.ndarray  # second derivatives by the global parameters, shape (G, B)
    local: np.ndarray  # Hessian among the local parameters of a response, shape (K, K, N, B)
    prior: np.ndarray  # information of the terms of single parameters, shape (P, B) or (P, 1)
    information: np.ndarray  # expected information of the responses, shape (N, B)
    by_local: np.ndarray  # dr/d(local), shape (K, N, B)
    other_side: np.ndarray | None  # gradient on the other side of the kinks at zero, shape (P, B); None without kinks

    @property
    def mixed(self) -> np.ndarray:
        """Second derivatives between local and global parameters, shape (K, N, G, B); a view of `factors`."""
        number, responses = self.by_local.shape[:2]
        lines = self.factors[len(self.factors) - number * responses :]
        return lines.reshape(number, responses, *lines.shape[1:])


class Problem(Protocol):
    """Functions of P parameters that are smooth within their bounds, except for kinks where a parameter is zero.

    A function is scaled as the negative log of a likelihood: a difference of 1/2 is one standard deviation. This scale
    determines the required precision and what counts as rounding.

    The functions of a batch differ in their data, arrays of shape (D, B). The result of a method for one column must
    not depend on the other columns. Batches have at least two columns, see `muscan.base.batches`.
    """

    low: np.ndarray  # lower bounds, shape (P, 1)
    high: np.ndarray  # upper bounds, shape (P, 1); may be infinite
    centre: np.ndarray  # within the bounds, where all functions are defined, shape (P, 1)
    kinked: np.ndarray  # indices of the parameters at whose zero the functions have a kink
    elements: int  # approximate number of elements of the derivatives of one function, for the size of batches

    def derivatives(self, theta: np.ndarray, data: np.ndarray, walls: Walls) -> Derivatives:
        """Return the derivatives of the functions, with the terms of the walls, at points of shape (P, B).

        At a kink the sign of the zero, +0.0 or -0.0, tells on which side the derivatives are taken.
        """

    def conditions(self, theta: np.ndarray) -> np.ndarray:
        """Return the conditions c(theta), shape (W, B); the minimum is sought where c >= 0. W may be zero."""

    def walled(self, data: np.ndarray) -> np.ndarray:
        """Return which conditions apply to which functions, shape (W, B)."""
