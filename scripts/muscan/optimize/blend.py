"""Hessians that are positive definite far from a minimum: blends of the exact one and the expected information."""

import numpy as np

from muscan.optimize.problem import Derivatives


def blend(parts: Derivatives, which: np.ndarray, part: float) -> Derivatives:
    """Return the derivatives of some fits with a blend of Hessian and expected information.

    Args:
        parts: of B fits.
        which: numbers of these fits, at least two.
        part: weight of the Hessian in the blend, from 0 (Fisher scoring, Gauss-Newton steps: never indefinite) to 1
            (Newton steps); that of the expected information is 1 - part.
    """

    def of(values: np.ndarray) -> np.ndarray:
        # `take` keeps the order of the axes in memory, and so the order of summation.
        return np.take(values, which, axis=-1)

    rest = 1 - part
    number, responses = parts.by_local.shape[:2]
    rows, count = len(parts.weight) - responses, len(parts.diagonal)
    prior = of(np.broadcast_to(parts.prior, parts.gradient.shape))
    information, by_local = rest * of(parts.information), of(parts.by_local)
    used = slice(0 if part else rows, None)  # only the Hessian needs the rows
    factors, weight = of(parts.factors[used]), part * of(parts.weight[used])
    lines = len(weight)
    weight[lines - responses :] += information
    diagonal = part * of(parts.diagonal) + rest * prior[:count]
    by_global, mixed = factors[lines - responses : lines], factors[lines:].reshape(number, responses, *diagonal.shape)
    diagonal += np.einsum("nb,ngb,ngb->gb", information, by_global, by_global)
    weighted = information * by_local
    mixed *= part
    mixed += weighted[:, :, None] * by_global
    local = part * of(parts.local) + weighted[:, None] * by_local
    for k, own in enumerate(prior[count:].reshape(by_local.shape)):
        local[k, k] += rest * own
    return parts._replace(
        gradient=of(parts.gradient),
        factors=factors,
        weight=weight,
        shifts=part * of(parts.shifts[used][: lines - responses]),
        diagonal=diagonal,
        local=local,
        by_local=by_local,
    )
