"""The step that plans the toys of a signal: which values of mu, from which fits, how many.

Without a target for the uncertainty of the limits, every value of mu gets the same number of toys. With one, the
asymptotic limits say where toys are worth while; a first few are planned here, and the step allocate_toys adds to them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from muscan.base.errors import FitError, InputError
from muscan.base.files import failure_recorded, made_by, settings_in, write_json
from muscan.base.options import option
from muscan.inference.hypotest import hypotests
from muscan.inference.signal_point import SignalFiles, load, run_tests, values_of_mu
from muscan.records.fit import FitResult
from muscan.records.limits import Limits
from muscan.records.toys import ToyPlan, ToyPoint
from muscan.steps.invert import Curves, collect
from muscan.toys.pilot import Pilot


@dataclass(frozen=True)
class PlanSettings:
    """How many toys, and how they are made; either per_hypothesis or target is a number."""

    confidence_level: float = option("of the limits")
    seed: int = option("of all random numbers")
    block: int = option("toys of a block")
    max_failed_fraction: float = option("part of the toys of a point whose fits may fail")
    per_hypothesis: int | None = option("toys of each hypothesis at each mu")
    target: float | None = option("relative error of the observed and median expected limit")
    max: int | None = option("toys in all, with --target")


def plan_toys(output: str, files: SignalFiles, mu: list[float], settings: PlanSettings) -> None:
    """Write plan_0.json, or why there is none.

    Args:
        mu: values of the scan; none for some around the asymptotic limits.
    """
    level = settings.confidence_level
    with failure_recorded(output, **settings_in(files.fit, "test_statistic"), confidence_level=level):
        if (settings.per_hypothesis is None) == (settings.target is None):
            raise InputError("say either per_hypothesis or target")
        engine, prepared, result = load(files)
        statistic = result.test_statistic
        values = values_of_mu(mu, result)
        asymptotics = asymptotic_limits(engine, prepared, values, result, level)
        blocks = FIRST_BLOCKS if settings.target else (-(-settings.per_hypothesis // settings.block),) * 2
        if settings.target or not mu:
            pilot = Pilot(engine, prepared, statistic, 1 - level, settings.seed)
            bound = engine.model.bounds[engine.model.poi, 1]
            values = mu_near_limits(asymptotics, pilot.excludes, bound) or values
        kept = ("confidence_level", "seed", "block", "max_failed_fraction", "target", "max")
        plan = ToyPlan(
            test_statistic=statistic,
            **{name: getattr(settings, name) for name in kept},
            points=planned(engine, prepared, values, statistic, blocks),
            asymptotics=asymptotics.to_json(),
            made_by=made_by([files.model, files.fit]),
        )
        if settings.max is not None and plan.number_of_toys() > settings.max:
            raise InputError(
                f"the first round alone throws {plan.number_of_toys()} toys: "
                f"raise max ({settings.max}) or make block smaller"
            )
        write_json(output, plan.to_json())


# Where the limits decide the values of mu: their ratio, and how far below all asymptotic limits they begin. Toys come
# where asymptotics fail, and asymptotic limits of a few events are too low by up to a half.
RATIO, BELOW = 1.14, 0.6


MOST_VALUES = 20  # then the ratio is larger; limits so far apart come from slow tails, which need no closer points


PILOT_STEP = 1.25  # from one value of mu to the next when the end of the scan is looked for


FIRST_BLOCKS = (1, 2)  # of signal+background and of background-only toys


def mu_near_limits(limits: Limits, excluded: Callable[[float], bool], bound: float) -> list[float]:
    """Values of mu from below all asymptotic limits to beyond all limits of toys; none if there are no limits.

    Args:
        excluded: whether toys exclude a value in all six cases.
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
    return [rounded(value, bound) for value in np.geomspace(low, high, number)]


def rounded(mu: float, bound: float) -> float:
    """A value of mu that is pleasant to read, and which fits can reach."""
    return min(float(f"{mu:.4g}"), float(bound))


def planned(engine, prepared, mu: list[float], test_statistic: str, blocks: tuple[int, int]) -> list[ToyPoint]:
    """Fits to the data with mu held; no toys are planned where they fail, nor at mu = 0, where CLs is 1."""
    found = []
    for value, tested in zip(mu, hypotests(engine, prepared, mu, test_statistic, "asymptotics"), strict=True):
        if isinstance(tested, FitError):
            found.append(ToyPoint(value, "fit_failed", str(tested)))
            continue
        signal, background = ([number] if value > 0 else [] for number in blocks)
        numbers = (tested.q_obs, tested.q_asimov, tested.parameters.tolist())
        found.append(ToyPoint(value, "ok", None, *numbers, signal, background, tested.at_bounds))
    return found


def asymptotic_limits(engine, prepared, mu: list[float], result: FitResult, confidence_level: float) -> Limits:
    """What the toys are compared with, and begin from."""

    def test(values: list[float]):
        return run_tests(engine, prepared, values, result, "asymptotics")

    curves = Curves(test(mu), test)
    kind = {"calculator": "asymptotics", "test_statistic": result.test_statistic}
    limits = collect(curves.limits(1 - confidence_level), curves, confidence_level, **kind)
    return limits.without_observed() if result.blinded else limits
