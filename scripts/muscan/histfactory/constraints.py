"""The constraint terms of a likelihood: Gaussian and Poisson measurements of single parameters."""

import numpy as np

from muscan.histfactory.layout import Layout
from muscan.histfactory.model import Model
from muscan.histfactory.poisson import auxiliary_terms, poisson_deviance
from muscan.optimize.problem import Derivatives


class ConstraintTerms:
    """The constraints of a model in the order of its layout: the Gaussian ones, then the Poisson ones.

    Parameters `theta` of shape (P, B) are in the order of the layout, data of shape (N + naux, B) in that of
    `data_order`.
    """

    def __init__(self, model: Model, layout: Layout):
        constraints = model.constraints
        place = np.full(len(model.names) + 1, -1)
        place[layout.order] = np.arange(len(layout.order))
        gauss, poisson = (
            which[np.argsort(place[constraints.parameter[which]])]
            for which in (np.flatnonzero(~constraints.is_poisson), np.flatnonzero(constraints.is_poisson))
        )
        self._nmain = model.nmain
        self._gauss, self._poisson = (_as_slice(place[constraints.parameter[which]]) for which in (gauss, poisson))
        self._gauss_weight = (1 / constraints.sigma[gauss] ** 2)[:, None]
        self._tau = constraints.factor[poisson][:, None]
        self._prior = np.zeros((len(layout.order), 1))
        self._prior[self._gauss] = self._gauss_weight
        self.data_order = np.concatenate([layout.bins, model.nmain + gauss, model.nmain + poisson])

    def deviance(self, theta: np.ndarray, data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the deviances of the Gaussian and of the Poisson constraints, both of shape (B,)."""
        gauss, poisson = self._measured(data)
        pull = theta[self._gauss] - gauss
        of_poisson = poisson_deviance(poisson, self._tau * theta[self._poisson])
        return total(pull * pull * self._gauss_weight), total(of_poisson)

    def added(self, found: Derivatives, theta: np.ndarray, data: np.ndarray) -> Derivatives:
        """Return derivatives of half the deviance with those of the constraints; writes to the arrays of `found`."""
        gauss, poisson = self._measured(data)
        value, prior = found.value, self._prior
        hessian = np.zeros_like(theta)
        change = np.zeros_like(theta)
        if len(gauss):
            pull = theta[self._gauss] - gauss
            change[self._gauss] = pull * self._gauss_weight
            hessian[self._gauss] = self._gauss_weight
            value = value + 0.5 * total(pull * change[self._gauss])
        if len(poisson):
            gamma = theta[self._poisson]
            expected = self._tau * gamma
            value = value + total(auxiliary_terms(poisson, expected))
            change[self._poisson] += (expected - poisson) / gamma
            hessian[self._poisson] += poisson / (gamma * gamma)
            prior = np.repeat(prior, theta.shape[1], axis=1)
            prior[self._poisson] += self._tau / gamma
        _add(found, change, hessian)
        return found._replace(value=value, prior=prior)

    def _measured(self, data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gaussian and Poisson measurements."""
        first = self._nmain + len(self._gauss_weight)
        return data[self._nmain : first], data[first:]


def _add(found: Derivatives, change: np.ndarray, hessian: np.ndarray) -> None:
    """Add to the gradient and to the diagonal of the Hessian, both of shape (P, B)."""
    found.gradient[:] += change
    if found.other_side is not None:
        found.other_side[:] += change
    count = len(found.diagonal)
    found.diagonal[:] += hessian[:count]
    for k, local in enumerate(hessian[count:].reshape(found.by_local.shape)):
        found.local[k, k] += local


def total(terms: np.ndarray) -> np.ndarray:
    """Return the sum over the first axis, in its order."""
    return terms.sum(axis=0)


def _as_slice(indices: np.ndarray) -> slice | np.ndarray:
    """A slice, which needs no copy, for consecutive numbers."""
    consecutive = len(indices) > 0 and (np.diff(indices) == 1).all()
    return slice(int(indices[0]), int(indices[-1]) + 1) if consecutive else indices
