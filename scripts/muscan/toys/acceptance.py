"""The ends of a two-sided interval of mu from toys: where the p-value p(mu) falls below 1 - confidence level.

An end is sought on one side of the best fit, as a function of the distance from it. Where the tested values are close
to the end, the probit of p is a smooth function, see `probit`. In counting experiments p also jumps, where another
number of events enters the tail. Therefore the widest range of values is used whose curve the toys do not contradict,
and whose end agrees with those from narrower ranges (O. Lepski, Theory Probab. Appl. 35 (1991) 454). Where toys show
that p jumps by more than its error, the distance of the tested values around the end is a part of its error.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import chi2

from muscan.toys import probit
from muscan.toys.tail_counts import MIN_TAIL_TOYS

SIGNIFICANT = 3.0  # standard deviations by which p differs from 1 - level where this is not by chance
# A curve uses values of mu whose p is this close to 1 - level, in standard deviations of a Gaussian. Probits bend by a
# few per cent over this range, which terms of second degree describe.
REACH = 0.7
DEGREE, POINTS_FOR_DEGREE, MIN_POINTS = 2, 6, 3  # of a curve; with fewer points it is a straight line
CONTRADICTION = 0.01  # a curve with counts less probable than this is not used
# The curve differs from 1 - level by so many of its errors at both ends of its range; with less, p may be flat there
# and fall only by chance.
RESOLVED = 2.5
AGREEMENT = 3.0  # largest distance of the ends from two ranges, in standard deviations
MAX_ERROR = 0.3  # relative to the distance from the best fit; an end with a larger error is not given
CURVE, BRACKET = "curve", "bracket"  # how an end is found


class End(NamedTuple):
    """An end of an interval. Positions are distances from the best fit.

    Attributes:
        status: one of `records.feldman_cousins.END_STATUSES`.
        value: None unless the status is "ok" or "at_bound".
        error: of the value; None without one.
        reason: why there is no value, as a sentence.
        found_by: CURVE or BRACKET.
        guess: about where p crosses, if that is known; also where there is no value.
        responses: shift of the end due to each point, shape (n,); None unless found by a curve.
        slope: of the probit of p at the end; None unless found by a curve.
        jumps: whether p may jump near the end.
        ambiguous: points that may be on either side of the end, shape (n,); None unless found by a bracket.
        sure: distances that are inside and outside for sure; None unless found by a bracket.
    """

    status: str
    value: float | None = None
    error: float | None = None
    reason: str | None = None
    found_by: str | None = None
    guess: float | None = None
    responses: np.ndarray | None = None
    slope: float | None = None
    jumps: bool = False
    ambiguous: np.ndarray | None = None
    sure: tuple[float, float] | None = None


class Side(NamedTuple):
    """Tested values of mu on one side of the best fit, and the toys in their tails.

    Attributes:
        distance: from the best fit, ascending, shape (n,).
        tail: toys in the tail, shape (n,).
        total: all toys, shape (n,).
        jumps: largest jump of p that the toys allow, the largest fraction of equal test statistics, shape (n,).
        room: distance of the bound of mu.
    """

    distance: np.ndarray
    tail: np.ndarray
    total: np.ndarray
    jumps: np.ndarray
    room: float

    def p_values(self) -> np.ndarray:
        """Return p at each point, shape (n,)."""
        return self.tail / self.total

    def deviations(self, alpha: float) -> np.ndarray:
        """Return p - alpha at each point in standard deviations, shape (n,)."""
        return (self.p_values() - alpha) / self.spread(alpha)

    def spread(self, alpha: float) -> np.ndarray:
        """Return the standard deviation of p at each point where it is alpha, shape (n,)."""
        return np.sqrt(alpha * (1 - alpha) / self.total)

    def neighbours(self, place: int) -> tuple[float, float]:
        """Return the distances of a point and of the one before; for the first point, of the best fit."""
        return (float(self.distance[place - 1]) if place else 0.0), float(self.distance[place])


def find_end(side: Side, alpha: float) -> End:
    """Return the end of the interval on one side.

    Args:
        side: the tested values.
        alpha: 1 - confidence level.
    """
    if not len(side.distance):
        return End("at_bound", 0.0, 0.0) if side.room == 0 else End("fit_failed", reason="no value of mu was tested")
    if alpha * side.total.min() < MIN_TAIL_TOYS:
        needed = int(np.ceil(MIN_TAIL_TOYS / alpha))
        reason = f"{side.total.min():.0f} toys at a mu are too few: {needed} are needed at least"
        return End("toys_too_few", reason=reason)
    place = _last_accepted(side, alpha)
    if place == len(side.distance):
        return _open_end(side)
    end = _by_curve(side, alpha, place) or _by_bracket(side, alpha, place)
    end = end._replace(guess=end.value)
    if end.error > MAX_ERROR * end.value:
        reason = f"the error of this end, {end.error:.3g}, is too large: more toys or values of mu are needed"
        return end._replace(status="toys_too_few", value=None, error=None, reason=reason)
    return end


def _last_accepted(side: Side, alpha: float) -> int:
    """The number of points up to the end: all those that are significantly inside, and others that toys tell best.

    The sum of tail - alpha * total over the points up to the end is the largest one: points before it are inside on
    average, and points beyond it outside, whatever the order in which they fluctuate around alpha.
    """
    sure = np.flatnonzero(side.deviations(alpha) > SIGNIFICANT)
    first = int(sure[-1]) + 1 if len(sure) else 0
    sums = np.concatenate([[0.0], (side.tail - alpha * side.total)[first:].cumsum()])
    return first + int(len(sums) - 1 - sums[::-1].argmax())


def _open_end(side: Side) -> End:
    """The end if the last tested value is accepted."""
    last = float(side.distance[-1])
    if last >= side.room:
        return End("at_bound", last, 0.0)
    return End("beyond_tested", reason="p is above 1 - level at the last mu that was tested")


def _by_curve(side: Side, alpha: float, place: int) -> End | None:
    """The end from a smooth curve through as many of the nearest points as it can describe; None if there is none.

    Args:
        side: the tested values.
        alpha: 1 - confidence level.
        place: the end is about between this point and the one before.
    """
    if place == 0:
        return None
    centre = side.distance[place - 1 : place + 1].mean()
    probits = ndtri(np.clip(side.p_values(), 0.5 / side.total, 1 - 0.5 / side.total))
    near = np.flatnonzero(np.abs(probits - ndtri(alpha)) < REACH)
    near = near[np.argsort(np.abs(side.distance[near] - centre), kind="stable")]
    curves = [_curve(side, alpha, np.sort(near[:number])) for number in range(len(near), MIN_POINTS - 1, -1)]
    curves = [curve for curve in curves if curve is not None]
    low, high = side.neighbours(place)
    may_jump = (side.jumps > side.spread(alpha))[max(place - 1, 0) : place + 1].any()
    if may_jump:
        curves = [curve for curve in curves if _is_dense(side, curve)]
    widest = next((curve for i, curve in enumerate(curves) if _agrees(curve, curves[i + 1 :])), None)
    if widest is None or not may_jump:
        return widest
    beyond = max(low - widest.value, widest.value - high, 0.0)
    return widest._replace(error=float(np.hypot(widest.error, (high - low) / 2 + beyond)), jumps=True)


def _is_dense(side: Side, curve: End) -> bool:
    """Whether a jump between two neighbouring points of a curve moves its end by no more than its error."""
    return bool(np.diff(side.distance[curve.responses != 0]).max() <= 2 * curve.error)


def _agrees(curve: End, narrower: list[End]) -> bool:
    """Whether an end agrees with those from a part of the points."""
    return all(
        abs(curve.value - other.value) <= AGREEMENT * np.linalg.norm(curve.responses - other.responses)
        for other in narrower
    )


def _curve(side: Side, alpha: float, used: np.ndarray) -> End | None:
    """The end from a curve through these points.

    Its error is half of the range in which the curve differs from alpha by less than its own error. There is no end if
    the points contradict the curve, or do not reach far beyond this range.
    """
    x, tail, total = side.distance[used], side.tail[used], side.total[used]
    centre, half_width = (x[0] + x[-1]) / 2, (x[-1] - x[0]) / 2
    terms = np.arange(1 + (DEGREE if len(used) >= POINTS_FOR_DEGREE else 1))

    def design(value: np.ndarray | float) -> np.ndarray:
        return np.power.outer((np.asarray(value) - centre) / half_width, terms)

    def responses(value: float) -> np.ndarray:
        return probit.response(design(x), design(value), fitted, total, np.ones(len(used)))

    coefficients = probit.regression(design(x), tail[None], total, np.ones(len(used)))[0]
    fitted = design(x) @ coefficients
    if chi2.sf(probit.deviance(fitted, tail, total), len(used) - len(terms)) < CONTRADICTION:
        return None

    def above(value: float, errors: float = 0.0) -> float:
        shift = errors * np.linalg.norm(responses(value)) if errors else 0.0
        return float(design(value) @ coefficients - ndtri(alpha) + shift)

    if not (above(x[0], -RESOLVED) > 0 > above(x[-1], RESOLVED)):
        return None
    first, crossing, last = (
        float(brentq(above, x[0], x[-1], args=(errors,), xtol=1e-12 * x[-1])) for errors in (-1.0, 0.0, 1.0)
    )
    slope = (above(last) - above(first)) / (last - first)
    if not slope < 0:
        return None
    shifts = np.zeros(len(side.distance))
    shifts[used] = responses(crossing) / -slope
    return End("ok", crossing, (last - first) / 2, found_by=CURVE, responses=shifts, slope=slope)


def _by_bracket(side: Side, alpha: float, place: int) -> End:
    """The end between two neighbouring values; the error reaches to values that together differ from alpha for sure.

    Args:
        side: the tested values.
        alpha: 1 - confidence level.
        place: the end is between this point and the one before.
    """
    low, high = side.neighbours(place)
    middle = (low + high) / 2
    before, beyond = slice(place - 1, None, -1) if place else slice(0, 0), slice(place, None)
    inside = _sure(side, alpha, before, SIGNIFICANT, 0.0)
    outside = _sure(side, alpha, beyond, -SIGNIFICANT, side.room)
    ambiguous = (side.distance >= inside) & (side.distance <= outside)
    error = max(middle - inside, outside - middle)
    return End("ok", middle, error, found_by=BRACKET, ambiguous=ambiguous, sure=(inside, outside))


def _sure(side: Side, alpha: float, points: slice, deviations: float, otherwise: float) -> float:
    """The distance of the first of some points up to which p, on average, differs from alpha by so many deviations."""
    tail, total = (each[points].cumsum() for each in (side.tail, side.total))
    together = (tail - alpha * total) / np.sqrt(alpha * (1 - alpha) * total)
    sure = np.flatnonzero(together > deviations if deviations > 0 else together < deviations)
    return float(side.distance[points][sure[0]]) if len(sure) else otherwise


# Where more values of mu and toys are needed -------------------------------------------------------------------------

CLOSE = 0.002  # a bracket of this half-width, relative to the distance from the best fit, is not divided further
INSIDE_BRACKET = 6  # values of mu that a round adds in a bracket
FURTHER = (1.3, 1.7)  # factors of the last tested distance at which a round tests where the end is beyond it
ENOUGH_POINTS = 6  # values of mu that a curve needs so that its shape is tested
ALONG_CURVE = (-0.45, -0.15, 0.15, 0.45)  # places of new values around the end, in units of the probit of p
AIM = 0.5  # part of the target that half of a bracket may have
BRACKET_GROWTH = 4.0  # factor by which a round increases toys of points that may be on either side of an end


def further_distances(end: End, side: Side, target: float | None) -> list[float]:
    """Return distances from the best fit at which toys are needed for an end; none if the tested ones suffice.

    Args:
        end: from the present toys.
        side: the tested values.
        target: wanted relative error; None for none.
    """
    if end.status == "beyond_tested":
        return [min(side.distance[-1] * factor, side.room) for factor in FURTHER]
    if end.guess is None:
        return []
    if end.found_by == BRACKET or end.jumps:
        low, high = end.sure or side.neighbours(int(np.searchsorted(side.distance, end.guess)))
        close = min(CLOSE, AIM * target) if target else CLOSE
        if (high - low) / 2 <= close * end.guess:
            return []
        return np.linspace(low, high, INSIDE_BRACKET + 2)[1:-1].tolist()
    used = np.count_nonzero(end.responses)
    if used >= ENOUGH_POINTS:
        return []
    steps = np.array(ALONG_CURVE) / -end.slope
    return [each for each in (end.guess + steps).tolist() if 0 < each < side.room]


def growth_of_toys(end: End, target: float) -> np.ndarray | None:
    """Return the factors by which toys must become more numerous for a relative error of the end.

    Args:
        end: from the present toys.
        target: wanted relative error.

    Returns:
        the factor for each point, shape (n,); None if they need not grow.
    """
    if end.guess is None or (end.error is not None and end.error <= target * end.guess):
        return None
    if end.responses is not None:
        factor = (float(np.linalg.norm(end.responses)) / (target * end.guess)) ** 2
        return np.where(end.responses != 0, max(1.0, factor), 1.0)
    return np.where(end.ambiguous, BRACKET_GROWTH, 1.0)
