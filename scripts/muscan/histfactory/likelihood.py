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

from muscan.histfactory.interpolation import KINKED, SHARPEST, Scaling, histosys_even_part
from muscan.histfactory.layout import Block, Layout, layout
from muscan.histfactory.model import Model

# A factor of zero is replaced by this, so that derivatives of a product can be written as product / factor, and so that
# a fit with mu = 0 is the limit of small mu where only the signal explains the events of a bin.
ALMOST_ZERO = 1e-30
# Expected events below this are none; observed ones are then impossible.
NO_EVENTS = 1e-100
# Of the events in a bin, in the expected information.
LEAST_VARIANCE = 0.01
# Where nothing is observed, nu >= 0 is a wall. Fits lean on it with this precision, in events.
WALL_WIDTH = 1e-6


def poisson_deviance(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """2 [nu - n + n log(n / nu)] per measurement; infinite where nu is negative, or zero in spite of n > 0."""
    positive = observed > 0
    possible = np.where(positive, expected > NO_EVENTS, expected >= -WALL_WIDTH)
    n, nu = np.where(positive, observed, 1.0), np.where(positive & possible, expected, 1.0)
    half = np.where(positive, _half_deviance(n, nu), expected)
    return 2 * np.where(possible, half, np.inf)


def _half_deviance(n: np.ndarray, nu: np.ndarray) -> np.ndarray:
    """nu - n + n log(n / nu) for positive numbers."""
    x = (nu - n) / n
    log = np.log1p(x)
    far = x < -0.5  # 1 + x has lost digits
    if far.any():
        log = np.where(far, np.log(nu / n), log)
    return n * (x - log)


class Walls(NamedTuple):
    """Where nothing is observed, half the deviance is nu, and templates that extrapolate below zero would win.

    The condition nu >= 0 is kept by an augmented Lagrangian, `nu + (max(0, force - k nu)^2 - force^2) / 2k` with the
    stiffness k (R. Rockafellar, Math. Programming 5 (1973) 354): exact once the force on a bin has converged to the
    multiplier of its condition.
    """

    force: np.ndarray  # shape (N, B)
    stiffness: np.ndarray  # in 1 / events^2, shape (B,)


class Derivatives(NamedTuple):
    """Half the deviance and its derivatives; G global and K local parameters of N bins, R rows, B fits.

    The Hessian of the global parameters is x^T w x + y^T z + z^T y, with x the first R + N lines of `factors`, w
    their `weight`, y its first R lines and z the `shifts`, except for its diagonal.
    """

    value: np.ndarray  # shape (B,); infinite where the expected events are impossible
    gradient: np.ndarray  # shape (P, B)
    factors: np.ndarray  # d log(row), d nu, and the mixed derivatives of the K N local ones, shape (R + N + K N, G, B)
    weight: np.ndarray  # shape (R + N, B)
    shifts: np.ndarray  # shape (R, H, B)
    diagonal: np.ndarray  # second derivatives, shape (G, B)
    local: np.ndarray  # Hessian among the local parameters of a bin, shape (K, K, N, B)
    prior: np.ndarray  # information of the constraints, shape (P, B)
    information: np.ndarray  # expected information of nu, shape (N, B)
    by_local: np.ndarray  # d nu / d local, shape (K, N, B)
    other_side: np.ndarray | None  # gradient on the other side of the kinks at alpha = 0, shape (P, B)

    @property
    def mixed(self) -> np.ndarray:
        """Second derivatives between local and global parameters, shape (K, N, G, B); a view of `factors`."""
        number, bins = self.by_local.shape[:2]
        lines = self.factors[len(self.factors) - number * bins :]
        return lines.reshape(number, bins, *lines.shape[1:])

    def blended(self, which: np.ndarray, part: float) -> "Derivatives":
        """For some fits a part of the Hessian and for the rest the expected information, which is never indefinite.

        A single fit is given twice, see above.
        """
        if len(which) == 1:
            which = np.repeat(which, 2)

        def of(values: np.ndarray) -> np.ndarray:  # `take` keeps the order of the axes in memory: that of the sums
            return np.take(values, which, axis=-1)

        rest = 1 - part
        number, bins = self.by_local.shape[:2]
        rows, count = len(self.weight) - bins, len(self.diagonal)
        prior = of(np.broadcast_to(self.prior, self.gradient.shape))
        information, by_local = rest * of(self.information), of(self.by_local)
        used = slice(0 if part else rows, None)  # the rows matter to the Hessian alone
        factors, weight = of(self.factors[used]), part * of(self.weight[used])
        lines = len(weight)
        weight[lines - bins :] += information
        diagonal = part * of(self.diagonal) + rest * prior[:count]
        responses, mixed = factors[lines - bins : lines], factors[lines:].reshape(number, bins, *diagonal.shape)
        diagonal += np.einsum("nb,ngb,ngb->gb", information, responses, responses)
        weighted = information * by_local
        mixed *= part
        mixed += weighted[:, :, None] * responses
        local = part * of(self.local) + weighted[:, None] * by_local
        for k, own in enumerate(prior[count:].reshape(by_local.shape)):
            local[k, k] += rest * own
        return self._replace(
            gradient=of(self.gradient),
            factors=factors,
            weight=weight,
            shifts=part * of(self.shifts[used][: lines - bins]),
            diagonal=diagonal,
            local=local,
            by_local=by_local,
        )


class Likelihood:
    """The likelihood of a model. Parameters of shape (npar, B) and data of shape (nmain + naux, B) belong together.

    What the fits use is in the order of the layout: `places`, `arranged` and `derivatives`.
    """

    def __init__(self, model: Model):
        self.model = model
        self.layout = layout(model)
        constraints, order = model.constraints, self.layout.order
        place = np.full(len(model.names) + 1, -1)
        place[order] = np.arange(len(order))
        gauss, poisson = (
            which[np.argsort(place[constraints.parameter[which]])]
            for which in (np.flatnonzero(~constraints.is_poisson), np.flatnonzero(constraints.is_poisson))
        )
        self._gauss, self._poisson = (_as_slice(place[constraints.parameter[which]]) for which in (gauss, poisson))
        self._gauss_weight = (1 / constraints.sigma[gauss] ** 2)[:, None]
        self._tau = constraints.factor[poisson][:, None]
        self._data_order = np.concatenate([self.layout.bins, model.nmain + gauss, model.nmain + poisson])
        self._prior = np.zeros((len(order), 1))
        self._prior[self._gauss] = self._gauss_weight

    def deviance(self, parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
        """-2 log [L / L(saturated)], shape (B,)."""
        theta, arranged = self.places(parameters), self.arranged(data)
        main, gauss, poisson = self._parts(arranged)
        pull = theta[self._gauss] - gauss
        of_main = poisson_deviance(main, self.expected_in_places(theta))
        of_poisson = poisson_deviance(poisson, self._tau * theta[self._poisson])
        return _total(of_main) + _total(pull * pull * self._gauss_weight) + _total(of_poisson)

    def deviance_of(self, parameters: np.ndarray, data: np.ndarray) -> float:
        """The deviance of one set of parameters and data."""
        with np.errstate(all="ignore"):
            return float(self.deviance(_twice(parameters), _twice(data))[0])

    def gradient_of(self, parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
        """The gradient of the deviance at one set of parameters and data, shape (npar,)."""
        return 2 * self.parameters(self._derivatives_of(parameters, data).gradient)[:, 0]

    def asimov(self, parameters: np.ndarray) -> np.ndarray:
        """Expected data, main then auxiliary, at one set of parameters, shape (nmain + naux,)."""
        expected = self.expected(_twice(parameters))[:, 0]
        return np.concatenate([expected, self.model.expected_auxiliary(parameters)])

    def expected(self, parameters: np.ndarray) -> np.ndarray:
        """Expected events, shape (nmain, B)."""
        expected = np.empty((self.model.nmain, parameters.shape[1]))
        expected[self.layout.bins] = self.expected_in_places(self.places(parameters))
        return expected

    def expected_by_sample(self, parameters: np.ndarray) -> np.ndarray:
        """Expected events per sample, shape (nsamples, nmain, B); zero where a channel lacks the sample."""
        expected = np.zeros((len(self.model.samples), self.model.nmain, parameters.shape[1]))
        for block, cells in self._cells(self.places(parameters)):
            slot, channel = np.nonzero(block.slot_sample >= 0)
            expected[block.slot_sample[slot, channel][:, None], block.bins[channel]] = cells.events[slot, channel]
        return expected

    def places(self, parameters: np.ndarray) -> np.ndarray:
        """Parameters in the order of the layout, one where it has none, shape (P, B)."""
        return np.concatenate([parameters, np.ones((1, parameters.shape[1]))])[self.layout.order]

    def parameters(self, theta: np.ndarray) -> np.ndarray:
        """Numbers in the order of the layout in the order of the model, shape (npar, B)."""
        values = np.empty((len(self.model.names) + 1, *theta.shape[1:]), theta.dtype)
        values[self.layout.order] = theta
        return values[:-1]

    def arranged(self, data: np.ndarray) -> np.ndarray:
        """Data in the order of the layout: main, Gaussian and Poisson measurements, shape (nmain + naux, B)."""
        return data[self._data_order]

    def derivatives(self, theta: np.ndarray, data: np.ndarray, walls: Walls) -> Derivatives:
        """Value, gradient and Hessian of half the deviance with soft walls.

        Args:
            theta: parameters as `places` gives them.
            data: as `arranged` gives them.
            walls: of the bins in which nothing is observed.
        """
        main, gauss, poisson = self._parts(data)
        even = self._even(theta)
        cells = [_cells(block, theta, even, self.layout, True) for block in self.layout.blocks]
        nu = _joined([each.nu for each in cells])
        terms = _main_terms(main, nu, walls)
        found = self._blank(theta, terms, nu)
        for block, each in zip(self.layout.blocks, cells, strict=True):
            _fill(found, self.layout, block, each, terms, even)
        responses = found.factors[self.layout.rows : self.layout.rows + len(nu)]
        count = self.layout.globals_
        np.einsum("nb,ngb->gb", terms.slope, responses, out=found.gradient[:count])
        np.multiply(terms.slope, found.by_local, out=found.gradient[count:].reshape(found.by_local.shape))
        found.diagonal[:] += np.einsum("nb,ngb,ngb->gb", terms.curvature, responses, responses)
        other = self._other_side(theta, cells, found, terms, even)
        return self._constrained(found._replace(other_side=other), theta, gauss, poisson)

    def hessian(self, parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
        """Second derivatives of half the deviance, -log L, at one set of parameters and data, shape (npar, npar)."""
        found = self._derivatives_of(parameters, data)
        count, bins, rows = self.layout.globals_, np.arange(self.model.nmain), found.shifts.shape[0]
        lines, shifts = found.factors[: len(found.weight), :, 0], found.shifts[..., 0]
        among = (lines * found.weight[:, :1]).T @ lines
        cross = lines[:rows].T @ shifts
        among[:, self.layout.shifted] += cross
        among[self.layout.shifted] += cross.T
        np.fill_diagonal(among, found.diagonal[:, 0])
        by_place = np.zeros((len(self.layout.order),) * 2)
        by_place[:count, :count] = among
        for k, mixed in enumerate(found.mixed[..., 0]):
            places = count + k * self.model.nmain + bins
            by_place[places, :count], by_place[:count, places] = mixed, mixed.T
            for j, local in enumerate(found.local[k, :, :, 0]):
                by_place[places, count + j * self.model.nmain + bins] = local
        return self.parameters(self.parameters(by_place).T)

    def jacobian(self, parameters: np.ndarray) -> np.ndarray:
        """Derivatives of the expected main and auxiliary data by one set of parameters, shape (nmain + naux, npar)."""
        model, constraints = self.model, self.model.constraints
        found = self._derivatives_of(parameters, self.asimov(parameters))
        count, bins = self.layout.globals_, np.arange(model.nmain)
        by_place = np.zeros((len(self.layout.order), model.nmain))
        by_place[:count] = found.factors[self.layout.rows : self.layout.rows + model.nmain, :, 0].T
        for k, by_local in enumerate(found.by_local[..., 0]):
            by_place[count + k * model.nmain + bins, bins] = by_local
        jacobian = np.zeros((model.nmain + len(constraints.factor), len(parameters)))
        jacobian[self.layout.bins] = self.parameters(by_place).T
        jacobian[model.nmain + np.arange(len(constraints.factor)), constraints.parameter] = constraints.factor
        return jacobian

    def bends(self, parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
        """What the bend of the interpolation at alpha = 0 adds to the Hessian of half the deviance, shape (npar, B).

        Where it outweighs the constraint, with -1 for a unit Gaussian, the deviance has a valley on either side.
        """
        theta, observed = self.places(parameters), self.arranged(data)
        bends = np.zeros_like(theta)
        for block, cells in self._cells(theta):
            n = observed[block.places]
            weight = (1 - n / np.maximum(cells.nu, 0.1)).reshape(*block.bins.shape, -1)
            even = block.shifts.even
            bends[self.layout.shifted] += np.einsum("hscm,scmb->hb", even, weight * cells.scale)
            of_rows = (weight * cells.events).sum(axis=2).reshape(-1, theta.shape[1])
            if block.norm.even.size:
                # the bend of a factor, in units of the factor, is about that of the factor at alpha = 0
                bends[self.layout.norm] += np.einsum("rb,ra->ab", of_rows, block.norm.even[..., 0])
        return SHARPEST * self.parameters(bends)

    def _derivatives_of(self, parameters: np.ndarray, data: np.ndarray) -> Derivatives:
        walls = Walls(np.zeros((self.model.nmain, 2)), np.ones(2))
        with np.errstate(all="ignore"):
            return self.derivatives(self.places(_twice(parameters)), self.arranged(_twice(data)), walls)

    def _parts(self, data: np.ndarray) -> list[np.ndarray]:
        nmain = self.model.nmain
        return [data[:nmain], data[nmain : nmain + len(self._gauss_weight)], data[nmain + len(self._gauss_weight) :]]

    def _even(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return histosys_even_part(theta[self.layout.shifted], self.model.interpolation["histosys"])

    def _cells(self, theta: np.ndarray) -> list[tuple[Block, "Cells"]]:
        even = self._even(theta)
        return [(block, _cells(block, theta, even, self.layout, False)) for block in self.layout.blocks]

    def expected_in_places(self, theta: np.ndarray) -> np.ndarray:
        """Expected events, both in the order of the layout, shape (N, B)."""
        return _joined([cells.nu for _, cells in self._cells(theta)])

    def _blank(self, theta: np.ndarray, terms: "MainTerms", nu: np.ndarray) -> Derivatives:
        """Room for what the blocks find."""
        layout, bins, fits = self.layout, len(nu), theta.shape[1]
        count, number = layout.globals_, layout.locals_
        shifts = layout.shifted.stop - layout.shifted.start
        weight = np.empty((layout.rows + bins, fits))
        weight[layout.rows :] = terms.curvature
        return Derivatives(
            value=_total(terms.value),
            gradient=np.empty_like(theta),
            factors=np.zeros((layout.rows + bins + number * bins, count, fits)),
            weight=weight,
            shifts=np.zeros((layout.rows, shifts, fits)),
            diagonal=np.zeros((count, fits)),
            local=np.zeros((number, number, bins, fits)),
            prior=self._prior,
            information=terms.information,
            by_local=np.zeros((number, bins, fits)),
            other_side=None,
        )

    def _other_side(self, theta, cells, found: Derivatives, terms: "MainTerms", even) -> np.ndarray | None:
        if not len(self.layout.kinked):
            return None
        other = found.gradient.copy()
        for block, each in zip(self.layout.blocks, cells, strict=True):
            if self.model.interpolation["histosys"] in KINKED:
                weight = terms.slope[block.places].reshape(each.events.shape[1:]) * each.scale
                halves = block.shifts.even
                other[self.layout.shifted] -= 2 * even[1] * np.einsum("hscm,scmb->hb", halves, weight)
            if each.norm and self.model.interpolation["normsys"] in KINKED:
                slope = block.norm.other_side(theta[self.layout.norm])
                weight = found.weight[block.rows]
                change = np.einsum("rb,rab->ab", weight, slope) - each.norm.sum_over_rows("slope", weight)
                other[self.layout.norm] += change
        return other

    def _constrained(
        self, found: Derivatives, theta: np.ndarray, gauss: np.ndarray, poisson: np.ndarray
    ) -> Derivatives:
        """Add the constraint terms."""
        value, gradient, prior = found.value, found.gradient, self._prior
        hessian = np.zeros_like(theta)
        change = np.zeros_like(theta)
        if len(gauss):
            pull = theta[self._gauss] - gauss
            change[self._gauss] = pull * self._gauss_weight
            hessian[self._gauss] = self._gauss_weight
            value = value + 0.5 * _total(pull * change[self._gauss])
        if len(poisson):
            gamma = theta[self._poisson]
            expected = self._tau * gamma
            value = value + _total(_auxiliary_terms(poisson, expected))
            change[self._poisson] += (expected - poisson) / gamma
            hessian[self._poisson] += poisson / (gamma * gamma)
            prior = np.repeat(prior, theta.shape[1], axis=1)
            prior[self._poisson] += self._tau / gamma
        gradient += change
        if found.other_side is not None:
            found.other_side[:] += change
        count = len(found.diagonal)
        found.diagonal[:] += hessian[:count]
        for k, local in enumerate(hessian[count:].reshape(found.by_local.shape)):
            found.local[k, k] += local
        return found._replace(value=value, prior=prior)


def _as_slice(indices: np.ndarray) -> slice | np.ndarray:
    """A slice, which needs no copy, for consecutive numbers."""
    consecutive = len(indices) > 0 and (np.diff(indices) == 1).all()
    return slice(int(indices[0]), int(indices[-1]) + 1) if consecutive else indices


def _twice(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.asarray(values)[:, None], 2, axis=1)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _total(terms: np.ndarray) -> np.ndarray:
    """Sum over the first axis, in its order."""
    return terms.sum(axis=0)


class MainTerms(NamedTuple):
    """Half the deviance of each bin, its first and second derivatives by nu and what is expected of the second."""

    value: np.ndarray  # shape (N, B), as the others
    slope: np.ndarray
    curvature: np.ndarray
    information: np.ndarray


def _main_terms(n: np.ndarray, nu: np.ndarray, walls: Walls) -> MainTerms:
    seen = n > 0
    if seen.all() and nu.min() > NO_EVENTS:
        ratio = n / nu
        return MainTerms(_half_deviance(n, nu), 1 - ratio, ratio / nu, 1 / np.maximum(nu, LEAST_VARIANCE))
    possible = nu > NO_EVENTS
    safe = np.where(possible, nu, 1.0)
    ratio = n / safe
    push = np.maximum(walls.force - walls.stiffness * nu, 0.0)
    wall = nu + (push * push - walls.force * walls.force) / (2 * walls.stiffness)
    value = np.where(possible, _half_deviance(np.where(seen, n, 1.0), safe), np.inf)
    curvature = np.where(seen, ratio / safe, walls.stiffness * (push > 0))
    information = 1 / np.maximum(nu, LEAST_VARIANCE) + np.where(seen, 0.0, curvature)
    return MainTerms(np.where(seen, value, wall), 1 - np.where(seen, ratio, push), curvature, information)


def _auxiliary_terms(n: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Half the deviance of Poisson measurements of positive parameters."""
    if n.min() > 0 and expected.min() > 0:
        return _half_deviance(n, expected)
    return 0.5 * poisson_deviance(n, expected)


class Cells(NamedTuple):
    """Expected events per sample and bin, and what their derivatives are made of."""

    events: np.ndarray  # shape (S, C, M, B)
    nu: np.ndarray  # sum over samples, shape (N, B)
    scale: np.ndarray  # product of all factors, shape (S, C, M, B)
    norm: Scaling | None  # of normsys
    linear: np.ndarray | None  # of normfactor and lumi, shape (number, B)
    gammas: np.ndarray  # shape (K, C, M, B)


def _cells(block: Block, theta: np.ndarray, even: tuple[np.ndarray, ...], layout: Layout, derivatives: bool) -> Cells:
    size, channels, width = block.nominal.shape[:3]
    fits = theta.shape[1]
    norm = linear = None
    rows = np.ones((size * channels, fits))
    if layout.norm.stop:
        norm = block.norm(theta[layout.norm], derivatives)
        rows = norm.product
    if layout.linear.stop:
        linear = _off_zero(theta[layout.linear])
        rows = rows * np.where(block.linear, linear, 1.0).prod(axis=1)
    template = block.nominal
    if len(block.shifts):
        template = template + block.shifts.total(theta[layout.shifted], even[0])
    scale = rows.reshape(size, channels, 1, fits)
    gammas = theta[layout.globals_ :].reshape(layout.locals_, len(layout.bins), fits)[: len(block.mask), block.places]
    gammas = _off_zero(gammas.reshape(len(block.mask), channels, width, fits))
    for mask, full, gamma in zip(block.mask, block.full, gammas, strict=True):
        scale = scale * (gamma if full else np.where(mask, gamma, 1.0))
    scale = np.broadcast_to(scale, (size, channels, width, fits))
    events = template * scale
    return Cells(events, events.sum(axis=0).reshape(-1, fits), scale, norm, linear, gammas)


def _off_zero(factor: np.ndarray) -> np.ndarray:
    return np.where(np.abs(factor) < ALMOST_ZERO, ALMOST_ZERO, factor)


def _fill(found: Derivatives, layout: Layout, block: Block, cells: Cells, terms: MainTerms, even) -> None:
    """Write the derivatives of the rows and bins of a block."""
    size, channels, width, fits = cells.events.shape
    rows, places = block.rows, block.places
    slopes = found.factors[rows]
    if cells.norm:
        cells.norm.write_slopes(slopes[:, layout.norm])
    if cells.linear is not None:
        slopes[:, layout.linear] += np.where(block.linear, 1 / cells.linear, 0.0)
    weight = terms.slope[places].reshape(channels, width, fits)
    of_rows = (weight * cells.events).sum(axis=2).reshape(-1, fits)
    found.weight[rows] = of_rows
    if cells.norm:
        found.diagonal[layout.norm] += cells.norm.sum_over_rows("bend", of_rows)
    if len(block.shifts):
        weighted = weight * cells.scale
        shifts = found.shifts[rows]
        changes, halves = block.shifts.over_bins(weighted, even[1])
        shifts[:] = changes.reshape(shifts.shape)
        found.diagonal[layout.shifted] += even[2] * halves + 2 * np.einsum(
            "rhb,rhb->hb", slopes[:, layout.shifted], shifts
        )
    by_row = slopes.reshape(size, channels, -1, fits)
    responses = found.factors[layout.rows + places.start : layout.rows + places.stop]
    responses = responses.reshape(channels, width, -1, fits)
    _respond(layout, block, cells.events, cells.scale, by_row, even[1], responses)
    _fill_locals(found, layout, block, cells, terms, by_row, even[1], responses)


def _respond(layout: Layout, block: Block, events, scale, by_row, slope, responses: np.ndarray) -> None:
    """Write the derivatives of the sum over samples by the global parameters, shape (C, M, G, B)."""
    np.einsum("scmb,scgb->cmgb", events, by_row, out=responses)
    if len(block.shifts):
        responses[:, :, layout.shifted] += block.shifts.over_samples(scale, slope)


def _fill_locals(found: Derivatives, layout, block, cells, terms, by_row, slope, responses) -> None:
    channels, width, _, fits = responses.shape
    places = block.places
    weight, curvature = (each[places].reshape(channels, width, fits) for each in (terms.slope, terms.curvature))
    by_local = found.by_local[:, places].reshape(layout.locals_, channels, width, fits)
    mixed = found.mixed
    for k, gamma in enumerate(cells.gammas):
        events = cells.events / gamma
        if block.full[k]:
            bent = responses / gamma[:, :, None]
        else:
            events = np.where(block.mask[k], events, 0.0)
            bent = np.empty_like(responses)
            scale = np.where(block.mask[k], cells.scale / gamma, 0.0)
            _respond(layout, block, events, scale, by_row, slope, bent)
        by_local[k] = events.sum(axis=0)
        bent *= weight[:, :, None]
        bent += (curvature * by_local[k])[:, :, None] * responses
        mixed[k, places] = bent.reshape(-1, *bent.shape[2:])
        for j in range(k + 1):
            both = curvature * by_local[k] * by_local[j]
            if j < k:
                both += weight * np.where(block.mask[j], events / cells.gammas[j], 0.0).sum(axis=0)
            found.local[k, j, places] = found.local[j, k, places] = both.reshape(-1, fits)
    found.by_local[:, places] = by_local.reshape(layout.locals_, channels * width, fits)
