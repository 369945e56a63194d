"""The step that inverts CLs(mu) into upper limits.

Further tests are run where a limit lies between two points of the scan. Toys, or the events that the limits rest on,
tell whether the asymptotic formulae hold.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from muscan.base.errors import InputError, StepError
from muscan.base.files import failure_recorded, made_by, read_result, settings_in, write_json
from muscan.base.options import option
from muscan.inference.calculators import CALCULATORS
from muscan.inference.limits import Limit, upper_limits
from muscan.inference.signal_point import SignalFiles, load, run_tests
from muscan.records.hypotest import Hypotest, collect_bounds_met
from muscan.records.limits import BLINDED, Limits
from muscan.steps.limit_check import with_check


@dataclass(frozen=True)
class InvertSettings:
    """Of which limits, and how they are checked."""

    calculator: str = option("of the tests", tuple(CALCULATORS))
    confidence_level: float = option("of the limits")
    check_asymptotics: str = option("by toys", ("auto", "true", "false"))
    toybased: bool = option("there are limits from toys too")
    seed: int = option("of toys")


def invert(output: str, files: SignalFiles, hypotest: list[str], settings: InvertSettings) -> None:
    """Write limits.json; where tests or fits failed, with the reason in the place of the limits.

    Args:
        hypotest: files of the tests of the scan.
    """
    calculator, level = settings.calculator, settings.confidence_level
    with failure_recorded(output):
        try:
            tests = read_tests(hypotest)
            engine, prepared, result = load(files)
            kind = {"calculator": calculator, "test_statistic": result.test_statistic}
            require_kind(tests, **kind)
        except StepError as error:
            print(f"failed: {error}", file=sys.stderr)
            kind = {"calculator": calculator, **settings_in(files.fit, "test_statistic")}
            limits = Limits.from_failure(str(error), level, **kind)
        else:
            curves = Curves(tests, lambda mu: run_tests(engine, prepared, mu, result, calculator))
            limits = collect(curves.limits(1 - level), curves, level, **kind)
            limits = limits.without_observed() if result.blinded else limits
            wanted = (settings.check_asymptotics, settings.toybased, settings.seed)
            limits = with_check(engine, prepared, limits, *wanted)
            for warning in limits.check_warnings():
                print(warning, file=sys.stderr)
        if limits.status["observed_limit"] != "ok":
            print(f"no observed limit: {limits.reason['observed_limit'] or BLINDED}", file=sys.stderr)
        write_json(output, limits.to_json() | {"made_by": made_by([files.model, files.fit])})


NOMINAL = 1.0  # mu of the signal as it is predicted


class Curves:
    """CLs of the observed data (curve 0) and of the five expected cases (curves 1 to 5), with tests added on demand."""

    def __init__(self, tests: list[Hypotest], run: Callable[[list[float]], list[Hypotest]]):
        """The tests of the scan, and how further values are tested."""
        self.scan = {test.mu: test for test in sorted(tests, key=lambda test: test.mu)}
        self._run = run
        self.refinements: dict[float, Hypotest] = {}

    def test(self, mu: np.ndarray, curve: np.ndarray) -> np.ndarray:
        """CLs of one curve at each value; nan where the test fails. The six curves share the tests."""
        known = self.scan | self.refinements
        new = sorted({value for value in mu.tolist() if value not in known})
        self.refinements |= {test.mu: test for test in (self._run(new) if new else [])}
        known |= self.refinements
        return np.array([_row(known[value])[i] for value, i in zip(mu.tolist(), curve, strict=True)])

    def limits(self, alpha: float) -> list[Limit]:
        cls = np.array([_row(test) for test in self.scan.values()])
        limits = upper_limits(np.array(list(self.scan)), cls, alpha, self.test)
        reasons = "; ".join(dict.fromkeys(test.reason for test in self.refinements.values() if test.reason))
        failed = reasons and f" ({reasons})"
        return [each._replace(reason=each.reason + failed) if each.status == "fit_failed" else each for each in limits]

    @cached_property
    def nominal(self) -> Hypotest:
        """The test of mu = 1, the signal as it is predicted."""
        return self.scan.get(NOMINAL) or self._run([NOMINAL])[0]

    def points(self) -> list[dict]:
        """All successful tests in order of mu."""
        good = [(test, False) for test in self.scan.values() if test.status == "ok"]
        good += [(test, True) for test in self.refinements.values() if test.status == "ok"]
        return [
            {"mu": test.mu, "CLs_obs": test.CLs_obs, "CLs_exp": list(test.CLs_exp), "refinement": refinement}
            for test, refinement in sorted(good, key=lambda pair: pair[0].mu)
        ]

    def all(self) -> Iterable[Hypotest]:
        return {test.mu: test for test in (*self.scan.values(), *self.refinements.values(), self.nominal)}.values()

    def failed(self) -> list[dict]:
        tests = [test for test in self.all() if test.status != "ok"]
        return [{"mu": test.mu, "status": test.status, "reason": test.reason} for test in tests]


def _row(test: Hypotest) -> list[float]:
    return [np.nan if value is None else value for value in (test.CLs_obs, *test.CLs_exp)]


def read_tests(paths: list[str]) -> list[Hypotest]:
    """The tests of a scan; a file holds one record or a list of them."""
    records = [read_result(path) for path in paths]
    flat = [record for each in records for record in (each if isinstance(each, list) else [each])]
    return [Hypotest.from_json(record) for record in flat]


def require_kind(tests: list[Hypotest], **kind: str) -> None:
    """Tests of another kind than that of the limits must not be mixed into them.

    Args:
        kind: calculator and test statistic.

    Raises:
        InputError: if a test was made with another one.
    """
    for test in tests:
        for key, wanted in kind.items():
            made_with = getattr(test, key)
            if made_with != wanted:
                raise InputError(f"the test of mu = {test.mu:g} was made for {key} {made_with!r}, not {wanted!r}")


def collect(limits: list[Limit], curves: Curves, confidence_level: float, **kind) -> Limits:
    """Six limits as one record."""
    parts = six_limits(limits) | {"points": curves.points(), "failed_points": curves.failed()}
    parts["at_bounds"] = collect_bounds_met(curves.all())
    nominal = {"CLs_obs": curves.nominal.CLs_obs, "CLs_exp": list(curves.nominal.CLs_exp)}
    return Limits(confidence_level=confidence_level, nominal=nominal, **parts, **kind)


def six_limits(limits: list[Limit]) -> dict:
    """What `Limits` says of the six limits."""
    values = both(limits, "value")
    return values | {name: both(limits, name) for name in ("status", "reason", "bound")}


def both(limits: list[Limit], attribute: str) -> dict:
    values = [getattr(limit, attribute) for limit in limits]
    return {"observed_limit": values[0], "expected_limit": values[1:]}
