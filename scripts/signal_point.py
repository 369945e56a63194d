"""One signal point as the steps share it: its model, the fits that fit.py wrote, and a test of one mu."""

import numpy as np

from files import read_result
from inference.errors import FitError
from inference.hypotest import Prepared, hypotest
from inference.minimize import Fit
from inference.model import Model
from inference.test_statistics import TEST_STATISTICS
from records import FitResult, Hypotest


def load_model(workspace: dict, interpolation: dict, test_statistic: str, poi_bound: float) -> Model:
    """The model, with bounds of the POI that the test statistic needs and that hold every mu of the scan.

    qtilde is defined with mu_hat >= 0, whatever the workspace says; q needs room below zero.
    """
    model = Model(workspace, interpolation)
    low, high = model.bounds[model.poi]
    model.set_poi_bounds(
        0.0 if TEST_STATISTICS[test_statistic].bounded else min(low, -poi_bound),
        max(high, poi_bound),
    )
    return model


def load(workspace: str, fit: str) -> tuple[Model, Prepared, FitResult]:
    """The model, and the fits that fit.py made of it."""
    result = FitResult.from_json(read_result(fit))
    model = Model(read_result(workspace), result.interpolation)
    model.set_poi_bounds(*result.poi_bounds)
    return model, _prepared_from(result), result


def run_test(model: Model, prepared: Prepared, mu: float, test_statistic: str, calculator: str) -> Hypotest:
    """One test; a failed fit becomes the status of the record."""
    kind = {"calculator": calculator, "test_statistic": test_statistic}
    try:
        tested = hypotest(model, prepared, mu, test_statistic, calculator)
    except FitError as error:
        return Hypotest(mu=mu, status="fit_failed", reason=str(error), **kind)
    return Hypotest(
        mu=mu, status="ok", **tested.p_values._asdict(), q_obs=tested.q_obs, q_asimov=tested.q_asimov, **kind
    )


def _prepared_from(result: FitResult) -> Prepared:
    """What the hypothesis tests need of a fit that was written earlier."""

    def as_fit(values: list[float], deviance: float) -> Fit:
        return Fit(np.array(values), deviance, edm=0.0, valid=True)

    return Prepared(
        as_fit(result.parameters["values"], result.deviance),
        as_fit(result.reference["values"], result.reference["deviance"]),
        np.array(result.asimov),
    )
