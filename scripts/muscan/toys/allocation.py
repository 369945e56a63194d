"""How many more toys, and at which points, bring the errors of the limits below a target at the least cost."""

import numpy as np

from muscan.toys.limits import ToyCurves, ToyLimit

OBSERVED, MEDIAN = 0, 3  # the limits, among the six, whose errors have a target
FITS_PER_SIGNAL_TOY = 2  # a free and a held one
# The first estimate of an error is rough: the number of toys grows at most by this factor in a round, and by the second
# one where there is no limit yet and so no estimate.
MAX_GROWTH, GROWTH_WITHOUT_LIMIT = 10.0, 4.0
AIM = 0.9  # part of the target that is aimed at, so that one more round is seldom needed
# The error of the curve may take this part of the target; above it, values of mu are added.
MODEL_SHARE = 0.5
UNDETERMINED = ("toys_too_few", "points_disagree")  # statuses that more toys or values of mu may change


def relative_error(limit: ToyLimit) -> float:
    """Return the relative error of a limit.

    It is infinite where there is no limit because toys or points are missing, and zero where there is none for another
    reason.
    """
    if limit.limit.status == "ok":
        return limit.error / limit.limit.value
    return np.inf if limit.limit.status in UNDETERMINED else 0.0


def needs_points(limit: ToyLimit, target: float) -> bool:
    """Return whether more toys at the present values of mu cannot bring the relative error below the target."""
    if limit.limit.status != "ok":
        return limit.few_points
    return limit.model_error > MODEL_SHARE * target * limit.limit.value


def allocate(
    curves: ToyCurves, signal: np.ndarray, background: np.ndarray, target: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of toys with which the observed and the median expected limit reach the target.

    A limit whose relative variance is sum_i a_i / N_i, with costs c_i per toy, has the least cost at
    N_i = sqrt(a_i / c_i) sum_j sqrt(a_j c_j) / target^2 (by a Lagrange multiplier).

    Args:
        curves: from the present toys.
        signal: present number of signal+background toys at each point, shape (n,).
        background: present number of background-only toys at each point, shape (n,).
        target: relative error.

    Returns:
        signal+background and background-only toys in all at each point, shape (n,) each; not below the present ones.
    """
    more_signal, more_background = signal.astype(float), background.astype(float)
    for limit in (curves.limits[OBSERVED], curves.limits[MEDIAN]):
        if relative_error(limit) <= target:
            continue
        if limit.signal_variance is None:
            wanted_signal, wanted_background = signal * GROWTH_WITHOUT_LIMIT, background * GROWTH_WITHOUT_LIMIT
        else:
            model_error = min(limit.model_error / limit.limit.value, MODEL_SHARE * target)
            aim = AIM * np.sqrt(target**2 - model_error**2)
            wanted_signal, wanted_background = _cheapest_numbers(limit, signal, background, aim)
        more_signal = np.maximum(more_signal, np.minimum(wanted_signal, signal * MAX_GROWTH))
        more_background = np.maximum(more_background, np.minimum(wanted_background, background * MAX_GROWTH))
    return more_signal, more_background


def _cheapest_numbers(
    limit: ToyLimit, signal: np.ndarray, background: np.ndarray, target: float
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of toys of both hypotheses for a statistical error of the target; see `allocate`."""
    used = limit.used
    fits_per_background_toy = 1.0 + used.sum()  # a free one, and a held one at each point
    of_signal = limit.signal_variance * signal
    of_background = limit.background_variance * background[used].min()
    total = np.sqrt(of_signal * FITS_PER_SIGNAL_TOY).sum() + np.sqrt(of_background * fits_per_background_toy)
    wanted_signal = np.sqrt(of_signal / FITS_PER_SIGNAL_TOY) * total / target**2
    wanted_background = np.sqrt(of_background / fits_per_background_toy) * total / target**2
    return wanted_signal, np.where(used, wanted_background, 0.0)
