"""Directions against the dense matrices that the structure of the Hessian stands for."""

import numpy as np
import pytest

from muscan.optimize.direction import newton_step
from muscan.optimize.problem import Derivatives

FITS = 9


def random_parts(globals_: int, local: int, responses: int = 7, rows: int = 5, negative: float = 0.0) -> Derivatives:
    """Derivatives with all parts of the structure; the more `negative`, the less positive definite."""
    rng = np.random.default_rng(1)
    shifted = slice(globals_ // 2, globals_)
    parameters = globals_ + local * responses
    factors = rng.normal(size=(rows + responses + local * responses, globals_, FITS))
    by_local = rng.normal(size=(local, responses, FITS))
    own = rng.normal(size=(local, local, responses, FITS))
    return Derivatives(
        value=np.zeros(FITS),
        gradient=rng.normal(size=(parameters, FITS)),
        factors=factors,
        weight=rng.uniform(0.1, 1, (rows + responses, FITS)),
        shifts=rng.normal(size=(rows, shifted.stop - shifted.start, FITS)),
        shifted=shifted,
        diagonal=rng.uniform(40, 60, (globals_, FITS)) * max(globals_ / 5, 1) - negative,
        local=own + own.swapaxes(0, 1) + (40 * np.eye(local)[..., None, None] if local else 0),
        prior=rng.uniform(1, 2, (parameters, 1)),
        information=rng.uniform(0.1, 1, (responses, FITS)),
        by_local=by_local,
        other_side=None,
    )


def dense(parts: Derivatives, fit: int) -> tuple[np.ndarray, np.ndarray]:
    """The Hessian and the expected information of one fit, both of shape (P, P)."""
    count, (number, responses) = len(parts.diagonal), parts.by_local.shape[:2]
    lines, rows = parts.factors[: len(parts.weight), :, fit], len(parts.shifts)
    hessian = np.zeros((len(parts.gradient),) * 2)
    among = lines.T @ (parts.weight[:, fit, None] * lines)
    cross = lines[:rows].T @ parts.shifts[..., fit]
    among[:, parts.shifted] += cross
    among[parts.shifted] += cross.T
    np.fill_diagonal(among, parts.diagonal[:, fit])
    hessian[:count, :count] = among
    jacobian = np.zeros((responses, len(parts.gradient)))
    jacobian[:, :count] = lines[rows:]
    for k in range(number):
        places = count + k * responses + np.arange(responses)
        jacobian[np.arange(responses), places] = parts.by_local[k, :, fit]
        hessian[places, :count] = parts.mixed[k, ..., fit]
        hessian[:count, places] = parts.mixed[k, ..., fit].T
        for j in range(number):
            hessian[places, count + j * responses + np.arange(responses)] = parts.local[k, j, :, fit]
    information = jacobian.T @ (parts.information[:, fit, None] * jacobian) + np.diag(parts.prior[:, 0])
    return hessian, information


def solved(matrix: np.ndarray, parts: Derivatives, active: np.ndarray, fit: int) -> np.ndarray:
    step = np.zeros(len(matrix))
    moving = np.flatnonzero(active[:, fit])
    step[moving] = np.linalg.solve(matrix[np.ix_(moving, moving)], -parts.gradient[moving, fit])
    return step


SIZES = pytest.mark.parametrize(("globals_", "local"), [(4, 0), (4, 1), (4, 3), (30, 0), (30, 2)])


@SIZES
def test_newton_steps_solve_the_dense_system(globals_, local):
    parts = random_parts(globals_, local)
    active = np.random.default_rng(2).random(parts.gradient.shape) < 0.7
    wanted = np.arange(FITS) != 4
    found = newton_step(parts, active, wanted, np.zeros(FITS, int))
    for fit in np.flatnonzero(wanted):
        hessian, _ = dense(parts, fit)
        assert np.linalg.eigvalsh(hessian).min() > 0
        np.testing.assert_allclose(found.step[:, fit], solved(hessian, parts, active, fit), rtol=1e-9, atol=1e-12)
    assert found.newton.tolist() == wanted.tolist()
    assert not found.step[:, 4].any()


@SIZES
@pytest.mark.parametrize(("indefinite", "part"), [(0, 0.0), (1, 0.0), (2, 0.5), (3, 0.8), (9, 0.8)])
def test_where_the_hessian_is_not_positive_definite(globals_, local, indefinite, part):
    """The expected information stands in, or a blend of both where that is positive definite."""
    parts = random_parts(globals_, local, negative=100 if globals_ < 20 else 400)
    active = np.ones(parts.gradient.shape, bool)
    found = newton_step(parts, active, np.ones(FITS, bool), np.full(FITS, indefinite))
    assert not found.newton.any()
    for fit in range(FITS):
        hessian, information = dense(parts, fit)
        assert np.linalg.eigvalsh(hessian).min() < 0
        blend = part * hessian + (1 - part) * information
        matrix = blend if np.linalg.eigvalsh(blend).min() > 0 else information
        np.testing.assert_allclose(found.step[:, fit], solved(matrix, parts, active, fit), rtol=1e-7, atol=1e-10)


def test_a_blend_is_used_where_it_is_positive_definite():
    """The lowest eigenvalue of the Hessian is -1/2, that of the expected information at least 1."""
    parts = random_parts(4, 0)
    lowest = [np.linalg.eigvalsh(dense(parts, fit)[0]).min() for fit in range(FITS)]
    parts = parts._replace(diagonal=parts.diagonal - lowest - 0.5)
    active = np.ones(parts.gradient.shape, bool)
    found = newton_step(parts, active, np.ones(FITS, bool), np.full(FITS, 2))
    assert not found.newton.any()
    for fit in range(FITS):
        blend = 0.5 * sum(dense(parts, fit))
        np.testing.assert_allclose(found.step[:, fit], solved(blend, parts, active, fit), rtol=1e-9)


def test_a_parameter_on_which_nothing_depends_stays():
    parts = random_parts(4, 1)
    parts.gradient[[1, 6]], parts.diagonal[1], parts.local[0, 0, 2] = 0.0, 0.0, 0.0
    parts.factors[:, 1], parts.shifts[...] = 0.0, 0.0
    parts.mixed[0, 2] = 0.0
    found = newton_step(parts, np.ones(parts.gradient.shape, bool), np.ones(FITS, bool), np.zeros(FITS, int))
    assert found.newton.all()
    assert not found.step[[1, 6]].any()
    assert np.abs(found.step[[0, 2, 3, 4, 5]]).min() > 0
