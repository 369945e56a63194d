"""hypotest/mu_{mu}.json: the test of one value of mu."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from muscan.records.columns import FIVE_NONE
from muscan.records.record import Record


@dataclass(frozen=True)
class Hypotest(Record):
    """hypotest/mu_{mu}.json: the test of one value of mu. Its numbers are None if the test failed."""

    KIND: ClassVar[str] = "a test of one value of mu"

    mu: float  # the tested value
    status: str  # "ok" or "fit_failed"
    reason: str | None = None  # why the test failed
    CLs_obs: float | None = None  # observed CLs
    CLs_exp: list[float | None] = field(default=FIVE_NONE)  # expected CLs, -2 sigma to +2 sigma, shape (5,)
    CLsb_obs: float | None = None  # observed p-value of the hypothesis with signal
    CLb_obs: float | None = None  # observed p-value of the hypothesis without signal
    q_obs: float | None = None  # the test statistic of the observed data
    q_asimov: float | None = None  # the test statistic of the Asimov data
    rescued_fits: int = 0  # fits that Minuit finished because Newton steps did not converge
    # Bounds stated by the workspace at which the fits to the observed and to the Asimov data ended:
    # {"observed": {name: bound}, "asimov": {name: bound}}.
    at_bounds: dict[str, dict[str, float]] = field(default_factory=dict)
    engine: str = "newton"  # what fitted
    calculator: str = "asymptotics"  # where the p-values come from
    test_statistic: str = "qtilde"  # "qtilde", "q" or "q0"
    made_by: dict = field(default_factory=dict)  # versions, digests of the inputs, and options

    def without_observed(self) -> Self:
        """Return the record of a blind analysis: with None for all that follows from observed data."""
        return replace(self, CLs_obs=None, CLsb_obs=None, CLb_obs=None, q_obs=None)


def collect_bounds_met(tests: Iterable[Any]) -> list[dict]:
    """Collect the bounds at which fits of several tests ended, for `Limits.at_bounds`.

    Args:
        tests: records with `mu` and `at_bounds`: `Hypotest` or `ToyPoint`.

    Returns:
        {"parameter", "bound", "data", "mu"} for each bound and kind of data, where `mu` lists the tested values.
    """
    mu_by_bound: dict[tuple[str, float, str], list[float]] = {}
    for test in sorted(tests, key=lambda test: test.mu):
        for data, bounds in test.at_bounds.items():
            for parameter, bound in bounds.items():
                mu_by_bound.setdefault((parameter, bound, data), []).append(test.mu)
    return [
        {"parameter": parameter, "bound": bound, "data": data, "mu": mu}
        for (parameter, bound, data), mu in mu_by_bound.items()
    ]
