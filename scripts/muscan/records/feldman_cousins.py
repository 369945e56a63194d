"""feldman_cousins.json: two-sided intervals of mu from toys, after G. Feldman and R. Cousins (physics/9711021)."""

from dataclasses import dataclass, field
from typing import ClassVar

from muscan.records.record import Record

# Of an end: `ok`, or why there is no number, or none inside of the bounds of mu.
END_STATUSES = ("ok", "at_bound", "beyond_tested", "toys_too_few", "fit_failed")


@dataclass(frozen=True)
class FeldmanCousins(Record):
    """feldman_cousins.json: two-sided intervals of mu from toys.

    An interval holds the mu with p >= 1 - level, where p is the fraction of toys of this mu whose test statistic
    t = -2 log L(mu) + 2 log L(mu_hat) is at least that of the data.
    """

    KIND: ClassVar[str] = "a feldman_cousins.json"

    poi: str  # name of the parameter of interest, mu
    data: str  # "observed", or "asimov" in a blind analysis: those expected for mu = 1
    mu_hat: float  # best-fit value of mu
    poi_bounds: list[float]  # lower and upper bound of mu in all fits, shape (2,)
    # For each confidence level {"level", "lower", "upper", "rejected_inside"}. Both ends are {"value", "error",
    # "status", "reason", "bound", "found_by", "with_failed_toys"}. The status is "ok"; "at_bound" (the interval reaches
    # the bound of mu, which is the value); or, without a value, "beyond_tested" (`bound` is the last mu that was
    # tested), "toys_too_few" or "fit_failed". `found_by` is "curve" (a smooth curve through p, with a statistical
    # error) or "bracket" (p may jump; the error reaches to tested mu that are inside and outside by 3 standard
    # deviations). `with_failed_toys` holds the end with all failed toys in the tail, and with none of them there.
    # `rejected_inside` lists tested mu inside of the interval that are significantly outside of the set.
    intervals: list[dict]
    # The tested mu in ascending order: {"mu", "p", "error", "t_obs", "p_asymptotic", "toys"}, where `p_asymptotic` is
    # that of a chi-square distribution, and `toys` counts toys by outcome.
    points: list[dict]
    failed_points: list[dict]  # mu without usable toys: {"mu", "status", "reason"}
    # Intervals from the profile of the likelihood: {"level", "lower", "upper"}, None where it ends at a bound.
    asymptotics: list[dict]
    # The toys: {"seed", "block", "thrown", "blocks_by_round", "target", "target_reached", "max_failed_fraction"}.
    toys: dict
    made_by: dict = field(default_factory=dict)  # versions, digests of the inputs, and options
