"""The step that inverts CLs(mu) into upper limits.

Further values of mu are tested between the two points of the scan that enclose a limit. Toys, or the numbers of events
on which the limits rest, tell whether the asymptotic formulae are valid.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from muscan.base.errors import LONGEST_REASON, InputError, StepError
from muscan.base.files import made_by, prefix_errors, read_result, read_step_settings, record_failure, write_json
from muscan.base.options import option
from muscan.base.words import shorten
from muscan.inference.calculators import CALCULATORS
from muscan.inference.limits import Limit, upper_limits
from muscan.inference.signal_point import SignalFiles, load, run_tests
from muscan.records.hypotest import Hypotest, collect_bounds_met
from muscan.records.limits import BLINDED, Limits
from muscan.steps.limit_check import with_check


@dataclass(frozen=True)
class InvertSettings:
    """Which limits are computed, and how they are checked."""

    calculator: str = option("calculator of the tests", tuple(CALCULATORS))
    confidence_level: float = option("confidence level of the limits")
    check_asymptotics: str = option("check the limits by toys", ("auto", "true", "false"))
    toybased: bool = option("limits from toys are computed too")
    seed: int = option("seed of the toys")


def invert(output: str, files: SignalFiles, hypotest: list[str], settings: InvertSettings) -> None:
    """Write limits.json; if the tests or fits cannot be used, with the reason instead of limits.

    Args:
        output: limits.json.
        files: of the signal point.
        hypotest: files of the tests of the scan.
        settings: of the limits.
    """
    calculator, level = settings.calculator, settings.confidence_level
    with record_failure(output):
        try:
            tests = read_tests(hypotest)
            engine, prepared, result = load(files)
            kind = {"calculator": calculator, "test_statistic": result.test_statistic}
            require_kind(tests, **kind)
        except StepError as error:
            print(f"failed: {error}", file=sys.stderr)
            kind = {"calculator": calculator, **read_step_settings(files.fit, "test_statistic")}
            limits = Limits.from_failure(str(error), level, **kind)
        else:
            curves = Curves(tests, lambda mu: run_tests(engine, prepared, mu, result, calculator))
            limits = limits_record(curves.limits(1 - level), curves, level, **kind)
            limits = limits.without_observed() if result.blinded else limits
            limits = with_check(engine, prepared, limits, settings.check_asymptotics, settings.toybased, settings.seed)
            for warning in limits.check_warnings():
                print(warning, file=sys.stderr)
        if limits.status["observed_limit"] != "ok":
            print(f"no observed limit: {limits.reason['observed_limit'] or BLINDED}", file=sys.stderr)
        write_json(output, limits.to_json() | {"made_by": made_by([files.model, files.fit])})


PREDICTED_MU = 1.0  # signal strength of the predicted cross section


class Curves:
    """CLs of the observed data (curve 0) and of the five expected cases (curves 1 to 5), with tests added on demand."""

    def __init__(self, tests: list[Hypotest], run: Callable[[list[float]], list[Hypotest]]):
        """Start from the tests of a scan.

        Args:
            tests: of the scan.
            run: tests further values of mu.
        """
        self.scan = {test.mu: test for test in sorted(tests, key=lambda test: test.mu)}
        self._run = run
        self.refinements: dict[float, Hypotest] = {}

    def test(self, mu: np.ndarray, curve: np.ndarray) -> np.ndarray:
        """Return CLs at values of mu, each of one curve; all curves use the same tests.

        Args:
            mu: values between the ends of the scan, shape (n,).
            curve: index of the curve for each value, shape (n,).

        Returns:
            CLs, shape (n,); nan where a test fails.
        """
        known = self.scan | self.refinements
        new = sorted({value for value in mu.tolist() if value not in known})
        self.refinements |= {test.mu: test for test in (self._run(new) if new else [])}
        known |= self.refinements
        return np.array([_six_cls(known[value])[i] for value, i in zip(mu.tolist(), curve, strict=True)])

    def limits(self, alpha: float) -> list[Limit]:
        """Return the six limits, where the curves cross alpha = 1 - confidence level."""
        cls = np.array([_six_cls(test) for test in self.scan.values()])
        limits = upper_limits(np.array(list(self.scan)), cls, alpha, self.test)
        reasons = "; ".join(dict.fromkeys(test.reason for test in self.refinements.values() if test.reason))
        failed = reasons and f" ({reasons})"
        return [
            each._replace(reason=shorten(each.reason + failed, LONGEST_REASON)) if each.status == "fit_failed" else each
            for each in limits
        ]

    @cached_property
    def test_of_prediction(self) -> Hypotest:
        """The test of mu = 1, the signal as it is predicted."""
        return self.scan.get(PREDICTED_MU) or self._run([PREDICTED_MU])[0]

    def points(self) -> list[dict]:
        """Return all successful tests, in order of mu, as JSON."""
        good = [(test, False) for test in self.scan.values() if test.status == "ok"]
        good += [(test, True) for test in self.refinements.values() if test.status == "ok"]
        return [
            {"mu": test.mu, "CLs_obs": test.CLs_obs, "CLs_exp": list(test.CLs_exp), "refinement": refinement}
            for test, refinement in sorted(good, key=lambda pair: pair[0].mu)
        ]

    def all_tests(self) -> list[Hypotest]:
        """Return all tests, one for each mu."""
        tests = (*self.scan.values(), *self.refinements.values(), self.test_of_prediction)
        return list({test.mu: test for test in tests}.values())

    def failed_points(self) -> list[dict]:
        """Return mu, status and reason of the tests that failed, as JSON."""
        tests = [test for test in self.all_tests() if test.status != "ok"]
        return [{"mu": test.mu, "status": test.status, "reason": test.reason} for test in tests]


def _six_cls(test: Hypotest) -> list[float]:
    """The observed and the five expected CLs; nan where there is none."""
    return [np.nan if value is None else value for value in (test.CLs_obs, *test.CLs_exp)]


def read_tests(paths: list[str]) -> list[Hypotest]:
    """Return the tests of a scan from its files, each of which holds one record or a list of records."""
    tests = []
    for path in paths:
        records = read_result(path)
        with prefix_errors(path):
            tests += [Hypotest.from_json(each) for each in (records if isinstance(records, list) else [records])]
    return tests


def require_kind(tests: list[Hypotest], **kind: str) -> None:
    """Check that all tests were made with the calculator and the test statistic of the limits.

    Args:
        tests: of the scan.
        kind: `calculator` and `test_statistic` of the limits.

    Raises:
        InputError: if a test was made with others.
    """
    for test in tests:
        for key, required in kind.items():
            used = getattr(test, key)
            if used != required:
                raise InputError(f"the test of mu = {test.mu:g} was made for {key} {used!r}, not {required!r}")


def limits_record(limits: list[Limit], curves: Curves, confidence_level: float, **kind: str) -> Limits:
    """Return the content of limits.json.

    Args:
        limits: the observed and the five expected ones.
        curves: from which they were made.
        confidence_level: of the limits.
        kind: `calculator` and `test_statistic`.
    """
    parts = six_limits(limits) | {"points": curves.points(), "failed_points": curves.failed_points()}
    parts["at_bounds"] = collect_bounds_met(curves.all_tests())
    test = curves.test_of_prediction
    nominal = {"CLs_obs": test.CLs_obs, "CLs_exp": list(test.CLs_exp)}
    return Limits(confidence_level=confidence_level, nominal=nominal, **parts, **kind)


def six_limits(limits: list[Limit]) -> dict:
    """Return the fields of `Limits` for the six limits: their values, statuses, reasons and bounds."""
    values = observed_and_expected(limits, "value")
    return values | {name: observed_and_expected(limits, name) for name in ("status", "reason", "bound")}


def observed_and_expected(limits: list[Limit], attribute: str) -> dict:
    """Return one attribute of the six limits, separately for the observed one and the five expected ones."""
    values = [getattr(limit, attribute) for limit in limits]
    return {"observed_limit": values[0], "expected_limit": values[1:]}
