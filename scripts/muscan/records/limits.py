"""limits.json: the observed and the five expected upper limits of a scan."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple, Self

from muscan.base.errors import LONGEST_REASON
from muscan.base.words import shorten
from muscan.records.columns import FIVE_NONE
from muscan.records.record import Record

LIMIT_KEYS = OBSERVED, EXPECTED = ("observed_limit", "expected_limit")
BLINDED = "blinded"  # status of the observed limit of a blind analysis


class LimitEntry(NamedTuple):
    """What limits.json holds of one of the six limits."""

    value: float | None  # the limit on mu
    status: str  # "ok", or why there is no number
    reason: str | None  # why there is no number, as a sentence
    bound: float | None  # the end of the scan beyond which the limit lies


@dataclass(frozen=True)
class Limits(Record):
    """limits.json: the observed and the five expected upper limits of a scan.

    Expected limits are lists from -2 sigma (the strongest limit) to +2 sigma, shape (5,). Where a field has an entry
    for each of the six limits, it is {"observed_limit": entry, "expected_limit": [five entries]}.
    """

    KIND: ClassVar[str] = "a limits.json"

    calculator: str  # "asymptotics" or "toybased"
    test_statistic: str  # "qtilde", "q" or "q0"
    confidence_level: float  # such as 0.95: a limit is where CLs is 1 - confidence_level
    observed_limit: float | None  # observed upper limit on mu
    expected_limit: list[float | None]  # expected upper limits on mu, -2 sigma to +2 sigma, shape (5,)
    status: dict[str, Any]  # of each limit: "ok", or why there is no number, see `inference.limits.STATUSES`
    reason: dict[str, Any]  # of each limit: why there is no number, as a sentence; otherwise None
    bound: dict[str, Any]  # of each limit: the end of the scan beyond which it lies, otherwise None
    # Tests that succeeded, in order of mu: {"mu", "CLs_obs", "CLs_exp", "refinement"}, where refinement tells whether
    # the test was added to the scan near a limit. Tests with toys have more keys: {"CLs_obs_error", "CLs_exp_error",
    # "CLs_status", "q_obs", "toys"}, with counts of toys by hypothesis.
    points: list[dict]
    failed_points: list[dict]  # tests that failed: {"mu", "status", "reason"}
    # Bounds stated by the workspace at which fits ended: {"parameter", "bound", "data", "mu"}, where data is "observed"
    # or "asimov", and mu lists the tested values.
    at_bounds: list[dict] = field(default_factory=list)
    # CLs at mu = 1, the predicted signal: {"CLs_obs", "CLs_exp"}. Asymptotic limits only.
    nominal: dict | None = None
    observed_limit_error: float | None = None  # statistical error of the observed limit. Limits from toys only
    # Statistical errors of the expected limits, shape (5,). Limits from toys only.
    expected_limit_error: list[float | None] = field(default=FIVE_NONE)
    # The part of `observed_limit_error` that comes from the curve through the points. Limits from toys only.
    observed_limit_model_error: float | None = None
    # The parts of `expected_limit_error` that come from the curve through the points. Limits from toys only.
    expected_limit_model_error: list[float | None] = field(default=FIVE_NONE)
    # The limits with all failed toys counted for and against exclusion: {"for_exclusion", "against_exclusion"}, with
    # values and statuses of the six limits. Limits from toys only.
    failed_toys: dict | None = None
    # The toys that were thrown: {"seed", "block", "thrown", "mu", "blocks_by_round", "target", "target_reached",
    # "max_failed_fraction"}. Limits from toys only.
    toys: dict | None = None
    asymptotics: dict | None = None  # the asymptotic limits of the same signal, a `Limits`. Limits from toys only
    # Check of the asymptotic formulae: {"by", "reason", "warnings"}, and for the observed and the median expected limit
    # {"observed", "expected"}. `by` is "toys", "events" or None (no check). Asymptotic limits only.
    check: dict | None = None
    made_by: dict = field(default_factory=dict)  # versions, digests of the inputs, and options

    @classmethod
    def from_failure(cls, reason: str, confidence_level: float | None, **more: Any) -> Self:
        """Make the record of a scan that could not be run.

        Args:
            reason: why, as a sentence; it is cut after `LONGEST_REASON` characters.
            confidence_level: of the limits; None if it is not known.
            more: further fields; `calculator` and `test_statistic` at least.
        """
        entry = {"status": "fit_failed", "reason": shorten(reason, LONGEST_REASON), "bound": None}
        entries = {key: {OBSERVED: value, EXPECTED: [value] * 5} for key, value in entry.items()}
        no_limits = {OBSERVED: None, EXPECTED: [None] * 5, "points": [], "failed_points": []}
        return cls(confidence_level=confidence_level, **no_limits | entries | more)

    def without_observed(self) -> Self:
        """Return the record of a blind analysis: without all that follows from observed data."""
        hidden: dict[str, Any] = {
            "observed_limit": None,
            "observed_limit_error": None,
            "observed_limit_model_error": None,
            "points": [_point_without_observed(point) for point in self.points],
        }
        entry = {"status": BLINDED, "reason": None, "bound": None}
        hidden |= {key: getattr(self, key) | {OBSERVED: value} for key, value in entry.items()}
        if self.nominal:
            hidden["nominal"] = self.nominal | {"CLs_obs": None}
        if self.failed_toys:
            hidden["failed_toys"] = {
                name: limits | {OBSERVED: None, "status": limits["status"] | {OBSERVED: BLINDED}}
                for name, limits in self.failed_toys.items()
            }
        return replace(self, **hidden)

    def is_blinded(self) -> bool:
        """Return whether the analysis is blind, so that there is no observed limit."""
        return self.status[OBSERVED] == BLINDED

    def entries(self) -> list[LimitEntry]:
        """Return value, status, reason and bound of the observed and of the five expected limits, in this order."""
        values = {key: getattr(self, key) for key in LIMIT_KEYS}
        columns = ([column[OBSERVED], *column[EXPECTED]] for column in (values, self.status, self.reason, self.bound))
        return [LimitEntry(*entry) for entry in zip(*columns, strict=True)]

    def asymptotic_limits(self) -> Self | None:
        """Return the asymptotic limits in the record of limits from toys; None if there are none."""
        return self.from_json(self.asymptotics) if self.asymptotics else None

    def check_warnings(self) -> list[str]:
        """Return the warnings of the check of asymptotic limits."""
        return self.check["warnings"] if self.check else []

    def limit_errors(self) -> list[float | None]:
        """Return the statistical errors of the six limits, in the order of `entries`; None for asymptotic limits."""
        return [self.observed_limit_error, *self.expected_limit_error]


def _point_without_observed(point: dict) -> dict:
    """Return an entry of `Limits.points` without what follows from observed data."""
    hidden = point | {key: None for key in ("CLs_obs", "CLs_obs_error", "q_obs") if key in point}
    return hidden | ({"CLs_status": [BLINDED, *point["CLs_status"][1:]]} if "CLs_status" in point else {})
