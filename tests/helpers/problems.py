"""Small problems for the optimiser whose minima are known."""

import numpy as np

from muscan.optimize.problem import Derivatives
from muscan.optimize.walls import Walls, wall_terms


class Residuals:
    """Half a sum of squares of N residuals with weights, of G global parameters and perhaps K = 1 local one for each.

    A subclass says what the residuals are: `residuals(x, y, data)` returns them, shape (N, B), their weights, shape
    (N, B) or (N, 1), their first and second derivatives by the global parameters x, both of shape (N, G, B), and their
    derivatives by the local ones y of shape (N, B), which must not depend on x nor y. Second derivatives by two
    different parameters must be zero.
    """

    globals_, number, local = 1, 1, False
    kinked = np.zeros(0, int)
    elements = 100

    def __init__(self, low: list | float = -np.inf, high: list | float = np.inf):
        parameters = self.globals_ + self.local * self.number
        columns = (np.reshape(bound, (-1, 1)).astype(float) for bound in (low, high))
        self.low, self.high = (np.broadcast_to(column, (parameters, 1)) for column in columns)
        self.centre = np.clip(np.ones((parameters, 1)), self.low, self.high)

    def derivatives(self, theta: np.ndarray, data: np.ndarray, walls: Walls) -> Derivatives:
        assert theta.shape[1] > 1, "batches have at least two columns"
        fits, count = theta.shape[1], self.globals_
        residual, weight, first, second, by_local = self.residuals(theta[:count], theta[count:], data)
        curvature = np.broadcast_to(weight, residual.shape).copy()
        slope, value = curvature * residual, 0.5 * (curvature * residual**2).sum(axis=0)
        condition = self.conditions(theta)
        if len(condition):  # the wall is a residual of another function of the parameters
            terms, holds = wall_terms(condition, walls), self.walled(data)
            value = value + np.where(holds, terms.value, 0.0).sum(axis=0)
            slope = np.concatenate([slope, np.where(holds, -terms.push, 0.0)])
            curvature = np.concatenate([curvature, np.where(holds, terms.curvature, 0.0)])
            by_global = np.repeat(self.condition_slopes[..., None], fits, axis=2)
            first, second = np.concatenate([first, by_global]), np.concatenate([second, np.zeros_like(by_global)])
        by_local = by_local[None] if self.local else np.zeros((0, len(slope), fits))
        mixed = (curvature * by_local)[:, :, None] * first
        return Derivatives(
            value=value,
            gradient=np.concatenate([(slope[:, None] * first).sum(axis=0), (slope * by_local).reshape(-1, fits)]),
            factors=np.concatenate([first, mixed.reshape(-1, count, fits)]),
            weight=curvature,
            shifts=np.zeros((0, 0, fits)),
            shifted=slice(0, 0),
            diagonal=(curvature[:, None] * first**2 + slope[:, None] * second).sum(axis=0),
            local=curvature * by_local[:, None] * by_local[None],
            prior=np.zeros((len(theta), 1)),
            information=curvature,
            by_local=by_local,
            other_side=None,
        )

    condition_slopes = np.zeros((0, 1))

    def conditions(self, theta: np.ndarray) -> np.ndarray:
        return np.zeros((0, theta.shape[1]))

    def walled(self, data: np.ndarray) -> np.ndarray:
        return np.zeros((0, data.shape[1]), bool)


class Rosenbrock(Residuals):
    """Rosenbrock's function, [(a - x)^2 + b (y - x^2)^2] / 2, with a and b as data.

    H. Rosenbrock, Comput. J. 3 (1960) 175. Its minimum, zero, is at (a, a^2).
    """

    globals_, number = 2, 2

    def residuals(self, theta, _, data):
        (x, y), (a, b) = theta, data[:2]
        zero, one = np.zeros_like(x), np.ones_like(x)
        first = np.array([[-one, zero], [-2 * x, one]])
        second = np.array([[zero, zero], [-2 * one, zero]])
        return np.array([a - x, y - x**2]), np.array([one, b]), first, second, None


class RosenbrockBelow(Rosenbrock):
    """The same with the condition x + y <= limit, for those functions whose third datum is 1."""

    condition_slopes = np.array([[-1.0, -1.0]])

    def __init__(self, limit: float):
        super().__init__()
        self.limit = limit

    def conditions(self, theta: np.ndarray) -> np.ndarray:
        return self.limit - theta.sum(axis=0, keepdims=True)

    def walled(self, data: np.ndarray) -> np.ndarray:
        return data[2:] > 0


class Valleys(Residuals):
    """[(a - x)^2 + b sum over n of (y_n - x^2 - n)^2] / 2: valleys that share x, with a local parameter y_n each.

    The local parameter of the first residual does nothing.
    """

    local = True

    def __init__(self, valleys: int = 3, **bounds):
        self.number = 1 + valleys
        super().__init__(**bounds)

    def residuals(self, x, y, data):
        a, b = data[:2]
        n, one = np.arange(1.0, self.number)[:, None], np.ones((1, x.shape[1]))
        residual = np.concatenate([a - x, y[1:] - x**2 - n])
        weight = np.concatenate([one, np.repeat(b[None], len(n), axis=0)])
        first = np.concatenate([-one, np.repeat(-2 * x, len(n), axis=0)])[:, None]
        second = np.concatenate([0 * one, np.repeat(-2 * one, len(n), axis=0)])[:, None]
        return residual, weight, first, second, np.concatenate([0 * one, np.repeat(one, len(n), axis=0)])


class DenseValleys(Valleys):
    """The same function, with all parameters global."""

    local = False

    def __init__(self, valleys: int = 3, **bounds):
        self.globals_ = 2 + valleys
        super().__init__(valleys, **bounds)

    def residuals(self, theta, _, data):
        residual, weight, first, second, by_local = super().residuals(theta[:1], theta[1:], data)
        by_y = np.eye(self.number)[..., None] * by_local
        nothing = np.zeros_like(by_y)
        return residual, weight, np.hstack([first, by_y]), np.hstack([second, nothing]), None


class DoubleWell(Residuals):
    """(x^2 - a)^2 / 2: minima at both roots of a, and a maximum at zero between them."""

    def residuals(self, x, _, data):
        two = np.full((1, *x.shape), 2.0)
        return x**2 - data[:1], np.ones((1, 1)), 2 * x[None], two, None


class Logarithm(Residuals):
    """(log x - a)^2 / 2, which is not defined where x is not positive; its minimum is exp(a)."""

    def residuals(self, x, _, data):
        return np.log(x) - data[:1], np.ones((1, 1)), 1 / x[None], -1 / x[None] ** 2, None


class Absolute(Residuals):
    """(x - a)^2 / 2 + b |x| with a kink at x = 0; its minimum is sign(a) max(|a| - b, 0)."""

    kinked = np.array([0])

    def residuals(self, x, _, data):
        one = np.ones((1, *x.shape))
        return x - data[:1], np.ones((1, 1)), one, 0 * one, None

    def derivatives(self, theta: np.ndarray, data: np.ndarray, walls: Walls) -> Derivatives:
        parts = super().derivatives(theta, data, walls)
        side, b = np.copysign(1.0, theta), data[1]
        other = parts.gradient - b * side
        return parts._replace(
            value=parts.value + b * np.abs(theta[0]), gradient=parts.gradient + b * side, other_side=other
        )


class Flat(Residuals):
    """(x + y - a)^2 / 2: zero all along a line, where the Hessian is singular everywhere."""

    globals_ = 2

    def residuals(self, theta, _, data):
        one = np.ones((1, *theta.shape))
        return theta.sum(axis=0, keepdims=True) - data[:1], np.ones((1, 1)), one, 0 * one, None


class Sheared(Residuals):
    """[x^2 + (10 x + y - a)^2] / 2: a narrow valley that runs across the axes."""

    globals_, number = 2, 2

    def residuals(self, theta, _, data):
        x, y = theta
        zero, one = np.zeros_like(x), np.ones_like(x)
        first = np.array([[one, zero], [10 * one, one]])
        return np.array([x, 10 * x + y - data[0]]), np.ones((2, 1)), first, 0 * first, None
