"""Upper limits estimated from CLs at a single mu, if no other values were tested.

For a Gaussian measurement of mu with the width sigma that is N standard deviations above the background expectation,
the asymptotic formulae of arXiv:1007.1727 give, for q and for qtilde,

    CLs(mu) = Phi(N - mu / sigma) / Phi(N),    limit = sigma (N + isf(alpha Phi(N))).

The observed and the expected CLs at one mu thus determine sigma and N, and these determine the limit. It is always on
the right side of the tested mu, and exact if CLs is alpha. Otherwise it is an estimate, because sqrt(q) of the Asimov
data is not always proportional to mu.
"""

import numpy as np
from scipy.optimize import elementwise
from scipy.special import log_ndtr, ndtr, ndtri

from muscan.inference.quantiles import LEAST_CLS

SIGMAS = np.arange(-2.0, 3.0)  # N of the five expected cases
MEDIAN = 2
N_RANGE = (-30.0, 40.0)  # of N: beyond, CLs is below LEAST_CLS, or as good as 1


def limits_from_cls(observed: np.ndarray, expected: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Estimate limits from CLs at one mu, in units of that mu.

    Args:
        observed: CLs, shape (n,), nan where it is missing.
        expected: CLs from -2 to +2 sigma, shape (n, 5).
        alpha: 1 - confidence level, shape (n,).

    Returns:
        the observed limits, shape (n,), and the expected ones, shape (n, 5); inf where CLs is 1; nan where CLs is
        missing (for an observed limit, also where the median expected CLs is), or where no Gaussian measurement has
        such CLs.
    """
    alpha = np.asarray(alpha, dtype=float)
    strengths = SIGMAS - ndtri(np.clip(expected, LEAST_CLS, 1) * ndtr(SIGMAS))  # mu / sigma
    n = _fluctuations(np.asarray(observed, dtype=float), strengths[:, MEDIAN])
    return (
        _on_its_side(_limits(n, strengths[:, MEDIAN], alpha), observed, alpha),
        _on_its_side(_limits(SIGMAS, strengths, alpha[:, None]), expected, alpha[:, None]),
    )


def _limits(n: np.ndarray, strengths: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return (n - ndtri(alpha * ndtr(n))) / np.maximum(strengths, 0)


def _on_its_side(limits: np.ndarray, cls: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The limits; nan where they contradict CLs, because of rounding or because no measurement has such CLs."""
    return np.where((limits < 1) == (cls < alpha), limits, np.nan)


def _fluctuations(cls: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """N of the data, within N_RANGE; nan where CLs or the strength is missing."""
    wanted = np.log(np.clip(cls, LEAST_CLS, 1))

    def distance(n: np.ndarray, strength: np.ndarray, log_cls: np.ndarray) -> np.ndarray:
        """The difference of log CLs, which rises with n."""
        return log_ndtr(n - strength) - log_ndtr(n) - log_cls

    low, high = (np.full(len(cls), end) for end in N_RANGE)
    found = elementwise.find_root(distance, (low, high), args=(strengths, wanted))
    beyond = np.where(distance(low, strengths, wanted) > 0, low, high)
    known = np.isfinite(strengths) & np.isfinite(wanted)
    return np.where(known, np.where(found.success, found.x, beyond), np.nan)
