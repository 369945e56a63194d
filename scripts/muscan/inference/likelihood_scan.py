"""Scans of the likelihood: -2 log L on a grid of one or two parameters, minimised over all others."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from muscan.inference.fits import keep_lower
from muscan.inference.hypotest import CONSISTENCY
from muscan.inference.intervals import End, ParameterInterval, intervals, lower_minimum, rise_of
from muscan.inference.profile import Profile

LEVELS = (0.68, 0.95)  # confidence levels of the regions that are shown
# Up to this rise in -2 log L the range of a scan extends, by its number of parameters. With one, three standard
# deviations are inside; with two, the region of 95 % (5.99) is, with a margin of a sixth of its size.
REACH = {1: 10.0, 2: 8.0}
POINTS = {1: 61, 2: 30}  # of each parameter, by the number of parameters of the scan
PRECISION_OF_RANGE = 1e-3  # of the ends of the range, in units of their distances from the best fit
# A fit from a neighbouring point is kept if it ends lower by more than this, in -2 log L, the precision of fits.
LOWER = 1e-7
MOST_PASSES = 100  # of fits from neighbouring points; a lower minimum moves by one point in each
CHUNK = 128  # points for which the deviance is calculated at once, so that memory stays small


class Scan(NamedTuple):
    """A scan of k parameters, which are one or two."""

    parameters: list[int]  # their indices, shape (k,)
    values: list[np.ndarray]  # of each parameter on the grid, increasing, k arrays
    rises: (
        np.ndarray
    )  # of -2 log L above the best fit, nan where a fit has failed; shape (points of the last, ..., first)
    ranges: list[ParameterInterval]  # the interval at the rise REACH for each parameter, from which its range follows
    regions: list[tuple[float, ParameterInterval]]  # confidence level and extent of its region along each parameter
    lower_minimum: str | None  # that a fit has ended below the best fit, in words; None if none has
    improved: int  # number of points at which a fit from a neighbouring point has ended lower


def scan(profile: Profile, parameters: Sequence[int]) -> Scan:
    """Scan the likelihood along one or two parameters.

    The range of a parameter ends where the profile over all others, that of the second parameter included, has risen by
    REACH. This is the extent of the contour at that rise, so the range includes it. The range ends at a bound of the
    parameter that is met before.

    The fits of all points are one batch, from the linear response of the best fit. Further ones begin at the ends of
    fits of neighbouring points, and are kept where they end lower.

    Args:
        profile: around the best fit.
        parameters: indices of one or two different parameters that are not fixed.
    """
    count = len(parameters)
    wide = intervals(profile, [(index, REACH[count]) for index in parameters], PRECISION_OF_RANGE)
    values = [np.linspace(*range_of(profile, each), POINTS[count]) for each in wide]
    levels = [(level, index) for index in parameters for level in LEVELS]
    regions = intervals(profile, [(index, rise_of(level, count)) for level, index in levels])
    grid = _Grid(profile, parameters, values)
    lower = _lower_minimum(profile, parameters, [*wide, *regions], grid.below())
    if lower:
        regions = [each._replace(low=lower, high=lower) for each in regions]
    named = [(level, region) for (level, _), region in zip(levels, regions, strict=True)]
    return Scan(list(parameters), values, grid.rises(), wide, named, lower and lower.reason, grid.improved)


def _lower_minimum(
    profile: Profile, parameters: Sequence[int], found: list[ParameterInterval], below: float
) -> End | None:
    """The end of all intervals if a fit of these intervals, or of a grid, has ended below the best fit."""
    if below > CONSISTENCY:
        return End(None, "lower_minimum", lower_minimum(profile.engine.model, parameters, below))
    ends = [end for each in found for end in (each.low, each.high)]
    return next((end for end in ends if end.status == "lower_minimum"), None)


def range_of(profile: Profile, wide: ParameterInterval) -> tuple[float, float]:
    """Return the range of a scan along a parameter.

    Args:
        profile: around the best fit.
        wide: the interval of the parameter at the rise REACH. An end that is a bound is used as it is. In place of any
            other missing end, the range extends as far as on the other side, or as many standard deviations as a
            Gaussian likelihood needs to rise by REACH, or as far as the larger of the best fit and 1.
    """
    best = float(profile.best.parameters[wide.parameter])
    low, high = (end.value if end.value is not None else end.bound for end in (wide.low, wide.high))
    known = [abs(end.value - best) for end in (wide.low, wide.high) if end.value is not None]
    sigma = profile.sigma[wide.parameter]
    distance = [*known, np.sqrt(REACH[1]) * sigma if sigma > 0 else max(abs(best), 1.0)][0]
    bounds = profile.engine.model.known_bounds[wide.parameter]
    low = max(best - distance, bounds[0]) if low is None else low
    return float(low), float(min(best + distance, bounds[1]) if high is None else high)


class _Grid:
    """The fits of all points of a grid. The first parameter changes fastest."""

    def __init__(self, profile: Profile, parameters: Sequence[int], values: list[np.ndarray]):
        self._profile, self._parameters = profile, list(parameters)
        self._shape = tuple(len(each) for each in reversed(values))
        at = np.array([each.ravel() for each in np.meshgrid(*values)])  # shape (k, points)
        best = profile.best.parameters
        starts = np.repeat(best[:, None], at.shape[1], axis=1)
        for changes, value, index in zip(profile.response(parameters).T, at, parameters, strict=True):
            starts += changes[:, None] * (value - best[index])
        starts[self._parameters] = at
        self._at = at
        self._held = np.zeros(starts.shape, bool)
        self._held[self._parameters] = True
        self._found = profile.fits(self._held, starts)
        self.improved = 0
        self._improve()

    def rises(self) -> np.ndarray:
        """The rises above the best fit; zero where a fit ends below it by no more than the precision of fits."""
        rises = self._found.deviance - self._profile.best.deviance
        return np.where((rises < 0) & (rises > -CONSISTENCY), 0.0, rises).reshape(self._shape)

    def below(self) -> float:
        """By how much the lowest fit ends below the best fit, in -2 log L; zero if none does."""
        rises = self._found.deviance - self._profile.best.deviance
        return float(max(0.0, -np.nanmin(rises, initial=0.0)))

    def _improve(self) -> None:
        """Fit from neighbouring points until this ends lower nowhere: all points first, then those around changes."""
        neighbours = self._neighbours()
        which = np.arange(self._at.shape[1])
        changed = np.zeros(len(which), bool)
        for _ in range(MOST_PASSES):
            starts = self._starts_from(neighbours[:, which], which)
            possible = np.isfinite(starts).all(axis=0)
            which, starts = which[possible], starts[:, possible]
            if not len(which):
                break
            before = self._found.deviance[which].copy()
            keep_lower(self._found, self._profile.fits(self._held[:, which], starts), which, LOWER)
            lower = which[~(self._found.deviance[which] >= before) & np.isfinite(self._found.deviance[which])]
            changed[lower] = True
            around = neighbours[:, lower]
            which = np.unique(around[around >= 0])
        self.improved = int(changed.sum())

    def _neighbours(self) -> np.ndarray:
        """The numbers of the points beside each point, -1 beyond the border, shape (2 k, points)."""
        numbers = np.pad(np.arange(self._at.shape[1]).reshape(self._shape), 1, constant_values=-1)
        centre = (slice(1, -1),) * numbers.ndim
        moved = [np.roll(numbers, step, axis)[centre] for axis in range(numbers.ndim) for step in (1, -1)]
        return np.array([each.ravel() for each in moved])

    def _starts_from(self, neighbours: np.ndarray, which: np.ndarray) -> np.ndarray:
        """The ends of the fits of those neighbours that have the lowest deviance at some points, shape (npar, n).

        Args:
            neighbours: of the points, shape (2 k, n).
            which: numbers of the points, shape (n,).
        """
        likelihood, data = self._profile.engine.likelihood, self._profile.data
        starts = np.full((len(self._held), len(which)), np.nan)
        lowest = np.full(len(which), np.inf)
        for begin in range(0, len(which), CHUNK):
            part = slice(begin, begin + CHUNK)
            for beside in neighbours[:, part]:
                there = self._found.parameters[:, beside].copy()
                there[self._parameters] = self._at[:, which[part]]
                with np.errstate(all="ignore"):
                    value = likelihood.deviance(there, np.repeat(data[:, None], there.shape[1], axis=1))
                lower = (beside >= 0) & (value < lowest[part])
                lowest[part] = np.where(lower, value, lowest[part])
                starts[:, part] = np.where(lower, there, starts[:, part])
        return starts


def statuses(rises: np.ndarray) -> np.ndarray:
    """Return the status of each point of a scan: "ok", "fit_failed", or "lower_minimum" below the best fit.

    Args:
        rises: of -2 log L, of any shape.
    """
    return np.where(np.isnan(rises), "fit_failed", np.where(rises < -CONSISTENCY, "lower_minimum", "ok"))
