"""Upper limits from toys, and how well the toys determine them.

Near a crossing, the two tail probabilities are smooth functions of mu, see `local_curve`; the limit is where their
ratio is 1 - confidence level. Its statistical error is that of the bootstrap of `tail_counts`. Where the shape of the
curve is in doubt, an error of the curve is added.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import ndtr, ndtri

from muscan.inference.limits import Limit, outside
from muscan.toys.local_curve import LOG_REACH, PROBIT_REACH, LocalCurve, interpolates, local_curves
from muscan.toys.tail_counts import (
    CURVES,
    MIN_TAIL_TOYS,
    PointStatistics,
    TailCounts,
    bootstrap_tails,
    count_tails,
)

# A limit is given where the statistical errors of log CLs at the crossing (that of MIN_TAIL_TOYS toys) and of log mu
# are not above these.
MAX_CLS_ERROR, MAX_LIMIT_ERROR = MIN_TAIL_TOYS**-0.5, 0.5
ENOUGH_IN_TAIL = 30  # with so many toys in the tail at the crossing, more toys would not help to find a curve
# CLs falls with mu. A rise by so many standard deviations is not statistical.
SIGNIFICANT_RISE = 5.0
CHANCE = 2.0  # the crossings of two curves may differ by so many standard deviations by chance
MAX_ADVISED_FACTOR = 1000.0  # a message advises no more than so many times the present number of toys
NO_FAILURES = np.zeros(0)


class ToyLimit(NamedTuple):
    """One of the six limits with its errors.

    Attributes:
        limit: value and status.
        error: statistical error and error of the curve, in quadrature; None without a value, as the next four.
        model_error: error of the curve alone.
        signal_variance: relative variance due to the signal+background toys of each point, shape (n,).
        background_variance: relative variance due to the background-only toys.
        used: points that determine the limit, shape (n,).
        crossing: about where CLs crosses, if that is known; also where there is no limit.
        few_points: whether there is no limit because more values of mu are needed, rather than more toys.
    """

    limit: Limit
    error: float | None = None
    model_error: float | None = None
    signal_variance: np.ndarray | None = None
    background_variance: float | None = None
    used: np.ndarray | None = None
    crossing: float | None = None
    few_points: bool = False


class ToyCurves(NamedTuple):
    """CLs at n points, of the observed data (first) and of the five expected cases, and the limits.

    Attributes:
        CLs: shape (6, n); nan where too few toys are in a tail.
        errors: statistical errors of CLs, shape (6, n).
        limits: of the six curves.
    """

    CLs: np.ndarray
    errors: np.ndarray
    limits: list[ToyLimit]


def toy_curves(
    points: list[PointStatistics], alpha: float, rng: np.random.Generator, failed: np.ndarray = NO_FAILURES
) -> ToyCurves:
    """Return CLs and limits with their errors.

    Args:
        points: toys at ascending values of mu.
        alpha: 1 - confidence level.
        rng: random numbers of the bootstrap.
        failed: values of mu whose tests failed.
    """
    mu, counts = np.array([point.mu for point in points]), count_tails(points)
    signal_fixed, resampled = bootstrap_tails(points, rng)
    few = np.minimum(counts.signal, counts.background)[0] < MIN_TAIL_TOYS
    cls, errors = counts.CLs()[0], np.nan_to_num(resampled.CLs()).std(axis=0)
    limits = [
        _limit(mu, *(tails.of_curve(i) for tails in (counts, signal_fixed, resampled)), alpha, failed)
        for i in range(CURVES)
    ]
    return ToyCurves(np.where(few, np.nan, cls), np.where(few, np.nan, errors), limits)


def limit_values(points: list[PointStatistics], alpha: float, failed: np.ndarray) -> list[Limit]:
    """Return the six limits without errors; see `toy_curves`."""
    mu, counts = np.array([point.mu for point in points]), count_tails(points)
    crossings = [_crossing(mu, counts.of_curve(i), alpha, failed) for i in range(CURVES)]
    return [each.limit if isinstance(each, ToyLimit) else Limit(_value(each[0]), "ok") for each in crossings]


def _value(curve: LocalCurve) -> float:
    return float(np.exp(curve.crossing))


def _limit(
    mu: np.ndarray,
    counts: TailCounts,
    signal_fixed: TailCounts,
    resampled: TailCounts,
    alpha: float,
    failed: np.ndarray,
) -> ToyLimit:
    """The limit of one curve, from counts of shape (R, n); see `bootstrap_tails` for the replicates."""
    curves = _crossing(mu, counts, alpha, failed)
    if isinstance(curves, ToyLimit):
        return curves
    curve, value = curves[0], _value(curves[0])
    shifts = [each.shifts(resampled, alpha) for each in curves]
    spread = _spread(shifts[0])
    excess = max(spread * abs(curve.slope) / MAX_CLS_ERROR, spread / MAX_LIMIT_ERROR)
    if not excess <= 1:
        return _too_few_toys(mu, value, counts.signal_toys, np.nan_to_num(excess, nan=np.inf) ** 2)
    model_error = max(
        (
            _unexplained_distance(curve, other, shifts[0] - shifts_of_other)
            for other, shifts_of_other in zip(curves[1:], shifts[1:], strict=True)
        ),
        default=0.0,
    )
    if model_error > MAX_LIMIT_ERROR:
        return _too_few_points(value)
    return ToyLimit(
        limit=Limit(value, "ok"),
        error=value * float(np.hypot(spread, model_error)),
        model_error=value * model_error,
        signal_variance=curve.response(counts.signal_toys) ** 2,
        background_variance=_spread(curve.shifts(signal_fixed, alpha)) ** 2,
        used=curve.weights > 0,
        crossing=value,
    )


def _spread(shifts: np.ndarray) -> float:
    """Half of the central 68 %: a standard deviation that replicates with hardly a toy in the tail do not spoil."""
    low, high = np.quantile(shifts, ndtr([-1.0, 1.0]))
    return float(high - low) / 2


def _unexplained_distance(curve: LocalCurve, other: LocalCurve, shifts: np.ndarray) -> float:
    """The part of the distance of two crossings, in log mu, that is not statistical.

    Args:
        curve: one of them.
        other: the other.
        shifts: of one crossing relative to the other in replicates of the toys, shape (R,).
    """
    return float(np.sqrt(max(0.0, (curve.crossing - other.crossing) ** 2 - (CHANCE * _spread(shifts)) ** 2)))


# Crossings -----------------------------------------------------------------------------------------------------------


def _crossing(mu: np.ndarray, counts: TailCounts, alpha: float, failed: np.ndarray) -> list[LocalCurve] | ToyLimit:
    """The curve that crosses and others to compare it with, see `local_curves`; or why there is no limit."""
    estimate = _first_estimate(mu, counts, alpha, failed)
    if isinstance(estimate, ToyLimit):
        return estimate
    x, (centre, half_width) = np.log(mu), estimate
    curves = local_curves(x, counts, alpha, centre, half_width)
    crossing = curves[0].crossing if curves else centre
    seen = counts.signal[0] > 0
    if not curves or not seen[x >= centre].any() or not interpolates(x[seen], curves[0], alpha):
        background_tail = counts.background[0] / counts.background_toys[0]
        in_tail = alpha * np.interp(crossing, x, counts.signal_toys * background_tail)
        if in_tail < ENOUGH_IN_TAIL:
            return _too_few_toys(mu, float(np.exp(crossing)), counts.signal_toys, 1 / (in_tail * MAX_CLS_ERROR**2))
        return _too_few_points(float(np.exp(crossing)))
    if curves[0].is_contradicted(x, counts):
        return _points_disagree(mu, counts.CLs()[0], _value(curves[0]))
    return curves


def _first_estimate(
    mu: np.ndarray, counts: TailCounts, alpha: float, failed: np.ndarray
) -> tuple[float, float] | ToyLimit:
    """The crossing and half of the window around it, in log mu, from CLs made monotone; or why there is no limit."""
    cls, toys = counts.CLs()[0], counts.signal_toys
    known = np.isfinite(cls)
    if not known.any():
        reason = "no background-only toy has a test statistic as large as the observed one"
        needed = _round_up(toys.max() / MAX_CLS_ERROR**2)
        return ToyLimit(Limit(None, "toys_too_few", f"{reason}: more than {needed:g} toys are needed"))
    # Toys that CLs rests on: its variance is about that of a fraction of so many toys.
    effective = (toys * counts.background[0] / counts.background_toys[0])[known]
    unknown_beyond = not known[-1]
    mu, cls, toys = mu[known], cls[known], toys[known]
    rise = _significant_rise(mu, cls, effective)
    if rise:
        return ToyLimit(rise)
    smooth = isotonic_regression(cls, weights=effective, increasing=False).x
    in_tail = alpha * effective
    uncertain = in_tail < MIN_TAIL_TOYS
    if smooth[0] < alpha and uncertain[0]:
        return _too_few_toys(mu, mu[0], toys, 1 / (in_tail[0] * MAX_CLS_ERROR**2))
    may_cross = smooth[-1] - 2 * np.sqrt(smooth[-1] / effective[-1]) < alpha
    if smooth[-1] >= alpha and (unknown_beyond or (uncertain[-1] and may_cross)):
        return _too_few_toys(mu, mu[-1], toys, 1 / (in_tail[-1] * MAX_CLS_ERROR**2))
    if smooth[-1] >= alpha or smooth[0] < alpha:
        return ToyLimit(outside(mu, smooth, alpha, failed))
    descent = -ndtri(np.clip(smooth, 0.5 / effective.max(), 1 - 1e-9))
    low, centre, high = np.interp(np.array([-1.0, 0.0, 1.0]) - ndtri(alpha), descent, np.log(mu))
    return float(centre), float(min(LOG_REACH, PROBIT_REACH * (high - low) / 2))


# Reasons why there is no limit ---------------------------------------------------------------------------------------


def _significant_rise(mu: np.ndarray, cls: np.ndarray, effective: np.ndarray) -> Limit | None:
    """No limit where CLs rises with mu by more than toys fluctuate; otherwise None."""
    variance = np.maximum(cls, 1 / effective) / effective
    rises = (cls - cls[:, None]) / np.sqrt(variance + variance[:, None])
    low, high = np.unravel_index(np.triu(rises, 1).argmax(), rises.shape)
    if rises[low, high] < SIGNIFICANT_RISE:
        return None
    text = f"CLs rises from {cls[low]:.4g} at mu = {mu[low]:g} to {cls[high]:.4g} at {mu[high]:g}"
    return Limit(None, "not_monotone", f"{text}, by {rises[low, high]:.1f} standard deviations of the toys")


def _too_few_toys(mu: np.ndarray, crossing: float, toys: np.ndarray, factor: float) -> ToyLimit:
    """No limit because the toys are too few; about `factor` times as many are needed."""
    present = np.interp(crossing, mu, toys)
    needed = _round_up(present * np.clip(factor, 1.0, MAX_ADVISED_FACTOR))
    neighbours = [*mu[mu < crossing][-1:], *mu[mu >= crossing][:1]]
    place = " and ".join(f"{value:g}" for value in neighbours)
    reason = f"{present:.0f} toys leave too few in the tail to tell where CLs crosses, near mu = {place}"
    return ToyLimit(Limit(None, "toys_too_few", f"{reason}: about {needed:g} are needed"), crossing=crossing)


def _too_few_points(crossing: float) -> ToyLimit:
    """No limit because the points are too few, however many toys they have."""
    reason = (
        f"too few values of mu near the crossing, at about {crossing:.3g}, have toys in the tail: add values around it"
    )
    return ToyLimit(Limit(None, "toys_too_few", reason), crossing=crossing, few_points=True)


def _points_disagree(mu: np.ndarray, cls: np.ndarray, crossing: float) -> ToyLimit:
    """No limit because the points are not on one curve: CLs may jump where few different data sets are possible."""
    low, high = np.searchsorted(mu, crossing) - 1, np.searchsorted(mu, crossing)
    reason = (
        f"CLs is {cls[low]:.4g} at mu = {mu[low]:g} and {cls[high]:.4g} at {mu[high]:g}, and does not follow a smooth "
        "curve around them within its errors: add values of mu there, or toys"
    )
    return ToyLimit(Limit(None, "points_disagree", reason), crossing=crossing, few_points=True)


def _round_up(number: float) -> float:
    """The number rounded up to one significant digit."""
    power = 10.0 ** np.floor(np.log10(number))
    return float(np.ceil(number / power) * power)
