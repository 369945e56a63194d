"""Tail probabilities as smooth functions of mu: local probit regression of counts of toys.

The probit of a probability p is the x with Phi(x) = p. For a test statistic of the asymptotic kind, the probit of
P(q >= q_obs | mu) is linear in mu; elsewhere it bends slowly. The counts enter with their binomial likelihood, so that
points with few toys in the tail, or none, have their proper weight. Weights from errors that are estimated from the
same counts would bias the curve low.
"""

import numpy as np
from scipy.special import ndtr, ndtri, rel_entr

MAX_ITERATIONS = 60
PRECISION = 1e-8  # of the probit, at which the iteration ends
MAX_PROBIT = 7.0  # probits are limited to this size: no number of toys resolves smaller probabilities
MAX_STEP = 1.5  # largest change of a probit in one iteration
RIDGE = 1e-9  # part of its trace that is added to the information matrix, which may be singular


def regression(
    design: np.ndarray, tail: np.ndarray, total: np.ndarray, weights: np.ndarray, start: np.ndarray | None = None
) -> np.ndarray:
    """Return maximum-likelihood coefficients of the probit of a tail probability, for R sets of counts.

    The method is Fisher scoring (P. McCullagh and J. Nelder, Generalized Linear Models, section 2.5).

    Args:
        design: value of each of d terms at each of n points, shape (n, d).
        tail: toys in the tail, shape (R, n).
        total: all toys, shape (R, n) or (n,).
        weights: of the points, shape (n,).
        start: coefficients at which all sets begin, shape (d,).

    Returns:
        shape (R, d); nan where there are no toys.
    """
    total = np.broadcast_to(total, tail.shape)
    with np.errstate(invalid="ignore"):  # nan where there are no toys at all
        pooled = np.clip((weights * tail).sum(axis=1) / (weights * total).sum(axis=1), 1e-9, 1 - 1e-9)
    coefficients = np.zeros((len(tail), design.shape[1]))
    coefficients[:, 0] = ndtri(pooled)
    if start is not None:
        coefficients[:] = np.where(np.isnan(pooled)[:, None], np.nan, start)
    for _ in range(MAX_ITERATIONS):
        probit = np.clip(coefficients @ design.T, -MAX_PROBIT, MAX_PROBIT)
        residual, information = _scores(probit, tail, total)
        score = (weights * residual) @ design
        matrix = np.einsum("rn,ni,nj->rij", weights * information, design, design)
        matrix += RIDGE * np.trace(matrix, axis1=1, axis2=2)[:, None, None] * np.eye(design.shape[1])
        step = np.linalg.solve(matrix, score[..., None])[..., 0]
        change = np.abs(step @ design.T).max(axis=1)
        coefficients += step * np.minimum(1.0, MAX_STEP / np.maximum(change, 1e-300))[:, None]
        if (change < PRECISION).all() or (np.abs(probit) >= MAX_PROBIT).all():
            break
    return coefficients


def response(
    design: np.ndarray, at: np.ndarray, probit: np.ndarray, total: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return the change of the fitted probit at one place when one count changes by its standard deviation.

    Args:
        design: as for `regression`, shape (n, d).
        at: row of the design at the place, shape (d,).
        probit: fitted at each point, shape (n,).
        total: all toys of each point, shape (n,).
        weights: of the points, shape (n,).

    Returns:
        the change due to each point, shape (n,).
    """
    _, information = _scores(probit, np.zeros_like(probit), total)
    matrix = np.einsum("n,ni,nj->ij", weights * information, design, design)
    return np.linalg.pinv(matrix) @ at @ design.T * weights * np.sqrt(information)


def deviance(probit: np.ndarray, tail: np.ndarray, total: np.ndarray) -> float:
    """Return -2 log of the binomial likelihood of counts relative to a perfect fit.

    For many toys it follows a chi-squared distribution.

    Args:
        probit: of the tail probability at each point, shape (n,).
        tail: toys in the tail, shape (n,).
        total: all toys, shape (n,).
    """
    probit = np.clip(probit, -MAX_PROBIT, MAX_PROBIT)
    return float(2 * (rel_entr(tail, total * ndtr(probit)) + rel_entr(total - tail, total * ndtr(-probit))).sum())


def _scores(probit: np.ndarray, tail: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Derivative of the log-likelihood of each count with respect to its probit, and its expected information."""
    density = np.exp(-(probit**2) / 2) / np.sqrt(2 * np.pi)
    inside, outside = ndtr(probit), ndtr(-probit)
    residual = tail * (density / inside) - (total - tail) * (density / outside)
    return residual, total * (density / inside) * (density / outside)
