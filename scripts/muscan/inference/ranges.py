"""Which values of mu a scan has to test: from zero to beyond all six limits, found from asymptotic tests."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri

from muscan.base.errors import FitError
from muscan.histfactory.parameters import LARGEST_MU
from muscan.inference.engine import Engine
from muscan.inference.hypotest import Prepared, hypotest

POINTS = 16  # of a scan, mu = 0 included
MARGIN = 1.15  # of the last point above the largest limit
LEAST = 1e-12  # of the largest limit: fits cannot tell much smaller values of mu from zero
WIDEST = 30.0  # change of mu from one test to the next
PRECISION = 0.02  # of the largest limit
AROUND = (1.0, 1.07, 0.93, 1.21, 0.8)  # where a test is made instead if it fails
# sqrt(q) of the Asimov data at the largest expected limit, +2 sigma, for limits at 95 %; where to look for it.
LARGEST = 3.66


def scan_range(engine: Engine, prepared: Prepared, test_statistic: str, alpha: float) -> list[float]:
    """Equally spaced values from 0 to beyond the observed and all expected limits; to LARGEST_MU if there are none.

    Args:
        engine, prepared: with bounds of the POI that hold LARGEST_MU.
        alpha: 1 - confidence level.

    Raises:
        FitError: if tests fail everywhere around a value that is needed, or all limits are below LEAST.
    """
    tested: dict[float, tuple[float, float]] = {}

    def distance(mu: float) -> float:
        """Above zero where not all limits are below mu."""
        if mu not in tested:
            tested[mu] = _test_near(engine, prepared, mu, test_statistic)
        return float(ndtri(np.clip(tested[mu][0], 1e-300, 1 - 1e-16)) - ndtri(alpha))

    low, high = 0.0, 1.0
    while distance(high) > 0 and high < LARGEST_MU:
        low, high = high, min(high * _towards(tested[high][1], 1.2), LARGEST_MU)
    while not low and distance(high / WIDEST) <= 0:
        high /= WIDEST
        if high < LEAST:
            raise FitError(f"all limits are below {engine.model.poi_name} = {LEAST:g}: make the signal smaller")
    low = low or high / WIDEST
    last = LARGEST_MU if distance(high) > 0 else MARGIN * brentq(distance, low, high, rtol=PRECISION)
    step = float(f"{last / (POINTS - 1):.2g}")
    return [float(f"{i * step:.6g}") for i in range(POINTS)]


def _towards(root: float, beyond: float) -> float:
    """By which factor mu must grow until sqrt(q) of the Asimov data, proportional to it, is at its largest limit."""
    return float(np.clip(beyond * LARGEST / max(root, 1e-9), 1.5, WIDEST))


def _test_near(engine: Engine, prepared: Prepared, mu: float, test_statistic: str) -> tuple[float, float]:
    """The largest CLs of the six curves, and sqrt(q) of the Asimov data, at or near mu."""
    for factor in AROUND:
        try:
            tested = hypotest(engine, prepared, mu * factor, test_statistic, "asymptotics")
        except FitError as error:
            last = error
        else:
            return max(tested.p_values.CLs_obs, *tested.p_values.CLs_exp), np.sqrt(tested.q_asimov)
    raise FitError(f"no range for mu was found: {last}")
