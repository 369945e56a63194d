"""-2 log L in deviance form, with exact gradient and Hessian, for many fits of one model at a time.

Summing `nu - n log(nu)` loses all digits where n is large (a Poisson constraint with tau = 1e12 is real); each term is
therefore taken relative to its own best value, so that the value at the minimum is also the saturated goodness of fit
(S. Baker, R. Cousins, Nucl. Instrum. Meth. 221 (1984) 437).

The last axis of every array counts the fits. NumPy works along it, and no sum runs over it: what one fit gives does
not depend on the others. A single fit is calculated twice, because NumPy sums the same numbers in another order where
that axis has the length one.
"""

from typing import NamedTuple

import numpy as np

from inference.interpolation import SHARPEST, histosys_even_part
from inference.layout import Block, RowFactors, layout
from inference.model import Model

# A factor of zero is replaced by this, so that derivatives of a product can be written as product / factor, and so that
# a fit with mu = 0 is the limit of small mu where only the signal explains the events of a bin.
ALMOST_ZERO = 1e-30
# Expected events below this are none; observed ones are then impossible.
NO_EVENTS = 1e-100
# Where nothing is observed, nu >= 0 is a wall. Fits lean on it with this precision, in events.
WALL_WIDTH = 1e-6


def poisson_deviance(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """2 [nu - n + n log(n / nu)] per measurement; infinite where nu is negative, or zero in spite of n > 0."""
    return 2 * _half_deviance(observed, expected, _possible(observed, expected))


def _possible(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return (expected > NO_EVENTS) | ((observed == 0) & (expected >= -WALL_WIDTH))


def _half_deviance(observed: np.ndarray, expected: np.ndarray, possible: np.ndarray) -> np.ndarray:
    positive = observed > 0
    n = np.where(positive, observed, 1.0)
    nu = np.where(possible & positive, expected, n)
    difference = nu - n
    x = difference / n
    log = np.log1p(x)
    far = x < -0.5  # 1 + x has lost digits
    if far.any():
        log = np.where(far, np.log(nu / n), log)
    return np.where(possible, np.where(positive, difference - n * log, expected), np.inf)


class Rows(NamedTuple):
    """A sum of products, H = X + X^T with X = sum over rows of left * right; both of shape (rows, G, B)."""

    left: np.ndarray
    right: np.ndarray


class Walls(NamedTuple):
    """Where nothing is observed, half the deviance is nu, and templates that extrapolate below zero would win.

    The condition nu >= 0 is kept by an augmented Lagrangian, `nu + (max(0, force - k nu)^2 - force^2) / 2k` with the
    stiffness k (R. Rockafellar, Math. Programming 5 (1973) 354): exact once the force on a bin has converged to the
    multiplier of its condition.
    """

    force: np.ndarray  # shape (nmain, B)
    stiffness: np.ndarray  # in 1 / events^2, shape (B,)


class Derivatives(NamedTuple):
    """Half the deviance and its derivatives; G global and K local parameters of N bins, B fits."""

    value: np.ndarray  # shape (B,); infinite where the expected events are impossible
    gradient: np.ndarray  # shape (G, B)
    rows: list[Rows]  # off-diagonal elements of the Hessian of the global parameters
    diagonal: np.ndarray  # its diagonal elements, shape (G, B)
    fisher: np.ndarray  # expected information: a positive scale of each parameter, shape (G, B)
    local_gradient: np.ndarray  # shape (K, N, B)
    local: np.ndarray  # Hessian among the local parameters of a bin, shape (K, K, N, B)
    mixed: np.ndarray  # between local and global parameters, shape (K, N, G, B)
    local_fisher: np.ndarray  # shape (K, N, B)
    other_side: np.ndarray | None  # gradient on the other side of the kinks at alpha = 0, shape (G, B)


class Likelihood:
    """The likelihood of a model. Parameters of shape (npar, B) and data of shape (nmain + naux, B) belong together."""

    def __init__(self, model: Model):
        self.model = model
        self.layout = layout(model)
        self.has_kinks = bool(self.layout.kinked.any())
        constraints, npar = model.constraints, len(model.names)
        self._gauss = np.flatnonzero(~constraints.is_poisson)
        self._poisson = np.flatnonzero(constraints.is_poisson)
        self._gauss_weight = (1 / constraints.sigma[self._gauss] ** 2)[:, None]
        self._tau = constraints.factor[self._poisson][:, None]
        self._parameter = {
            "gauss": constraints.parameter[self._gauss],
            "poisson": constraints.parameter[self._poisson],
        }
        self._npar = npar

    def deviance(self, parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
        """-2 log [L / L(saturated)], shape (B,)."""
        nmain, constraints = self.model.nmain, self.model.constraints
        auxiliary = data[nmain:]
        expected = constraints.factor[:, None] * parameters[constraints.parameter]
        gauss = ((auxiliary - expected)[self._gauss]) ** 2 * self._gauss_weight
        poisson = poisson_deviance(auxiliary[self._poisson], expected[self._poisson])
        main = poisson_deviance(data[:nmain], self.expected(parameters))
        return _total(main) + _total(gauss) + _total(poisson)

    def deviance_of(self, parameters: np.ndarray, data: np.ndarray) -> float:
        """The deviance of one set of parameters and data."""
        pair = np.repeat(parameters[:, None], 2, axis=1), np.repeat(data[:, None], 2, axis=1)
        with np.errstate(all="ignore"):
            return float(self.deviance(*pair)[0])

    def gradient_of(self, parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
        """The gradient of the deviance at one set of parameters and data, shape (npar,)."""
        walls = Walls(np.zeros((self.model.nmain, 2)), np.ones(2))
        pair = np.repeat(parameters[:, None], 2, axis=1), self.arranged(np.repeat(data[:, None], 2, axis=1))
        with np.errstate(all="ignore"):
            parts = self.derivatives(*pair, walls)
        gradient = np.zeros(self._npar + 1)
        gradient[self.layout.globals_] = 2 * parts.gradient[:, 0]
        gradient[self.layout.local] = 2 * parts.local_gradient[..., 0]
        return gradient[:-1]

    def asimov(self, parameters: np.ndarray) -> np.ndarray:
        """Expected data, main then auxiliary, at one set of parameters, shape (nmain + naux,)."""
        expected = self.expected(np.repeat(parameters[:, None], 2, axis=1))[:, 0]
        return np.concatenate([expected, self.model.expected_auxiliary(parameters)])

    def expected(self, parameters: np.ndarray) -> np.ndarray:
        """Expected events, shape (nmain, B)."""
        expected = np.empty((self.model.nmain, parameters.shape[1]))
        theta = self._padded(parameters)
        for block in self.layout.blocks:
            cells = _cells(block, theta, self.layout.histosys, self._even(theta)[0])
            expected[block.bins] = cells.events.sum(axis=0)
        return expected

    def expected_by_sample(self, parameters: np.ndarray) -> np.ndarray:
        """Expected events per sample, shape (nsamples, nmain, B); zero where a channel lacks the sample."""
        expected = np.zeros((len(self.model.samples), self.model.nmain, parameters.shape[1]))
        theta = self._padded(parameters)
        for block in self.layout.blocks:
            cells = _cells(block, theta, self.layout.histosys, self._even(theta)[0])
            slot, channel = np.nonzero(block.slot_sample >= 0)
            expected[block.slot_sample[slot, channel][:, None], block.bins[channel]] = cells.events[slot, channel]
        return expected

    def derivatives(self, parameters: np.ndarray, data: np.ndarray, walls: Walls) -> Derivatives:
        """Value, gradient and Hessian of the deviance with soft walls.

        Args:
            parameters: shape (npar, B).
            data: as `arranged` gives them.
            walls: of the bins in which nothing is observed.
        """
        theta = self._padded(parameters)
        parts = []
        even = self._even(theta)
        start = 0
        for block in self.layout.blocks:
            stop = start + block.bins.size
            parts.append(
                self._block(block, theta, even, data[start:stop], Walls(walls.force[start:stop], walls.stiffness))
            )
            start = stop
        derivatives = _joined(parts, self.layout.local.shape[0])
        return self._constrain(derivatives, theta, data)

    def bends(self, parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
        """What the bend of the interpolation at alpha = 0 adds to the Hessian of half the deviance, shape (npar, B).

        Where it outweighs the constraint, with -1 for a unit Gaussian, the deviance has a valley on either side.
        """
        theta = self._padded(parameters)
        bends = np.zeros_like(theta)
        for block in self.layout.blocks:
            cells = _cells(block, theta, self.layout.histosys, self._even(theta)[0])
            nu = cells.events.sum(axis=0)
            weight = 1 - data[block.bins] / np.maximum(nu, 0.1)
            bends[self.layout.histosys] += np.einsum("hscm,scmb->hb", block.even, weight * cells.scale)
            of_rows = (weight * cells.events).sum(axis=2).reshape(-1, theta.shape[1])
            relative = block.interpolate.even / cells.norm.factor
            np.add.at(bends, block.norm.parameter, of_rows[block.norm.row] * relative)
        return SHARPEST * bends[:-1]

    def arranged(self, data: np.ndarray) -> np.ndarray:
        """Data in the order of the layout, shape (nmain + naux, B)."""
        return np.concatenate([data[self.layout.order], data[self.model.nmain :]])

    def _padded(self, parameters: np.ndarray) -> np.ndarray:
        return np.concatenate([parameters, np.ones((1, parameters.shape[1]))])

    def _even(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return histosys_even_part(theta[self.layout.histosys], self.model.interpolation["histosys"])

    def _block(self, block: Block, theta: np.ndarray, even: tuple, observed: np.ndarray, walls) -> Derivatives:
        columns, shifts = len(self.layout.globals_), len(self.layout.histosys)
        size, channels = block.nominal.shape[:2]
        fits = theta.shape[1]
        cells = _cells(block, theta, self.layout.histosys, even[0])
        slopes = np.zeros((size * channels, columns, fits))
        slopes[block.norm.row, block.norm.column] = cells.norm.slope
        slopes[block.linear.row, block.linear.column] = 1 / cells.linear
        slopes = slopes.reshape(size, channels, columns, fits)
        nu = cells.events.sum(axis=0)
        terms, weight, curvature, information = _main_terms(
            observed.reshape(nu.shape), nu, walls.force.reshape(nu.shape), walls.stiffness
        )
        value = _total(terms.reshape(-1, fits))
        jacobian = _response(block, cells, slopes, even[1], cells.events, cells.scale)
        flat = jacobian.reshape(-1, columns, fits)
        gradient = np.einsum("nb,ngb->gb", weight.reshape(-1, fits), flat)
        weighted = weight * cells.events
        of_rows = weighted.sum(axis=2)  # (S, C, B)
        right = 0.5 * of_rows[:, :, None] * slopes
        shift_weight = weight * cells.scale
        by_even = np.einsum("hscm,scmb->hb", block.even, shift_weight)
        if shifts:
            right[:, :, :shifts] += _shift_rows(block, shift_weight, even[1])
        curved = (curvature[:, :, None] * jacobian).reshape(-1, columns, fits)
        diagonal = np.einsum("ngb,ngb->gb", curved, flat)
        if shifts:
            overlap = slopes[:, :, :shifts] * right[:, :, :shifts]
            overlap -= 0.5 * of_rows[:, :, None] * slopes[:, :, :shifts] ** 2
            diagonal[:shifts] += even[2] * by_even + 2 * overlap.sum(axis=(0, 1))
        bend = of_rows.reshape(-1, fits)[block.norm.row] * cells.norm.bend
        _add_by_column(diagonal, block.norm, bend)
        fisher = np.einsum("nb,ngb->gb", information.reshape(-1, fits), flat * flat)
        rows = [Rows(slopes.reshape(-1, columns, fits), right.reshape(-1, columns, fits)), Rows(flat, 0.5 * curved)]
        other = None
        if self.has_kinks:
            other = self._other_side(block, theta, cells, gradient, of_rows.reshape(-1, fits), by_even, even[1])
        return Derivatives(
            value,
            gradient,
            rows,
            diagonal,
            fisher,
            *_local_parts(block, theta, cells, slopes, even[1], jacobian, weight, curvature, information),
            other,
        )

    def _other_side(self, block, theta, cells, gradient, of_rows, by_even, sign) -> np.ndarray:
        other = gradient.copy()
        shifts = len(self.layout.histosys)
        if self.model.interpolation["histosys"] in ("code0",):
            other[:shifts] -= 2 * np.copysign(1.0, theta[self.layout.histosys]) * by_even
        if self.model.interpolation["normsys"] in ("code1",):
            slope = block.interpolate.other_side(theta[block.norm.parameter])
            _add_by_column(other, block.norm, of_rows[block.norm.row] * (slope - cells.norm.slope))
        return other

    def _constrain(self, derivatives: Derivatives, theta: np.ndarray, data: np.ndarray) -> Derivatives:
        """Add the constraint terms."""
        npar, fits = self._npar, theta.shape[1]
        gradient, hessian, fisher = np.zeros((3, npar + 1, fits))
        auxiliary = data[self.model.nmain :]
        which = self._parameter["gauss"]
        pull = theta[which] - auxiliary[self._gauss]
        value = derivatives.value + 0.5 * _total(pull * pull * self._gauss_weight)
        gradient[which] += pull * self._gauss_weight
        hessian[which] += self._gauss_weight
        fisher[which] += self._gauss_weight
        which = self._parameter["poisson"]
        if len(which):
            gamma, a = theta[which], auxiliary[self._poisson]
            expected = self._tau * gamma
            value = value + _total(_half_deviance(a, expected, gamma > 0))
            gradient[which] += (expected - a) / gamma
            hessian[which] += a / (gamma * gamma)
            fisher[which] += self._tau / gamma
        chosen, local = self.layout.globals_, self.layout.local
        k = np.arange(len(local))
        among = derivatives.local.copy()
        among[k, k] += hessian[local]
        other = None if derivatives.other_side is None else derivatives.other_side + gradient[chosen]
        return derivatives._replace(
            value=value,
            gradient=derivatives.gradient + gradient[chosen],
            diagonal=derivatives.diagonal + hessian[chosen],
            fisher=derivatives.fisher + fisher[chosen],
            local_gradient=derivatives.local_gradient + gradient[local],
            local=among,
            local_fisher=derivatives.local_fisher + fisher[local],
            other_side=other,
        )


def _main_terms(n: np.ndarray, nu: np.ndarray, force: np.ndarray, stiffness: np.ndarray) -> tuple[np.ndarray, ...]:
    """Half the deviance of each bin, its first and second derivative by nu, and the expected information."""
    push = np.maximum(force - stiffness * nu, 0.0)
    safe = np.where(nu > NO_EVENTS, nu, 1.0)
    ratio = n / safe
    seen = n > 0
    wall = nu + (push * push - force * force) / (2 * stiffness)
    value = np.where(seen, _half_deviance(n, nu, nu > NO_EVENTS), wall)
    weight = 1 - np.where(seen, ratio, push)
    curvature = np.where(seen, ratio / safe, stiffness * (push > 0))
    return value, weight, curvature, 1 / np.maximum(nu, 0.01)


class Cells(NamedTuple):
    """Expected events per sample and bin, and what their derivatives are made of."""

    events: np.ndarray  # shape (S, C, M, B)
    scale: np.ndarray  # product of all factors, shape (S, C, M, B)
    norm: NamedTuple  # Scaling of the normsys entries
    linear: np.ndarray  # the normfactor entries, shape (entries, B)
    gammas: np.ndarray  # shape (K, C, M, B)


def _cells(block: Block, theta: np.ndarray, histosys: np.ndarray, even: np.ndarray) -> Cells:
    size, channels, width = block.nominal.shape[:3]
    fits = theta.shape[1]
    norm = block.interpolate(theta[block.norm.parameter])
    linear = _off_zero(theta[block.linear.parameter])
    rows = np.ones((size * channels, fits))
    _multiply(rows, block.norm, norm.factor)
    _multiply(rows, block.linear, linear)
    template = block.nominal
    if len(histosys):
        template = template + np.einsum("hscm,hb->scmb", block.odd, theta[histosys])
        template = template + np.einsum("hscm,hb->scmb", block.even, even)
    scale = np.broadcast_to(rows.reshape(size, channels, 1, fits), (size, channels, width, fits))
    gammas = _off_zero(theta[block.local])
    for mask, gamma in zip(block.mask, gammas, strict=True):
        scale = scale * np.where(mask, gamma, 1.0)
    return Cells(template * scale, scale, norm, linear, gammas)


def _multiply(rows: np.ndarray, factors: RowFactors, values: np.ndarray) -> None:
    if len(factors.rows):
        rows[factors.rows] *= np.multiply.reduceat(values, factors.starts, axis=0)


def _add_by_column(target: np.ndarray, factors: RowFactors, values: np.ndarray) -> None:
    if len(factors.columns):
        target[factors.columns] += np.add.reduceat(values[factors.by_column], factors.column_starts, axis=0)


def _off_zero(factor: np.ndarray) -> np.ndarray:
    return np.where(np.abs(factor) < ALMOST_ZERO, ALMOST_ZERO, factor)


def _response(block: Block, cells: Cells, slopes, even_slope, events, scale) -> np.ndarray:
    """Derivative of the sum over samples with respect to the global parameters, shape (C, M, G, B)."""
    response = np.einsum("scmb,scgb->cmgb", events, slopes)
    shifts = len(block.odd)
    if shifts:
        response[:, :, :shifts] += np.einsum("hscm,scmb->cmhb", block.odd, scale)
        response[:, :, :shifts] += np.einsum("hscm,scmb->cmhb", block.even, scale) * even_slope
    return response


def _shift_rows(block: Block, weight: np.ndarray, even_slope: np.ndarray) -> np.ndarray:
    """Sum over the bins of each row of weight * d(shift), shape (S, C, H, B)."""
    odd = np.einsum("hscm,scmb->schb", block.odd, weight)
    return odd + np.einsum("hscm,scmb->schb", block.even, weight) * even_slope


def _total(terms: np.ndarray) -> np.ndarray:
    """Sum over the first axis, in its order."""
    return terms.sum(axis=0)


def _local_parts(block, theta, cells, slopes, even_slope, jacobian, weight, curvature, information):
    """Gradient, Hessian, mixed derivatives and information of the local parameters."""
    channels, width, columns, fits = jacobian.shape
    number = len(block.local)
    bins = channels * width
    own = np.empty((number, channels, width, fits))
    mixed = np.empty((number, channels, width, columns, fits))
    among = np.empty((number, number, channels, width, fits))
    for k in range(number):
        events = cells.events * block.mask[k] / cells.gammas[k]
        own[k] = events.sum(axis=0)
        if block.full[k]:
            bent = jacobian / cells.gammas[k][:, :, None]
        else:
            bent = _response(block, cells, slopes, even_slope, events, cells.scale * block.mask[k] / cells.gammas[k])
        mixed[k] = (curvature * own[k])[:, :, None] * jacobian + weight[:, :, None] * bent
        for j in range(k + 1):
            among[k, j] = among[j, k] = curvature * own[k] * own[j]
            if j < k:
                both = weight * (events * block.mask[j] / cells.gammas[j]).sum(axis=0)
                among[k, j] += both
                among[j, k] += both
    shape = (number, bins, fits)
    return (
        (weight * own).reshape(shape),
        among.reshape(number, number, bins, fits),
        mixed.reshape(number, bins, columns, fits),
        (information * own * own).reshape(shape),
    )


def _joined(parts: list[Derivatives], most: int) -> Derivatives:
    """The sum of the blocks."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]

    def fill(part: np.ndarray, axes: int) -> np.ndarray:
        missing = most - part.shape[0]
        return np.pad(part, [(0, missing)] * axes + [(0, 0)] * (part.ndim - axes)) if missing else part

    return Derivatives(
        sum(part.value for part in parts),
        sum(part.gradient for part in parts),
        [rows for part in parts for rows in part.rows],
        sum(part.diagonal for part in parts),
        sum(part.fisher for part in parts),
        np.concatenate([fill(part.local_gradient, 1) for part in parts], axis=1),
        np.concatenate([fill(part.local, 2) for part in parts], axis=2),
        np.concatenate([fill(part.mixed, 1) for part in parts], axis=1),
        np.concatenate([fill(part.local_fisher, 1) for part in parts], axis=1),
        None if first.other_side is None else sum(part.other_side for part in parts),
    )
