"""Tail probabilities as smooth functions of mu: local probit regression of counts.

For a test statistic of the asymptotic kind the probit of P(q >= q_obs | mu) is linear in mu; elsewhere it bends slowly.
Counts enter with their binomial likelihood, so that a point where few toys, or none, are in the tail counts for what it
is worth: weighting with errors that were estimated from the same counts would pull the curve down.
"""

import numpy as np
from scipy.special import ndtr, ndtri, rel_entr

MOST_ITERATIONS = 60
PRECISION = 1e-8  # of the probit
FAR = 7.0  # no probability of ours is closer to 0 or 1 than that of so many standard deviations
LONGEST_STEP = 1.5


def regression(
    design: np.ndarray, tail: np.ndarray, total: np.ndarray, weights: np.ndarray, start: np.ndarray | None = None
) -> np.ndarray:
    """Maximum-likelihood coefficients of the probit of a tail probability, for R sets of counts.

    Args:
        design: value of each of d terms at each of n points, shape (n, d).
        tail: toys in the tail, shape (R, n).
        total: all toys, shape (R, n) or (n,).
        weights: of the points, shape (n,).
        start: coefficients near those of all sets, shape (d,).

    Returns:
        shape (R, d), nan where there are no toys; Fisher scoring, P. McCullagh and J. Nelder, Generalized Linear
        Models, section 2.5.
    """
    total = np.broadcast_to(total, tail.shape)
    with np.errstate(invalid="ignore"):  # nan where there are no toys at all
        pooled = np.clip((weights * tail).sum(axis=1) / (weights * total).sum(axis=1), 1e-9, 1 - 1e-9)
    coefficients = np.zeros((len(tail), design.shape[1]))
    coefficients[:, 0] = ndtri(pooled)
    if start is not None:
        coefficients[:] = np.where(np.isnan(pooled)[:, None], np.nan, start)
    for _ in range(MOST_ITERATIONS):
        probit = np.clip(coefficients @ design.T, -FAR, FAR)
        residual, information = _scores(probit, tail, total)
        score = (weights * residual) @ design
        matrix = np.einsum("rn,ni,nj->rij", weights * information, design, design)
        matrix += 1e-9 * np.trace(matrix, axis1=1, axis2=2)[:, None, None] * np.eye(design.shape[1])
        step = np.linalg.solve(matrix, score[..., None])[..., 0]
        change = np.abs(step @ design.T).max(axis=1)
        coefficients += step * np.minimum(1.0, LONGEST_STEP / np.maximum(change, 1e-300))[:, None]
        if (change < PRECISION).all() or (np.abs(probit) >= FAR).all():
            break
    return coefficients


def response(design: np.ndarray, at: np.ndarray, probit: np.ndarray, total: np.ndarray, weights: np.ndarray):
    """Change of the fitted probit at one place with one standard deviation of the counts of each point, shape (n,).

    Args:
        design: as above, and `at` its row at the place, shape (d,).
        probit: fitted at each point, shape (n,).
    """
    _, information = _scores(probit, np.zeros_like(probit), total)
    matrix = np.einsum("n,ni,nj->ij", weights * information, design, design)
    return np.linalg.pinv(matrix) @ at @ design.T * weights * np.sqrt(information)


def deviance(probit: np.ndarray, tail: np.ndarray, total: np.ndarray) -> float:
    """-2 log of the binomial likelihood of the counts, from that of a perfect fit (chi-squared for many toys)."""
    probit = np.clip(probit, -FAR, FAR)
    return float(2 * (rel_entr(tail, total * ndtr(probit)) + rel_entr(total - tail, total * ndtr(-probit))).sum())


def _scores(probit: np.ndarray, tail: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Derivative of the log-likelihood of each count by its probit, and its expected information."""
    density = np.exp(-(probit**2) / 2) / np.sqrt(2 * np.pi)
    inside, outside = ndtr(probit), ndtr(-probit)
    residual = tail * (density / inside) - (total - tail) * (density / outside)
    return residual, total * (density / inside) * (density / outside)
