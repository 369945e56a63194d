"""Ranges of scans, and the curves in them."""

import numpy as np

from helpers.workspaces import engine_of
from muscan.inference.fit_bounds import fit_and_find_range
from muscan.inference.hypotest import hypotests


def ranged(spec: dict, test_statistic: str = "qtilde", alpha: float = 0.05):
    return fit_and_find_range(lambda bound: engine_of(spec, {}, test_statistic, bound), test_statistic, alpha)


def curves(engine, fits, mu, test_statistic: str = "qtilde") -> np.ndarray:
    """CLs of the six curves at each mu, shape (len(mu), 6)."""
    tested = [each.p_values for each in hypotests(engine, fits, mu, test_statistic, "asymptotics")]
    return np.array([[each.CLs_obs, *each.CLs_exp] for each in tested])
