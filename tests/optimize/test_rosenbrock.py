"""The optimiser on problems other than a likelihood: their minima are known in closed form."""

import numpy as np
import pytest
from scipy.optimize import brentq

from helpers.problems import (
    Absolute,
    DenseValleys,
    DoubleWell,
    Logarithm,
    Residuals,
    Rosenbrock,
    RosenbrockBelow,
    Valleys,
)
from muscan.base.code import SCRIPTS, imported_modules
from muscan.optimize.minimize import Minima, minimize

RNG = np.random.default_rng(1)
A, B = RNG.uniform(0.8, 2.0, 50), RNG.uniform(1.0, 100.0, 50)
DATA = np.stack([A, B])
CLASSIC = np.repeat([[-1.2], [1.0]], 50, axis=1)  # where Rosenbrock starts


def fit(problem: Residuals, starts: np.ndarray, data: np.ndarray = DATA, held: tuple = (), **options) -> Minima:
    """Minima, all of which must have converged."""
    mask = np.isin(np.arange(len(problem.low)), held)
    found = minimize(problem, data, starts, mask, **options)
    assert found.converged.all()
    assert (found.edm < 1e-9).all()
    return found


def test_the_optimiser_knows_nothing_of_histograms():
    used = {file.relative_to(SCRIPTS / "muscan").parts[0] for file in imported_modules("muscan/optimize/minimize.py")}
    assert used == {"__init__.py", "base", "optimize"}


@pytest.mark.parametrize("start", [(-1.2, 1.0), (0.0, 3.0), (5.0, -20.0)])
def test_without_bounds(start):
    """(0, 3) is where the Hessian is not positive definite."""
    found = fit(Rosenbrock(), np.repeat(np.reshape(start, (2, 1)), 50, axis=1))
    np.testing.assert_allclose(found.parameters, [A, A**2], rtol=1e-4)
    np.testing.assert_allclose(found.value, 0, atol=1e-9)
    assert found.iterations.max() < 60


def test_an_upper_bound_of_x():
    found = fit(Rosenbrock(high=[0.5, np.inf]), CLASSIC)
    np.testing.assert_allclose(found.parameters, np.repeat([[0.5], [0.25]], 50, axis=1), rtol=1e-4)
    assert (found.parameters[0] == 0.5).all()
    np.testing.assert_allclose(found.value, (A - 0.5) ** 2 / 2, rtol=1e-8)


@pytest.mark.parametrize(("low", "high", "bound"), [(-np.inf, 0.25, 0.25), (6.0, np.inf, 6.0)])
def test_a_bound_of_y(low, high, bound):
    """On it 2 b x^3 + (1 - 2 b y) x = a, of which x is the largest root."""
    found = fit(Rosenbrock(low=[-np.inf, low], high=[np.inf, high]), np.full((2, 50), 1.0))
    roots = [np.roots([2 * b, 0.0, 1 - 2 * b * bound, -a]) for a, b in DATA.T]
    x = np.array([each[np.isreal(each)].real.max() for each in roots])
    assert (found.parameters[1] == bound).all()
    np.testing.assert_allclose(found.parameters[0], x, rtol=1e-4)
    np.testing.assert_allclose(found.value, ((A - x) ** 2 + B * (bound - x**2) ** 2) / 2, rtol=1e-8)


def test_both_parameters_end_on_bounds():
    found = fit(Rosenbrock(high=[0.5, 0.1]), CLASSIC)
    x = np.array([brentq(lambda x, a=a, b=b: x - a - 2 * b * x * (0.1 - x**2), 0.2, 2) for a, b in DATA.T])
    x = np.minimum(x, 0.5)
    assert {0.5} < set(x)  # the bound of x matters for some of the functions
    np.testing.assert_allclose(found.parameters[0], x, rtol=1e-4)
    np.testing.assert_allclose(found.value, ((A - x) ** 2 + B * (0.1 - x**2) ** 2) / 2, rtol=1e-8)


def test_parameters_that_are_held():
    starts = np.stack([RNG.normal(size=50), np.full(50, 7.0)])
    found = fit(Rosenbrock(), starts, held=(0,))
    assert (found.parameters[0] == starts[0]).all()
    np.testing.assert_allclose(found.parameters[1], starts[0] ** 2, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.value, (A - starts[0]) ** 2 / 2, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("valleys", [1, 3, 30])
def test_local_parameters(valleys):
    """Eliminated, and as global ones; 32 of these are too many for systems to be solved together."""
    for problem in (Valleys(valleys), DenseValleys(valleys)):
        found = fit(problem, np.full((2 + valleys, 50), -1.0))
        minimum = [A, np.full(50, -1.0), *(A**2 + n for n in range(1, valleys + 1))]
        np.testing.assert_allclose(found.parameters, minimum, rtol=1e-4)
        np.testing.assert_allclose(found.value, 0, atol=1e-9)


@pytest.mark.parametrize("kind", [Valleys, DenseValleys])
def test_bounds_of_local_parameters(kind):
    """y_3 is at most 3, so that x^2 costs half of b x^4 / 2 each; the other valleys follow."""
    problem = kind(3, high=[np.inf, np.inf, np.inf, np.inf, 3.0])
    found = fit(problem, np.full((5, 50), 0.5))
    x = np.array([brentq(lambda x, a=a, b=b: x - a + 2 * b * x**3, 0, 2) for a, b in DATA.T])
    np.testing.assert_allclose(found.parameters, [x, np.full(50, 0.5), x**2 + 1, x**2 + 2, np.full(50, 3.0)], rtol=1e-4)
    np.testing.assert_allclose(found.value, ((A - x) ** 2 + B * x**4) / 2, rtol=1e-8)


@pytest.mark.parametrize("limit", [0.5, 1.5])
def test_a_condition(limit):
    """x + y <= limit, for every other function; for the others it does not count."""
    holds = np.arange(50) % 2 == 0
    found = fit(RosenbrockBelow(limit), np.zeros((2, 50)), np.vstack([DATA, holds]))
    x = np.array([brentq(lambda x, a=a, b=b: x - a - b * (1 + 2 * x) * (limit - x - x**2), 0, 2) for a, b in DATA.T])
    value = ((A - x) ** 2 + B * (limit - x - x**2) ** 2) / 2
    np.testing.assert_allclose(found.parameters[0], np.where(holds, x, A), rtol=1e-4)
    np.testing.assert_allclose(found.parameters.sum(axis=0)[holds], limit, atol=1e-5)
    np.testing.assert_allclose(found.value, np.where(holds, value, 0.0), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_kinks(side):
    """The minimum is on either side of the kink or at it, and fits begin on one side."""
    data = np.stack([RNG.normal(0, 2, 50), RNG.uniform(0.1, 2, 50)])
    found = fit(Absolute(), np.full((1, 50), side), data)
    minimum = np.sign(data[0]) * np.maximum(np.abs(data[0]) - data[1], 0)
    assert (minimum > 0).any()
    assert (minimum < 0).any()
    assert (found.parameters[0] == 0).sum() == (minimum == 0).sum() > 0
    np.testing.assert_allclose(found.parameters[0], minimum, atol=1e-6)


def test_a_fit_leaves_a_maximum_on_which_it_begins():
    found = fit(DoubleWell(), np.zeros((1, 50)), DATA[:1])
    np.testing.assert_allclose(np.abs(found.parameters[0]), np.sqrt(A), rtol=1e-5)


def test_a_start_at_which_the_function_is_not_defined():
    found = fit(Logarithm(), RNG.uniform(-5, 5, (1, 50)), DATA[:1])
    np.testing.assert_allclose(found.parameters[0], np.exp(A), rtol=1e-4)


def test_fits_that_cross_a_border_are_given_up():
    border = np.zeros(50, int), np.linspace(-1, 3, 50)
    found = minimize(DoubleWell(), DATA[:1], np.full((1, 50), 4.0), np.zeros(1, bool), border)
    assert (found.converged == (border[1] < np.sqrt(A))).all()
    assert np.isnan(found.value[~found.converged]).all()


PROBLEMS = {
    "bounds": (Rosenbrock(high=[0.9, np.inf]), 2, DATA),
    "local": (Valleys(3), 5, DATA),
    "large": (DenseValleys(30), 32, DATA),
    "condition": (RosenbrockBelow(1.5), 2, np.vstack([DATA, np.arange(50) % 2])),
    "kink": (Absolute(), 1, np.stack([A - 1.5, B / 100])),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_fit_does_not_depend_on_its_batch(name, monkeypatch):
    problem, parameters, data = PROBLEMS[name]
    starts = np.random.default_rng(2).normal(0.5, 1.0, (parameters, 50))
    together = fit(problem, starts, data)
    for index in (0, 1, 49):
        alone = fit(problem, starts[:, [index]], data[:, [index]])
        for ours, among in zip(alone, together, strict=True):
            np.testing.assert_array_equal(ours[..., 0], among[..., index])
    monkeypatch.setattr("muscan.optimize.minimize.LARGEST_BATCH", 7)
    monkeypatch.setattr("muscan.optimize.minimize.SMALLEST_BATCH", 2)
    for ours, among in zip(fit(problem, starts, data), together, strict=True):
        np.testing.assert_array_equal(ours, among)
