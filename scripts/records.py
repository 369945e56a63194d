"""The results of the steps, one class per kind of JSON file: the names of their keys stand here and nowhere else."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

BOTH = ("observed_limit", "expected_limit")
BLINDED = "blinded"  # status of the observed limit of a blind analysis
FIVE_NONE = (None,) * 5
# Names of the six limits, in the order of `Limits.six`: columns of limits.csv.
LIMIT_COLUMNS = ("observed_limit", "expected_m2", "expected_m1", "expected", "expected_p1", "expected_p2")
CLS_COLUMNS = ("CLs_obs", "CLs_exp_m2", "CLs_exp_m1", "CLs_exp", "CLs_exp_p1", "CLs_exp_p2")  # of mu = 1
CROSS_SECTION_COLUMNS = tuple(f"xsec_{name}" for name in LIMIT_COLUMNS)  # upper limits on cross sections
ERROR_COLUMNS = tuple(f"{name}_error" for name in LIMIT_COLUMNS)  # statistical errors of limits from toys
FIT_COLUMNS = ("mu_hat", "mu_hat_error", "mu_hat_at_bound", "gof_p_value")
# Names that labels of signals cannot have in tables.
_COLUMNS = frozenset(LIMIT_COLUMNS + ERROR_COLUMNS + CLS_COLUMNS + CROSS_SECTION_COLUMNS + FIT_COLUMNS) | {
    *("analysis", "signal", "calculator", "confidence_level", "status", "test_statistic", "failed_points", "reason"),
    "warning",
    *("limit", "toybased", "error", "asymptotics", "ratio", "ratio_error", "for_exclusion", "against_exclusion"),
    *("cross_section", "cross_section_error", "unit", "excluded", "expected_excluded"),
}


def label_column(label: str | None) -> str | None:
    """The column of a label of the signals in tables: its name, unless another column has it."""
    return f"label_{label}" if label in _COLUMNS else label


def statuses(text: str) -> dict[str, str]:
    """The status of each limit, from the column `status` of a table."""
    if ":" not in text:
        return dict.fromkeys(LIMIT_COLUMNS, text)
    parts = [part.partition(":") for part in text.split(";")]
    named = {column: status.strip() for status, _, columns in parts for column in columns.split()}
    return dict.fromkeys(LIMIT_COLUMNS, "ok") | named


@dataclass(frozen=True)
class Record:
    """A result that is written as a JSON object."""

    def to_json(self) -> dict:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_json(cls, record: dict):
        return cls(**record)


@dataclass(frozen=True)
class Hypotest(Record):
    """One tested mu: hypotest/mu_{mu}.json. Numbers are None if the test failed."""

    mu: float
    status: str  # "ok" or "fit_failed"
    reason: str | None = None
    CLs_obs: float | None = None
    CLs_exp: list[float | None] = field(default=FIVE_NONE)  # -2 sigma first
    CLsb_obs: float | None = None
    CLb_obs: float | None = None
    q_obs: float | None = None
    q_asimov: float | None = None
    rescued_fits: int = 0  # fits that Minuit had to finish
    # Stated bounds that the fits to the observed and the Asimov data met: {"observed": {"k": 10.0}}.
    at_bounds: dict[str, dict[str, float]] = field(default_factory=dict)
    engine: str = "newton"
    calculator: str = "asymptotics"
    test_statistic: str = "qtilde"
    made_by: dict = field(default_factory=dict)

    def blinded(self) -> "Hypotest":
        """Without what would be the test of observed data."""
        return replace(self, CLs_obs=None, CLsb_obs=None, CLb_obs=None, q_obs=None)


def bounds_met(tests: Iterable["Hypotest | ToyPoint"]) -> list[dict]:
    """`Limits.at_bounds`: stated bounds that fits of these tests met, and at which mu."""
    found: dict[tuple[str, float, str], list[float]] = {}
    for test in sorted(tests, key=lambda test: test.mu):
        for data, bounds in test.at_bounds.items():
            for parameter, bound in bounds.items():
                found.setdefault((parameter, bound, data), []).append(test.mu)
    return [{"parameter": name, "bound": bound, "data": data, "mu": mu} for (name, bound, data), mu in found.items()]


@dataclass(frozen=True)
class Limits(Record):
    """limits.json. `status`, `reason` and `bound` have one entry for each limit."""

    FILE: ClassVar[str] = "limits"

    calculator: str
    test_statistic: str
    confidence_level: float
    observed_limit: float | None
    expected_limit: list[float | None]  # -2 sigma first
    status: dict[str, Any]  # {"observed_limit": "ok", "expected_limit": ["ok", ...]}
    reason: dict[str, Any]  # same shape: why there is no number
    bound: dict[str, Any]  # same shape: the end of the scan beyond which a limit lies
    points: list[dict]  # {"mu", "CLs_obs", "CLs_exp", "refinement"}: the curve, tests near the limits included
    failed_points: list[dict]  # {"mu", "status", "reason"}
    # Stated bounds that fits of the tests met: [{"parameter", "bound", "data": "observed" or "asimov", "mu": [...]}]
    at_bounds: list[dict] = field(default_factory=list)
    nominal: dict | None = None  # {"CLs_obs", "CLs_exp"} of mu = 1, None each where the test failed
    # Of limits from toys alone: errors, and the part of them that is due to the curve through the points (these have
    # CLs_obs_error, CLs_exp_error, q_obs and counts too); all limits with the failed toys counted for and against
    # exclusion; what was thrown; the asymptotic Limits.
    observed_limit_error: float | None = None
    expected_limit_error: list[float | None] = field(default=FIVE_NONE)
    observed_limit_model_error: float | None = None
    expected_limit_model_error: list[float | None] = field(default=FIVE_NONE)
    failed_toys: dict | None = None
    toys: dict | None = None
    asymptotics: dict | None = None
    # Of asymptotic limits alone: what toys, or the events that they rest on, say of them, see limit_check.py.
    check: dict | None = None
    made_by: dict = field(default_factory=dict)

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


@dataclass(frozen=True)
class ToyPoint(Record):
    """A tested mu: the fit to the data from which signal+background toys are thrown, and how many there are to be."""

    mu: float
    status: str  # "ok" or "fit_failed"
    reason: str | None = None
    q_obs: float | None = None
    q_asimov: float | None = None
    parameters: list[float] | None = None
    signal: list[int] = field(default_factory=list)  # blocks in all, after each round
    background: list[int] = field(default_factory=list)
    at_bounds: dict[str, dict[str, float]] = field(default_factory=dict)  # as in `Hypotest`


@dataclass(frozen=True)
class ToyPlan(Record):
    """toybased/plan_{round}.json: which toys are to be thrown."""

    test_statistic: str
    confidence_level: float
    seed: int
    block: int  # toys of a block
    max_failed_fraction: float
    target: float | None  # relative error of the observed and the median expected limit
    max: int | None  # toys in all
    points: list[ToyPoint]
    asymptotics: dict  # Limits of the asymptotic calculator
    made_by: dict = field(default_factory=dict)

    def toys(self) -> int:
        """How many there are to be, of both hypotheses and at all points."""
        signal, background = ([each[-1] for each in blocks if each] for blocks in self.blocks())
        return self.block * (sum(signal) + max(background, default=0))

    def blocks(self) -> tuple[list[list[int]], list[list[int]]]:
        """`signal` and `background` of all points."""
        return [point.signal for point in self.points], [point.background for point in self.points]

    def to_json(self) -> dict:
        return super().to_json() | {"points": [point.to_json() for point in self.points]}

    @classmethod
    def from_json(cls, record: dict):
        return cls(**record | {"points": [ToyPoint.from_json(point) for point in record["points"]]})


@dataclass(frozen=True)
class Parameters(Record):
    """The free best fit, one entry per parameter."""

    names: list[str]
    values: list[float]
    errors: list[float | None]  # HESSE; zero for fixed parameters, None where the likelihood is flat
    correlations: list[list[float | None]]
    initial: list[float]
    constraint_widths: list[float | None]  # None: unconstrained or fixed
    fixed: list[bool]
    at_bound: list[bool]


@dataclass(frozen=True)
class ChannelYields(Record):
    """Events of one channel; `samples` maps a sample to prefit, prefit_error, postfit, postfit_error, per bin.

    postfit_error is None where the fit has no covariance.
    """

    channel: str
    observed: list[float] | None  # None in a blind analysis
    samples: dict[str, dict[str, list[float]]]
    total: dict[str, list[float]]


@dataclass(frozen=True)
class FitResult(Record):
    """fit.json: everything that does not depend on the tested mu."""

    FILE: ClassVar[str] = "fit"

    poi: str
    poi_bounds: list[float]  # in every fit of this signal
    mu_hat: float | None  # None in a blind analysis
    mu_hat_error: float | None  # HESSE; None where the likelihood is flat
    mu_hat_minos: list[float | None]  # offsets, negative one first; None where a bound is met
    deviance: float  # -2 log [L / L(saturated)] at the best fit
    parameters: dict  # Parameters
    reference: dict  # the fit with mu held at the value of the Asimov data: {"mu", "values", "deviance"}
    asimov: list[float]  # main then auxiliary data
    goodness_of_fit: dict  # {"statistic", "ndof", "p_value"}
    yields: list[dict]  # ChannelYields
    interpolation: dict
    test_statistic: str
    fitted_by: dict  # {"engine": ..., "free": who found the minimum, "reference": ..., "repeated": the free fit}
    mu: list[float] | None = None  # values to be tested, where they follow from the limits
    warnings: list[dict] = field(default_factory=list)  # what is odd about the model: inference.findings.Finding
    factor_bounds: dict = field(default_factory=dict)  # {name: upper bound} of free factors whose default was too low
    at_bounds: dict = field(default_factory=dict)  # {"free" and "reference": {name: the bound that this fit met}}
    stated_bounds: list[str] = field(default_factory=list)  # free parameters whose bounds the workspace states
    blinded: bool = False  # the fits are to the expectation of the background: no number of them is observed
    made_by: dict = field(default_factory=dict)
