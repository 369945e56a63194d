"""The step that runs the fits that do not depend on the tested mu."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from muscan.base.errors import FitError, InputError
from muscan.base.files import made_by, read_result, record_failure, write_json
from muscan.base.options import option
from muscan.diagnosis.diagnose import KINDS_THAT_HINDER_FITS, diagnose
from muscan.diagnosis.findings import Finding
from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model
from muscan.inference.engine import Engine
from muscan.inference.engines import ENGINES, engine
from muscan.inference.fit_bounds import fit_and_find_range, fit_within_bound, raised_factor_bounds
from muscan.inference.fits import Fit, at_bound, bounds_met
from muscan.inference.goodness_of_fit import saturated
from muscan.inference.hypotest import Prepared
from muscan.inference.newton import Newton
from muscan.inference.signal_point import bounded, read_model
from muscan.inference.test_statistics import TEST_STATISTICS
from muscan.inference.uncertainties import Uncertainties, uncertainties
from muscan.inference.yields import prefit_covariance, propagate
from muscan.records.fit import ChannelYields, FitResult, Parameters
from muscan.records.record import nan_to_none


@dataclass(frozen=True)
class FitFiles:
    """The input files of the step."""

    model: str = option("compiled model")
    workspace: str | None = option("workspace of the model, which the engine pyhf needs", default=None)
    findings: str | None = option("list of what was left out or changed when histograms were read", default=None)


@dataclass(frozen=True)
class FitSettings:
    """How the model is fitted."""

    engine: str = option("engine of the fits", ENGINES)
    test_statistic: str = option("test statistic of the tests", tuple(TEST_STATISTICS))
    poi_bound: float | None = option("largest mu that the fits must be able to reach; default: as the limits require")
    confidence_level: float | None = option(
        "confidence level of the limits that decide the range of mu; required without --poi-bound"
    )
    blind: bool = option("the analysis is blind: the observed data of the model are an expectation")


def fit(output: str, files: FitFiles, settings: FitSettings) -> None:
    """Write fit.json, or the reason why there is none."""
    with record_failure(output, test_statistic=settings.test_statistic):
        compiled = read_model(files.model)
        spec = read_result(files.workspace) if settings.engine == "pyhf" else None
        statistic, bound, level = settings.test_statistic, settings.poi_bound, settings.confidence_level
        if bound is None and level is None:
            raise InputError("give either the bound of mu, or the confidence level of the limits that decide it")

        def engine_with_bound(bound: float) -> Engine:
            return engine(settings.engine, bounded(compiled, statistic, bound), spec)

        findings = require_sound_model(compiled, files.findings)
        with hints_on_failure(findings):
            if bound is None:
                *fits, mu = fit_and_find_range(engine_with_bound, statistic, 1 - level)
            else:
                fits, mu = fit_within_bound(engine_with_bound, bound, statistic), None
        result = fit_result(*fits, statistic, mu, settings.blind)
        provenance = made_by([files.model, *filter(None, [files.findings])], poi_bound=result.poi_bounds[1])
        warnings = [finding._asdict() for finding in findings]
        write_json(output, result.to_json() | {"warnings": warnings, "made_by": provenance})


def require_sound_model(model: Model, input_findings: str | None = None) -> list[Finding]:
    """Check that a model has a meaningful limit, and return all findings about it and about its inputs.

    Args:
        model: to be fitted.
        input_findings: the file of findings that read_histograms.py has written.

    Raises:
        InputError: if the model has no meaningful limit; the message states all reasons.
    """
    findings = [Finding(**each) for each in read_result(input_findings)] if input_findings else []
    findings += diagnose(model)
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    if errors:
        raise InputError("; ".join(errors))
    return findings


@contextmanager
def hints_on_failure(findings: list[Finding]) -> Iterator[None]:
    """Append the findings that may explain the failure of a fit to its error message."""
    try:
        yield
    except FitError as error:
        hints = [str(finding) for finding in findings if finding.kind in KINDS_THAT_HINDER_FITS]
        raise FitError("; ".join([str(error), *hints])) from error


def fit_result(
    engine: Engine, prepared: Prepared, test_statistic: str, mu: list[float] | None = None, blinded: bool = False
) -> FitResult:
    """Return the content of fit.json.

    Args:
        engine: that has made the fits.
        prepared: the fits that do not depend on mu.
        test_statistic: a key of TEST_STATISTICS.
        mu: values to be tested, if the fits have decided them.
        blinded: whether results that depend on the observed data are left out.
    """
    model = engine.model
    errors = uncertainties(Newton(model), model.data, prepared.free)
    quality = saturated(model, prepared.free.deviance)._asdict()
    poi, best = model.poi, prepared.free
    return FitResult(
        poi=model.poi_name,
        poi_bounds=model.bounds[poi].tolist(),
        factor_bounds=raised_factor_bounds(model),
        mu_hat=None if blinded else float(best.parameters[poi]),
        mu_hat_error=None if blinded else nan_to_none(errors.errors)[poi],
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


def _parameters(model: Model, best: Fit, errors: Uncertainties) -> Parameters:
    sigma = np.sqrt(np.diag(errors.covariance))
    scale = np.where(sigma == 0, 1.0, sigma)
    return Parameters(
        names=model.names,
        values=best.parameters.tolist(),
        errors=nan_to_none(errors.errors),
        correlations=[nan_to_none(row) for row in errors.covariance / np.outer(scale, scale)],
        initial=model.initial.tolist(),
        constraint_widths=nan_to_none(model.constrained_widths()),
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
            name: nan_to_none(values[index, bins])
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
