"""p-values of the hypothesis without signal, from toys: observed, and expected for a signal of mu = 1.

The expected p-values are those of quantiles of the toys with signal, whose fluctuations add to the errors.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from muscan.inference.calculators import N_SIGMA
from muscan.toys.allocation import AIM, MAX_GROWTH
from muscan.toys.pseudo_data import BACKGROUND_ONLY, WITH_SIGNAL
from muscan.toys.samples import ThrownSample
from muscan.toys.tail_counts import MIN_TAIL_TOYS, SAME_Q
from muscan.toys.tail_fraction import TailFraction, tail_fraction, tail_of, threshold

# Without an excess, q0 is zero for about half of the toys. The fraction of toys with q0 >= 0 would be 1; as in
# asymptotic formulae, p0 is 0.5 and Z is 0 instead.
P0_WITHOUT_EXCESS = 0.5
MEDIAN = 2  # the place of the median among the expected cases, N_SIGMA: from a smaller to a larger excess


class DiscoveryToys(NamedTuple):
    """Test statistics q0 of toys, nan where a fit failed, and of the data.

    Attributes:
        q_obs: of the data; None in a blind analysis.
        background: of toys without signal, shape (N,).
        signal: of toys of mu = 1, shape (M,).
    """

    q_obs: float | None
    background: np.ndarray
    signal: np.ndarray

    def without_failed(self) -> "DiscoveryToys":
        """Return the toys whose fits have not failed."""
        background, signal = (q[np.isfinite(q)] for q in (self.background, self.signal))
        return self._replace(background=background, signal=signal)

    def with_failed(self, in_tail: bool) -> "DiscoveryToys":
        """Return all toys, the failed ones without signal in the tail (a larger p0), or none of them there."""
        here, there = (np.inf, 0.0) if in_tail else (0.0, np.inf)
        background = np.where(np.isnan(self.background), here, self.background)
        return self._replace(background=background, signal=np.where(np.isnan(self.signal), there, self.signal))


class P0(NamedTuple):
    """A p-value of the hypothesis without signal, at a test statistic q.

    Attributes:
        q: the test statistic.
        fraction: of the toys without signal.
        signal_error: the part of the error due to the quantile of the toys with signal; 0 for the data.
        no_excess: whether q is zero.
    """

    q: float
    fraction: TailFraction
    signal_error: float = 0.0
    no_excess: bool = False

    def value(self) -> float | None:
        """Return p0; None if there are too few toys in the tail."""
        return P0_WITHOUT_EXCESS if self.no_excess else self.fraction.value

    def error(self) -> float | None:
        """Return the error of p0; None without p0. Without an excess it is zero, because no toy is counted."""
        if self.no_excess:
            return 0.0
        return None if self.fraction.value is None else float(np.hypot(self.fraction.error, self.signal_error))

    def relative_error(self) -> float:
        """Return error / value; infinite without p0."""
        return np.inf if self.value() is None else self.error() / self.value()


def observed_p0(toys: DiscoveryToys) -> P0:
    """Return p0 of the data, from toys without failed ones."""
    q = toys.q_obs
    return P0(q, tail_of(toys.background, q), no_excess=bool(q <= SAME_Q))


def expected_p0(toys: DiscoveryToys) -> list[P0]:
    """Return p0 expected for mu = 1 in the cases N_SIGMA, from toys without failed ones."""
    background, signal = np.sort(toys.background), np.sort(toys.signal)
    found = []
    for z in N_SIGMA:
        q = signal[_rank(len(signal), ndtr(z))]
        no_excess = bool(q <= SAME_Q)
        fraction = _tail(background, q)
        # One standard deviation of the rank of a quantile is sqrt(M p (1 - p)) (H. David, Order Statistics, 2.5).
        shift = np.sqrt(ndtr(z) * ndtr(-z) / len(signal))
        ends = [_tail(background, signal[_rank(len(signal), ndtr(z) + side * shift)]) for side in (-1, 1)]
        spread = abs(ends[0].tail - ends[1].tail) / (2 * fraction.total)
        found.append(P0(float(q), fraction, 0.0 if no_excess else spread, no_excess))
    return found


def _rank(number: int, probability: float) -> int:
    """The place of a quantile among sorted toys."""
    return int(np.clip(np.ceil(number * probability) - 1, 0, number - 1))


def _tail(background: np.ndarray, q: float) -> TailFraction:
    """The fraction of sorted toys in the tail of q."""
    return tail_fraction(len(background) - int(np.searchsorted(background, threshold(q))), len(background))


def wanted_toys(toys: DiscoveryToys, target: float, most: float) -> tuple[float, float]:
    """Return how many toys without and with signal bring the relative errors of p0 below the target.

    The observed p0 and the median expected one count. The latter does not if its precision takes more than `most` toys.

    Args:
        toys: without failed ones.
        target: relative error.
        most: largest total number of toys.

    Returns:
        toys in all of both kinds; not below the present ones.
    """
    present = np.array([len(toys.background), len(toys.signal)], dtype=float)
    wanted = present.copy()
    if toys.q_obs is not None:
        wanted = np.maximum(wanted, _wanted(observed_p0(toys), present, target))
    for_median = _wanted(expected_p0(toys)[MEDIAN], present, target)
    if for_median.sum() <= most:
        wanted = np.maximum(wanted, for_median)
    return tuple(np.minimum(wanted, MAX_GROWTH * present))


def _wanted(p0: P0, present: np.ndarray, target: float) -> np.ndarray:
    """Toys without and with signal for one p0: the least sum for this variance, as in `allocation.allocate`."""
    if p0.relative_error() <= target:
        return present
    if p0.fraction.value is None:  # so many would bring enough toys into the tail
        return np.array([present[0] * MIN_TAIL_TOYS / max(p0.fraction.tail, 0.5) / target**2, present[1]])
    variances = np.array([p0.fraction.error, p0.signal_error]) ** 2 / p0.value() ** 2 * present
    return np.maximum(present, np.sqrt(variances) * np.sqrt(variances).sum() / (AIM * target) ** 2)


def target_reached(toys: DiscoveryToys, target: float) -> bool:
    """Return whether the relative error of the observed p0, in a blind analysis of the expected one, is below it."""
    return (expected_p0(toys)[MEDIAN] if toys.q_obs is None else observed_p0(toys)).relative_error() <= target


def discovery_toys(thrown: list[ThrownSample]) -> DiscoveryToys:
    """Return the toys of the samples of a plan."""
    by_hypothesis = {each.sample.hypothesis: each for each in thrown}
    background, signal = by_hypothesis[BACKGROUND_ONLY], by_hypothesis[WITH_SIGNAL]
    return DiscoveryToys(background.sample.q_obs, background.toys.q, signal.toys.q)
