"""discovery.json: how likely an excess is without signal, observed and expected for mu = 1."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from muscan.records.columns import FIVE_NONE
from muscan.records.limits import BLINDED
from muscan.records.record import Record


@dataclass(frozen=True)
class Discovery(Record):
    """discovery.json: the p-value p0 of the hypothesis without signal, and its significance Z.

    Expected values are those of data with a signal of mu = 1, in a list from a fluctuation of the data by -2 sigma (the
    smallest excess) to one by +2 sigma (the largest), shape (5,). The asymptotic ones are Z = sqrt(q0) + N, which is
    negative where the data fluctuate to a deficit.
    """

    KIND: ClassVar[str] = "a discovery.json"

    calculator: str  # "asymptotics" or "toybased"
    # {"observed", "expected"}: "ok"; "blinded"; "toys_too_few" if toys give only upper bounds; "at_bound" if mu_hat is
    # at the upper bound of the fits, so that asymptotic formulae give only bounds of p0 and Z; "no_effect" if the
    # events do not depend on mu; "fit_failed". The expected values have the status of their median.
    status: dict[str, str]
    reason: dict[str, str | None]  # {"observed", "expected"}: why there is no p0, as a sentence
    blinded: bool  # whether the analysis is blind: the expected values do not depend on the data
    mu_hat: float | None  # best-fit value of mu; None in a blind analysis
    # Whether the best fit is without signal or with a negative one, so that q0 is 0, p0 is 0.5 and Z is 0; None in a
    # blind analysis, or if the fit has failed.
    no_excess: bool | None
    q0_obs: float | None  # observed test statistic q0
    p0_obs: float | None  # observed p0
    Z_obs: float | None  # observed Z, in standard deviations
    q0_exp: list[float | None]  # expected q0, shape (5,)
    p0_exp: list[float | None]  # expected p0, shape (5,)
    Z_exp: list[float | None]  # expected Z, shape (5,)
    # Upper bound of p0 where it is None: at 95 % confidence level if too few toys are in the tail; the value for a
    # mu_hat at its bound; or the smallest number that can be stored, if asymptotic formulae give less.
    p0_obs_bound: float | None = None
    p0_exp_bound: list[float | None] = field(default=FIVE_NONE)  # of the expected p0, shape (5,)
    Z_obs_bound: float | None = None  # lower bound of Z that follows from that of p0, where Z is None
    Z_exp_bound: list[float | None] = field(default=FIVE_NONE)  # the same of the expected Z, shape (5,)
    p0_obs_error: float | None = None  # statistical error of p0. Toys only
    p0_exp_error: list[float | None] = field(default=FIVE_NONE)  # statistical errors, shape (5,). Toys only
    # p0 with all failed toys counted in the tail and outside of it: {"in_tail", "outside"}, with {"p0_obs", "p0_exp"}.
    # Toys only.
    failed_toys: dict | None = None
    # The toys that were thrown: {"seed", "block", "thrown", "target", "target_reached", "max_failed_fraction",
    # "background", "signal"}, with counts by outcome for each hypothesis. Toys only.
    toys: dict | None = None
    asymptotics: dict | None = None  # the asymptotic values of the same signal, a `Discovery`. Toys only
    made_by: dict = field(default_factory=dict)  # versions, digests of the inputs, and options

    def at_bound(self, bound: float) -> Self:
        """Return the record for a mu_hat at its upper bound: with bounds in the place of the observed p0 and Z.

        Args:
            bound: of mu in the fits.
        """
        why = f"mu_hat is at the upper bound of the fits, {bound:g}: include larger values of mu in the scan"
        return replace(
            self,
            status=self.status | {"observed": "at_bound"},
            reason=self.reason | {"observed": why},
            p0_obs=None,
            Z_obs=None,
            p0_obs_bound=self.p0_obs_bound if self.p0_obs is None else self.p0_obs,
            Z_obs_bound=self.Z_obs,
        )

    def without_observed(self) -> Self:
        """Return the record of a blind analysis: without all that follows from observed data."""
        hidden: dict[str, Any] = dict.fromkeys(
            ("mu_hat", "no_excess", "q0_obs", "p0_obs", "Z_obs", "p0_obs_bound", "Z_obs_bound", "p0_obs_error")
        )
        if self.failed_toys:
            hidden["failed_toys"] = {name: each | {"p0_obs": None} for name, each in self.failed_toys.items()}
        status, reason = self.status | {"observed": BLINDED}, self.reason | {"observed": None}
        return replace(self, status=status, reason=reason, blinded=True, **hidden)
