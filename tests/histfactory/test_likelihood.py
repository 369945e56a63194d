"""The deviance and its derivatives: against pyhf, exact arithmetic and finite differences."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

from helpers.workspaces import SMALL, counting, random_points, referee
from muscan.base.batches import batch_of
from muscan.histfactory.compile import compile_workspace
from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.poisson import poisson_deviance
from muscan.optimize.walls import Walls

CODES = [{}, {"normsys": "code1", "histosys": "code0"}]


def as_columns(data: np.ndarray, number: int) -> np.ndarray:
    return np.repeat(data[:, None], number, axis=1)


def exact_poisson_deviance(observed: float, expected: float) -> float:
    with localcontext(prec=60):
        n, nu = Decimal(observed), Decimal(expected)
        return float(2 * (nu - n + (n * (n / nu).ln() if n else 0)))


@pytest.mark.parametrize("codes", CODES)
@pytest.mark.parametrize("spec", SMALL.values(), ids=SMALL)
def test_differences_are_those_of_pyhf(spec, codes):
    model, (expected, data) = compile_workspace(spec, codes), referee(spec, codes)
    points = random_points(model)
    ours = Likelihood(model).deviance(points.T, as_columns(data, len(points)))
    pyhfs = np.array([-2 * expected.logpdf(point, data)[0] for point in points])
    np.testing.assert_allclose(ours - ours[0], pyhfs - pyhfs[0], rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize("spec", SMALL.values(), ids=SMALL)
def test_it_is_zero_on_asimov_data_and_positive_elsewhere(spec):
    model = compile_workspace(spec)
    likelihood, points = Likelihood(model), random_points(model)
    for point in points:
        assert likelihood.deviance_of(point, likelihood.asimov(point)) == pytest.approx(0, abs=1e-20)
    assert all(likelihood.deviance_of(points[0], likelihood.asimov(point)) > 0 for point in points[1:])


def derivatives(likelihood: Likelihood, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value, gradient and Hessian of the deviance in the order of the model, from the parts that the step uses."""
    model, layout, fits = likelihood.model, likelihood.layout, points.shape[1]
    walls = Walls(np.zeros((model.nmain, fits)), np.full(fits, 10.0))
    data = likelihood.arranged(as_columns(model.data, fits))
    parts = likelihood.derivatives(likelihood.places(points), data, walls)
    count, lines = layout.globals_, len(parts.weight)
    by_global = parts.factors[:lines]
    among = np.einsum("rib,rb,rjb->ijb", by_global, parts.weight, by_global)
    cross = np.einsum("rib,rhb->ihb", by_global[: layout.rows], parts.shifts)
    among[:, layout.shifted] += cross
    among[layout.shifted] += cross.transpose(1, 0, 2)
    among[np.arange(count), np.arange(count)] = parts.diagonal
    hessian = np.zeros((len(layout.order), len(layout.order), fits))
    hessian[:count, :count] = among
    number, bins = parts.by_local.shape[:2]
    mixed = parts.factors[lines:]
    hessian[count:, :count], hessian[:count, count:] = mixed, mixed.transpose(1, 0, 2)
    place = count + np.arange(number * bins).reshape(number, bins)
    for k, j in np.ndindex(number, number):
        hessian[place[k], place[j]] = parts.local[k, j]
    by_row = likelihood.parameters(hessian)
    hessian = likelihood.parameters(by_row.swapaxes(0, 1)).swapaxes(0, 1)
    return 2 * parts.value, 2 * likelihood.parameters(parts.gradient), 2 * hessian


@pytest.mark.parametrize("codes", CODES)
@pytest.mark.parametrize("spec", SMALL.values(), ids=SMALL)
def test_derivatives_are_finite_differences(spec, codes):
    likelihood = Likelihood(compile_workspace(spec, codes))
    points = random_points(likelihood.model, 12).T
    value, gradient, hessian = derivatives(likelihood, points)
    data = as_columns(likelihood.model.data, points.shape[1])
    np.testing.assert_allclose(value, likelihood.deviance(points, data), rtol=1e-12)
    for parameter in range(len(points)):
        shift = np.zeros_like(points)
        shift[parameter] = 1e-5 * (0.1 + np.abs(points[parameter]))
        up, down = derivatives(likelihood, points + shift), derivatives(likelihood, points - shift)
        slope = (up[0] - down[0]) / (2 * shift[parameter])
        np.testing.assert_allclose(gradient[parameter], slope, rtol=1e-6, atol=1e-5)
        bend = (up[1] - down[1]) / (2 * shift[parameter])
        scale = np.abs(hessian[parameter]).max(axis=0)
        np.testing.assert_allclose(hessian[parameter] / scale, bend / scale, atol=1e-6)


@pytest.mark.parametrize("zero", ["mu", "top_norm", "other_shape[0]"])
def test_derivatives_where_a_factor_is_zero(zero):
    """The limit of small factors."""
    likelihood = Likelihood(compile_workspace(SMALL["every modifier"]))
    point = likelihood.model.initial.copy()
    found = []
    for value in (0.0, 1e-7):
        point[likelihood.model.names.index(zero)] = value
        found.append(derivatives(likelihood, batch_of(point)))
    for at_zero, near in zip(*found, strict=True):
        np.testing.assert_allclose(at_zero, near, rtol=1e-4, atol=1e-4)


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
    model = compile_workspace(counting([3.0], [1.0], [1.0], ("stat", "shapesys", [sigma])))
    tau = model.constraints.factor[0]
    assert tau == pytest.approx(1e12)
    for pull in (-3.0, -1e-3, 1e-3, 0.1, 1.0, 3.0):
        gamma = 1 + pull * sigma
        parameters = np.where(np.array(model.names) == "mu", 2.0, gamma)
        exact = exact_poisson_deviance(tau, tau * gamma) + exact_poisson_deviance(3.0, 2.0 + gamma)
        assert Likelihood(model).deviance_of(parameters, model.data) == pytest.approx(exact, rel=1e-8)


def test_nothing_observed_costs_twice_the_expectation():
    np.testing.assert_allclose(poisson_deviance(np.zeros(3), np.array([0.5, 3.0, 1e7])), [1.0, 6.0, 2e7])


def test_negative_yields_are_impossible():
    assert np.isinf(poisson_deviance(np.array([0.0, 3.0, 3.0]), np.array([-0.1, -0.1, 0.0]))).all()


@pytest.mark.parametrize("name", ["shapesys", "every modifier"])
def test_what_a_point_gives_does_not_depend_on_its_batch(name):
    likelihood = Likelihood(compile_workspace(SMALL[name]))
    points, data = random_points(likelihood.model, 9).T, as_columns(likelihood.model.data, 9)
    for method, batches in (
        (likelihood.deviance, (points, data)),
        (likelihood.expected, (points,)),
        (likelihood.expected_by_sample, (points,)),
        (likelihood.bends, (points, data)),
    ):
        together = method(*batches)
        for index in range(9):
            alone = method(*(each[:, [index]] for each in batches))
            np.testing.assert_array_equal(alone[..., 0], together[..., index])
