"""Upper limits on mu from CLs(mu), for the observed and the five expected curves, with a status for each."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import elementwise

from muscan.histfactory.parameters import LARGEST_MU
from muscan.inference.quantiles import probit_distance

STATUSES = (
    "ok",
    "above_scan",
    "below_scan",
    "multiple_crossings",
    "not_monotone",
    "toys_too_few",
    "points_disagree",
    "fit_failed",
)
# CLs falls with mu; a rise by more than this between two points is not due to the precision of the fits.
RISE_TOLERANCE = 1e-3
# If CLs at the largest mu is above this, the limit is tens of times higher.
HARDLY = 0.99
# Relative precision of a limit.
PRECISION = 1e-5
# Fractions of the interval between two points at which the search for a limit starts again after a failed test.
SPLITS = (None, 0.38, 0.7, 0.2)
CHECK = "Check that the signal has events in sensitive bins, and that no free factor can compensate for it"


class Limit(NamedTuple):
    """An upper limit, or the reason why there is none.

    If the limit is outside the scan, `bound` is the end of the scan beyond which it lies.
    """

    value: float | None
    status: str
    reason: str | None = None
    bound: float | None = None


class Bracket(NamedTuple):
    """Two points of a scan between which a curve crosses alpha."""

    mu: tuple[float, float]
    cls: tuple[float, float]


class _Tested:
    """CLs of several curves at all tested values of mu."""

    def __init__(self, brackets: dict[int, Bracket], alpha: float, test: Callable):
        self.alpha, self._test = alpha, test
        self.cls = {i: dict(zip(*bracket, strict=True)) for i, bracket in brackets.items()}

    def distance(self, mu: np.ndarray, curve: np.ndarray) -> np.ndarray:
        """`probit_distance` at these values of mu, one of each curve."""
        places = list(zip(curve.tolist(), mu.tolist(), strict=True))
        new = [(i, value) for i, value in dict.fromkeys(places) if value not in self.cls[i]]
        if new:
            curves, values = (np.array(each) for each in zip(*new, strict=True))
            for (i, value), cls in zip(new, self._test(values, curves).tolist(), strict=True):
                self.cls[i][value] = cls
        cls = [self.cls[i][value] for i, value in places]
        return probit_distance(np.array(cls), self.alpha)

    def closest(self, curves: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """The largest mu with CLs above alpha and the smallest with CLs below it, for each curve."""
        low = [max(mu for mu, cls in self.cls[i].items() if cls >= self.alpha) for i in curves]
        high = [min(mu for mu, cls in self.cls[i].items() if cls < self.alpha) for i in curves]
        return np.array(low), np.array(high)

    def failure(self, i: int) -> str:
        """The reason of a failure: which tests failed, and between which values of mu the limit lies."""
        failed = ", ".join(f"{mu:.6g}" for mu, cls in self.cls[i].items() if np.isnan(cls))
        low, high = (float(each[0]) for each in self.closest([i]))
        return f"the limit is between mu = {low:.6g} and {high:.6g}, where tests failed: mu = {failed}"


def upper_limits(
    mu: np.ndarray,
    cls: np.ndarray,
    alpha: float,
    test: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> list[Limit]:
    """Find where each of several curves crosses CLs = alpha.

    The points of the scan bracket the crossings, and tests at further values of mu locate them, so that the limits do
    not depend on the spacing of the scan. Nothing is extrapolated.

    Args:
        mu: tested values, ascending, shape (n,).
        cls: CLs of the curves at each of them, nan where a test failed, shape (n, curves).
        alpha: 1 - confidence level.
        test: returns CLs, shape (m,), for values of mu between the ends of the scan and indices of curves, shape (m,)
            each; nan where a test fails.

    Returns:
        a limit for each curve.
    """
    found = [_crossing(mu, curve, alpha) for curve in cls.T]
    brackets = {i: each for i, each in enumerate(found) if isinstance(each, Bracket)}
    limits = _close_in(brackets, alpha, test) if brackets else {}
    return [limits.get(i, each) for i, each in enumerate(found)]


def _crossing(mu: np.ndarray, cls: np.ndarray, alpha: float) -> Limit | Bracket:
    """The points of the scan that bracket the crossing of one curve, or the reason why there are none."""
    good = np.isfinite(cls)
    if not good.any():
        return Limit(None, "fit_failed", f"none of the {len(mu)} tests of the scan succeeded")
    mu_bad, mu, cls = mu[~good], mu[good], cls[good]
    above = cls >= alpha
    if above.all() or not above.any():
        return outside(mu, cls, alpha, mu_bad)
    changes = np.flatnonzero(above[1:] != above[:-1])
    if len(changes) > 1:
        between = ", ".join(f"{mu[i]:g} and {mu[i + 1]:g}" for i in changes)
        return Limit(None, "multiple_crossings", f"CLs crosses {alpha:g} {len(changes)} times, between mu = {between}")
    rise = np.diff(cls).max()
    if rise > RISE_TOLERANCE or not above[0]:
        i = int(np.diff(cls).argmax())
        return Limit(
            None, "not_monotone", f"CLs rises from {cls[i]:.4g} at mu = {mu[i]:g} to {cls[i + 1]:.4g} at {mu[i + 1]:g}"
        )
    crossing = int(changes[0])
    ends = slice(crossing, crossing + 2)
    return Bracket(tuple(mu[ends].tolist()), tuple(cls[ends].tolist()))


def outside(mu: np.ndarray, cls: np.ndarray, alpha: float, mu_bad: np.ndarray) -> Limit:
    """Return the status of a limit that is outside the points whose tests succeeded.

    Args:
        mu: values with successful tests, ascending, shape (n,).
        cls: CLs there, all above or all below alpha, shape (n,).
        alpha: 1 - confidence level.
        mu_bad: values with failed tests.
    """
    above = bool(cls[-1] >= alpha)
    edge, last = (mu[-1], cls[-1]) if above else (mu[0], cls[0])
    beyond = mu_bad[mu_bad > edge] if above else mu_bad[mu_bad < edge]
    if len(beyond):
        values = ", ".join(f"{value:g}" for value in beyond)
        return Limit(None, "fit_failed", f"the tests between which the limit lies failed: mu = {values}", float(edge))
    if not above and edge == 0:
        return Limit(None, "not_monotone", f"CLs is {last:.4g} at mu = 0, where it is 1: a fit is in a wrong minimum")
    side = "above" if above else "below"
    advice = f"in the whole scan: {_further(edge, last) if above else f'begin mu below {edge:g}'}"
    if edge >= LARGEST_MU:
        advice = f"even at mu = {edge:.2g}: no signal of this size can be excluded. {CHECK}"
    return Limit(None, f"{side}_scan", f"CLs is {side} {alpha:.4g} {advice}", float(edge))


def _further(edge: float, cls: float) -> str:
    """The advice how far a scan must be extended, from CLs at its end; at mu = 0 it is always 1."""
    if edge > 0 and cls > HARDLY:
        return f"it is {cls:.4g} at mu = {edge:g}. {CHECK}, or extend mu far beyond; `mu: auto` finds how far"
    return f"extend mu beyond {edge:g}"


def _close_in(brackets: dict[int, Bracket], alpha: float, test: Callable) -> dict[int, Limit]:
    """The crossings of all curves by Chandrupatla's method, which starts again from another point if a test fails."""
    tested = _Tested(brackets, alpha, test)
    limits, left = {}, list(brackets)
    for split in SPLITS:
        if not left:
            break
        curves = np.array(left)
        low, high = tested.closest(left)
        if split:
            tested.distance(low + split * (high - low), curves)
            low, high = tested.closest(left)
        tolerances = {"xatol": 1e-12 * max(abs(low).max(), abs(high).max()), "xrtol": PRECISION, "fatol": 0, "frtol": 0}
        found = elementwise.find_root(tested.distance, (low, high), args=(curves,), tolerances=tolerances)
        # The root-finder may report success where the function is nan.
        good = found.success & np.isfinite(found.f_x)
        limits |= {i: Limit(float(x), "ok") for i, x in zip(curves[good].tolist(), found.x[good], strict=True)}
        left = [i for i in left if i not in limits]
    return limits | {i: Limit(None, "fit_failed", tested.failure(i)) for i in left}
