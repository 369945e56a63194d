"""The deviance against pyhf's log-likelihood, Gaussian and Poisson terms in exact arithmetic, and the walls."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

from inference.likelihood import SMALLEST_YIELD, deviance, gaussian_deviance, poisson_deviance
from inference.model import Model
from test_model import random_points
from workspaces import SMALL, counting, referee

CODES = [{}, {"normsys": "code1", "histosys": "code0"}, {"histosys": "code2"}]


def exact_poisson_deviance(observed: float, expected: float) -> float:
    with localcontext(prec=60):
        n, nu = Decimal(observed), Decimal(expected)
        return float(2 * (nu - n + (n * (n / nu).ln() if n else 0)))


@pytest.mark.parametrize("codes", CODES)
@pytest.mark.parametrize("spec", SMALL.values(), ids=SMALL)
def test_differences_are_those_of_pyhf(spec, codes):
    model, (expected, data) = Model(spec, codes), referee(spec, codes)
    points = random_points(model)
    ours = np.array([deviance(model, point, data) for point in points])
    pyhfs = np.array([-2 * expected.logpdf(point, data)[0] for point in points])
    np.testing.assert_allclose(ours - ours[0], pyhfs - pyhfs[0], rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize("spec", SMALL.values(), ids=SMALL)
def test_it_is_zero_on_asimov_data_and_positive_elsewhere(spec):
    model = Model(spec)
    points = random_points(model)
    for point in points:
        assert deviance(model, point, model.expected(point)) == pytest.approx(0, abs=1e-20)
    assert all(deviance(model, points[0], model.expected(point)) > 0 for point in points[1:])


@pytest.mark.parametrize("observed", [0.0, 1.0, 7.0, 1e3, 1e7, 2e11, 1e12])
@pytest.mark.parametrize("shift", [-0.5, -1e-3, -1e-7, -1e-9, 0.0, 1e-9, 1e-7, 1e-3, 0.5, 30.0])
def test_poisson_terms_are_exact(observed, shift):
    expected = max(observed, 1.0) * (1 + shift)
    value = poisson_deviance(np.array([observed]), np.array([expected]))[0]
    exact = exact_poisson_deviance(observed, expected)
    assert value == pytest.approx(exact, rel=2e-9, abs=1e-12)


def test_a_constraint_with_huge_tau_keeps_its_digits():
    """Published likelihoods have tau = 2e11; nu - n log nu in double precision is then good to 0.004 at best."""
    sigma = 1e-6
    model = Model(counting([3.0], [1.0], [1.0], ("stat", "shapesys", [sigma])))
    tau = model.constraints.factor[0]
    assert tau == pytest.approx(1e12)
    for pull in (-3.0, -1e-3, 1e-3, 0.1, 1.0, 3.0):
        gamma = 1 + pull * sigma
        parameters = np.where(np.array(model.names) == "mu", 2.0, gamma)
        exact = exact_poisson_deviance(tau, tau * gamma) + exact_poisson_deviance(3.0, 2.0 + gamma)
        assert deviance(model, parameters, model.data) == pytest.approx(exact, rel=1e-8)


def test_gaussian_terms():
    value = gaussian_deviance(np.array([1.0, 0.0]), np.array([1.04, -2.0]), np.array([0.02, 1.0]))
    np.testing.assert_allclose(value, [4.0, 4.0])


def test_nothing_observed_costs_twice_the_expectation():
    np.testing.assert_allclose(poisson_deviance(np.zeros(3), np.array([0.5, 3.0, 1e7])), [1.0, 6.0, 2e7])


@pytest.mark.parametrize("observed", [0.0, 0.3, 5.0, 1e7])
def test_negative_yields_meet_a_wall_that_grows(observed):
    yields = -np.logspace(-8, 6, 60)
    wall = poisson_deviance(np.full(60, observed), yields)
    assert np.isfinite(wall).all()
    assert (np.diff(wall) > 0).all()
    assert wall[0] > poisson_deviance(np.array([observed]), np.array([SMALLEST_YIELD]))[0]


@pytest.mark.parametrize("observed", [0.0, 5.0])
def test_the_wall_joins_the_likelihood_without_a_step(observed):
    steps = np.array([0.1, 0.01, 0.001])
    edge = poisson_deviance(np.full(3, observed), np.full(3, SMALLEST_YIELD))
    for side in (1 - steps, 1 + steps):
        difference = np.abs(poisson_deviance(np.full(3, observed), SMALLEST_YIELD * side) - edge)
        np.testing.assert_array_less(difference, 4 * steps * max(observed, SMALLEST_YIELD))
