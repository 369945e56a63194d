"""One signal point, as the steps use it: its model, the fits that fit.py has written, and tests of values of mu."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from muscan.base import seals
from muscan.base.errors import FitError, InputError, reason_of
from muscan.base.files import read_result
from muscan.base.options import option
from muscan.histfactory.model import Model, from_npz
from muscan.inference.engine import Engine
from muscan.inference.engines import engine
from muscan.inference.fits import Fit
from muscan.inference.hypotest import Prepared, hypotests
from muscan.inference.test_statistics import TEST_STATISTICS
from muscan.records.fit import FitResult
from muscan.records.hypotest import Hypotest


@dataclass(frozen=True)
class SignalFiles:
    """The input files of all steps that use the fits of a signal point."""

    model: str = option("compiled model")
    fit: str = option("fit.json of the same model")
    workspace: str | None = option("workspace of the model, which the engine pyhf needs", default=None)


def read_model(path: str) -> Model:
    """Read a compiled model.

    Raises:
        StepError: if the file is the record of a failure.
    """
    seals.require_intact(path)
    if Path(path).exists() and Path(path).read_bytes()[:1] == b"{":
        read_result(path)
    return from_npz(path)


def bounded(model: Model, test_statistic: str, poi_bound: float) -> Model:
    """Return the model with bounds of the POI as the test statistic requires them.

    qtilde is defined with mu_hat >= 0, whatever the workspace states; q needs room below zero.

    Args:
        model: of the signal point.
        test_statistic: a key of TEST_STATISTICS.
        poi_bound: the largest mu that the fits must be able to reach.
    """
    low, high = model.bounds[model.poi]
    low = 0.0 if TEST_STATISTICS[test_statistic].bounded else min(low, -poi_bound)
    return model.with_poi_bounds(low, max(high, poi_bound))


def load(files: SignalFiles) -> tuple[Engine, Prepared, FitResult]:
    """Return the engine of a signal point, the fits that the step `fit` has made with it, and the content of fit.json.

    Raises:
        StepError: if a file is the record of a failure.
    """
    result = FitResult.read(files.fit)
    bounds = read_model(files.model).with_poi_bounds(*result.poi_bounds).with_upper_bounds(result.factor_bounds)
    of_pyhf = result.fitted_by["engine"] == "pyhf"
    spec = read_result(files.workspace) if files.workspace and of_pyhf else None
    return engine(result.fitted_by["engine"], bounds, spec), _prepared_from(result), result


def values_of_mu(mu: list[float], result: FitResult) -> list[float]:
    """Return the values of mu that a step tests: those of its options, or those that fit.py has chosen.

    Raises:
        InputError: if there are neither.
    """
    values = mu or result.mu
    if not values:
        raise InputError("the fit has not chosen values of mu: give the values to be tested")
    return values


def run_tests(
    engine: Engine, prepared: Prepared, mu: Sequence[float], result: FitResult, calculator: str
) -> list[Hypotest]:
    """Return the records of tests of several values; a failed fit becomes the status of its record.

    Args:
        engine: see `load`.
        prepared: see `load`.
        mu: values to be tested.
        result: see `load`.
        calculator: a key of CALCULATORS.
    """
    test_statistic = result.test_statistic
    kind = {"calculator": calculator, "test_statistic": test_statistic, "engine": engine.name}
    records = []
    for value, tested in zip(mu, hypotests(engine, prepared, mu, test_statistic, calculator), strict=True):
        if isinstance(tested, FitError):
            records.append(Hypotest(mu=value, status="fit_failed", reason=reason_of(tested), **kind))
        else:
            numbers = tested.p_values._asdict() | {"q_obs": tested.q_obs, "q_asimov": tested.q_asimov}
            fits = {"rescued_fits": tested.rescued, "at_bounds": tested.at_bounds}
            record = Hypotest(mu=value, status="ok", **numbers, **fits, **kind)
            records.append(record.without_observed() if result.blinded else record)
    return records


def _prepared_from(result: FitResult) -> Prepared:
    """The fits that do not depend on mu, from fit.json."""

    def as_fit(values: list[float], deviance: float, fitter: str) -> Fit:
        return Fit(np.array(values), deviance, edm=0.0, fitter=fitter)

    return Prepared(
        as_fit(result.parameters["values"], result.deviance, result.fitted_by["free"]),
        as_fit(result.reference["values"], result.reference["deviance"], result.fitted_by["reference"]),
        np.array(result.asimov),
    )
