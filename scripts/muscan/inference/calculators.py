"""p-values and CLs from a test statistic."""

import math
from typing import NamedTuple

import numpy as np

N_SIGMA = (-2, -1, 0, 1, 2)  # deviations of mu_hat under the background-only hypothesis, in the order of the bands
# Toys and asymptotic formulae disagree if they differ by more than SIGNIFICANT standard deviations of the toys, which
# happens by chance in one of 16,000 cases, and if this changes a limit by more than the fraction RELEVANT.
SIGNIFICANT, RELEVANT = 4.0, 0.05
FAR = 35.0  # standard deviations, at which 1 - Phi is close to the smallest floating-point number


class PValues(NamedTuple):
    """Tail probabilities; `CLs_exp` has five values, from -2 sigma (the strongest exclusion) to +2 sigma."""

    CLs_obs: float
    CLs_exp: list[float]
    CLsb_obs: float
    CLb_obs: float


def tail(x: float) -> float:
    """Return 1 - Phi(x), the p-value of x standard deviations."""
    return 0.5 * math.erfc(x / math.sqrt(2))


def _cls(distance: float, shift: float) -> float:
    """(1 - Phi(distance + shift)) / (1 - Phi(distance)), without 0/0 far in the tails."""
    if distance <= 0 or distance + shift < FAR:
        return tail(distance + shift) / tail(distance)
    from scipy.special import erfcx  # slow to import and rarely needed

    # 1 - Phi(x) = exp(-x^2 / 2) erfcx(x / sqrt(2)) / 2, and the ratio of the exponentials is simplified analytically.
    ratio = erfcx((distance + shift) / math.sqrt(2)) / erfcx(distance / math.sqrt(2))
    return float(math.exp(-shift * (distance + shift / 2)) * ratio)


def asymptotics(test_statistic: str, q_obs: float, q_asimov: float) -> PValues:
    """Return asymptotic p-values, as pyhf.infer.calculators.AsymptoticCalculator defines them.

    Args:
        test_statistic: "qtilde", "q" or "q0".
        q_obs: the observed value of the test statistic.
        q_asimov: its value on the Asimov data; zero if mu has no effect, and then CLs is 1.

    Source: arXiv:1007.1727, equations (59) and (65) to (67) for qtilde, and (89) for the bands. For q0 the p-values of
    the background-only hypothesis take the place of CLs, as in pyhf.
    """
    root, shift = math.sqrt(q_obs), math.sqrt(q_asimov)
    if test_statistic == "qtilde" and root > shift > 0:
        distance = (q_obs - q_asimov) / (2 * shift)
    else:
        distance = root - shift
    CLsb, CLb = tail(distance + shift), tail(distance)
    if test_statistic == "q0":
        return PValues(CLsb, [tail(shift - n) for n in N_SIGMA], CLsb, CLb)
    return PValues(_cls(distance, shift), [_cls(-n, shift) for n in N_SIGMA], CLsb, CLb)


def distribution(test_statistic: str, q: np.ndarray, q_asimov: float, signal: bool) -> np.ndarray:
    """Return the asymptotic probability that a test statistic is at most q.

    Args:
        test_statistic: "qtilde" or "q".
        q: values of the test statistic, not negative, any shape.
        q_asimov: its value on the Asimov data.
        signal: whether the data are signal+background, or background-only.

    Source: arXiv:1007.1727, equations (57) and (65), with sigma = mu / sqrt(q_asimov).
    """
    shift = math.sqrt(q_asimov)
    distance = np.sqrt(q) - (0 if signal else shift)
    if test_statistic == "qtilde" and shift > 0:
        distance = np.where(q > q_asimov, (q + (q_asimov if signal else -q_asimov)) / (2 * shift), distance)
    return 0.5 * np.vectorize(math.erfc, otypes=[float])(-distance / math.sqrt(2))


CALCULATORS = {"asymptotics": asymptotics}
