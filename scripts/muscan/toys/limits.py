"""Upper limits from toys, and how well the toys determine them.

Near a crossing, the two tail probabilities are smooth functions of mu, see `local_curve`; the limit is where their
ratio is 1 - confidence level. Its statistical error is that of the bootstrap of `tail_counts`; where the curve may be
wrong, the error of the curve is added.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import ndtr, ndtri

from muscan.inference.limits import Limit, outside
from muscan.toys.local_curve import LOG_REACH, PROBIT_REACH, LocalCurve, local_curves, well_placed
from muscan.toys.tail_counts import Point, Tails, bootstrap, counted

# A CLs rests on so many toys in each of its tails, at least.
FEWEST = 5
# So well CLs must be known for a limit (as with these toys), and the limit itself: errors of the logarithms.
CLS_ERROR, LIMIT_ERROR = FEWEST**-0.5, 0.5
# With so many toys in the tail at the crossing, it is not for want of toys that no curve is found.
ENOUGH_IN_TAIL = 30
# CLs falls with mu; a rise of so many standard deviations is not statistical.
SIGNIFICANT = 5.0
# Crossings of two curves so many standard deviations apart may be so by chance.
BY_CHANCE = 2.0
# No number of toys that is advised is so many times what there is.
MOST_TIMES = 1000.0
NONE = np.zeros(0)


class ToyLimit(NamedTuple):
    """One of the six limits, its errors, and where the statistical one comes from."""

    limit: Limit
    error: float | None = None  # statistical, and that of the curve
    model_error: float | None = None  # of the curve alone
    signal_variance: np.ndarray | None = None  # relative, from the signal toys of each point, shape (n,)
    background_variance: float | None = None  # relative, from the background-only toys
    used: np.ndarray | None = None  # which points determine the limit, shape (n,)
    crossing: float | None = None  # about where CLs crosses, also if there is no limit
    few_points: bool = False  # more values of mu are needed there, not more toys


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
    mu, counts = np.array([point.mu for point in points]), counted(points)
    fixed, resampled = bootstrap(points, rng)
    few = np.minimum(counts.signal, counts.background)[0] < FEWEST
    cls, errors = counts.CLs()[0], np.nan_to_num(resampled.CLs()).std(axis=0)
    limits = [_limit(mu, *(each.of(i) for each in (counts, fixed, resampled)), alpha, failed) for i in range(6)]
    return ToyCurves(np.where(few, np.nan, cls), np.where(few, np.nan, errors), limits)


def limit_values(points: list[Point], alpha: float, failed: np.ndarray) -> list[Limit]:
    """The six limits alone."""
    mu, counts = np.array([point.mu for point in points]), counted(points)
    found = [_crossing(mu, counts.of(i), alpha, failed) for i in range(6)]
    return [each.limit if isinstance(each, ToyLimit) else Limit(_value(each[0]), "ok") for each in found]


def _value(curve: LocalCurve) -> float:
    return float(np.exp(curve.crossing))


def _limit(mu: np.ndarray, counts: Tails, fixed: Tails, resampled: Tails, alpha: float, failed: np.ndarray) -> ToyLimit:
    """The limit of one curve; tails of shape (R, n)."""
    curves = _crossing(mu, counts, alpha, failed)
    if isinstance(curves, ToyLimit):
        return curves
    curve, value = curves[0], _value(curves[0])
    shifts = [each.shifts(resampled, alpha) for each in curves]
    spread = _spread(shifts[0])
    too_large = max(spread * abs(curve.slope) / CLS_ERROR, spread / LIMIT_ERROR)
    if not too_large <= 1:
        return _too_few(mu, value, counts.signal_toys, np.nan_to_num(too_large, nan=np.inf) ** 2)
    model = max(
        (_beyond_chance(curve, other, shifts[0] - each) for other, each in zip(curves[1:], shifts[1:], strict=True)),
        default=0.0,
    )
    if model > LIMIT_ERROR:
        return _too_few_points(value)
    return ToyLimit(
        Limit(value, "ok"),
        value * float(np.hypot(spread, model)),
        value * model,
        curve.response(counts.signal_toys) ** 2,
        _spread(curve.shifts(fixed, alpha)) ** 2,
        curve.weights > 0,
        value,
    )


def _spread(shifts: np.ndarray) -> float:
    """Half of the central 68 %: the standard deviation, but for replicates with hardly a toy left in the tail."""
    low, high = np.quantile(shifts, ndtr([-1.0, 1.0]))
    return float(high - low) / 2


def _beyond_chance(curve: LocalCurve, other: LocalCurve, shifts: np.ndarray) -> float:
    """The part of the distance of two crossings, in log mu, that toys do not explain.

    Args:
        shifts: of one against the other in replicates of the toys, shape (R,).
    """
    return float(np.sqrt(max(0.0, (curve.crossing - other.crossing) ** 2 - (BY_CHANCE * _spread(shifts)) ** 2)))


def _crossing(mu: np.ndarray, counts: Tails, alpha: float, failed: np.ndarray) -> list[LocalCurve] | ToyLimit:
    """The curve that crosses, and others to compare it with; or why there is no limit."""
    start = _first_estimate(mu, counts, alpha, failed)
    if isinstance(start, ToyLimit):
        return start
    x, (centre, half) = np.log(mu), start
    curves = local_curves(x, counts, alpha, centre, half)
    crossing = curves[0].crossing if curves else centre
    seen = counts.signal[0] > 0
    if not curves or not seen[x >= centre].any() or not well_placed(x[seen], curves[0], alpha):
        of_background = counts.background[0] / counts.background_toys[0]
        in_tail = alpha * np.interp(crossing, x, counts.signal_toys * of_background)
        if in_tail < ENOUGH_IN_TAIL:
            return _too_few(mu, float(np.exp(crossing)), counts.signal_toys, 1 / (in_tail * CLS_ERROR**2))
        return _too_few_points(float(np.exp(crossing)))
    if curves[0].contradicted(x, counts):
        return _disagreement(mu, counts.CLs()[0], _value(curves[0]))
    return curves


def _significant_rise(mu: np.ndarray, cls: np.ndarray, effective: np.ndarray) -> Limit | None:
    """CLs that rises with mu by more than toys fluctuate."""
    variance = np.maximum(cls, 1 / effective) / effective
    rises = (cls - cls[:, None]) / np.sqrt(variance + variance[:, None])
    low, high = np.unravel_index(np.triu(rises, 1).argmax(), rises.shape)
    if rises[low, high] < SIGNIFICANT:
        return None
    text = f"CLs rises from {cls[low]:.4g} at mu = {mu[low]:g} to {cls[high]:.4g} at {mu[high]:g}"
    return Limit(None, "not_monotone", f"{text}, {rises[low, high]:.1f} standard deviations of the toys")


def _first_estimate(mu: np.ndarray, counts: Tails, alpha: float, failed: np.ndarray) -> tuple[float, float] | ToyLimit:
    """Of the crossing and of half the window around it, in log mu, from the curve made monotone.

    A limit without a number if it does not cross.
    """
    cls, toys = counts.CLs()[0], counts.signal_toys
    known = np.isfinite(cls)
    if not known.any():
        reason = "no background-only toy has a test statistic as large as the observed one"
        needed = _up(toys.max() / CLS_ERROR**2)
        return ToyLimit(Limit(None, "toys_too_few", f"{reason}: more than {needed:g} toys are needed"))
    effective = (toys * counts.background[0] / counts.background_toys[0])[known]
    unknown_beyond = not known[-1]
    mu, cls, toys = mu[known], cls[known], toys[known]
    risen = _significant_rise(mu, cls, effective)
    if risen:
        return ToyLimit(risen)
    smooth = isotonic_regression(cls, weights=effective, increasing=False).x
    in_tail = alpha * effective
    uncertain = in_tail < FEWEST
    if smooth[0] < alpha and uncertain[0]:
        return _too_few(mu, mu[0], toys, 1 / (in_tail[0] * CLS_ERROR**2))
    consistent = smooth[-1] - 2 * np.sqrt(smooth[-1] / effective[-1]) < alpha
    if smooth[-1] >= alpha and (unknown_beyond or (uncertain[-1] and consistent)):
        return _too_few(mu, mu[-1], toys, 1 / (in_tail[-1] * CLS_ERROR**2))
    if smooth[-1] >= alpha or smooth[0] < alpha:
        return ToyLimit(outside(mu, smooth, alpha, failed))
    descent = -ndtri(np.clip(smooth, 0.5 / effective.max(), 1 - 1e-9))
    low, centre, high = np.interp(np.array([-1.0, 0.0, 1.0]) - ndtri(alpha), descent, np.log(mu))
    return float(centre), float(min(LOG_REACH, PROBIT_REACH * (high - low) / 2))


def _too_few(mu: np.ndarray, crossing: float, toys: np.ndarray, times: float) -> ToyLimit:
    """No limit for want of toys; `times` as many are needed."""
    there = np.interp(crossing, mu, toys)
    needed = _up(there * np.clip(times, 1.0, MOST_TIMES))
    between = [*mu[mu < crossing][-1:], *mu[mu >= crossing][:1]]
    place = " and ".join(f"{value:g}" for value in between)
    reason = f"{there:.0f} toys leave too few in the tail to tell where CLs crosses, near mu = {place}"
    return ToyLimit(Limit(None, "toys_too_few", f"{reason}: about {needed:g} are needed"), crossing=crossing)


def _disagreement(mu: np.ndarray, cls: np.ndarray, crossing: float) -> ToyLimit:
    """No limit, because the points are not on one curve: where few different data sets are possible, CLs may jump."""
    low, high = np.searchsorted(mu, crossing) - 1, np.searchsorted(mu, crossing)
    reason = (
        f"CLs is {cls[low]:.4g} at mu = {mu[low]:g} and {cls[high]:.4g} at {mu[high]:g}, and does not follow a smooth "
        "curve around them within its errors: add values of mu there, or toys"
    )
    return ToyLimit(Limit(None, "points_disagree", reason), crossing=crossing, few_points=True)


def _too_few_points(crossing: float) -> ToyLimit:
    """No limit for want of points, however many toys they have."""
    reason = f"too few values of mu near the crossing, at about {crossing:.3g}, have toys in the tail: add some around"
    return ToyLimit(Limit(None, "toys_too_few", reason), crossing=crossing, few_points=True)


def _up(number: float) -> float:
    """Rounded up to one digit."""
    power = 10.0 ** np.floor(np.log10(number))
    return float(np.ceil(number / power) * power)
