"""How many toys, and where: what makes the uncertainties of the limits small at the least cost."""

import numpy as np

from muscan.toys.limits import ToyCurves, ToyLimit

OBSERVED, MEDIAN = 0, 3  # limits whose uncertainty has a target
SIGNAL_FITS = 2  # of a signal toy: free and held
# A first estimate of an uncertainty is rough: no number of toys grows by more than this at a time; without one, less.
MOST_GROWTH, GROWTH_IN_THE_DARK = 10.0, 4.0
# Aim a little below the target, so that one more round is seldom needed.
AIM = 0.9
# A larger part of the target is not left to the error of the curve: values of mu are added.
MODEL_SHARE = 0.5
UNDETERMINED = ("toys_too_few", "points_disagree")  # statuses that more toys or values of mu may cure


def relative_error(limit: ToyLimit) -> float:
    """Infinite if there is no limit for want of toys or points; zero if there is none for another reason."""
    if limit.limit.status == "ok":
        return limit.error / limit.limit.value
    return np.inf if limit.limit.status in UNDETERMINED else 0.0


def needs_points(limit: ToyLimit, target: float) -> bool:
    """Whether more toys at the values of mu that there are cannot bring the relative error below a target."""
    if limit.limit.status != "ok":
        return limit.few_points
    return limit.model_error > MODEL_SHARE * target * limit.limit.value


def allocate(
    curves: ToyCurves, signal: np.ndarray, background: np.ndarray, target: float
) -> tuple[np.ndarray, np.ndarray]:
    """Toys of both hypotheses at each point with which the relative errors of two limits come below a target.

    A limit whose relative variance is sum_i a_i / N_i with costs c_i per toy has the least cost at
    N_i = sqrt(a_i / c_i) sum_j sqrt(a_j c_j) / target^2 (Lagrange).

    Args:
        curves: of the toys that are there.
        signal: how many signal+background toys there are at each point, shape (n,).
        background: the same of background-only toys.
        target: for the observed and the median expected limit.
    """
    more_signal, more_background = signal.astype(float), background.astype(float)
    for limit in (curves.limits[OBSERVED], curves.limits[MEDIAN]):
        if relative_error(limit) <= target:
            continue
        if limit.signal_variance is None:
            wanted_signal, wanted_background = signal * GROWTH_IN_THE_DARK, background * GROWTH_IN_THE_DARK
        else:
            model = min(limit.model_error / limit.limit.value, MODEL_SHARE * target)
            wanted_signal, wanted_background = _cheapest(limit, signal, background, AIM * np.sqrt(target**2 - model**2))
        more_signal = np.maximum(more_signal, np.minimum(wanted_signal, signal * MOST_GROWTH))
        more_background = np.maximum(more_background, np.minimum(wanted_background, background * MOST_GROWTH))
    return more_signal, more_background


def _cheapest(limit: ToyLimit, signal: np.ndarray, background: np.ndarray, target: float):
    used = limit.used
    cost = 1.0 + used.sum()  # fits of a background-only toy: one free, one held at each point
    of_signal = limit.signal_variance * signal
    of_background = limit.background_variance * background[used].min()
    total = np.sqrt(of_signal * SIGNAL_FITS).sum() + np.sqrt(of_background * cost)
    wanted = np.sqrt(of_signal / SIGNAL_FITS) * total / target**2
    return wanted, np.where(used, np.sqrt(of_background / cost) * total / target**2, 0.0)
