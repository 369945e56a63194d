"""A check by toys of limits from asymptotic formulae: CLs at the limit, and about where it is 1 - confidence level.

The observed and the median expected limit are checked, with the conventions of limits from toys. Where toys would take
too long, `sensitivity` judges the limits by the events on which they rest.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from muscan.base.errors import FitError
from muscan.histfactory.model import model_digest
from muscan.inference.calculators import SIGNIFICANT
from muscan.inference.engine import Engine
from muscan.inference.hypotest import Prepared, Tested, hypotests, prepare
from muscan.inference.newton import Newton, NewtonAlone
from muscan.toys import pseudo_data
from muscan.toys.weighted import CLsEstimate, ToySource, WeightedToys

# Toys of a block. Most are background-only, which both tails need; those with signal at each limit keep all weights
# below 14, and those from the best fit are near the observed test statistic.
BACKGROUND_TOYS, SIGNAL_TOYS, BEST_FIT_TOYS = 400, 50, 100
# Blocks are added, up to BLOCKS, until the relative error of CLs is below this; a limit is then known to 1 or 2 %.
TARGET, BLOCKS = 0.07, 6
# Up to MAX_BLOCKS are added where CLs differs by more than this, in standard deviations, but not yet significantly.
AMBIGUOUS, MAX_BLOCKS = 2.5, 15
UNKNOWN = 0.2  # relative error of CLs above which a limit may be 5 % off without being noticed
# Secant steps towards the crossing: their number, the largest factor in mu, the slope d log CLs / d log mu of the first
# step, and the largest slope of the others, as CLs falls.
STEPS, MAX_FACTOR, FIRST_SLOPE, LARGEST_SLOPE = 6, 2.5, -3.0, -0.1
SHORTEST_STEP = 1e-3  # in log mu; shorter steps are not made
CLOSE = 0.001  # a distance in log CLs that the slope of the last step is good enough for
FAR = 0.2  # a distance in log CLs that it is not good enough for, whatever the error of CLs
MAX_FAILED = 0.01  # part of the toys whose fits may fail
AFFORDABLE = 2.0  # seconds of a core, as estimated, up to which toys are thrown without being asked for
FITS = 10_000  # of a typical check
# Seconds of a fit: per row or bin without variations of templates, and with them, and per row or bin and pair of
# parameters. Measured on thirty models, from one bin without nuisance parameters to published ones with 126 parameters:
# the estimates are within 0.2 and 3 times the times.
PER_LINE, PER_SHIFTED_LINE, PER_PAIR = 1e-6, 5e-6, 6e-9


class LimitCheck(NamedTuple):
    """The check of one limit by toys.

    Attributes:
        mu: the asymptotic limit.
        CLs: from toys at this mu.
        limit: where CLs from toys is 1 - confidence level; None if CLs does not differ from it at `mu`, or if this
            was not found.
        limit_error: statistical error of `limit`.
        beyond: a mu below which CLs from toys does not cross, if that is all that was found.
    """

    mu: float
    CLs: CLsEstimate
    limit: float | None = None
    limit_error: float | None = None
    beyond: float | None = None


class ToyCheck(NamedTuple):
    """The checks of the observed and of the median expected limit.

    Attributes:
        observed: None where there is no such limit, or where too many fits failed.
        expected: the same of the median expected limit.
        thrown: number of toys.
        failed: number of toys whose fits failed, at the mu with the most failures.
    """

    observed: LimitCheck | None
    expected: LimitCheck | None
    thrown: int
    failed: int


def check_by_toys(
    engine: Engine,
    prepared: Prepared,
    limits: tuple[float | None, float | None],
    test_statistic: str,
    alpha: float,
    seed: int,
    with_minuit: bool = True,
) -> ToyCheck:
    """Check the observed and the median expected limit by toys.

    Args:
        engine: that made the limits. Toys are always fitted with Newton steps.
        prepared: the fits that do not depend on mu.
        limits: the two limits; None where there is none, or where it is not to be checked.
        test_statistic: "qtilde" or "q".
        alpha: 1 - confidence level.
        seed: of all random numbers.
        with_minuit: whether Minuit fits toys for which Newton steps fail, which takes a hundred times as long;
            otherwise such toys count as failed.

    Raises:
        FitError: if the fits to the data fail at a limit.
    """
    if engine.name != Newton.name:
        engine = Newton(engine.model)
        prepared = prepare(engine, test_statistic)
    engine_of_toys = engine if with_minuit else NewtonAlone(engine.model)
    sources = _sources(engine, prepared, limits, test_statistic)
    toys = WeightedToys(engine_of_toys, test_statistic, sources, _random_streams(engine, seed))

    def measure(which: int, mu: float) -> CLsEstimate:
        tested = _test_data(engine, prepared, mu, test_statistic)
        q_obs = None if which else tested.q_obs
        return toys.CLs(mu, tested.parameters, prepared.reference.parameters, q_obs)

    estimates: list[CLsEstimate | None] = []
    while _needs_block(len(toys.blocks), [each for each in estimates if each is not None], alpha):
        toys.throw_block()
        estimates = [None if mu is None else measure(which, mu) for which, mu in enumerate(limits)]
        if not with_minuit and toys.number_failed() > MAX_FAILED * toys.number_thrown():
            return ToyCheck(None, None, toys.number_thrown(), toys.number_failed())
    highest = float(engine.model.bounds[engine.model.poi, 1])
    checks = [
        None if mu is None else _find_crossing(lambda mu, which=which: measure(which, mu), mu, cls, alpha, highest)
        for which, (mu, cls) in enumerate(zip(limits, estimates, strict=True))
    ]
    return ToyCheck(*checks, toys.number_thrown(), toys.number_failed())


def _random_streams(engine: Engine, seed: int) -> Callable[[str, float, int], np.random.Generator]:
    model = model_digest(engine.model)
    return lambda name, mu, block: pseudo_data.stream(seed, model, f"check {name}", mu, block)


def _sources(
    engine: Engine, prepared: Prepared, limits: tuple[float | None, ...], test_statistic: str
) -> list[ToySource]:
    """The fits from which toys are thrown: background-only, with signal at each limit, and the best fit."""
    sources = [ToySource("background", 0.0, prepared.reference.parameters, BACKGROUND_TOYS)]
    for mu in limits:
        if mu is not None:
            parameters = _test_data(engine, prepared, mu, test_statistic).parameters
            sources.append(ToySource("signal", mu, parameters, SIGNAL_TOYS))
    if limits[0] is not None:
        sources.append(ToySource("best", 0.0, prepared.free.parameters, BEST_FIT_TOYS))
    return sources


def _test_data(engine: Engine, prepared: Prepared, mu: float, test_statistic: str) -> Tested:
    """The asymptotic test of mu with the data; raises a FitError if it fails."""
    (tested,) = hypotests(engine, prepared, [mu], test_statistic, "asymptotics")
    if isinstance(tested, FitError):
        raise tested
    return tested


def _needs_block(blocks: int, estimates: list[CLsEstimate], alpha: float) -> bool:
    """Whether one more block of toys is needed."""
    if blocks == 0 or blocks >= MAX_BLOCKS:
        return blocks == 0
    if blocks < BLOCKS and any(cls.relative_error() > TARGET for cls in estimates):
        return True
    return any(cls.is_known() and AMBIGUOUS < abs(cls.value - alpha) / cls.error < SIGNIFICANT for cls in estimates)


def differs(cls: CLsEstimate, alpha: float) -> bool:
    """Return whether CLs from toys differs from alpha = 1 - confidence level by more than its statistical error."""
    return cls.is_known() and abs(cls.value - alpha) > SIGNIFICANT * cls.error


def _find_crossing(
    measure: Callable[[float], CLsEstimate], limit: float, cls_at_limit: CLsEstimate, alpha: float, highest: float
) -> LimitCheck:
    """Secant steps in log mu from a limit at which CLs is not alpha to about where it is.

    Args:
        measure: returns CLs at a mu.
        limit: the asymptotic limit.
        cls_at_limit: CLs there.
        alpha: 1 - confidence level.
        highest: largest mu that the fits can reach.
    """
    if not differs(cls_at_limit, alpha):
        return LimitCheck(limit, cls_at_limit)
    mu, distance, slope, cls = limit, np.log(max(cls_at_limit.value, 1e-9) / alpha), FIRST_SLOPE, cls_at_limit
    for _ in range(STEPS):
        step = np.clip(-distance / slope, -np.log(MAX_FACTOR), np.log(MAX_FACTOR))
        next_mu = min(mu * float(np.exp(step)), highest)
        if abs(np.log(next_mu / mu)) < SHORTEST_STEP:
            break
        cls = measure(next_mu)
        if not (cls.is_known() and cls.value > 0):
            return LimitCheck(limit, cls_at_limit)
        rise = np.log(cls.value / alpha) - distance
        slope = min(rise / np.log(next_mu / mu), LARGEST_SLOPE)
        mu, distance = next_mu, distance + rise
        if abs(distance) < max(CLOSE, 2 * cls.relative_error()):
            break
    if abs(distance) > max(SIGNIFICANT * cls.relative_error(), FAR):
        return LimitCheck(limit, cls_at_limit, beyond=mu)
    found = mu * float(np.exp(-distance / slope))
    return LimitCheck(limit, cls_at_limit, found, float(found * cls.relative_error() / abs(slope)))


def estimated_seconds(engine: Engine) -> float:
    """Return about how long the toys of a check take, in seconds of a core; it depends on the model alone."""
    layout, model = engine.likelihood.layout, engine.model
    lines = layout.rows + model.nmain * (1 + layout.locals_)
    has_shifts = layout.shifted.stop > layout.shifted.start
    return FITS * lines * ((PER_SHIFTED_LINE if has_shifts else PER_LINE) + PER_PAIR * layout.globals_**2)
