"""From CLs(mu) to upper limits on mu: six curves, the observed and the five expected ones, and a status for each."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri

from inference.errors import FitError

STATUSES = (
    "ok",
    "above_scan",
    "below_scan",
    "multiple_crossings",
    "not_monotone",
    "toys_too_few",
    "fit_failed",
)
# CLs falls with mu; a rise above this between two points is no rounding of a fit.
RISE_TOLERANCE = 1e-3
# Relative precision of a limit.
PRECISION = 1e-5


class Limit(NamedTuple):
    """An upper limit, or why there is none.

    Where the scan does not reach the limit, `bound` is the end of the scan beyond which it lies.
    """

    value: float | None
    status: str
    reason: str | None = None
    bound: float | None = None


def upper_limit(
    mu: np.ndarray,
    cls: np.ndarray,
    alpha: float,
    test: Callable[[float], float],
) -> Limit:
    """Find where a curve crosses CLs = alpha.

    The points of the scan bracket the crossing; tests at further values of mu then close in on it, so the limit does
    not depend on the spacing of the scan. Nothing is extrapolated.

    Args:
        mu: tested values, ascending, shape (n,).
        cls: CLs at each of them, nan where the test failed, shape (n,).
        alpha: 1 - confidence level.
        test: CLs of this curve at any mu between two points of the scan.
    """
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
    return _close_in(mu[crossing], mu[crossing + 1], cls[crossing], cls[crossing + 1], alpha, test)


def outside(mu: np.ndarray, cls: np.ndarray, alpha: float, mu_bad: np.ndarray) -> Limit:
    """The limit lies outside the points whose tests succeeded."""
    above = bool(cls[-1] >= alpha)
    edge, verb, extreme = (mu[-1], "extend mu beyond", "smallest") if above else (mu[0], "begin mu below", "largest")
    beyond = mu_bad[mu_bad > edge] if above else mu_bad[mu_bad < edge]
    if len(beyond):
        values = ", ".join(f"{value:g}" for value in beyond)
        return Limit(None, "fit_failed", f"the tests between which the limit lies failed: mu = {values}", float(edge))
    side = "above" if above else "below"
    value = cls.min() if above else cls.max()
    points = "the only point of the scan has CLs" if len(mu) == 1 else f"the {extreme} CLs of the scan is"
    reason = f"{points} {value:.4g}, {side} {alpha:.4g}: {verb} {edge:g}"
    return Limit(None, f"{side}_scan", reason, float(edge))


def _close_in(
    low: float, high: float, cls_low: float, cls_high: float, alpha: float, test: Callable[[float], float]
) -> Limit:
    """Brent's method on the normal quantile of CLs, which is close to linear in mu."""
    known = {low: cls_low, high: cls_high}

    def distance(value: float) -> float:
        cls = known.get(value)
        if cls is None:
            cls = test(value)
        return float(ndtri(alpha) - ndtri(np.clip(cls, 1e-300, 1 - 1e-16)))

    try:
        return Limit(float(brentq(distance, low, high, xtol=1e-12 * max(abs(low), abs(high)), rtol=PRECISION)), "ok")
    except FitError as error:
        return Limit(None, "fit_failed", f"a test between mu = {low:g} and {high:g} failed: {error}")
