#!/usr/bin/env python
"""Invert CLs(mu) into upper limits.

Reads model.npz, fit.json and the tests of a scan, writes limits.json: the observed and the five expected limits,
each with a status. Further tests are run where a limit lies between two points of the scan. Toys, or the events that
the limits rest on, tell whether the asymptotic formulae hold.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np

from files import failure_recorded, made_by, read_result, run, write_json
from inference.calculators import CALCULATORS
from inference.errors import InputError, StepError
from inference.intervals import Limit, upper_limits
from limit_check import with_check
from records import BLINDED, FitResult, Hypotest, Limits, bounds_met
from signal_point import arguments, load, run_tests

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


def check_kind(records: list[FitResult | Hypotest], **kind) -> None:
    """Tests of another kind than the one asked for must not be mixed into a limit.

    Raises:
        InputError: if a record was made with another calculator or test statistic.
    """
    for record in records:
        for key, wanted in kind.items():
            made_with = getattr(record, key, wanted)
            if made_with != wanted:
                where = f"the test of mu = {record.mu:g}" if isinstance(record, Hypotest) else "the fit"
                raise InputError(f"{where} was made for {key} {made_with!r}, not {wanted!r}")


def collect(limits: list[Limit], curves: Curves, confidence_level: float, **kind) -> Limits:
    """Six limits as one record."""
    parts = six_limits(limits) | {"points": curves.points(), "failed_points": curves.failed()}
    parts["at_bounds"] = bounds_met(curves.all())
    nominal = {"CLs_obs": curves.nominal.CLs_obs, "CLs_exp": list(curves.nominal.CLs_exp)}
    return Limits(confidence_level=confidence_level, nominal=nominal, **parts, **kind)


def six_limits(limits: list[Limit]) -> dict:
    """What `Limits` says of the six limits."""
    values = both(limits, "value")
    return values | {name: both(limits, name) for name in ("status", "reason", "bound")}


def both(limits: list[Limit], attribute: str) -> dict:
    values = [getattr(limit, attribute) for limit in limits]
    return {"observed_limit": values[0], "expected_limit": values[1:]}


def parser() -> argparse.ArgumentParser:
    parse = arguments(__doc__)
    parse.add_argument("--hypotest", nargs="+", required=True, help="the tests of the scan")
    parse.add_argument("--calculator", choices=CALCULATORS, default="asymptotics")
    parse.add_argument("--test-statistic", default="qtilde")
    parse.add_argument("--confidence-level", type=float, default=0.95)
    parse.add_argument("--check-asymptotics", choices=("auto", "true", "false"), default="auto", help="by toys")
    parse.add_argument("--toybased", action="store_true", help="there are limits from toys too")
    parse.add_argument("--seed", type=int, default=0, help="of toys")
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    kind = {"calculator": args.calculator, "test_statistic": args.test_statistic}
    with failure_recorded(args.output):
        try:
            tests = read_tests(args.hypotest)
            engine, prepared, result = load(args.model, args.fit, args.workspace)
            check_kind([result, *tests], **kind)
        except StepError as error:
            print(f"failed: {error}", file=sys.stderr)
            limits = Limits.failed(str(error), args.confidence_level, **kind)
        else:
            curves = Curves(tests, lambda mu: run_tests(engine, prepared, mu, result, args.calculator))
            limits = collect(curves.limits(1 - args.confidence_level), curves, args.confidence_level, **kind)
            limits = limits.blinded() if result.blinded else limits
            limits = with_check(engine, prepared, limits, args.check_asymptotics, args.toybased, args.seed)
            for warning in limits.warnings():
                print(warning, file=sys.stderr)
        if limits.status["observed_limit"] != "ok":
            print(f"no observed limit: {limits.reason['observed_limit'] or BLINDED}", file=sys.stderr)
        write_json(args.output, limits.to_json() | {"made_by": made_by([args.model, args.fit])})


if __name__ == "__main__":
    run(main)
