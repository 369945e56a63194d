"""The step that plans the toys of a measurement: of the p-values of a discovery, or of intervals of mu."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from muscan.base.errors import FitError, InputError, reason_of
from muscan.base.files import made_by, record_failure, write_json
from muscan.base.options import option
from muscan.histfactory.parameters import LARGEST_MU
from muscan.inference.discovery import excess
from muscan.inference.engine import Engine
from muscan.inference.held_mu import HeldMu, fits_with_held_mu
from muscan.inference.hypotest import Prepared
from muscan.inference.measured import EXPECTED_MU, Measured, expected_parameters, measured
from muscan.inference.newton import Newton
from muscan.inference.profile import Profile
from muscan.inference.signal_point import SignalFiles, load
from muscan.inference.test_statistics import TWO_SIDED, VALUES
from muscan.inference.uncertainties import uncertainties
from muscan.records.record import nan_to_none
from muscan.records.toy_measurement import MeasurementPlan, ToySample
from muscan.steps.discover import discovery_record
from muscan.steps.plan_toys import ToyNumbers
from muscan.toys.pseudo_data import BACKGROUND_ONLY, WITH_SIGNAL
from muscan.toys.samples import engine_with_bounds
from muscan.toys.two_sided import SIDES

MEASUREMENTS = DISCOVERY, FELDMAN_COUSINS = "discovery", "feldman_cousins"
FIRST_BLOCKS = 2  # blocks of a sample in the first round with a target
# Toys of mu = 1 need this upper bound of mu: without it, a scan of much smaller mu would stop their fits.
DISCOVERY_BOUND = 10.0 * EXPECTED_MU
# The first values of mu for an interval, in units of the distance of the end of the profile-likelihood interval.
FIRST_PLACES = (0.8, 1.0, 1.25)
# Fits to the toys may reach so many times as far as the last end of these intervals: ends from toys of few events are
# up to twice as far, and toys there fluctuate by as much again.
ROOM = 5.0
WIDER = 4.0  # factor of the bound of mu as long as an end is beyond it
PROFILE_PRECISION = 1e-3  # of the ends, in units of their distance from the best fit
DIGITS = 4  # of tested values of mu, in units of the smallest interval


@dataclass(frozen=True)
class MeasurementSettings(ToyNumbers):
    """The measurement and its toys."""

    measurement: str = option("name of the measurement", MEASUREMENTS)
    levels: list[float] = option("confidence levels of the intervals", default_factory=list)


def plan_measurement(output: str, files: SignalFiles, settings: MeasurementSettings) -> None:
    """Write plan_0.json of a measurement, or the reason why there is none."""
    with record_failure(output):
        blocks = settings.first_blocks(FIRST_BLOCKS)
        engine, prepared, result = load(files)
        if settings.measurement == DISCOVERY:
            parts = plan_discovery(engine, prepared, result.blinded, blocks)
        else:
            parts = plan_intervals(engine, prepared, result.blinded, settings.levels, blocks)
        copied = ("measurement", "levels", "seed", "block", "max_failed_fraction", "target", "max")
        plan = MeasurementPlan(
            **{name: getattr(settings, name) for name in copied}, **parts, made_by=made_by([files.model, files.fit])
        )
        settings.require_affordable(plan)
        write_json(output, plan.to_json())


def plan_discovery(engine: Engine, prepared: Prepared, blinded: bool, blocks: int) -> dict:
    """Return the fields of the plan of toys without signal and toys of mu = 1, which both test mu = 0.

    Args:
        engine: makes the fits.
        prepared: the fits that do not depend on mu.
        blinded: whether the analysis is blind: no observed data are tested.
        blocks: of both samples.

    Raises:
        FitError: if a fit to the data fails.
    """
    low, high = engine.model.bounds[engine.model.poi]
    bounds = [float(low), max(float(high), DISCOVERY_BOUND)]
    engine = engine_with_bounds(engine, bounds)
    data = Measured(engine, engine.model.data, prepared.free)
    fits = fits_with_held_mu(data, prepared.reference.parameters, [0.0, EXPECTED_MU])
    without, expected = (_require(fit) for fit in fits)
    mu_hat = prepared.free.parameters[engine.model.poi]
    q_obs = None if blinded else float(VALUES["q0"](0.0, mu_hat, without.rise))
    signal = expected_parameters(engine, prepared) if blinded else expected.parameters
    samples = [
        ToySample(BACKGROUND_ONLY, 0.0, 0.0, "ok", None, q_obs, without.parameters.tolist(), [blocks]),
        ToySample(WITH_SIGNAL, EXPECTED_MU, 0.0, "ok", None, None, signal.tolist(), [blocks]),
    ]
    asymptotics = discovery_record(excess(engine, prepared, blinded))
    return {
        "test_statistic": "q0",
        "poi_bounds": bounds,
        "mu_hat": None if blinded else float(mu_hat),
        "samples": samples,
        "asymptotics": (asymptotics.without_observed() if blinded else asymptotics).to_json(),
    }


def _require(fit: HeldMu | FitError) -> HeldMu:
    if isinstance(fit, FitError):
        raise fit
    return fit


def plan_intervals(engine: Engine, prepared: Prepared, blinded: bool, levels: list[float], blocks: int) -> dict:
    """Return the fields of the plan of toys at values of mu around the ends of profile-likelihood intervals.

    Args:
        engine: makes the fits.
        prepared: the fits that do not depend on mu.
        blinded: whether the analysis is blind: the data are those expected for mu = 1.
        levels: confidence levels.
        blocks: at each mu.

    Raises:
        FitError: if no end is found.
    """
    if not levels:
        raise InputError("give the confidence levels of the intervals")
    data, distances = _profile_distances(engine, prepared, blinded, levels)
    model = data.engine.model
    low, high = map(float, model.bounds[model.poi])
    mu_hat = float(data.best.parameters[model.poi])
    bounds = [low, float(max(high, mu_hat + ROOM * np.nanmax(distances[:, 1], initial=0.0)))]
    data = data._replace(engine=engine_with_bounds(data.engine, bounds))
    values = {
        mu_hat + sign * place * distance
        for by_side in distances.tolist()
        for sign, distance in zip(SIDES, by_side, strict=True)
        for place in FIRST_PLACES
        if np.isfinite(distance)
    }
    beyond = {low} if mu_hat > low and (np.isnan(distances[:, 0]).any() or min(values) < low) else set()
    inside = rounded({each for each in values if low < each < bounds[1]}, distances)
    return {
        "test_statistic": TWO_SIDED,
        "poi_bounds": bounds,
        "mu_hat": mu_hat,
        "samples": interval_samples(data, prepared, sorted({*inside, *beyond}), blocks),
        "asymptotics": {
            "levels": levels,
            **{
                name: nan_to_none((mu_hat + sign * distances[:, side]).tolist())
                for side, (name, sign) in enumerate(zip(("lower", "upper"), SIDES, strict=True))
            },
        },
    }


def interval_samples(data: Measured, prepared: Prepared, mu: list[float], blocks: int) -> list[ToySample]:
    """Fit the data with mu held at several values, and plan toys of these fits, which test the same values.

    Args:
        data: data and best fit.
        prepared: the fits that do not depend on mu.
        mu: values within the bounds.
        blocks: at each of them.
    """
    mu_hat = data.best.parameters[data.engine.model.poi]
    samples = []
    for value, fit in zip(mu, fits_with_held_mu(data, prepared.reference.parameters, mu) if mu else [], strict=True):
        if isinstance(fit, FitError):
            samples.append(ToySample(WITH_SIGNAL, value, value, "fit_failed", reason_of(fit)))
        else:
            t_obs = float(VALUES[TWO_SIDED](value, mu_hat, fit.rise))
            parameters = fit.parameters.tolist()
            samples.append(ToySample(WITH_SIGNAL, value, value, "ok", None, t_obs, parameters, [blocks]))
    return samples


def rounded(mu: set[float], distances: np.ndarray) -> set[float]:
    """Return values of mu with as many digits as matter.

    Args:
        mu: values.
        distances: of the ends of intervals from the best fit, nan where there are none.
    """
    places = DIGITS - 1 - int(np.floor(np.log10(np.nanmin(distances))))
    return {round(each, places) for each in mu}


def _profile_distances(
    engine: Engine, prepared: Prepared, blinded: bool, levels: list[float]
) -> tuple[Measured, np.ndarray]:
    """The data, with wide bounds of mu, and the distances of profile-likelihood intervals' ends from the best fit.

    Returns:
        data and best fit; distances of the lower and the upper ends, nan for those at a bound, shape (levels, 2).
    """
    roots = np.repeat(-ndtri((1 - np.array(levels)) / 2), 2)
    sides = np.tile(SIDES, len(levels))
    low, high = engine.model.bounds[engine.model.poi]
    while True:
        data = measured(engine, prepared, blinded)
        covariance = uncertainties(Newton(engine.model), data.data, data.best).covariance
        profile = Profile(engine, data.data, data.best, covariance)
        found = profile.ends([engine.model.poi] * len(sides), sides, roots, PROFILE_PRECISION)
        if high > LARGEST_MU or not found.at_bound[sides > 0].any():
            break
        high *= WIDER
        engine = engine_with_bounds(engine, [low, high])
    distances = found.distance.reshape(-1, 2)
    if not np.isfinite(distances).any():
        raise FitError("the profile of the likelihood has no end on either side of the best fit")
    return data, distances
