"""The range of a scan, from mu = 0 to beyond all six limits, found from asymptotic tests."""

import numpy as np
from scipy.optimize import brentq

from muscan.base.errors import FitError
from muscan.histfactory.parameters import LARGEST_MU
from muscan.inference.engine import Engine
from muscan.inference.hypotest import Prepared, hypotest
from muscan.inference.quantiles import probit_distance

POINTS = 16  # number of points of a scan, including mu = 0
MARGIN = 1.15  # last point in units of the largest limit
LEAST = 1e-12  # smallest largest limit: fits cannot distinguish much smaller values of mu from zero
WIDEST = 30.0  # largest factor in mu from one test to the next
PRECISION = 0.02  # relative precision of the largest limit
RETRIES = (1.0, 1.07, 0.93, 1.21, 0.8)  # factors in mu at which a test is made in turn until one succeeds
LARGEST_ROOT = 3.66  # sqrt(q) of the Asimov data at the +2 sigma expected limit at 95 % CL


def scan_range(engine: Engine, prepared: Prepared, test_statistic: str, alpha: float) -> list[float]:
    """Return equally spaced values of mu from 0 to beyond all six limits, or to LARGEST_MU if there are no limits.

    Args:
        engine: with bounds of the POI that include LARGEST_MU.
        prepared: the fits that do not depend on mu.
        test_statistic: a key of TEST_STATISTICS.
        alpha: 1 - confidence level.

    Raises:
        FitError: if all tests around a required value fail, or if all limits are below LEAST.
    """
    tested: dict[float, tuple[float, float]] = {}

    def distance(mu: float) -> float:
        """Positive where at least one limit is above mu."""
        if mu not in tested:
            tested[mu] = _test_near(engine, prepared, mu, test_statistic)
        return float(probit_distance(tested[mu][0], alpha))

    low, high = 0.0, 1.0
    while distance(high) > 0 and high < LARGEST_MU:
        low, high = high, min(high * _growth(tested[high][1], 1.2), LARGEST_MU)
    while not low and distance(high / WIDEST) <= 0:
        high /= WIDEST
        if high < LEAST:
            raise FitError(f"all limits are below {engine.model.poi_name} = {LEAST:g}: make the signal smaller")
    low = low or high / WIDEST
    last = LARGEST_MU if distance(high) > 0 else MARGIN * brentq(distance, low, high, rtol=PRECISION)
    step = float(f"{last / (POINTS - 1):.2g}")
    return [float(f"{i * step:.6g}") for i in range(POINTS)]


def _growth(root: float, beyond: float) -> float:
    """The factor by which mu must grow to reach the largest limit, if sqrt(q) of the Asimov data is proportional to mu.

    Args:
        root: sqrt(q) of the Asimov data at the present mu.
        beyond: further factor, so that the next mu is beyond the limit.
    """
    return float(np.clip(beyond * LARGEST_ROOT / max(root, 1e-9), 1.5, WIDEST))


def _test_near(engine: Engine, prepared: Prepared, mu: float, test_statistic: str) -> tuple[float, float]:
    """The largest CLs of the six curves, and sqrt(q) of the Asimov data, at or near mu."""
    for factor in RETRIES:
        try:
            tested = hypotest(engine, prepared, mu * factor, test_statistic, "asymptotics")
        except FitError as error:
            last = error
        else:
            return max(tested.p_values.CLs_obs, *tested.p_values.CLs_exp), np.sqrt(tested.q_asimov)
    raise FitError(f"no range for mu was found: {last}")
