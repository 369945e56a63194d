"""Whether asymptotic formulae hold at a limit that they gave: a check by toys, or by the events that a limit rests on.

By toys: CLs at the observed and at the median expected limit, with the conventions of limits from toys. Where it is
not 1 - confidence level, steps along mu find about where it is.

By events, where toys would take too long: asymptotic formulae take the logarithm of the likelihood ratio for normally
distributed. Its skewness in a counting experiment is that of a Poisson number of events, 1 / sqrt(events); the number
of events that would give the same skewness says how far that is true in any model.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from muscan.base.errors import FitError
from muscan.histfactory.model import digest
from muscan.inference.calculators import SIGNIFICANT
from muscan.inference.hypotest import Prepared, Tested, hypotests, prepare
from muscan.inference.newton import Newton, NewtonAlone
from muscan.toys import pseudo_data
from muscan.toys.weighted import CLs, Source, WeightedToys

# Toys of a block: most are background-only, which both tails need; the rest with signal at each limit, so that no
# weight exceeds 14, and from the best fit, which are those near the observed test statistic.
BACKGROUND_TOYS, SIGNAL_TOYS, BEST_FIT_TOYS = 400, 50, 100
# Blocks are added until CLs is known as well as this, a limit then to 1 or 2 %; and where CLs is off by between so many
# standard deviations, which may be chance or not.
TARGET, BLOCKS = 0.07, 6
AMBIGUOUS, MOST_BLOCKS = 2.5, 15
UNKNOWN = 0.2  # relative error of CLs above which a limit may be 5 % off
# Steps towards the crossing: how many, by which factor at most, and the slope of log CLs in log mu of the first one.
STEPS, FARTHEST, FIRST_SLOPE = 6, 2.5, -3.0
CLOSE = 0.001  # the rest of the way, in log CLs, goes along the slope of the last step
FAR = 0.2  # a rest of the way that is longer is not gone
MAX_FAILED = 0.01  # part of the toys whose fits may fail
# Toys are thrown for the automatic check if this is enough for them, in seconds of a core as `seconds` estimates them.
AFFORDABLE = 2.0
FITS = 10_000  # of a typical check
# Seconds of a fit for each row and bin: without and with variations of templates, and for each pair of parameters.
OF_LINE, OF_SHIFTED, OF_PAIR = 1e-6, 5e-6, 6e-9
# How far asymptotic limits are off at most that rest on fewer events than this, with an effect on limits above 5 %: the
# study in tests/test_asymptotics_check.py, 500 limits of random models.
BY_EVENTS = {3.0: 0.35, 10.0: 0.2, 30.0: 0.1}
# The same where the fit with mu held at the limit scales the signal by more than this, within its uncertainties.
SIGNAL_CHANGES, BY_SIGNAL = 0.15, 0.2
LITTLE = 0.1  # so far off a limit may be without a warning if nobody has thrown toys


class Checked(NamedTuple):
    """What toys say of one limit."""

    mu: float  # the asymptotic limit
    CLs: CLs  # there
    limit: float | None = None  # where toys find 1 - confidence level, if CLs differs from it
    limit_error: float | None = None  # statistical
    beyond: float | None = None  # CLs does not cross before this mu


class ToyCheck(NamedTuple):
    """The check of the observed and of the median expected limit; None where there is no such limit, or no check."""

    observed: Checked | None
    expected: Checked | None
    thrown: int
    failed: int  # of them, at the worst mu


def check(
    engine,
    prepared: Prepared,
    limits: tuple[float | None, float | None],
    test_statistic: str,
    alpha: float,
    seed: int,
    with_minuit: bool = True,
) -> ToyCheck:
    """Check the observed and the median expected limit by toys.

    Args:
        engine, prepared: what made the limits. Toys are fitted with Newton steps, whatever the engine.
        limits: None where there is none, or where it is not to be looked at.
        alpha: 1 - confidence level.
        seed: of all random numbers.
        with_minuit: whether Minuit finishes what Newton steps do not, which takes a hundred times as long; else such
            toys count as failed.

    Raises:
        FitError: if the fits to the data fail at a limit.
    """
    if engine.name != Newton.name:
        engine = Newton(engine.model)
        prepared = prepare(engine, test_statistic)
    of_toys = engine if with_minuit else NewtonAlone(engine.model)
    sources = _sources(engine, prepared, limits, test_statistic)
    thrown = WeightedToys(of_toys, test_statistic, sources, _random(engine, seed))

    def measure(which: int, value: float) -> CLs:
        tested = _at(engine, prepared, value, test_statistic)
        q_obs = None if which else tested.q_obs
        return thrown.CLs(value, tested.parameters, prepared.reference.parameters, q_obs)

    found: list[CLs | None] = []
    while _more(len(thrown.blocks), [each for each in found if each is not None], alpha):
        thrown.throw()
        found = [None if value is None else measure(which, value) for which, value in enumerate(limits)]
        if not with_minuit and thrown.failed() > MAX_FAILED * thrown.thrown():
            return ToyCheck(None, None, thrown.thrown(), thrown.failed())
    highest = float(engine.model.bounds[engine.model.poi, 1])
    checked = [
        None if value is None else _crossing(lambda mu, which=which: measure(which, mu), value, at, alpha, highest)
        for which, (value, at) in enumerate(zip(limits, found, strict=True))
    ]
    return ToyCheck(*checked, thrown.thrown(), thrown.failed())


def _random(engine, seed: int) -> Callable[[str, float, int], np.random.Generator]:
    name = digest(engine.model)
    return lambda kind, mu, block: pseudo_data.stream(seed, name, f"check {kind}", mu, block)


def _sources(engine, prepared: Prepared, limits: tuple[float | None, ...], test_statistic: str) -> list[Source]:
    mu = [each for each in limits if each is not None]
    sources = [Source("background", 0.0, prepared.reference.parameters, BACKGROUND_TOYS)]
    sources += [
        Source("signal", each, _at(engine, prepared, each, test_statistic).parameters, SIGNAL_TOYS) for each in mu
    ]
    if limits[0] is not None:
        sources.append(Source("best", 0.0, prepared.free.parameters, BEST_FIT_TOYS))
    return sources


def _at(engine, prepared: Prepared, mu: float, test_statistic: str) -> Tested:
    (tested,) = hypotests(engine, prepared, [mu], test_statistic, "asymptotics")
    if isinstance(tested, FitError):
        raise tested
    return tested


def _more(blocks: int, found: list[CLs], alpha: float) -> bool:
    """Whether a block is to be added."""
    if blocks == 0 or blocks >= MOST_BLOCKS:
        return blocks == 0
    if blocks < BLOCKS and any(each.relative() > TARGET for each in found):
        return True
    return any(each.known() and AMBIGUOUS < abs(each.value - alpha) / each.error < SIGNIFICANT for each in found)


def differs(cls: CLs, alpha: float) -> bool:
    """Whether CLs from toys is not 1 - confidence level, beyond its statistical error."""
    return cls.known() and abs(cls.value - alpha) > SIGNIFICANT * cls.error


def _crossing(measure: Callable[[float], CLs], mu: float, at: CLs, alpha: float, highest: float) -> Checked:
    """Secant steps in log mu from a limit at which CLs is not alpha to about where it is."""
    if not differs(at, alpha):
        return Checked(mu, at)
    value, distance, slope, cls = mu, np.log(max(at.value, 1e-9) / alpha), FIRST_SLOPE, at
    for _ in range(STEPS):
        step = np.clip(-distance / slope, -np.log(FARTHEST), np.log(FARTHEST))
        after = min(value * float(np.exp(step)), highest)
        if abs(np.log(after / value)) < 1e-3:
            break
        cls = measure(after)
        if not (cls.known() and cls.value > 0):
            return Checked(mu, at)
        rise = np.log(cls.value / alpha) - distance
        slope = min(rise / np.log(after / value), -0.1)
        value, distance = after, distance + rise
        if abs(distance) < max(CLOSE, 2 * cls.relative()):
            break
    if abs(distance) > max(SIGNIFICANT * cls.relative(), FAR):
        return Checked(mu, at, beyond=value)
    limit = value * float(np.exp(-distance / slope))
    return Checked(mu, at, limit, float(limit * cls.relative() / abs(slope)))


def seconds(engine) -> float:
    """About how long the toys of a check take, in seconds of a core; it depends on the model alone.

    Thirty models, from one bin without nuisance parameters to published ones with 126 parameters, take 0.2 to 3 times
    as long.
    """
    shape, model = engine.likelihood.layout, engine.model
    lines = shape.rows + model.nmain * (1 + shape.locals_)
    shifted = shape.shifted.stop > shape.shifted.start
    return FITS * lines * ((OF_SHIFTED if shifted else OF_LINE) + OF_PAIR * shape.globals_**2)


class Sensitivity(NamedTuple):
    """What the sensitivity at a limit rests on."""

    events: float
    signal: float  # the fitted signal in units of the predicted one, at the same mu

    def few(self) -> float:
        """How far a limit may be off because it rests on few events, as a part of it; 0 if that is below 5 %."""
        return next((off for events, off in BY_EVENTS.items() if self.events < events), 0.0)

    def uncertain(self) -> float:
        """How far it may be off because the signal is uncertain."""
        return BY_SIGNAL if abs(self.signal - 1) > SIGNAL_CHANGES else 0.0


def sensitivities(engine, prepared: Prepared, mu: list[float]) -> list[Sensitivity]:
    """How many events carry the sensitivity at each mu, and how far the fit with mu held there changes the signal.

    Raises:
        FitError: if a fit to the data fails.
    """
    model = engine.model
    data, *starts = (
        np.repeat(each[:, None], len(mu), axis=1)
        for each in (model.data, prepared.free.parameters, prepared.reference.parameters)
    )
    fits = engine.fit(data, starts, np.array(mu))
    return [_sensitivity(engine, prepared, value, fits.one(i).parameters) for i, value in enumerate(mu)]


def _sensitivity(engine, prepared: Prepared, mu: float, held: np.ndarray) -> Sensitivity:
    """The same at one mu.

    The log of the likelihood ratio of the fits with mu held there and at 0 is close to a sum of Poisson numbers n_i
    with weights d_i / v_i (d_i: difference of the two expectations, v_i: their mean) and of normal ones. Its skewness
    is k3 / k2^1.5 and its kurtosis k4 / k2^2 with the cumulants k_r = sum d_i^r / v_i^(r - 1); in a counting experiment
    they are 1 / sqrt(events) and 1 / events.

    Args:
        held: the fit with mu held, shape (npar,).
    """
    model, likelihood, background = engine.model, engine.likelihood, prepared.reference.parameters
    counts = np.concatenate([np.ones(model.nmain, bool), model.constraints.is_poisson])
    with_signal, without = likelihood.asimov(held), likelihood.asimov(background)
    change, mean = with_signal - without, (with_signal + without) / 2
    used = counts & (mean > 0)
    normal = (change[~counts] / model.constraints.sigma[~model.constraints.is_poisson]) ** 2
    second, third, fourth = ((change[used] ** r / mean[used] ** (r - 1)).sum() for r in (2, 3, 4))
    second += normal.sum()

    def signal(parameters: np.ndarray) -> np.ndarray:
        """Expected events at mu above those without signal, shape (nmain,)."""
        values = np.repeat(parameters[:, None], 2, axis=1)
        values[model.poi] = mu, 0.0
        return np.subtract(*likelihood.expected(values).T[:, : model.nmain])

    predicted = signal(background)
    weights = np.where(mean[: model.nmain] > 0, predicted / np.maximum(mean[: model.nmain], 1e-9), 0.0)
    with np.errstate(all="ignore"):
        number = np.nan_to_num(min(second**3 / third**2, second**2 / fourth), nan=0.0)
        fitted = np.nan_to_num((weights @ signal(held)) / (weights @ predicted), nan=1.0)
    return Sensitivity(float(number), float(fitted))
