"""The step that plans the toys of a signal: at which values of mu, from which fits, and how many.

Without a target for the uncertainty of the limits, every value of mu gets the same number of toys. With a target, this
step plans a few toys near the asymptotic limits, and the step `allocate_toys` adds more where they are needed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from muscan.base.errors import FitError, InputError, reason_of
from muscan.base.files import made_by, read_step_settings, record_failure, write_json
from muscan.base.options import option
from muscan.inference.engine import Engine
from muscan.inference.hypotest import Prepared, hypotests
from muscan.inference.signal_point import SignalFiles, load, run_tests, values_of_mu
from muscan.records.fit import FitResult
from muscan.records.hypotest import Hypotest
from muscan.records.limits import Limits
from muscan.records.toy_measurement import MeasurementPlan
from muscan.records.toys import ToyPlan, ToyPoint
from muscan.steps.invert import Curves, limits_record
from muscan.toys.pilot import Pilot

# Where the asymptotic limits decide the values of mu: the ratio of one value to the one before, and the first value in
# units of the lowest asymptotic limit. The scan begins so low because asymptotic limits of a few events are too low by
# up to a half.
RATIO, BELOW = 1.14, 0.6
# The largest number of such values; a scan that would have more gets a larger ratio. Limits are so far apart where CLs
# falls slowly, which needs no closer points.
MOST_VALUES = 20
PILOT_STEP = 1.25  # factor in mu from one pilot test to the next
FIRST_BLOCKS = (1, 2)  # blocks of signal+background and of background-only toys in the first round with a target


@dataclass(frozen=True)
class ToyNumbers:
    """The number of toys and how they are made; exactly one of per_hypothesis and target must be given."""

    seed: int = option("seed of all random numbers")
    block: int = option("number of toys in a block")
    max_failed_fraction: float = option("largest fraction of the toys at a value of mu whose fits may fail")
    per_hypothesis: int | None = option("number of toys of each hypothesis at each mu")
    target: float | None = option("wanted relative error of the observed and of the median expected result")
    max: int | None = option("largest total number of toys, with --target")

    def first_blocks(self, with_target: int) -> int:
        """Return the blocks of a hypothesis in the first round.

        Args:
            with_target: their number if there is a target.

        Raises:
            InputError: if not exactly one of per_hypothesis and target is given.
        """
        if (self.per_hypothesis is None) == (self.target is None):
            raise InputError("give either per_hypothesis or target")
        return with_target if self.target else -(-self.per_hypothesis // self.block)

    def require_affordable(self, plan: ToyPlan | MeasurementPlan) -> None:
        """Require that the first round throws no more toys than `max`."""
        if self.max is not None and plan.number_of_toys() > self.max:
            raise InputError(
                f"the first round alone throws {plan.number_of_toys()} toys: "
                f"raise max ({self.max}) or make block smaller"
            )


@dataclass(frozen=True)
class PlanSettings(ToyNumbers):
    """The toys for limits."""

    confidence_level: float = option("confidence level of the limits")


def plan_toys(output: str, files: SignalFiles, mu: list[float], settings: PlanSettings) -> None:
    """Write plan_0.json, or the reason why there is none.

    Args:
        output: plan_0.json.
        files: of the signal point.
        mu: values of the scan; if empty, values around the asymptotic limits are chosen.
        settings: of the toys.
    """
    level = settings.confidence_level
    with record_failure(output, **read_step_settings(files.fit, "test_statistic"), confidence_level=level):
        blocks = tuple(settings.first_blocks(with_target) for with_target in FIRST_BLOCKS)
        engine, prepared, result = load(files)
        statistic = result.test_statistic
        values = values_of_mu(mu, result)
        asymptotics = asymptotic_limits(engine, prepared, values, result, level)
        if settings.target or not mu:
            pilot = Pilot(engine, prepared, statistic, 1 - level, settings.seed)
            bound = engine.model.bounds[engine.model.poi, 1]
            values = mu_near_limits(asymptotics, pilot.excludes, bound) or values
        copied = ("confidence_level", "seed", "block", "max_failed_fraction", "target", "max")
        plan = ToyPlan(
            test_statistic=statistic,
            **{name: getattr(settings, name) for name in copied},
            points=plan_points(engine, prepared, values, statistic, blocks),
            asymptotics=asymptotics.to_json(),
            made_by=made_by([files.model, files.fit]),
        )
        settings.require_affordable(plan)
        write_json(output, plan.to_json())


def mu_near_limits(limits: Limits, excluded: Callable[[float], bool], bound: float) -> list[float]:
    """Return values of mu from below all asymptotic limits to beyond all limits from toys; [] if there are no limits.

    Args:
        limits: from asymptotic formulae.
        excluded: whether toys exclude a value of mu in all six cases.
        bound: the largest mu that fits can reach.
    """
    known = [each for value, *_, end in limits.entries() for each in (value, end) if each]
    if not known:
        return []
    low, high = BELOW * min(known), min(max(known), bound)
    while not excluded(high) and high < bound:
        high = min(high * PILOT_STEP, bound)
    while high > low * PILOT_STEP and excluded(high / PILOT_STEP):
        high /= PILOT_STEP
    high = min(high * RATIO**2, bound)
    number = min(int(np.ceil(np.log(high / low) / np.log(RATIO))) + 1, MOST_VALUES)
    return [rounded_mu(value, bound) for value in np.geomspace(low, high, number)]


def rounded_mu(mu: float, bound: float) -> float:
    """Return mu rounded to four significant digits, but not above the bound of the fits."""
    return min(float(f"{mu:.4g}"), float(bound))


def plan_points(
    engine: Engine, prepared: Prepared, mu: list[float], test_statistic: str, blocks: tuple[int, int]
) -> list[ToyPoint]:
    """Fit the data with mu held at several values, and plan toys there.

    No toys are planned where a fit fails, nor at mu = 0, where CLs is 1.

    Args:
        engine: makes the fits.
        prepared: the fits that do not depend on mu.
        mu: values to be tested.
        test_statistic: a key of TEST_STATISTICS.
        blocks: numbers of blocks of signal+background and of background-only toys at each value.
    """
    points = []
    for value, tested in zip(mu, hypotests(engine, prepared, mu, test_statistic, "asymptotics"), strict=True):
        if isinstance(tested, FitError):
            points.append(ToyPoint(value, "fit_failed", reason_of(tested)))
            continue
        signal, background = ([number] if value > 0 else [] for number in blocks)
        numbers = (tested.q_obs, tested.q_asimov, tested.parameters.tolist())
        points.append(ToyPoint(value, "ok", None, *numbers, signal, background, tested.at_bounds))
    return points


def asymptotic_limits(
    engine: Engine, prepared: Prepared, mu: list[float], result: FitResult, confidence_level: float
) -> Limits:
    """Return the asymptotic limits, with which those from toys are compared."""

    def test(values: list[float]) -> list[Hypotest]:
        return run_tests(engine, prepared, values, result, "asymptotics")

    curves = Curves(test(mu), test)
    kind = {"calculator": "asymptotics", "test_statistic": result.test_statistic}
    limits = limits_record(curves.limits(1 - confidence_level), curves, confidence_level, **kind)
    return limits.without_observed() if result.blinded else limits
