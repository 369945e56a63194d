"""hypotest/mu_{mu}.json: one tested value of mu."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from muscan.records.columns import FIVE_NONE
from muscan.records.record import Record


@dataclass(frozen=True)
class Hypotest(Record):
    """One tested mu: hypotest/mu_{mu}.json. Numbers are None if the test failed."""

    mu: float  # the tested signal strength
    status: str  # "ok" or "fit_failed"
    reason: str | None = None  # why the test failed
    CLs_obs: float | None = None  # CLsb_obs / CLb_obs
    CLs_exp: list[float | None] = field(default=FIVE_NONE)  # expected without signal, at -2 to +2 sigma
    CLsb_obs: float | None = None  # probability of q_obs or more, with signal of strength mu
    CLb_obs: float | None = None  # probability of q_obs or more, without signal
    q_obs: float | None = None  # the test statistic of the observed data
    q_asimov: float | None = None  # the test statistic of the Asimov data
    rescued_fits: int = 0  # fits that Minuit had to finish
    # Stated bounds that the fits to the observed and the Asimov data met: {"observed": {"k": 10.0}}.
    at_bounds: dict[str, dict[str, float]] = field(default_factory=dict)
    engine: str = "newton"  # what made the fits
    calculator: str = "asymptotics"  # what made the p-values
    test_statistic: str = "qtilde"  # "qtilde" or "q"
    made_by: dict = field(default_factory=dict)  # versions, options, digests of the inputs

    def blinded(self) -> "Hypotest":
        """Without what would be the test of observed data."""
        return replace(self, CLs_obs=None, CLsb_obs=None, CLb_obs=None, q_obs=None)


def bounds_met(tests: Iterable) -> list[dict]:
    """`Limits.at_bounds`: stated bounds that fits of these tests met, and at which mu."""
    found: dict[tuple[str, float, str], list[float]] = {}
    for test in sorted(tests, key=lambda test: test.mu):
        for data, bounds in test.at_bounds.items():
            for parameter, bound in bounds.items():
                found.setdefault((parameter, bound, data), []).append(test.mu)
    return [{"parameter": name, "bound": bound, "data": data, "mu": mu} for (name, bound, data), mu in found.items()]
