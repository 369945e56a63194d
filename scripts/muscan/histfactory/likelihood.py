"""-2 log L of a model in deviance form, with exact gradient and Hessian, for many fits of one model at a time.

The last axis of every array counts the fits; what one fit gives does not depend on the others (`muscan.base.batches`).
"""

import numpy as np

from muscan.base.batches import accept_single_fit, batch_of
from muscan.histfactory.cells import Evaluated, evaluate
from muscan.histfactory.constraints import ConstraintTerms
from muscan.histfactory.derivatives import of_bins
from muscan.histfactory.interpolation import SHARPEST
from muscan.histfactory.layout import layout
from muscan.histfactory.model import Model
from muscan.histfactory.poisson import bin_terms, poisson_deviance
from muscan.optimize.problem import Derivatives
from muscan.optimize.walls import Walls


class Likelihood:
    """The likelihood of a model. Parameters of shape (npar, B) and data of shape (nmain + naux, B) belong together.

    What the fits use is in the order of the layout: `places`, `arranged` and `derivatives`. There P parameters stand
    for npar, see `Layout.order`, and N bins for nmain.
    """

    def __init__(self, model: Model):
        self.model = model
        self.layout = layout(model)
        self._constraints = ConstraintTerms(model, self.layout)

    @accept_single_fit
    def deviance(self, parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
        """Return -2 log [L / L(saturated)], shape (B,)."""
        theta, arranged = self.places(parameters), self.arranged(data)
        of_bins_ = poisson_deviance(arranged[: self.model.nmain], self.expected_in_places(theta)).sum(axis=0)
        of_gauss, of_poisson = self._constraints.deviance(theta, arranged)
        return of_bins_ + of_gauss + of_poisson

    def deviance_of(self, parameters: np.ndarray, data: np.ndarray) -> float:
        """Return the deviance of one set of parameters and data."""
        with np.errstate(all="ignore"):
            return float(self.deviance(np.asarray(parameters)[:, None], np.asarray(data)[:, None])[0])

    def gradient_of(self, parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
        """Return the gradient of the deviance at one set of parameters and data, shape (npar,)."""
        return 2 * self.parameters(self._derivatives_of(parameters, data).gradient)[:, 0]

    def asimov(self, parameters: np.ndarray) -> np.ndarray:
        """Return expected data, main then auxiliary, at one set of parameters, shape (nmain + naux,)."""
        expected = self.expected(np.asarray(parameters)[:, None])[:, 0]
        return np.concatenate([expected, self.model.expected_auxiliary(parameters)])

    @accept_single_fit
    def expected(self, parameters: np.ndarray) -> np.ndarray:
        """Return expected events, shape (nmain, B)."""
        expected = np.empty((self.model.nmain, parameters.shape[1]))
        expected[self.layout.bins] = self.expected_in_places(self.places(parameters))
        return expected

    @accept_single_fit
    def expected_by_sample(self, parameters: np.ndarray) -> np.ndarray:
        """Return expected events, shape (nsamples, nmain, B); zero where a channel lacks the sample."""
        expected = np.zeros((len(self.model.samples), self.model.nmain, parameters.shape[1]))
        at = self._evaluated(self.places(parameters))
        for block, cells in zip(self.layout.blocks, at.cells, strict=True):
            slot, channel = np.nonzero(block.slot_sample >= 0)
            expected[block.slot_sample[slot, channel][:, None], block.bins[channel]] = cells.events[slot, channel]
        return expected

    def places(self, parameters: np.ndarray) -> np.ndarray:
        """Return parameters in the order of the layout, one where it has none, shape (P, B)."""
        return np.concatenate([parameters, np.ones((1, parameters.shape[1]))])[self.layout.order]

    def parameters(self, theta: np.ndarray) -> np.ndarray:
        """Return numbers in the order of the layout in the order of the model, shape (npar, B)."""
        values = np.empty((len(self.model.names) + 1, *theta.shape[1:]), theta.dtype)
        values[self.layout.order] = theta
        return values[:-1]

    def arranged(self, data: np.ndarray) -> np.ndarray:
        """Return data in the order of the layout: main, Gaussian and Poisson measurements, shape (N + naux, B)."""
        return data[self._constraints.data_order]

    def expected_in_places(self, theta: np.ndarray) -> np.ndarray:
        """Return expected events, both in the order of the layout, shape (N, B)."""
        return self._evaluated(theta).nu

    def derivatives(self, theta: np.ndarray, data: np.ndarray, walls: Walls) -> Derivatives:
        """Return value, gradient and Hessian of half the deviance with soft walls.

        Args:
            theta: parameters as `places` gives them, at least two sets.
            data: as `arranged` gives them.
            walls: at nu = 0, of the bins in which nothing is observed.
        """
        at = self._evaluated(theta, derivatives=True)
        terms = bin_terms(data[: self.model.nmain], at.nu, walls)
        found = of_bins(self.layout, at, terms, self.model.interpolation)
        return self._constraints.added(found, theta, data)

    def hessian(self, parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
        """Return second derivatives of half the deviance, -log L, at one set of parameters, shape (npar, npar)."""
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
        """Return derivatives of the expected main and auxiliary data, shape (nmain + naux, npar)."""
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

    @accept_single_fit
    def bends(self, parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
        """Return what the bend of the interpolation at alpha = 0 adds to the Hessian of half the deviance.

        Where it outweighs the constraint, with -1 for a unit Gaussian, the deviance has a valley on either side.

        Returns:
            shape (npar, B).
        """
        theta, observed = self.places(parameters), self.arranged(data)
        bends = np.zeros_like(theta)
        for block, cells in zip(self.layout.blocks, self._evaluated(theta).cells, strict=True):
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
        """The derivatives at one set of parameters and data, as a batch."""
        walls = Walls(np.zeros((self.model.nmain, 2)), np.ones(2))  # these add nothing where nu >= 0
        with np.errstate(all="ignore"):
            return self.derivatives(self.places(batch_of(parameters)), self.arranged(batch_of(data)), walls)

    def _evaluated(self, theta: np.ndarray, derivatives: bool = False) -> Evaluated:
        return evaluate(self.layout, theta, self.model.interpolation["histosys"], derivatives)
