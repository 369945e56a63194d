"""p-values of the two-sided test statistic from toys, and the intervals of mu that they give."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2

from muscan.inference.fits import AT_BOUND
from muscan.toys.acceptance import SIGNIFICANT, End, Side, find_end
from muscan.toys.samples import ThrownSample
from muscan.toys.tail_counts import SAME_Q
from muscan.toys.tail_fraction import threshold

SIDES = (-1, 1)  # of an interval: its lower and its upper end


class TestedMu(NamedTuple):
    """A tested mu with its toys.

    Attributes:
        mu: the value.
        t_obs: the test statistic of the data.
        toys: those of the toys, nan where a fit failed, shape (N,).
    """

    __test__ = False  # not a test case of pytest

    mu: float
    t_obs: float
    toys: np.ndarray

    def tail(self) -> int:
        """Return the number of toys in the tail."""
        with np.errstate(invalid="ignore"):
            return int((self.toys >= threshold(self.t_obs)).sum())

    def with_failed(self, in_tail: bool) -> "TestedMu":
        """Return the point with all failed toys in the tail, or none of them there."""
        return self._replace(toys=np.where(np.isnan(self.toys), np.inf if in_tail else -1.0, self.toys))

    def fitted(self) -> int:
        """Return the number of toys whose fits have not failed."""
        return int(np.isfinite(self.toys).sum() + np.isinf(self.toys).sum())

    def largest_jump(self) -> float:
        """Return the largest fraction of toys with equal test statistics, other than zero and that of the data."""
        values = np.sort(self.toys[np.isfinite(self.toys) & (self.toys > SAME_Q)])
        values = values[np.abs(values - self.t_obs) > SAME_Q]
        starts = np.flatnonzero(np.diff(values, prepend=-np.inf) > SAME_Q)
        return float(np.diff(starts, append=len(values)).max(initial=0) / max(self.fitted(), 1))

    def asymptotic_p_value(self) -> float:
        """Return the p-value if t follows a chi-square distribution."""
        return float(chi2.sf(self.t_obs, 1))


class Scan(NamedTuple):
    """All tested values.

    Attributes:
        points: in ascending order.
        mu_hat: best-fit value.
        bounds: of mu in the fits.
    """

    points: list[TestedMu]
    mu_hat: float
    bounds: tuple[float, float]

    def points_on(self, sign: int) -> list[TestedMu]:
        """Return the values on one side of the best fit, -1 for lower ones, by their distance from it."""
        found = [point for point in self.points if sign * (point.mu - self.mu_hat) > 0]
        return found[::sign]

    def side(self, sign: int) -> Side:
        """Return the distances and tails of the values on one side of the best fit, -1 for lower ones."""
        points = self.points_on(sign)
        room = sign * (self.bounds[SIDES.index(sign)] - self.mu_hat)
        return Side(
            np.array([sign * (point.mu - self.mu_hat) for point in points]),
            np.array([point.tail() for point in points], dtype=float),
            np.array([point.fitted() for point in points], dtype=float),
            np.array([point.largest_jump() for point in points]),
            0.0 if room <= AT_BOUND * (self.bounds[1] - self.bounds[0]) else room,
        )

    def ends(self, level: float) -> tuple[End, End]:
        """Return the lower and the upper end of the interval, as distances from the best fit."""
        lower, upper = (find_end(self.side(sign), 1 - level) for sign in SIDES)
        return lower, upper

    def position(self, sign: int, distance: float) -> float:
        """Return mu at a distance from the best fit; at a bound exactly this bound."""
        mu = self.mu_hat + sign * distance
        bound = self.bounds[SIDES.index(sign)]
        return bound if abs(mu - bound) <= AT_BOUND * (self.bounds[1] - self.bounds[0]) else mu

    def rejected_inside(self, level: float, ends: tuple[End, End]) -> list[float]:
        """Return values of mu between the ends whose p is significantly below 1 - level."""
        found = []
        for sign, end in zip(SIDES, ends, strict=True):
            side = self.side(sign)
            rejected = (side.deviations(1 - level) < -SIGNIFICANT) & (side.distance < (end.value or 0.0))
            found += [self.position(sign, each) for each in side.distance[rejected].tolist()]
        return sorted(found)


def scan_of(thrown: Iterable[ThrownSample], mu_hat: float, bounds: list[float], max_failed_fraction: float) -> Scan:
    """Return the tested values with usable toys."""
    points = [
        TestedMu(each.sample.tested, each.sample.q_obs, each.toys.q)
        for each in thrown
        if len(each.toys.q) and each.failure(max_failed_fraction) is None
    ]
    return Scan(sorted(points, key=lambda point: point.mu), mu_hat, (bounds[0], bounds[1]))
