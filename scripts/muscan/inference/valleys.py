"""Where else than in the valley of a fit the deviance may have a minimum: over the ridges that interpolation makes."""

from typing import NamedTuple

import numpy as np

from muscan.histfactory.interpolation import KINKED
from muscan.histfactory.likelihood import Likelihood
from muscan.inference.linear_response import LinearResponse

# Where the interpolation of a parameter bends the deviance down by this, in units of its constraint, there is a ridge:
# at alpha = 0, or at +-EDGE where smooth interpolations bend most the other way.
RIDGE = 1.0
EDGE, EDGE_BEND = np.sqrt(2 / 3), -1 / 3  # of the even part of code4p, the latter in units of its bend at zero
# How far from a ridge a fit starts on its other side, at least, and from how far an edge is crossed, at most.
ACROSS, ACROSS_EDGE, NEAR_EDGE = 0.7, 0.4, 0.5
# A free normalisation with a larger expected uncertainty, in units of its nominal value, may have a second valley if
# interpolated shapes make up for it: one of them then moves by MADE_UP of its constraint per uncertainty of its own.
UNCERTAIN, MADE_UP = 0.3, 0.5
BORDER, HIGH = 1.25, 5.0  # where the border is, and where a fit starts behind it, in such uncertainties above nominal


class Crossings(NamedTuple):
    """Starting points of T more fits, each on the other side of the border of a parameter."""

    fit: np.ndarray  # which it may improve, shape (T,)
    parameter: np.ndarray  # shape (T,)
    border: np.ndarray  # shape (T,)
    start: np.ndarray  # shape (npar, T)


class Valleys:
    """The ridges of one likelihood."""

    def __init__(self, likelihood: Likelihood):
        self.likelihood, self.model = likelihood, likelihood.model
        interpolated = len(self.model.normsys.parameter) + len(self.model.histosys.parameter)
        self.several = interpolated > 0  # without interpolation there is one minimum
        self._smooth = not KINKED.intersection(self.model.interpolation.values())
        self._uncertain = self._uncertain_normalisations() if self.several else []

    def over_ridges(self, parameters: np.ndarray, data: np.ndarray) -> Crossings:
        """The other sides of the ridges near fits of shape (npar, B) to data of shape (nmain + naux, B)."""
        fits = parameters.shape[1]
        pairs = np.arange(fits) if fits != 1 else np.zeros(2, int)
        bends = self.likelihood.bends(parameters[:, pairs], data[:, pairs])[:, :fits]
        bends[self.model.fixed] = 0.0
        middle = np.nonzero(bends < -RIDGE)
        near = np.abs(np.abs(parameters) - EDGE) < NEAR_EDGE
        edge = np.nonzero((bends * EDGE_BEND < -RIDGE) & near & self._smooth)
        border = np.concatenate([np.zeros(len(middle[0])), np.copysign(EDGE, parameters[edge])])
        least = np.repeat([ACROSS, ACROSS_EDGE], [len(middle[0]), len(edge[0])])
        parameter, fit = np.hstack([middle, edge])
        start = parameters[:, fit]
        here = (parameter, np.arange(len(fit)))
        away = start[here] - border
        start[here] = border - np.copysign(np.maximum(np.abs(away), least), away)
        return Crossings(fit, parameter, border, start)

    def around(self, parameters: np.ndarray, data: np.ndarray) -> Crossings:
        """The same and other values of the free normalisations that the data determine badly."""
        fits = parameters.shape[1]
        found = [self.over_ridges(parameters, data)]
        for index, low, border, high, response in self._uncertain:
            value = parameters[index]
            target = np.where(value < border, high, low)
            start = parameters + response[:, None] * (target - value)
            found.append(Crossings(np.arange(fits), np.full(fits, index), np.full(fits, border), start))
        return Crossings(*(np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True)))

    def _uncertain_normalisations(self) -> list[tuple[int, float, float, float, np.ndarray]]:
        """(parameter, nominal value, border, high value, response of all parameters to a change of it)."""
        model = self.model
        fixed = model.fixed.copy()
        fixed[model.poi] = True
        covariance = LinearResponse(self.likelihood, model.initial, fixed).covariance
        shapes = np.union1d(model.normsys.parameter, model.histosys.parameter).astype(int)
        widths = model.constrained_widths()[shapes]
        found = []
        for index in np.setdiff1d(model.factors.parameter, [*model.constraints.parameter, *np.flatnonzero(fixed)]):
            error, nominal = np.sqrt(covariance[index, index]), model.initial[index]
            made_up = (np.abs(covariance[shapes, index]) > MADE_UP * error * widths).any()
            border, high = nominal + np.array([BORDER, HIGH]) * error
            if error > UNCERTAIN * abs(nominal) and made_up and border < model.bounds[index, 1]:
                found.append((index, nominal, border, high, covariance[:, index] / error**2))
        return found
