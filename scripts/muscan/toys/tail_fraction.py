"""A p-value from toys: the fraction of toys in the tail, with its binomial error, or an upper bound."""

from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, ndtri

from muscan.toys.tail_counts import MIN_TAIL_TOYS, SAME_Q

BOUND_LEVEL = 0.95  # confidence level of upper bounds


class TailFraction(NamedTuple):
    """A p-value from toys.

    Attributes:
        value: None if fewer than MIN_TAIL_TOYS toys are in the tail.
        error: standard deviation of `value`; None without one.
        upper: bound at BOUND_LEVEL (C. Clopper, E. Pearson, Biometrika 26 (1934) 404).
        tail: toys in the tail.
        total: all toys.
    """

    value: float | None
    error: float | None
    upper: float
    tail: int
    total: int


def threshold(q: float) -> float:
    """Return the smallest test statistic of a toy that is in the tail of q: toys equal to the data are."""
    return q - min(SAME_Q, q / 2)


def tail_fraction(tail: int, total: int) -> TailFraction:
    """Return the p-value if so many toys of the total are in the tail."""
    upper = 1.0 if tail == total else float(betaincinv(tail + 1, total - tail, BOUND_LEVEL))
    if tail < MIN_TAIL_TOYS:
        return TailFraction(None, None, upper, tail, total)
    value = tail / total
    # If all toys are in the tail, as if one were not: the error is not zero.
    spread = min(value, 1 - 1 / (total + 1))
    return TailFraction(value, float(np.sqrt(spread * (1 - spread) / total)), upper, tail, total)


def tail_of(toys: np.ndarray, q: float) -> TailFraction:
    """Return the fraction of toys whose test statistic is at least q.

    Args:
        toys: test statistics without nan, shape (N,).
        q: the threshold.
    """
    return tail_fraction(int((toys >= threshold(q)).sum()), len(toys))


def significance(p_value: float) -> float:
    """Return Z, the number of standard deviations of a Gaussian with this one-sided p-value."""
    return float(-ndtri(p_value)) + 0.0  # no minus before a zero
