"""The profile of the likelihood: the deviance as a function of some parameters, minimised over all others."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import elementwise

from muscan.inference.engine import Engine
from muscan.inference.fits import Fit, Fits

# Largest number of trials until an end is enclosed. Each is twice as far as the one before.
MOST_TRIALS = 50
# The first trial of an end lies this far outside of the one that the curvature predicts.
BEYOND = 1.2
# Trials between a successful fit and one that has failed stop when these are as close, in units of their distances.
CLOSE = 1e-6
# Fractions of the interval around an end at which its search starts again after a failed fit.
SPLITS = (None, 0.38, 0.7, 0.2)
# Where the profile at an end is further from its value than this fraction of it, it may jump there: fits that should
# be in one minimum are in two. The search then goes on to the precision FINEST, as the profile may also be steep.
JUMP, FINEST = 1e-3, 1e-13


class Ends(NamedTuple):
    """Ends of intervals on one side each. Where there is none, neither `at_bound` nor `failed`, -2 log L is flat."""

    distance: np.ndarray  # from the best fit, not negative; nan where there is no end, shape (n,)
    at_bound: np.ndarray  # whether there is no end because a bound of the parameter is met before, shape (n,)
    failed: np.ndarray  # whether there is none because fits have failed, or are in different minima, shape (n,)
    # By how much a fit on the way ended below the best fit, in -2 log L, shape (n,).
    below: np.ndarray
    # The closest distances between which an end was looked for; infinite where none is outside of it, shape (n, 2).
    between: np.ndarray


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

    def response(self, parameters: Sequence[int]) -> np.ndarray:
        """Return the change of all parameters per unit of each of some held ones, where the likelihood is Gaussian.

        Args:
            parameters: indices of those that are held, shape (k,).

        Returns:
            shape (npar, k).
        """
        parameters = list(parameters)
        among = self.slopes[parameters][:, parameters]
        return self.slopes[:, parameters] @ np.linalg.pinv(among)

    def ends(self, parameters: Sequence[int], sides: np.ndarray, roots: np.ndarray, precision: float) -> Ends:
        """Find where the square root of the rise of the profiled deviance reaches given values; all in one batch.

        A trial fit begins on the line from the best fit through the last fit of the same end. The first trial lies a
        little outside of the end that the curvature predicts, and further ones twice as far each, until the rise is
        large enough. The end is in the interval that is enclosed in this way. Where the profile crosses the value
        several times, it is the crossing nearest to the best fit, unless the profile rises and falls again between two
        trials.

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
        low, high = profile.engine.model.known_bounds[parameters].T
        self.best = profile.best.parameters[parameters]
        self.room = np.maximum(np.where(sides < 0, self.best - low, high - self.best), 0.0)
        self.slopes = profile.slopes[:, parameters].copy()
        self.known = [{0.0: -root} for root in roots.tolist()]
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
        at_bound, crossed, failed = self._enclose()
        distance = np.full(len(self.roots), np.nan)
        for split in SPLITS:
            left = crossed[np.isnan(distance[crossed])]
            if len(left):
                distance[left] = self._search(left, split, precision)
        jumps = [index for index in crossed if self._far_off(index, distance[index])]
        if jumps:
            distance[jumps] = self._search(np.array(jumps), None, FINEST)
            distance[[index for index in jumps if self._far_off(index, distance[index])]] = np.nan
        failed[crossed] = np.isnan(distance[crossed])
        between = np.array([self._closest(index) for index in range(len(self.roots))]).reshape(-1, 2)
        return Ends(distance, at_bound, failed, self.below, between)

    def _enclose(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Make trials until each end is enclosed.

        Where a fit fails, as it does where the data are impossible, the next trial lies half as far from the last
        success.

        Returns:
            which ends meet a bound, shape (n,), the numbers of those that are enclosed, and those at which fits fail.
        """
        scale = self.profile.sigma[self.parameters]
        first = np.where(np.isfinite(scale) & (scale > 0), BEYOND * self.roots * scale, np.maximum(abs(self.best), 1.0))
        trial = np.minimum(first, self.room)
        inside, failing = np.zeros_like(trial), np.full_like(trial, np.inf)
        crossed, at_bound = np.zeros((2, len(trial)), bool)
        left = np.arange(len(trial))
        for _ in range(MOST_TRIALS):
            rises = self.rise(trial[left], left)
            fails, low = left[np.isnan(rises)], left[rises < 0]
            crossed[left] = rises >= 0
            failing[fails], inside[low] = trial[fails], trial[low]
            at_bound[low] = trial[low] >= self.room[low]
            trial[left] = np.where(
                np.isinf(failing[left]),
                np.minimum(2 * trial[left], self.room[left]),
                (inside[left] + failing[left]) / 2,
            )
            resolved = failing[left] - inside[left] < CLOSE * failing[left]  # False where none has failed
            left = left[~(crossed[left] | at_bound[left] | resolved)]
            if not len(left):
                break
        return at_bound, np.flatnonzero(crossed), ~crossed & ~at_bound & np.isfinite(failing)

    def _search(self, which: np.ndarray, split: float | None, precision: float) -> np.ndarray:
        """The distances of some ends, shape (n,); nan where a fit fails.

        Args:
            which: numbers of the ends.
            split: fraction of the interval around the end where the search begins; None to choose it from the profile.
            precision: see `Profile.ends`.
        """
        numbers = which.astype(float)
        if split:
            low, high = np.array([self._closest(index) for index in which]).T
            self.rise(low + split * (high - low), numbers)
        low, high = np.array([self._closest(index) for index in which]).T
        tolerances = {"xatol": 0.0, "xrtol": precision, "fatol": 0.0, "frtol": 0.0}
        found = elementwise.find_root(self.rise, (low, high), args=(numbers,), tolerances=tolerances)
        # The root-finder may report success where the function is nan.
        return np.where(found.success & np.isfinite(found.f_x), found.x, np.nan)

    def _closest(self, index: int) -> tuple[float, float]:
        """The largest distance of an end at which the rise is too small below all at which it suffices, and the next.

        The second one is infinite if the rise suffices nowhere.
        """
        known = self.known[index]
        outside = min((far for far, rise in known.items() if rise >= 0), default=np.inf)
        return max(far for far, rise in known.items() if rise < 0 and far < outside), outside

    def _far_off(self, index: int, distance: float) -> bool:
        """Whether the rise at an end is not the one that defines it; False if there is no end."""
        return not np.isnan(distance) and abs(self.known[index][distance]) > JUMP * self.roots[index]
