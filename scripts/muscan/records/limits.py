"""limits.json: the six upper limits of a scan."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from muscan.records.columns import FIVE_NONE
from muscan.records.record import Record

BOTH = ("observed_limit", "expected_limit")
BLINDED = "blinded"  # status of the observed limit of a blind analysis


@dataclass(frozen=True)
class Limits(Record):
    """limits.json. `status`, `reason` and `bound` have one entry for each limit."""

    FILE: ClassVar[str] = "limits"

    calculator: str  # "asymptotics" or "toybased"
    test_statistic: str  # "qtilde" or "q"
    confidence_level: float
    observed_limit: float | None  # upper limit on mu
    expected_limit: list[float | None]  # upper limits expected without signal, at -2 to +2 sigma
    status: dict[str, Any]  # {"observed_limit": "ok", "expected_limit": ["ok", ...]}
    reason: dict[str, Any]  # same shape: why there is no number
    bound: dict[str, Any]  # same shape: the end of the scan beyond which a limit lies
    points: list[dict]  # {"mu", "CLs_obs", "CLs_exp", "refinement"}: the curve, tests near the limits included
    failed_points: list[dict]  # tests that failed: {"mu", "status", "reason"}
    # Stated bounds that fits of the tests met: [{"parameter", "bound", "data": "observed" or "asimov", "mu": [...]}]
    at_bounds: list[dict] = field(default_factory=list)
    nominal: dict | None = None  # {"CLs_obs", "CLs_exp"} of mu = 1, None each where the test failed
    # Of limits from toys alone; their points have CLs_obs_error, CLs_exp_error, CLs_status, q_obs and counts of toys too.

    observed_limit_error: float | None = None  # of limits from toys: the error, that of the curve included
    expected_limit_error: list[float | None] = field(default=FIVE_NONE)  # the same for the expected limits
    observed_limit_model_error: float | None = None  # the part of the error that is due to the choice of the curve
    expected_limit_model_error: list[float | None] = field(default=FIVE_NONE)  # the same for the expected limits
    # All limits if every failed toy spoke for exclusion, and if every one spoke against it: {"for_exclusion",
    # "against_exclusion"}.
    failed_toys: dict | None = None
    # What was thrown: {"seed", "block", "thrown", "mu", "blocks_by_round", "target", "target_reached",
    # "max_failed_fraction"}.
    toys: dict | None = None
    asymptotics: dict | None = None  # the asymptotic Limits, for comparison

    # Of asymptotic limits alone: what toys, or the events on which they rest, say of them, see limit_check.py.
    check: dict | None = None
    made_by: dict = field(default_factory=dict)  # versions, options, digests of the inputs

    @classmethod
    def failed(cls, reason: str, confidence_level: float | None, **more) -> "Limits":
        """The record of a scan that could not be run; `more` has the calculator and the test statistic at least."""
        parts = {"status": "fit_failed", "reason": reason, "bound": None}
        six = {key: {BOTH[0]: value, BOTH[1]: [value] * 5} for key, value in parts.items()}
        none = {"observed_limit": None, "expected_limit": [None] * 5, "points": [], "failed_points": []}
        return cls(confidence_level=confidence_level, **none | six | more)

    def blinded(self) -> "Limits":
        """Without what would be the limit of observed data."""
        hidden = {
            "observed_limit": None,
            "observed_limit_error": None,
            "observed_limit_model_error": None,
            "points": [_hidden(each) for each in self.points],
        }
        said = {"status": BLINDED, "reason": None, "bound": None}
        hidden |= {key: getattr(self, key) | {BOTH[0]: value} for key, value in said.items()}
        if self.nominal:
            hidden["nominal"] = self.nominal | {"CLs_obs": None}
        if self.failed_toys:
            hidden["failed_toys"] = {
                name: each | {BOTH[0]: None, "status": each["status"] | {BOTH[0]: BLINDED}}
                for name, each in self.failed_toys.items()
            }
        return replace(self, **hidden)

    def is_blinded(self) -> bool:
        return self.status[BOTH[0]] == BLINDED

    def six(self) -> list[tuple[float | None, str, str | None, float | None]]:
        """(value, status, reason, bound) of the observed and the five expected limits."""
        parts = ({name: getattr(self, name) for name in BOTH}, self.status, self.reason, self.bound)
        return list(zip(*([part[BOTH[0]], *part[BOTH[1]]] for part in parts), strict=True))

    def asymptotic(self) -> "Limits | None":
        """The asymptotic limits beside those from toys."""
        return Limits.from_json(self.asymptotics) if self.asymptotics else None

    def warnings(self) -> list[str]:
        """What a check of asymptotic limits warns of."""
        return self.check["warnings"] if self.check else []

    def errors(self) -> list[float | None]:
        """Errors of the six limits, from toys."""
        return [self.observed_limit_error, *self.expected_limit_error]


def _hidden(point: dict) -> dict:
    """A point of the curves without the observed one."""
    hidden = point | {key: None for key in ("CLs_obs", "CLs_obs_error", "q_obs") if key in point}
    return hidden | ({"CLs_status": [BLINDED, *point["CLs_status"][1:]]} if "CLs_status" in point else {})
