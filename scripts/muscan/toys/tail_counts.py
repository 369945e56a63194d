"""Numbers of toys in the tails that make CLs, at every mu, and how they fluctuate.

CLs is a ratio of two tail fractions. Its statistical uncertainty comes from a bootstrap (B. Efron, Ann. Statist. 7
(1979) 1) in which all values of mu share the resampled background-only toys.

There are six CLs curves: first the one of the observed data, then those of the five expected cases, whose thresholds
are quantiles of the background-only toys.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from muscan.inference.calculators import N_SIGMA

CURVES = 1 + len(N_SIGMA)
REPLICATES = 400  # of the bootstrap
TOYS_IN_MEMORY = 2_000_000  # largest product of toys and replicates that are counted together
# Two values of the test statistic closer than this count as equal: toys equal to the data must be in the tail.
SAME_Q = 1e-6
# Toys in a tail that a p-value needs, and in each of its two tails that a CLs needs: with fewer, the error of the
# fraction is above 45 %, and a symmetric error does not describe what the toys say.
MIN_TAIL_TOYS = 5


class PointStatistics(NamedTuple):
    """Test statistics of the toys at one mu, and of the observed data.

    Attributes:
        mu: the tested signal strength.
        q_obs: of the observed data.
        signal: of signal+background toys, nan where a fit failed, shape (N,).
        background: of background-only toys, shape (M,); entry j is the same toy at every mu.
    """

    mu: float
    q_obs: float
    signal: np.ndarray
    background: np.ndarray

    def with_failed_toys(self, for_exclusion: bool) -> "PointStatistics":
        """Return the point with all failed toys counted as if they strengthened, or weakened, the exclusion."""
        outside, inside = (-1.0, np.inf) if for_exclusion else (np.inf, -1.0)
        signal = np.where(np.isnan(self.signal), outside, self.signal)
        return self._replace(signal=signal, background=np.where(np.isnan(self.background), inside, self.background))


class TailCounts(NamedTuple):
    """Toys in the tails of six curves (or one) at n points, in R replicates.

    The tail of a curve holds the toys whose test statistic is at least its threshold.

    Attributes:
        signal: signal+background toys in the tail, shape (R, 6, n).
        background: background-only toys in the tail, shape (R, 6, n).
        signal_toys: all signal+background toys, shape (n,).
        background_toys: all background-only toys, shape (R, n).
    """

    signal: np.ndarray
    background: np.ndarray
    signal_toys: np.ndarray
    background_toys: np.ndarray

    def of_curve(self, curve: int) -> "TailCounts":
        """Return the counts of one curve, with tails of shape (R, n)."""
        return self._replace(signal=self.signal[:, curve], background=self.background[:, curve])

    def CLs(self) -> np.ndarray:
        """Return CLs in the shape of `signal`; nan where no background-only toy is in the tail."""
        toys = self.background_toys if self.signal.ndim == 2 else self.background_toys[:, None]
        with np.errstate(all="ignore"):
            return np.where(self.background > 0, self.signal / self.signal_toys * toys / self.background, np.nan)


def count_tails(points: list[PointStatistics]) -> TailCounts:
    """Count the toys themselves, as a single replicate."""
    return count_weighted_tails(points, np.ones((1, _number_of_background_toys(points)), np.uint8))


def count_weighted_tails(points: list[PointStatistics], weights: np.ndarray) -> TailCounts:
    """Count toys in R replicates that take background-only toy j `weights[r, j]` times.

    Args:
        points: with M background-only toys at most.
        weights: integers, shape (R, M).
    """
    shape = len(weights), CURVES, len(points)
    signal, background = np.zeros(shape), np.zeros(shape)
    signal_toys, background_toys = np.zeros(len(points)), np.zeros((len(weights), len(points)))
    for i, point in enumerate(points):
        fitted = np.flatnonzero(~np.isnan(point.background))
        order = fitted[np.argsort(-point.background[fitted], kind="stable")]
        q = point.background[order]
        q_signal = np.sort(point.signal[~np.isnan(point.signal)])
        cumulative = np.zeros((len(weights), len(q) + 1), np.int32)
        np.cumsum(weights[:, order], axis=1, out=cumulative[:, 1:])
        total = cumulative[:, -1]
        rank = np.stack([np.searchsorted(counts[1:], ndtr(N_SIGMA) * counts[-1]) for counts in cumulative])
        thresholds = np.column_stack([np.full(len(weights), point.q_obs), q[np.minimum(rank, len(q) - 1)]])
        thresholds -= np.minimum(SAME_Q, thresholds / 2)
        in_tail = np.searchsorted(-q, -thresholds, side="right")
        background[:, :, i] = np.take_along_axis(cumulative, in_tail, axis=1)
        signal[:, :, i] = len(q_signal) - np.searchsorted(q_signal, thresholds)
        signal_toys[i], background_toys[:, i] = len(q_signal), total
    return TailCounts(signal, background, signal_toys, background_toys)


def bootstrap_tails(points: list[PointStatistics], rng: np.random.Generator) -> tuple[TailCounts, TailCounts]:
    """Return replicates in which only the background-only toys are resampled, and replicates of all toys."""
    toys = _number_of_background_toys(points)
    step = max(1, TOYS_IN_MEMORY // toys)
    sizes = [min(step, REPLICATES - first) for first in range(0, REPLICATES, step)]
    parts = [count_weighted_tails(points, rng.poisson(1.0, (size, toys)).astype(np.uint8)) for size in sizes]
    signal_fixed = TailCounts(
        np.concatenate([part.signal for part in parts]),
        np.concatenate([part.background for part in parts]),
        parts[0].signal_toys,
        np.concatenate([part.background_toys for part in parts]),
    )
    resampled = _resample(signal_fixed.signal, signal_fixed.signal_toys, rng)
    return signal_fixed, signal_fixed._replace(signal=resampled)


def _resample(tail: np.ndarray, total: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Counts above the thresholds after resampling the toys: counts between thresholds are multinomial.

    Args:
        tail: counts above each threshold, shape (R, 6, n).
        total: number of toys, shape (n,).
        rng: random numbers.
    """
    order = np.argsort(tail, axis=1)
    edges = np.take_along_axis(tail, order, axis=1)
    zero, everything = np.zeros_like(edges[:, :1]), np.broadcast_to(total, edges[:, :1].shape)
    between = np.diff(np.concatenate([zero, edges, everything], axis=1), axis=1)
    drawn = rng.multinomial(total.astype(int), np.moveaxis(between / total, 1, -1))
    counts = np.moveaxis(drawn[..., :-1].cumsum(axis=-1), -1, 1).astype(float)
    resampled = np.empty_like(tail)
    np.put_along_axis(resampled, order, counts, axis=1)
    return resampled


def _number_of_background_toys(points: list[PointStatistics]) -> int:
    return max(len(point.background) for point in points)
