"""A smooth curve through the tail probabilities of toys near a crossing of CLs, and where it crosses.

The probits of both tail probabilities are polynomials in log mu. In that variable the tails of counting experiments,
exp(-s mu), those of Gaussian measurements and the power laws that a large uncertainty of the signal makes,
(1 + s mu / k)^-k, are all smooth: over the widest window used here, a factor of two in mu to both sides, polynomials of
third degree shift the crossing by about a hundredth of a per cent (`make study-toys` prints it).

What the curves of other models do is not known. So the widest of several windows is taken whose crossing agrees with
those of all narrower ones (O. Lepski, Theory Probab. Appl. 35 (1991) 454), and differences to other curves that are not
statistical are an error of the curve.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtri
from scipy.stats import chi2

from muscan.toys import probit
from muscan.toys.tail_counts import Tails

# Half the widest window, in log mu and in standard deviations of the probit of CLs.
LOG_REACH, PROBIT_REACH = 0.7, 1.3
# Scans with few points need a wider one; beyond this factor in mu, points say nothing of a crossing.
WIDEST = np.log(5.0)
NARROWER = 0.7  # from one window to the next
MOST_WINDOWS = 4
# Degree of the polynomials, and the one with few points that have so many toys on either side of the threshold: errors
# would grow by half with the bends that such points do not determine, while the bias is below them in any case.
DEGREE, LEAST_DEGREE, TELLING = 3, 2, 5
PER_SIDE, FEWEST_POINTS = 2, 5  # of a window
AGREE = 3.0  # standard deviations, between the crossings of two windows
# Counts that are less probable than this around a curve contradict it.
CONTRADICTION = 1e-5


class LocalCurve(NamedTuple):
    """Polynomials for both tails in a window, and where CLs crosses. Positions are log mu."""

    centre: float
    half: float  # of the window
    weights: np.ndarray  # of the points, shape (n,)
    design: np.ndarray  # shape (n, d)
    signal: np.ndarray  # coefficients of the signal tail, shape (d,)
    background: np.ndarray  # of the background tail
    crossing: float
    at: np.ndarray  # row of the design at the crossing, shape (d,)
    slope: float  # of log CLs against log mu, at the crossing

    def shifts(self, tail: Tails, alpha: float) -> np.ndarray:
        """How far the crossing moves, in log mu, with other counts; shape (R,)."""
        signal, background = fit(self.design, tail, self.weights, (self.signal, self.background))
        return -(log_cls(self.at, signal, background) - np.log(alpha)) / self.slope

    def response(self, signal_toys: np.ndarray) -> np.ndarray:
        """Move of the crossing with one standard deviation of the signal toys of each point, shape (n,)."""
        there = self.at @ self.signal
        to_log = np.exp(-(there**2) / 2 - log_ndtr(there)) / np.sqrt(2 * np.pi)
        predicted = np.clip(self.design @ self.signal, -probit.FAR, probit.FAR)
        return probit.response(self.design, self.at, predicted, signal_toys, self.weights) * to_log / self.slope

    def contradicted(self, x: np.ndarray, counts: Tails) -> bool:
        """Whether counts of points near the crossing, of a single replicate, are too far from the curve.

        In the outer half of the window, where points weigh little, the curve may well be wrong.
        """
        near = np.abs(x - self.centre) < self.half / 2
        tails = (
            (self.signal, counts.signal[0], counts.signal_toys),
            (self.background, counts.background[0], counts.background_toys[0]),
        )
        distances = [probit.deviance(self.design[near] @ each, k[near], n[near]) for each, k, n in tails]
        return bool(chi2.sf(max(distances), near.sum()) < CONTRADICTION)


def local_curves(x: np.ndarray, counts: Tails, alpha: float, centre: float, half: float) -> list[LocalCurve]:
    """The curve to be used, and others with which its crossing is to be compared; none where no curve crosses.

    The others are that of the next narrower window, and that of the same window with a degree less.

    Args:
        x: log mu of the points, ascending, shape (n,).
        counts: of one CLs curve and a single replicate.
        alpha: 1 - confidence level.
        centre, half: a first estimate of the crossing, and of half the widest window.
    """
    curves = []
    for _ in range(MOST_WINDOWS):
        wide = max(half, _needed(x, centre))
        found = _curve(x, counts, alpha, centre, wide, DEGREE)
        if found and not curves:  # once more, with the crossing in the middle
            found = _curve(x, counts, alpha, found.crossing, max(half, _needed(x, found.crossing)), DEGREE) or found
        if found is None or (curves and found.half > 0.99 * curves[-1].half):
            break
        curves.append(found)
        centre, half = found.crossing, found.half * NARROWER
    if not curves:
        return []
    widest = next(i for i, curve in enumerate(curves) if _agrees(curve, curves[i + 1 :], counts.signal_toys))
    best = curves.pop(widest)
    stiffer = _curve(x, counts, alpha, best.centre, best.half, best.design.shape[1] - 2)
    return [best, *curves[max(widest - 1, 0) : widest + 1][-1:], *[stiffer] * (stiffer is not None)]


def _agrees(curve: LocalCurve, narrower: list[LocalCurve], signal_toys: np.ndarray) -> bool:
    mine = curve.response(signal_toys)
    apart = [np.linalg.norm(mine - other.response(signal_toys)) for other in narrower]
    return all(
        abs(curve.crossing - other.crossing) <= AGREE * each for other, each in zip(narrower, apart, strict=True)
    )


def _needed(x: np.ndarray, centre: float) -> float:
    """Half of the narrowest window with points enough on both sides, as far as they are there."""
    distance = np.abs(x - centre)
    sides = [np.sort(distance[side])[:PER_SIDE].max(initial=0.0) for side in (x < centre, x >= centre)]
    return 1.05 * max(*sides, np.sort(distance)[:FEWEST_POINTS].max())


def _curve(x: np.ndarray, counts: Tails, alpha: float, centre: float, half: float, degree: int) -> LocalCurve | None:
    """The curve in one window; None if it does not cross there, from above."""
    half = min(half, WIDEST)
    # They fall with the distance (W. Cleveland, J. Am. Stat. Assoc. 74 (1979) 829).
    weights = (1 - np.minimum(np.abs(x - centre) / half, 1.0) ** 3) ** 3
    used = weights > 0
    tail, total = counts.signal[0], counts.signal_toys
    telling = used & (np.minimum(tail, total - tail) >= TELLING)
    degree = min(degree, max(int(telling.sum()) - 2, LEAST_DEGREE), int(used.sum()) - 2)
    if degree < 1:
        return None

    def terms(value):
        return np.power.outer((np.asarray(value) - centre) / half, np.arange(degree + 1))

    design = terms(x)
    signal, background = (each[0] for each in fit(design, counts, weights))

    def distance(value):
        return log_cls(terms(value), signal, background) - np.log(alpha)

    inside = np.linspace(x[used][0], x[used][-1], 200)
    above = distance(inside) > 0
    falls = np.flatnonzero(above[:-1] & ~above[1:])
    if not len(falls) or not np.isfinite(distance(inside)).all():
        return None
    nearest = falls[np.abs(inside[falls] - centre).argmin()]
    crossing = float(brentq(distance, inside[nearest], inside[nearest + 1], xtol=1e-12))
    step = 1e-4 * half
    slope = float(distance(crossing + step) - distance(crossing - step)) / (2 * step)
    if not -np.inf < slope < 0:
        return None
    return LocalCurve(centre, half, weights, design, signal, background, crossing, terms(crossing), slope)


def well_placed(x: np.ndarray, curve: LocalCurve, alpha: float) -> bool:
    """Whether points are so near to the crossing, on both sides, that the curve interpolates over a short way only.

    Args:
        x: log mu of the points with toys in the tail.
    """
    inside = x[np.abs(x - curve.centre) < curve.half]
    rows = np.power.outer((inside - curve.centre) / curve.half, np.arange(len(curve.signal)))
    cls = np.exp(log_cls(rows, curve.signal, curve.background))
    probits = ndtri(np.clip(cls, 1e-12, 1 - 1e-12)) - ndtri(alpha)
    near = inside[np.abs(probits) < PROBIT_REACH]
    if len(near) <= PER_SIDE or not near[0] <= curve.crossing <= near[-1]:
        return False
    after = int(np.searchsorted(inside, curve.crossing))
    return bool(probits[after - 1] - probits[after] < PROBIT_REACH)


def fit(design: np.ndarray, tail: Tails, weights: np.ndarray, start=(None, None)) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of both tail probabilities, shape (R, d) each, from those of counts that are alike."""
    used = weights > 0
    design, weights = design[used], weights[used]
    return (
        probit.regression(design, tail.signal[:, used], tail.signal_toys[used], weights, start[0]),
        probit.regression(design, tail.background[:, used], tail.background_toys[:, used], weights, start[1]),
    )


def log_cls(at: np.ndarray, signal: np.ndarray, background: np.ndarray) -> np.ndarray:
    """log CLs where the design has the rows `at`, of shape (..., d), or with R sets of coefficients, shape (R, d)."""
    far = probit.FAR
    return log_ndtr(np.clip(signal @ at.T, -far, far)) - log_ndtr(np.clip(background @ at.T, -far, far))
