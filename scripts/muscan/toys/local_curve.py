"""A smooth curve through the tail probabilities of toys near a crossing of CLs, and where it crosses.

The probits of both tail probabilities are polynomials in log mu. In that variable the tails of counting experiments,
exp(-s mu), those of Gaussian measurements, and the power laws that a large uncertainty of the signal makes,
(1 + s mu / k)^-k, are all smooth: over the widest window used here, a factor of two in mu to both sides, polynomials of
third degree shift the crossing by about a hundredth of a per cent (`make study-toys` prints it).

What the curves of other models do is not known. Therefore the widest of several windows is used whose crossing agrees
with those of all narrower windows (O. Lepski, Theory Probab. Appl. 35 (1991) 454), and differences from other curves
that are not statistical count as an error of the curve.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtri
from scipy.stats import chi2

from muscan.toys import probit
from muscan.toys.tail_counts import TailCounts

# Half of the widest window, in log mu, and in standard deviations of the probit of CLs.
LOG_REACH, PROBIT_REACH = 0.7, 1.3
# Scans with few points need wider windows; points farther away than this factor in mu say nothing of a crossing.
LARGEST_LOG_REACH = np.log(5.0)
NARROWER = 0.7  # ratio of the widths of one window and the one before
MAX_WINDOWS = 4
# Degree of the polynomials. With few informative points, of which at least INFORMATIVE_TOYS toys are on either side of
# the threshold, it is lower, down to MIN_DEGREE: errors would grow by half with terms that such points do not
# determine, while the bias is below the errors in any case.
DEGREE, MIN_DEGREE, INFORMATIVE_TOYS = 3, 2, 5
POINTS_PER_SIDE, MIN_POINTS = 2, 5  # of a window, on either side of its centre and in all
AGREEMENT = 3.0  # largest distance of the crossings of two windows, in standard deviations
CONTRADICTION = 1e-5  # counts that are less probable than this contradict a curve
GRID = 200  # places in a window at which a crossing is sought before it is refined


class LocalCurve(NamedTuple):
    """Polynomials for the probits of both tails in a window, and where CLs crosses. Positions are log mu.

    Attributes:
        centre: of the window.
        half_width: of the window.
        weights: of the points, zero outside the window, shape (n,).
        design: value of each of d terms at each point, shape (n, d).
        signal: coefficients of the signal+background tail, shape (d,).
        background: coefficients of the background-only tail, shape (d,).
        crossing: where CLs is 1 - confidence level.
        at: row of the design at the crossing, shape (d,).
        slope: d log CLs / d log mu at the crossing; negative.
    """

    centre: float
    half_width: float
    weights: np.ndarray
    design: np.ndarray
    signal: np.ndarray
    background: np.ndarray
    crossing: float
    at: np.ndarray
    slope: float

    def shifts(self, counts: TailCounts, alpha: float) -> np.ndarray:
        """Return how far the crossing moves, in log mu, with other counts of R replicates, shape (R,)."""
        signal, background = fit_tails(self.design, counts, self.weights, (self.signal, self.background))
        return -(log_cls(self.at, signal, background) - np.log(alpha)) / self.slope

    def response(self, signal_toys: np.ndarray) -> np.ndarray:
        """Return how far the crossing moves when one signal+background count changes by its standard deviation.

        Args:
            signal_toys: number of signal+background toys of each point, shape (n,).

        Returns:
            the shift in log mu due to each point, shape (n,).
        """
        there = self.at @ self.signal
        to_log = np.exp(-(there**2) / 2 - log_ndtr(there)) / np.sqrt(2 * np.pi)
        predicted = np.clip(self.design @ self.signal, -probit.MAX_PROBIT, probit.MAX_PROBIT)
        return probit.response(self.design, self.at, predicted, signal_toys, self.weights) * to_log / self.slope

    def is_contradicted(self, x: np.ndarray, counts: TailCounts) -> bool:
        """Return whether the counts of points near the crossing are too far from the curve.

        The outer half of the window is left out: points weigh little there, and the curve need not be right.

        Args:
            x: log mu of the points, shape (n,).
            counts: of one CLs curve and a single replicate.
        """
        near = np.abs(x - self.centre) < self.half_width / 2
        tails = (
            (self.signal, counts.signal[0], counts.signal_toys),
            (self.background, counts.background[0], counts.background_toys[0]),
        )
        distances = [
            probit.deviance(self.design[near] @ coefficients, tail[near], total[near])
            for coefficients, tail, total in tails
        ]
        return bool(chi2.sf(max(distances), near.sum()) < CONTRADICTION)


def local_curves(x: np.ndarray, counts: TailCounts, alpha: float, centre: float, half_width: float) -> list[LocalCurve]:
    """Return the curve to be used, followed by others with which its crossing is to be compared.

    The others are the curve in the next narrower window, and the one in the same window with a degree less. There are
    no curves if CLs does not cross.

    Args:
        x: log mu of the points, ascending, shape (n,).
        counts: of one CLs curve and a single replicate.
        alpha: 1 - confidence level.
        centre: a first estimate of the crossing.
        half_width: of the widest window.
    """
    curves = _curves_in_windows(x, counts, alpha, centre, half_width)
    if not curves:
        return []
    widest = next(i for i, curve in enumerate(curves) if _agrees(curve, curves[i + 1 :], counts.signal_toys))
    best = curves.pop(widest)
    narrower = curves[max(widest - 1, 0) : widest + 1][-1:]
    stiffer = _curve(x, counts, alpha, best.centre, best.half_width, best.design.shape[1] - 2)
    return [best, *narrower, *([stiffer] if stiffer else [])]


def _curves_in_windows(
    x: np.ndarray, counts: TailCounts, alpha: float, centre: float, half_width: float
) -> list[LocalCurve]:
    """Curves in ever narrower windows around the crossing."""
    curves: list[LocalCurve] = []
    for _ in range(MAX_WINDOWS):
        curve = _curve(x, counts, alpha, centre, max(half_width, _smallest_half_width(x, centre)), DEGREE)
        if curve and not curves:  # once more, with the crossing in the middle of the window
            centre = curve.crossing
            curve = _curve(x, counts, alpha, centre, max(half_width, _smallest_half_width(x, centre)), DEGREE) or curve
        if curve is None or (curves and curve.half_width > 0.99 * curves[-1].half_width):
            break
        curves.append(curve)
        centre, half_width = curve.crossing, curve.half_width * NARROWER
    return curves


def _agrees(curve: LocalCurve, narrower: list[LocalCurve], signal_toys: np.ndarray) -> bool:
    """Whether the crossing of a curve agrees with those of curves from a part of its points."""
    response = curve.response(signal_toys)
    errors = [np.linalg.norm(response - other.response(signal_toys)) for other in narrower]
    return all(
        abs(curve.crossing - other.crossing) <= AGREEMENT * error for other, error in zip(narrower, errors, strict=True)
    )


def _smallest_half_width(x: np.ndarray, centre: float) -> float:
    """Half of the narrowest window with enough points on both sides, as far as there are such points."""
    distance = np.abs(x - centre)
    sides = [np.sort(distance[side])[:POINTS_PER_SIDE].max(initial=0.0) for side in (x < centre, x >= centre)]
    return 1.05 * max(*sides, np.sort(distance)[:MIN_POINTS].max())


def _curve(
    x: np.ndarray, counts: TailCounts, alpha: float, centre: float, half_width: float, degree: int
) -> LocalCurve | None:
    """The curve in one window; None if CLs does not fall through alpha there."""
    half_width = min(half_width, LARGEST_LOG_REACH)
    # Tricube weights (W. Cleveland, J. Am. Stat. Assoc. 74 (1979) 829).
    weights = (1 - np.minimum(np.abs(x - centre) / half_width, 1.0) ** 3) ** 3
    used = weights > 0
    degree = _possible_degree(counts, used, degree)
    if degree < 1:
        return None

    def terms(value: np.ndarray | float) -> np.ndarray:
        return np.power.outer((np.asarray(value) - centre) / half_width, np.arange(degree + 1))

    design = terms(x)
    signal, background = (coefficients[0] for coefficients in fit_tails(design, counts, weights))

    def distance(value: np.ndarray | float) -> np.ndarray:
        return log_cls(terms(value), signal, background) - np.log(alpha)

    grid = np.linspace(x[used][0], x[used][-1], GRID)
    above = distance(grid) > 0
    falls = np.flatnonzero(above[:-1] & ~above[1:])
    if not len(falls) or not np.isfinite(distance(grid)).all():
        return None
    nearest = falls[np.abs(grid[falls] - centre).argmin()]
    crossing = float(brentq(distance, grid[nearest], grid[nearest + 1], xtol=1e-12))
    step = 1e-4 * half_width
    slope = float(distance(crossing + step) - distance(crossing - step)) / (2 * step)
    if not -np.inf < slope < 0:
        return None
    return LocalCurve(centre, half_width, weights, design, signal, background, crossing, terms(crossing), slope)


def _possible_degree(counts: TailCounts, used: np.ndarray, degree: int) -> int:
    """The degree of the polynomials, lower where few points are used or informative."""
    tail, total = counts.signal[0], counts.signal_toys
    informative = used & (np.minimum(tail, total - tail) >= INFORMATIVE_TOYS)
    return min(degree, max(int(informative.sum()) - 2, MIN_DEGREE), int(used.sum()) - 2)


def interpolates(x: np.ndarray, curve: LocalCurve, alpha: float) -> bool:
    """Return whether there are points close to the crossing on both sides, so that the curve need not extrapolate.

    Args:
        x: log mu of the points with toys in the tail, ascending.
        curve: with the crossing.
        alpha: 1 - confidence level.
    """
    inside = x[np.abs(x - curve.centre) < curve.half_width]
    rows = np.power.outer((inside - curve.centre) / curve.half_width, np.arange(len(curve.signal)))
    cls = np.exp(log_cls(rows, curve.signal, curve.background))
    probits = ndtri(np.clip(cls, 1e-12, 1 - 1e-12)) - ndtri(alpha)
    near = inside[np.abs(probits) < PROBIT_REACH]
    if len(near) <= POINTS_PER_SIDE or not near[0] <= curve.crossing <= near[-1]:
        return False
    after = int(np.searchsorted(inside, curve.crossing))
    return bool(probits[after - 1] - probits[after] < PROBIT_REACH)


def fit_tails(
    design: np.ndarray,
    counts: TailCounts,
    weights: np.ndarray,
    start: tuple[np.ndarray | None, np.ndarray | None] = (None, None),
) -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients of both tail probabilities, shape (R, d) each.

    Args:
        design: value of each of d terms at each of n points, shape (n, d).
        counts: of one CLs curve, in R replicates.
        weights: of the points, shape (n,).
        start: coefficients of both tails at which the fits begin, shape (d,) each.
    """
    used = weights > 0
    design, weights = design[used], weights[used]
    return (
        probit.regression(design, counts.signal[:, used], counts.signal_toys[used], weights, start[0]),
        probit.regression(design, counts.background[:, used], counts.background_toys[:, used], weights, start[1]),
    )


def log_cls(at: np.ndarray, signal: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Return log CLs from the coefficients of both tails.

    Args:
        at: rows of the design, shape (..., d), with coefficients of shape (d,); or one row with R sets of coefficients.
        signal: coefficients of the signal+background tail, shape (d,) or (R, d).
        background: the same of the background-only tail.
    """
    far = probit.MAX_PROBIT
    return log_ndtr(np.clip(signal @ at.T, -far, far)) - log_ndtr(np.clip(background @ at.T, -far, far))
