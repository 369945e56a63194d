"""The distance of CLs from its threshold in a scale in which it is nearly linear in mu."""

import numpy as np
from scipy.special import ndtri

# Smallest and largest CLs whose logarithm or normal quantile is taken.
LEAST_CLS, MOST_CLS = 1e-300, 1 - 1e-16


def probit_distance(cls: np.ndarray | float, alpha: float) -> np.ndarray | float:
    """Return the normal quantile of CLs, which is nearly linear in mu, minus that of alpha: zero at a limit."""
    return ndtri(np.clip(cls, LEAST_CLS, MOST_CLS)) - ndtri(alpha)
