"""How many toys are in the tails that make CLs, at every mu, and how these numbers fluctuate.

CLs is a ratio of two fractions. Its statistical uncertainty comes from a bootstrap in which all values of mu share the
resampled background-only toys (B. Efron, Ann. Statist. 7 (1979) 1).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from muscan.inference.calculators import N_SIGMA

REPLICATES = 400
IN_MEMORY = 2_000_000  # toys of so many replicates
# Two values of the test statistic closer than this are the same: pseudo-data like the data must count as such.
SAME = 1e-6


class Point(NamedTuple):
    """The toys at one mu; the same background-only toy has the same place at every mu."""

    mu: float
    q_obs: float
    signal: np.ndarray  # test statistic of signal+background toys, nan where a fit failed, shape (N,)
    background: np.ndarray  # of background-only toys, shape (M,)

    def with_failed(self, excluded: bool) -> "Point":
        """Failed toys count as if they all made the exclusion stronger, or weaker."""
        out, inside = (-1.0, np.inf) if excluded else (np.inf, -1.0)
        signal = np.where(np.isnan(self.signal), out, self.signal)
        return self._replace(signal=signal, background=np.where(np.isnan(self.background), inside, self.background))


class Tails(NamedTuple):
    """Toys with a test statistic of at least the observed one, and of at least each quantile of the band.

    In R replicates, for six curves (or one), at n points.
    """

    signal: np.ndarray  # shape (R, 6, n)
    background: np.ndarray  # shape (R, 6, n)
    signal_toys: np.ndarray  # all of them, shape (n,)
    background_toys: np.ndarray  # shape (R, n)

    def of(self, curve: int) -> "Tails":
        """Those of one curve, shape (R, n)."""
        return self._replace(signal=self.signal[:, curve], background=self.background[:, curve])

    def CLs(self) -> np.ndarray:
        """Shape of `signal`; nan where no background-only toy is in the tail."""
        toys = self.background_toys if self.signal.ndim == 2 else self.background_toys[:, None]
        with np.errstate(all="ignore"):
            return np.where(self.background > 0, self.signal / self.signal_toys * toys / self.background, np.nan)


def counted(points: list[Point]) -> Tails:
    """The tails of the toys themselves, a single replicate."""
    return tails(points, np.ones((1, _background_toys(points)), np.uint8))


def tails(points: list[Point], weights: np.ndarray) -> Tails:
    """The tails in replicates that take background-only toy j `weights[r, j]` times, weights of shape (R, M)."""
    shape = len(weights), 6, len(points)
    signal, background = np.zeros(shape), np.zeros(shape)
    signal_toys, background_toys = np.zeros(len(points)), np.zeros((len(weights), len(points)))
    for i, point in enumerate(points):
        found = np.flatnonzero(~np.isnan(point.background))
        order = found[np.argsort(-point.background[found], kind="stable")]
        q = point.background[order]
        of_signal = np.sort(point.signal[~np.isnan(point.signal)])
        cumulative = np.zeros((len(weights), len(q) + 1), np.int32)
        np.cumsum(weights[:, order], axis=1, out=cumulative[:, 1:])
        total = cumulative[:, -1]
        rank = np.stack([np.searchsorted(each[1:], ndtr(N_SIGMA) * each[-1]) for each in cumulative])
        thresholds = np.column_stack([np.full(len(weights), point.q_obs), q[np.minimum(rank, len(q) - 1)]])
        thresholds -= np.minimum(SAME, thresholds / 2)
        in_tail = np.searchsorted(-q, -thresholds, side="right")
        background[:, :, i] = np.take_along_axis(cumulative, in_tail, axis=1)
        signal[:, :, i] = len(of_signal) - np.searchsorted(of_signal, thresholds)
        signal_toys[i], background_toys[:, i] = len(of_signal), total
    return Tails(signal, background, signal_toys, background_toys)


def bootstrap(points: list[Point], rng: np.random.Generator) -> tuple[Tails, Tails]:
    """Replicates in which only the background-only toys are resampled, and in which all toys are."""
    toys = _background_toys(points)
    step = max(1, IN_MEMORY // toys)
    sizes = [min(step, REPLICATES - start) for start in range(0, REPLICATES, step)]
    parts = [tails(points, rng.poisson(1.0, (size, toys)).astype(np.uint8)) for size in sizes]
    fixed = Tails(
        np.concatenate([part.signal for part in parts]),
        np.concatenate([part.background for part in parts]),
        parts[0].signal_toys,
        np.concatenate([part.background_toys for part in parts]),
    )
    return fixed, fixed._replace(signal=_resampled(fixed.signal, fixed.signal_toys, rng))


def _resampled(tail: np.ndarray, total: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Counts above thresholds after resampling: those between neighbouring thresholds are multinomial."""
    order = np.argsort(tail, axis=1)
    edges = np.take_along_axis(tail, order, axis=1)
    zero, all_of_them = np.zeros_like(edges[:, :1]), np.broadcast_to(total, edges[:, :1].shape)
    between = np.diff(np.concatenate([zero, edges, all_of_them], axis=1), axis=1)
    drawn = rng.multinomial(total.astype(int), np.moveaxis(between / total, 1, -1))
    counts = np.moveaxis(drawn[..., :-1].cumsum(axis=-1), -1, 1).astype(float)
    resampled = np.empty_like(tail)
    np.put_along_axis(resampled, order, counts, axis=1)
    return resampled


def _background_toys(points: list[Point]) -> int:
    return max(len(point.background) for point in points)
