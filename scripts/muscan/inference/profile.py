"""The profile of the likelihood: the deviance as a function of some parameters, minimised over all others."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import elementwise

from muscan.inference.engine import Engine
from muscan.inference.fits import Fit, Fits

MOST_DOUBLINGS = 50
# The first trial of an end lies this far outside of the one that the curvature predicts.
BEYOND = 1.2


class Ends(NamedTuple):
    """Ends of intervals on one side each, shape (n,) each."""

    distance: np.ndarray  # from the best fit, not negative; nan where there is no end
    at_bound: np.ndarray  # whether there is no end because a bound of the parameter is met before
    failed: np.ndarray  # whether there is none because a fit has failed
    below: np.ndarray  # by how much a fit on the way ended below the best fit, in -2 log L


class Profile:
    """Profiles of the deviance around a best fit.

    Args:
        engine: makes the fits.
        data: main and auxiliary data, shape (nmain + naux,).
        best: the fit to these data with all parameters free.
        covariance: of all parameters, shape (npar, npar). Where it is not finite, fits begin at the best fit.
    """

    def __init__(self, engine: Engine, data: np.ndarray, best: Fit, covariance: np.ndarray):
        self.engine, self.data, self.best = engine, data, best
        variances = np.diag(covariance)
        with np.errstate(all="ignore"):
            # The change of all parameters per unit of a held one, where the likelihood is Gaussian; column i: held i.
            slopes = np.where(np.isfinite(covariance / variances), covariance / variances, 0.0)
        np.fill_diagonal(slopes, 1.0)
        self.slopes = slopes
        self.sigma = np.sqrt(variances)

    def fits(self, held: np.ndarray, starts: np.ndarray) -> Fits:
        """Fit with some parameters held, for B choices of parameters and values.

        Args:
            held: which parameters keep their starting values, shape (npar, B).
            starts: shape (npar, B).
        """
        return self.engine.fit_held(np.repeat(self.data[:, None], held.shape[1], axis=1), starts, held)

    def ends(self, parameters: Sequence[int], sides: np.ndarray, roots: np.ndarray, precision: float) -> Ends:
        """Find where the square root of the rise of the profiled deviance reaches given values; all in one batch.

        A trial fit begins on the line from the best fit through the last fit of the same end.

        Args:
            parameters: their indices, shape (n,).
            sides: -1 for an end below the best fit, 1 for one above, shape (n,).
            roots: square roots of the rise in -2 log L, shape (n,).
            precision: of the ends, in units of their distances.
        """
        return _EndSearch(self, np.asarray(parameters), sides, roots).run(precision)


class _EndSearch:
    """The search for n ends."""

    def __init__(self, profile: Profile, parameters: np.ndarray, sides: np.ndarray, roots: np.ndarray):
        self.profile, self.parameters, self.sides, self.roots = profile, parameters, sides, roots
        low, high = profile.engine.model.bounds[parameters].T
        self.best = profile.best.parameters[parameters]
        self.room = np.maximum(np.where(sides < 0, self.best - low, high - self.best), 0.0)
        self.slopes = profile.slopes[:, parameters].copy()
        self.known = [{0.0: -root} for root in roots]
        self.below = np.zeros(len(parameters))

    def rise(self, distance: np.ndarray, end: np.ndarray) -> np.ndarray:
        """sqrt(q) - root at distances from the best fit for some ends, nearly linear in the distance."""
        pairs = list(zip(end.astype(int).tolist(), distance.tolist(), strict=True))
        new = [(index, each) for index, each in pairs if each not in self.known[index]]
        if new:
            which, far = np.array([index for index, _ in new]), np.array([each for _, each in new])
            offsets = self.sides[which] * np.minimum(far, self.room[which])
            best = self.profile.best
            starts = best.parameters[:, None] + self.slopes[:, which] * offsets
            place = self.parameters[which], np.arange(len(which))
            held = np.zeros(starts.shape, bool)
            held[place], starts[place] = True, self.best[which] + offsets
            found = self.profile.fits(held, starts)
            rises = found.deviance - best.deviance
            for column, (index, each) in enumerate(new):
                self.known[index][each] = float(np.sqrt(max(rises[column], 0.0)) - self.roots[index])
                self.below[index] = max(self.below[index], np.nan_to_num(-rises[column]))
                if offsets[column] and np.isfinite(found.parameters[:, column]).all():
                    self.slopes[:, index] = (found.parameters[:, column] - best.parameters) / offsets[column]
        return np.array([self.known[index][each] for index, each in pairs])

    def run(self, precision: float) -> Ends:
        numbers = np.arange(len(self.parameters), dtype=float)
        scale = self.profile.sigma[self.parameters]
        first = np.where(np.isfinite(scale) & (scale > 0), BEYOND * self.roots * scale, np.maximum(abs(self.best), 1.0))
        far = np.minimum(first, self.room)
        rises = self.rise(far, numbers)
        for _ in range(MOST_DOUBLINGS):
            inside = np.flatnonzero((rises < 0) & (far < self.room))
            if not len(inside):
                break
            far[inside] = np.minimum(2 * far[inside], self.room[inside])
            rises[inside] = self.rise(far[inside], numbers[inside])
        distance = np.full(len(numbers), np.nan)
        crossed = np.flatnonzero(rises >= 0)
        if len(crossed):
            tolerances = {"xatol": 0.0, "xrtol": precision}
            bracket = np.zeros(len(crossed)), far[crossed]
            found = elementwise.find_root(self.rise, bracket, args=(numbers[crossed],), tolerances=tolerances)
            distance[crossed] = np.where(found.success, found.x, np.nan)
        failed = np.isnan(rises)
        failed[crossed] = np.isnan(distance[crossed])
        return Ends(distance, (rises < 0) & (far >= self.room), failed, self.below)
