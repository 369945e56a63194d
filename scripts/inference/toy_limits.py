"""Upper limits from toys, and how well the toys determine them.

Near a crossing, the two tail probabilities are smooth functions of mu, see `probit`; the limit is where their ratio is
1 - confidence level. Its statistical error is that of the bootstrap of `tail_counts`.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq, isotonic_regression
from scipy.special import log_ndtr, ndtri

from inference import probit
from inference.intervals import Limit, outside
from inference.tail_counts import Point, Tails, bootstrap, nominal

# A CLs rests on so many toys in each of its tails, at least; a limit on a CLs that is as well known.
FEWEST, FEWEST_FOR_LIMIT = 5, 10
# CLs falls with mu; a rise of so many standard deviations is not statistical.
SIGNIFICANT = 5.0
# The curves near a crossing are fitted where the probit of CLs is so close to that at the crossing, with this margin.
REACH, MARGIN = 1.0, 1.3
NEAREST = 3  # points that must be so near, on both sides
NONE = np.zeros(0)


class ToyLimit(NamedTuple):
    """One of the six limits, its statistical error, and where that comes from."""

    limit: Limit
    error: float | None = None
    signal_variance: np.ndarray | None = None  # relative, from the signal toys of each point, shape (n,)
    background_variance: float | None = None  # relative, from the background-only toys
    used: np.ndarray | None = None  # which points determine the limit, shape (n,)


class ToyCurves(NamedTuple):
    """CLs at every point for the observed data (first) and the five expected cases."""

    CLs: np.ndarray  # shape (6, n); nan where too few toys are in a tail
    errors: np.ndarray  # shape (6, n)
    limits: list[ToyLimit]


def curves(points: list[Point], alpha: float, rng: np.random.Generator, failed: np.ndarray = NONE) -> ToyCurves:
    """The curves and limits of toys at ascending values of mu.

    Args:
        alpha: 1 - confidence level.
        rng: of the bootstrap.
        failed: values of mu whose tests failed.
    """
    mu, counts = np.array([point.mu for point in points]), nominal(points)
    fixed, resampled = bootstrap(points, rng)
    few = np.minimum(counts.signal, counts.background)[0] < FEWEST
    cls, errors = counts.CLs()[0], np.nan_to_num(resampled.CLs()).std(axis=0)
    limits = [_limit(mu, *(each.of(i) for each in (counts, fixed, resampled)), alpha, failed) for i in range(6)]
    return ToyCurves(np.where(few, np.nan, cls), np.where(few, np.nan, errors), limits)


def limit_values(points: list[Point], alpha: float, failed: np.ndarray) -> list[Limit]:
    """The six limits alone."""
    mu, counts = np.array([point.mu for point in points]), nominal(points)
    found = [_crossing(mu, counts.of(i), alpha, failed) for i in range(6)]
    return [each if isinstance(each, Limit) else Limit(each.mu, "ok") for each in found]


class _Crossing(NamedTuple):
    """Where a curve crosses, and the local fit that says so."""

    mu: float
    slope: float  # of log CLs
    weights: np.ndarray  # of the points, shape (n,)
    design: np.ndarray  # shape (n, d)
    at: np.ndarray  # shape (d,)
    signal: np.ndarray  # coefficients of the signal tail, shape (d,)
    background: np.ndarray  # of the background tail


def _limit(mu: np.ndarray, counts: Tails, fixed: Tails, resampled: Tails, alpha: float, failed: np.ndarray) -> ToyLimit:
    """The limit of one curve; tails of shape (R, n)."""
    crossing = _crossing(mu, counts, alpha, failed)
    if isinstance(crossing, Limit):
        return ToyLimit(crossing)
    fits = [_fit(crossing.design, each, crossing.weights) for each in (resampled, fixed)]
    spread = [np.std(_log_CLs(crossing.at, *fit)) for fit in fits]
    if not (spread[0] ** 2 <= 1 / FEWEST_FOR_LIMIT and -np.inf < crossing.slope < 0):
        return ToyLimit(_too_few(mu, crossing.mu, counts.signal_toys, float(np.nan_to_num(spread[0], nan=1.0))))
    scale = 1 / (crossing.slope * crossing.mu) ** 2
    predicted = np.clip(crossing.design @ crossing.signal, -probit.FAR, probit.FAR)
    of_probit = probit.influence(crossing.design, crossing.at, predicted, counts.signal_toys, crossing.weights)
    probit_there = crossing.at @ crossing.signal
    to_log = np.exp(-(probit_there**2) / 2 - log_ndtr(probit_there)) / np.sqrt(2 * np.pi)
    return ToyLimit(
        Limit(crossing.mu, "ok"),
        float(spread[0] / abs(crossing.slope)),
        of_probit * to_log**2 * scale,
        float(spread[1] ** 2 * scale),
        crossing.weights > 0,
    )


def _crossing(mu: np.ndarray, counts: Tails, alpha: float, failed: np.ndarray) -> "_Crossing | Limit":
    """The crossing of one curve, or why there is none."""
    window = _window(mu, counts, alpha, failed)
    if isinstance(window, Limit):
        return window
    weights, width = window.weights(mu), max(window.left, window.right)

    def terms(value):
        return np.power.outer((np.asarray(value) - window.centre) / width, np.arange(3))

    design, inside = terms(mu), mu[weights > 0]
    signal, background = (each[0] for each in _fit(design, counts, weights))

    def distance(value: float) -> float:
        return float(_log_CLs(terms(value), signal, background) - np.log(alpha))

    nothing_beyond = not counts.signal[0, (mu >= window.centre) & (weights > 0)].any()
    if nothing_beyond or not distance(inside[0]) > 0 > distance(inside[-1]):
        return _too_few(mu, window.centre, counts.signal_toys, 1.0)
    value = float(brentq(distance, inside[0], inside[-1], rtol=1e-10))
    if not _well_placed(mu[(weights > 0) & (counts.signal[0] > 0)], value, distance, alpha):
        advice = f"too few values of mu near the crossing, at about {value:.3g}, have toys in the tail: add some around"
        return Limit(None, "toys_too_few", advice)
    step = 1e-4 * width
    slope = (distance(value + step) - distance(value - step)) / (2 * step)
    return _Crossing(value, slope, weights, design, terms(value), signal, background)


def _well_placed(mu: np.ndarray, crossing: float, distance, alpha: float) -> bool:
    """Whether points are so near to the crossing, on both sides, that the fit interpolates over a short way only.

    Args:
        mu: points with toys in the tail.
        distance: log CLs - log alpha at any mu.
    """
    probits = ndtri(np.clip([alpha * np.exp(distance(value)) for value in mu], 1e-12, 1 - 1e-12))
    near = mu[np.abs(probits - ndtri(alpha)) < MARGIN * REACH]
    return len(near) >= NEAREST and near[0] <= crossing <= near[-1]


def _fit(design: np.ndarray, tail: Tails, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of both tail probabilities, shape (R, d) each."""
    used = weights > 0
    design, weights = design[used], weights[used]
    return (
        probit.regression(design, tail.signal[:, used], tail.signal_toys[used], weights),
        probit.regression(design, tail.background[:, used], tail.background_toys[:, used], weights),
    )


def _log_CLs(at: np.ndarray, signal: np.ndarray, background: np.ndarray) -> np.ndarray:
    far = probit.FAR
    return log_ndtr(np.clip(signal @ at.T, -far, far)) - log_ndtr(np.clip(background @ at.T, -far, far))


def _significant_rise(mu: np.ndarray, cls: np.ndarray, effective: np.ndarray) -> Limit | None:
    """CLs that rises with mu by more than toys fluctuate."""
    variance = np.maximum(cls, 1 / effective) / effective
    rises = (cls - cls[:, None]) / np.sqrt(variance + variance[:, None])
    low, high = np.unravel_index(np.triu(rises, 1).argmax(), rises.shape)
    if rises[low, high] < SIGNIFICANT:
        return None
    text = f"CLs rises from {cls[low]:.4g} at mu = {mu[low]:g} to {cls[high]:.4g} at {mu[high]:g}"
    return Limit(None, "not_monotone", f"{text}, {rises[low, high]:.1f} standard deviations of the toys")


class _Window(NamedTuple):
    """A first estimate of a crossing, and how far to both sides points count."""

    centre: float
    left: float
    right: float

    def weights(self, mu: np.ndarray) -> np.ndarray:
        """They fall with the distance (W. Cleveland, J. Am. Stat. Assoc. 74 (1979) 829)."""
        distance = np.where(mu < self.centre, (self.centre - mu) / self.left, (mu - self.centre) / self.right)
        return (1 - np.minimum(distance, 1.0) ** 3) ** 3


def _window(mu: np.ndarray, counts: Tails, alpha: float, failed: np.ndarray) -> "_Window | Limit":
    """From the curve made monotone; a limit without a number if it does not cross."""
    cls, toys = counts.CLs()[0], counts.signal_toys
    known = np.isfinite(cls)
    if not known.any():
        reason = "no background-only toy has a test statistic as large as the observed one"
        return Limit(
            None, "toys_too_few", f"{reason}: more than {_up(FEWEST_FOR_LIMIT * toys.max()):g} toys are needed"
        )
    effective = (toys * counts.background[0] / counts.background_toys[0])[known]
    unknown_beyond = not known[-1]
    mu, cls, toys = mu[known], cls[known], toys[known]
    risen = _significant_rise(mu, cls, effective)
    if risen:
        return risen
    smooth = isotonic_regression(cls, weights=effective, increasing=False).x
    uncertain = alpha * effective < FEWEST
    if smooth[0] < alpha and uncertain[0]:
        return _too_few(mu, mu[0], toys, 1 / np.sqrt(alpha * effective[0]))
    consistent = smooth[-1] - 2 * np.sqrt(smooth[-1] / effective[-1]) < alpha
    if smooth[-1] >= alpha and (unknown_beyond or (uncertain[-1] and consistent)):
        return _too_few(mu, mu[-1], toys, 1 / np.sqrt(alpha * effective[-1]))
    if smooth[-1] >= alpha or smooth[0] < alpha:
        return outside(mu, smooth, alpha, failed)
    descent = -ndtri(np.clip(smooth, 0.5 / effective.max(), 1 - 1e-9))
    low, centre, high = np.interp(np.array([-REACH, 0.0, REACH]) - ndtri(alpha), descent, mu)
    # At least two points on either side, if they are there.
    nearest = [np.sort(distance[distance >= 0])[:2].max(initial=1e-9) for distance in (centre - mu, mu - centre)]
    halves = np.maximum(MARGIN * np.array([centre - low, high - centre]), 1.05 * np.array(nearest))
    return _Window(float(centre), *halves.tolist())


def _too_few(mu: np.ndarray, crossing: float, toys: np.ndarray, spread: float) -> Limit:
    """No limit, because CLs at the crossing is known to a relative `spread` only; what would be needed."""
    there = np.interp(crossing, mu, toys)
    needed = there * FEWEST_FOR_LIMIT * np.clip(spread**2, 1 / FEWEST_FOR_LIMIT, 100.0)
    between = [*mu[mu < crossing][-1:], *mu[mu >= crossing][:1]]
    place = " and ".join(f"{value:g}" for value in between)
    reason = f"{there:.0f} toys leave too few in the tail to tell where CLs crosses, near mu = {place}"
    return Limit(None, "toys_too_few", f"{reason}: about {_up(needed):g} are needed, or more values of mu around")


def _up(number: float) -> float:
    """Rounded up to one digit."""
    power = 10.0 ** np.floor(np.log10(number))
    return float(np.ceil(number / power) * power)
