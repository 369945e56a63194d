"""The step that fits all that does not depend on the tested mu."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from muscan.base.errors import FitError, InputError
from muscan.base.files import failure_recorded, made_by, read_result, write_json
from muscan.base.options import option
from muscan.config.mu_values import poi_bound
from muscan.diagnosis.diagnose import KINDS_THAT_HINDER_FITS, diagnose
from muscan.diagnosis.findings import Finding
from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model
from muscan.histfactory.parameters import FACTOR_BOUNDS
from muscan.inference.engines import ENGINES, engine
from muscan.inference.fits import Fit, at_bound, bounds_met
from muscan.inference.goodness_of_fit import saturated
from muscan.inference.hypotest import Prepared, prepare
from muscan.inference.newton import Newton
from muscan.inference.ranges import LARGEST_MU, scan_range
from muscan.inference.signal_point import bounded, read_model
from muscan.inference.test_statistics import TEST_STATISTICS
from muscan.inference.uncertainties import Uncertainties, uncertainties
from muscan.inference.yields import prefit_covariance, propagate
from muscan.records.fit import ChannelYields, FitResult, Parameters

SAME_MINIMUM = 1e-6  # in -2 log L


# Fits with mu held and toys may end at larger values of a free factor: at twice that of the best fit in extreme cases,
# and again as much is room for the valleys that interpolation makes.
ROOM = 4


FAR = 1e-3  # of the distance of the bounds; a fit that is flat there stops a little before its bound


@dataclass(frozen=True)
class FitFiles:
    """What is read."""

    model: str = option("compiled model")
    workspace: str | None = option("workspace of the model, for pyhf's engine", default=None)
    findings: str | None = option("what was left out or changed when histograms were read", default=None)


@dataclass(frozen=True)
class FitSettings:
    """What is fitted, and with what."""

    engine: str = option("what fits", ENGINES)
    test_statistic: str = option("of the tests", tuple(TEST_STATISTICS))
    poi_bound: float | None = option("the largest mu that a fit must be able to reach; default: as the limits need")
    confidence_level: float | None = option("of the limits that decide the values of mu; needed without --poi-bound")
    blind: bool = option("the observed data of the model are an expectation")


def fit(output: str, files: FitFiles, settings: FitSettings) -> None:
    """Write fit.json, or why there is none."""
    with failure_recorded(output, test_statistic=settings.test_statistic):
        compiled = read_model(files.model)
        spec = read_result(files.workspace) if settings.engine == "pyhf" else None
        statistic, bound, level = settings.test_statistic, settings.poi_bound, settings.confidence_level
        if bound is None and level is None:
            raise InputError("give either a bound of mu, or the confidence level of the limits that decide it")

        def engine_with(bound: float):
            return engine(settings.engine, bounded(compiled, statistic, bound), spec)

        found = sound(compiled, files.findings)
        with explained(found):
            if bound is None:
                *fits, mu = with_range(engine_with, statistic, 1 - level)
            else:
                fits, mu = inside(engine_with, bound, statistic), None
        result = fit_result(*fits, statistic, mu, settings.blind)
        provenance = made_by([files.model, *filter(None, [files.findings])], poi_bound=result.poi_bounds[1])
        warnings = [finding._asdict() for finding in found]
        write_json(output, result.to_json() | {"warnings": warnings, "made_by": provenance})


def sound(model: Model, of_inputs: str | None = None) -> list[Finding]:
    """What is odd about a model that can be fitted, and about its inputs.

    Args:
        model: to be fitted.
        of_inputs: file of what read_histograms.py found.

    Raises:
        InputError: if it has no meaningful limit; with all reasons.
    """
    findings = [Finding(**each) for each in read_result(of_inputs)] if of_inputs else []
    findings += diagnose(model)
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    if errors:
        raise InputError("; ".join(errors))
    return findings


@contextmanager
def explained(findings: list[Finding]) -> Iterator[None]:
    """Put what may have hindered a fit behind the message of its failure."""
    try:
        yield
    except FitError as error:
        hints = [str(finding) for finding in findings if finding.kind in KINDS_THAT_HINDER_FITS]
        raise FitError("; ".join([str(error), *hints])) from error


def with_range(engine_with: Callable, test_statistic: str, alpha: float):
    """The range of a scan, and the fits with bounds of the POI that hold it twice, so that toys have room.

    Args:
        engine_with: the engine for a bound of the POI.

    Returns:
        the engine, what `prepare` finds, and the values of mu to be tested.
    """
    bound, mu, before = poi_bound(0), None, np.inf
    while True:
        engine, prepared = _prepared(engine_with, bound, test_statistic)
        same = abs(prepared.free.deviance - before) <= SAME_MINIMUM
        last_try = engine.model.bounds[engine.model.poi, 1] > LARGEST_MU
        wider = 8 * bound
        if mu is None or not same:
            mu = None
            if last_try or not _at_far_bound(engine.model, prepared.free):
                wide = _with_factors(engine_with(LARGEST_MU), _grown(engine.model))
                try:
                    mu = scan_range(wide, prepared, test_statistic, alpha)
                except FitError:
                    if last_try:
                        raise
                    if same:  # the best fit may still lie beyond the bound, but a little more room does not show it
                        wider = 8 * LARGEST_MU
        needed = wider if mu is None else poi_bound(2 * mu[-1])
        if needed <= bound:
            return engine, prepared, mu
        bound, before = needed, prepared.free.deviance


def _prepared(engine_with: Callable, bound: float, test_statistic: str):
    """The engine and the fits with upper bounds of free factors that hold ROOM times what these fits find.

    Only where nobody stated such a bound. Fits go on without it if they meet it; but below it they may stay in a local
    minimum, and HESSE's errors feel it.
    """
    engine, grown = engine_with(bound), {}
    while True:
        engine = _with_factors(engine, grown)
        model, prepared = engine.model, prepare(engine, test_statistic)
        largest = ROOM * np.maximum(prepared.free.parameters, prepared.reference.parameters)
        few = np.flatnonzero(model.default_bounded & (largest > model.bounds[:, 1]) & (model.bounds[:, 1] < LARGEST_MU))
        grown = {model.names[i]: float(poi_bound(largest[i])) for i in few}
        if not grown:
            return engine, prepared


def _with_factors(engine, bounds: dict[str, float]):
    """The engine with these upper bounds of factors."""
    return engine.with_model(engine.model.with_upper_bounds(bounds)) if bounds else engine


def inside(engine_with: Callable, bound: float, test_statistic: str):
    """The engine and the fits with the first of bound, 2 bound, ... that the best fit does not meet.

    At a bound that only the range of the scan has set, mu_hat and so the limits would depend on that range.
    """
    while True:
        engine, prepared = _prepared(engine_with, bound, test_statistic)
        if bound > LARGEST_MU or not _at_far_bound(engine.model, prepared.free):
            return engine, prepared
        bound *= 2


def _at_far_bound(model: Model, free: Fit) -> bool:
    """Whether the best fit is at the upper bound of the POI, or at a lower one below zero."""
    low, high = model.bounds[model.poi]
    mu_hat, margin = free.parameters[model.poi], FAR * (high - low)
    return bool(mu_hat >= high - margin or (low < 0 and mu_hat <= low + margin))


def fit_result(
    engine, prepared: Prepared, test_statistic: str, mu: list[float] | None = None, blinded: bool = False
) -> FitResult:
    """Collect the results of the fits."""
    model = engine.model
    errors = uncertainties(Newton(model), model.data, prepared.free)
    quality = saturated(model, prepared.free.deviance)._asdict()
    poi, best = model.poi, prepared.free
    return FitResult(
        poi=model.poi_name,
        poi_bounds=model.bounds[poi].tolist(),
        factor_bounds=_grown(model),
        mu_hat=None if blinded else float(best.parameters[poi]),
        mu_hat_error=None if blinded else numbers(errors.errors)[poi],
        mu_hat_minos=[None, None] if blinded else list(errors.minos),
        deviance=best.deviance,
        parameters=_parameters(model, best, errors).to_json(),
        reference={
            "mu": TEST_STATISTICS[test_statistic].asimov_mu,
            "values": prepared.reference.parameters.tolist(),
            "deviance": prepared.reference.deviance,
        },
        asimov=prepared.asimov.tolist(),
        goodness_of_fit=dict.fromkeys(quality, None) if blinded else quality,
        at_bounds={
            name: bounds_met(model, fit.parameters) for name, fit in (("free", best), ("reference", prepared.reference))
        },
        stated_bounds=[model.names[i] for i in np.flatnonzero(model.stated & ~model.fixed) if i != poi],
        yields=[yields.to_json() for yields in _yields(engine.likelihood, best, errors, blinded)],
        interpolation=model.interpolation,
        test_statistic=test_statistic,
        mu=mu,
        blinded=blinded,
        fitted_by={
            "engine": engine.name,
            "free": best.fitter,
            "reference": prepared.reference.fitter,
            "repeated": prepared.repeated,
        },
    )


def _grown(model: Model) -> dict[str, float]:
    """Upper bounds of the factors for which pyhf's default leaves too little room."""
    grown = np.flatnonzero(model.default_bounded & (model.bounds[:, 1] != FACTOR_BOUNDS[1]))
    return {model.names[i]: float(model.bounds[i, 1]) for i in grown}


def numbers(values: np.ndarray) -> list[float | None]:
    """An array for JSON, which has no nan."""
    return [None if np.isnan(value) else float(value) for value in values]


def _parameters(model: Model, best: Fit, errors: Uncertainties) -> Parameters:
    sigma = np.sqrt(np.diag(errors.covariance))
    scale = np.where(sigma == 0, 1.0, sigma)
    return Parameters(
        names=model.names,
        values=best.parameters.tolist(),
        errors=numbers(errors.errors),
        correlations=[numbers(row) for row in errors.covariance / np.outer(scale, scale)],
        initial=model.initial.tolist(),
        constraint_widths=numbers(model.constrained_widths()),
        fixed=model.fixed.tolist(),
        at_bound=at_bound(model, best.parameters).tolist(),
    )


def _yields(likelihood: Likelihood, best: Fit, errors: Uncertainties, blinded: bool) -> list[ChannelYields]:
    model = likelihood.model
    stages = {
        "prefit": propagate(likelihood, model.initial, prefit_covariance(model)),
        "postfit": propagate(likelihood, best.parameters, errors.covariance),
    }

    def row(index: int, bins: slice) -> dict[str, list[float]]:
        return {
            name: numbers(values[index, bins])
            for stage, yields in stages.items()
            for name, values in ((stage, yields.expected), (f"{stage}_error", yields.uncertainty))
        }

    return [
        ChannelYields(
            channel=channel,
            observed=None if blinded else model.data[: model.nmain][bins].tolist(),
            samples={sample: row(i, bins) for i, sample in enumerate(model.samples)},
            total=row(len(model.samples), bins),
        )
        for channel, bins in model.bins.items()
    ]
