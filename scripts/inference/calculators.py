"""p-values and CLs from a test statistic."""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import erfcx, ndtr

N_SIGMA = (-2, -1, 0, 1, 2)  # of mu_hat under the background-only hypothesis, in the order of every band


class PValues(NamedTuple):
    """Tail probabilities; `CLs_exp` holds five values, -2 sigma (the strongest exclusion) first."""

    CLs_obs: float
    CLs_exp: list[float]
    CLsb_obs: float
    CLb_obs: float


def _cls(distance: float | np.ndarray, shift: float) -> float | np.ndarray:
    """(1 - Phi(distance + shift)) / (1 - Phi(distance)), without 0/0 far in the tails.

    There 1 - Phi(x) = exp(-x^2 / 2) erfcx(x / sqrt(2)) / 2, and the exponentials are divided by hand.
    """
    far = np.maximum(distance, 0.0)
    ratio = erfcx((far + shift) / math.sqrt(2)) / erfcx(far / math.sqrt(2))
    in_tails = np.exp(-shift * (far + shift / 2)) * ratio
    return np.where(distance > 0, in_tails, ndtr(-(distance + shift)) / ndtr(-np.minimum(distance, 0.0)))


def asymptotics(test_statistic: str, q_obs: float, q_asimov: float) -> PValues:
    """Asymptotic p-values as pyhf.infer.calculators.AsymptoticCalculator defines them.

    Args:
        test_statistic: "qtilde", "q" or "q0".
        q_obs: the observed value of the test statistic.
        q_asimov: its value on the Asimov data; zero if mu has no effect, and then CLs is 1.

    Source: arXiv:1007.1727, equations (59) and (65) to (67) for qtilde, and (89) for the bands. For q0 the p-values of
    the background-only hypothesis stand in the place of CLs, as in pyhf.
    """
    root, shift = math.sqrt(q_obs), math.sqrt(q_asimov)
    if test_statistic == "qtilde" and root > shift > 0:
        distance = (q_obs - q_asimov) / (2 * shift)
    else:
        distance = root - shift
    CLsb, CLb = float(ndtr(-(distance + shift))), float(ndtr(-distance))
    expected = -np.asarray(N_SIGMA, dtype=float)
    if test_statistic == "q0":
        return PValues(CLsb, ndtr(-(expected + shift)).tolist(), CLsb, CLb)
    return PValues(float(_cls(distance, shift)), _cls(expected, shift).tolist(), CLsb, CLb)


CALCULATORS = {"asymptotics": asymptotics}
