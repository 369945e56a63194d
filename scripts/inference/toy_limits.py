"""Upper limits from toys, and how well the toys determine them.

CLs at every tested mu is a ratio of two counts. Its statistical uncertainty comes from a bootstrap in which all points
share the resampled background-only toys (B. Efron, Ann. Statist. 7 (1979) 1). Near a crossing, the two tail
probabilities are smooth functions of mu, see `probit`; the limit is where their ratio is 1 - confidence level.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq, isotonic_regression
from scipy.special import log_ndtr, ndtr, ndtri

from inference import probit
from inference.calculators import N_SIGMA
from inference.intervals import Limit, outside

REPLICATES = 400
IN_MEMORY = 2_000_000  # toys of so many replicates
# Two values of the test statistic closer than this are the same: pseudo-data like the data must count as such.
SAME = 1e-6
# A CLs rests on so many toys in each of its tails, at least; a limit on a CLs that is as well known.
FEWEST, FEWEST_FOR_LIMIT = 5, 10
# CLs falls with mu; a rise of so many standard deviations is not statistical.
SIGNIFICANT = 5.0
# The curves near a crossing are fitted where the probit of CLs is so close to that at the crossing, with this margin.
REACH, MARGIN = 1.0, 1.3
NEAREST = 3  # points that must be so near, on both sides
NONE = np.zeros(0)


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

    In R replicates, for six curves, at n points.
    """

    signal: np.ndarray  # shape (R, 6, n)
    background: np.ndarray  # shape (R, 6, n)
    signal_toys: np.ndarray  # all of them, shape (n,)
    background_toys: np.ndarray  # shape (R, n)

    def CLs(self) -> np.ndarray:
        """Shape (R, 6, n); nan where no background-only toy is in the tail."""
        with np.errstate(all="ignore"):
            signal = self.signal / self.signal_toys
            return np.where(self.background > 0, signal * self.background_toys[:, None] / self.background, np.nan)


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
    mu = np.array([point.mu for point in points])
    nominal = tails(points, np.ones((1, _background_toys(points)), np.uint8))
    fixed, resampled = bootstrap(points, rng)
    cls, errors = nominal.CLs()[0], np.nan_to_num(resampled.CLs()).std(axis=0)
    few = np.minimum(nominal.signal, nominal.background)[0] < FEWEST
    parts = [Tails(t.signal[:, i], t.background[:, i], *t[2:]) for t in (nominal, fixed, resampled) for i in range(6)]
    limits = [_limit(mu, cls[i], *parts[i::6], alpha, failed) for i in range(6)]
    return ToyCurves(np.where(few, np.nan, cls), np.where(few, np.nan, errors), limits)


def limit_values(points: list[Point], alpha: float, failed: np.ndarray) -> list[Limit]:
    """The six limits alone."""
    mu = np.array([point.mu for point in points])
    nominal = tails(points, np.ones((1, _background_toys(points)), np.uint8))
    cls = nominal.CLs()[0]
    found = []
    for i in range(6):
        part = Tails(nominal.signal[:, i], nominal.background[:, i], *nominal[2:])
        crossing = _crossing(mu, cls[i], part, alpha, failed)
        found.append(crossing if isinstance(crossing, Limit) else Limit(crossing.mu, "ok"))
    return found


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


class _Crossing(NamedTuple):
    """Where a curve crosses, and the local fit that says so."""

    mu: float
    slope: float  # of log CLs
    weights: np.ndarray  # of the points, shape (n,)
    design: np.ndarray  # shape (n, d)
    at: np.ndarray  # shape (d,)
    signal: np.ndarray  # coefficients of the signal tail, shape (d,)
    background: np.ndarray  # of the background tail


def _limit(
    mu: np.ndarray, cls: np.ndarray, nominal: Tails, fixed: Tails, resampled: Tails, alpha: float, failed: np.ndarray
) -> ToyLimit:
    """The limit of one curve; tails of shape (R, n)."""
    crossing = _crossing(mu, cls, nominal, alpha, failed)
    if isinstance(crossing, Limit):
        return ToyLimit(crossing)
    fits = [_fit(crossing.design, each, crossing.weights) for each in (resampled, fixed)]
    spread = [np.std(_log_CLs(crossing.at, *fit)) for fit in fits]
    if not (spread[0] ** 2 <= 1 / FEWEST_FOR_LIMIT and -np.inf < crossing.slope < 0):
        return ToyLimit(_too_few(mu, crossing.mu, nominal.signal_toys, float(np.nan_to_num(spread[0], nan=1.0))))
    scale = 1 / (crossing.slope * crossing.mu) ** 2
    predicted = np.clip(crossing.design @ crossing.signal, -probit.FAR, probit.FAR)
    of_probit = probit.influence(crossing.design, crossing.at, predicted, nominal.signal_toys, crossing.weights)
    probit_there = crossing.at @ crossing.signal
    to_log = np.exp(-(probit_there**2) / 2 - log_ndtr(probit_there)) / np.sqrt(2 * np.pi)
    return ToyLimit(
        Limit(crossing.mu, "ok"),
        float(spread[0] / abs(crossing.slope)),
        of_probit * to_log**2 * scale,
        float(spread[1] ** 2 * scale),
        crossing.weights > 0,
    )


def _crossing(mu: np.ndarray, cls: np.ndarray, nominal: Tails, alpha: float, failed: np.ndarray) -> "_Crossing | Limit":
    """The crossing of one curve, or why there is none."""
    window = _window(mu, cls, nominal, alpha, failed)
    if isinstance(window, Limit):
        return window
    weights, width = window.weights(mu), max(window.left, window.right)

    def terms(value):
        return np.power.outer((np.asarray(value) - window.centre) / width, np.arange(3))

    design, inside = terms(mu), mu[weights > 0]
    signal, background = (each[0] for each in _fit(design, nominal, weights))

    def distance(value: float) -> float:
        return float(_log_CLs(terms(value), signal, background) - np.log(alpha))

    nothing_beyond = not nominal.signal[0, (mu >= window.centre) & (weights > 0)].any()
    if nothing_beyond or not distance(inside[0]) > 0 > distance(inside[-1]):
        return _too_few(mu, window.centre, nominal.signal_toys, 1.0)
    value = float(brentq(distance, inside[0], inside[-1], rtol=1e-10))
    if not _well_placed(mu[(weights > 0) & (nominal.signal[0] > 0)], value, distance, alpha):
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


def _window(mu: np.ndarray, cls: np.ndarray, nominal: Tails, alpha: float, failed: np.ndarray) -> "_Window | Limit":
    """From the curve made monotone; a limit without a number if it does not cross."""
    known = np.isfinite(cls)
    toys = nominal.signal_toys
    if not known.any():
        reason = "no background-only toy has a test statistic as large as the observed one"
        return Limit(
            None, "toys_too_few", f"{reason}: more than {_up(FEWEST_FOR_LIMIT * toys.max()):g} toys are needed"
        )
    effective = (toys * nominal.background[0] / nominal.background_toys[0])[known]
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
