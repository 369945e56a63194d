#!/usr/bin/env python
"""Fit all that does not depend on the tested mu.

Reads model.npz, writes fit.json: best fit with HESSE and MINOS uncertainties, the fit that makes the Asimov data,
goodness of fit, and the yields before and after the fit.
"""

import argparse

import numpy as np

from files import failure_recorded, made_by, read_result, run, write_json
from inference.engines import ENGINES, engine
from inference.goodness_of_fit import saturated
from inference.hypotest import prepare
from inference.likelihood import Likelihood
from inference.minima import Fit, at_bound
from inference.minuit import Uncertainties, uncertainties
from inference.model import Model
from inference.test_statistics import TEST_STATISTICS
from inference.yields import prefit_covariance, propagate
from records import ChannelYields, FitResult, Parameters
from signal_point import bounded, read_model


def fit_result(engine, test_statistic: str) -> FitResult:
    """Run the fits and collect their results."""
    model = engine.model
    prepared = prepare(engine, test_statistic)
    errors = uncertainties(engine.likelihood, model.data, prepared.free)
    poi, best = model.poi, prepared.free
    return FitResult(
        poi=model.poi_name,
        poi_bounds=model.bounds[poi].tolist(),
        mu_hat=float(best.parameters[poi]),
        mu_hat_error=numbers(errors.errors)[poi],
        mu_hat_minos=list(errors.minos),
        deviance=best.deviance,
        parameters=_parameters(model, best, errors).to_json(),
        reference={
            "mu": TEST_STATISTICS[test_statistic].asimov_mu,
            "values": prepared.reference.parameters.tolist(),
            "deviance": prepared.reference.deviance,
        },
        asimov=prepared.asimov.tolist(),
        goodness_of_fit=saturated(model, best.deviance)._asdict(),
        yields=[yields.to_json() for yields in _yields(engine.likelihood, best, errors)],
        interpolation=model.interpolation,
        test_statistic=test_statistic,
        fitted_by={
            "engine": engine.name,
            "free": best.fitter,
            "reference": prepared.reference.fitter,
            "repeated": prepared.repeated,
        },
    )


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


def _yields(likelihood: Likelihood, best: Fit, errors: Uncertainties) -> list[ChannelYields]:
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
            observed=model.data[: model.nmain][bins].tolist(),
            samples={sample: row(i, bins) for i, sample in enumerate(model.samples)},
            total=row(len(model.samples), bins),
        )
        for channel, bins in model.bins.items()
    ]


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--model", required=True, help="compiled model")
    parse.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="what fits")
    parse.add_argument("--workspace", help="workspace of the model, for pyhf's engine")
    parse.add_argument("--test-statistic", choices=TEST_STATISTICS, default="qtilde")
    parse.add_argument("--poi-bound", type=float, default=10.0, help="the largest mu that a fit must be able to reach")
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    with failure_recorded(args.output):
        model = bounded(read_model(args.model), args.test_statistic, args.poi_bound)
        workspace = read_result(args.workspace) if args.engine == "pyhf" else None
        result = fit_result(engine(args.engine, model, workspace), args.test_statistic)
        provenance = made_by([args.model], poi_bound=args.poi_bound)
        write_json(args.output, result.to_json() | {"made_by": provenance})


if __name__ == "__main__":
    run(main)
