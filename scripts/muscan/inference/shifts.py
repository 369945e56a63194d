"""Changes of mu_hat when parameters or measurements are shifted and everything else is fitted again."""

from typing import NamedTuple

import numpy as np

from muscan.inference.fits import AT_BOUND, Fits, empty_fits
from muscan.inference.hypotest import CONSISTENCY
from muscan.inference.profile import Profile

SIDES = np.array([-1.0, 1.0])  # down, up
# Where a bound leaves less than this fraction of a shift, there is no shift.
LEAST_SHIFT = 1e-3


class Shifts(NamedTuple):
    """Changes of mu_hat by shifts of n quantities down and up, shape (2, n) each.

    The statuses are "ok", "at_bound", "lower_minimum", "fit_failed", and "none" where a shift has no size.
    """

    change: np.ndarray  # nan where the status is not "ok"
    status: np.ndarray
    stopped: np.ndarray  # whether the shift was stopped at a bound
    below: np.ndarray  # by how much a fit ended below the best fit, in -2 log L; zero if it did not

    def some(self, which: slice) -> "Shifts":
        """Return the shifts of some of the quantities."""
        return Shifts(*(array[:, which] for array in self))

    def symmetric(self) -> np.ndarray:
        """Return the size of the change by a shift of either sign, shape (n,).

        It is half the difference of the two changes; the other change alone if a shift was stopped; nan where one has
        failed; zero for a quantity that cannot be shifted at all (a count of zero).
        """
        usable = (self.status == "ok") & ~self.stopped
        size = abs(np.where(usable.all(axis=0), self.change[1] - self.change[0], 0.0)) / 2
        one = usable.any(axis=0) & ~usable.all(axis=0)
        size = np.where(one, abs(np.where(usable, self.change, 0.0)).max(axis=0), size)
        nothing = (self.status == "none").all(axis=0)
        failed = ((self.status != "ok") & (self.status != "none")).any(axis=0)
        return np.where(failed | ~(usable.any(axis=0) | nothing), np.nan, size)


def shift_parameters(profile: Profile, parameters: np.ndarray, widths: np.ndarray) -> Shifts:
    """Hold each parameter at its best fit -+ a width, and fit all others; all fits are one batch.

    A shift ends at a bound of the parameter: the likelihood is not defined beyond.

    Args:
        profile: around the best fit; the fits begin at the linear response of its covariance.
        parameters: their indices, shape (n,).
        widths: of the shifts, shape (n,); nan for no shift.
    """
    best = profile.best.parameters
    low, high = profile.engine.model.known_bounds[parameters].T
    wanted = best[parameters] + SIDES[:, None] * widths
    offsets = np.clip(wanted, low, high) - best[parameters]
    stopped = abs(offsets - SIDES[:, None] * widths) > AT_BOUND * widths
    shifted = abs(offsets) > LEAST_SHIFT * widths
    side, which = np.nonzero(shifted)
    held = np.zeros((len(best), len(which)), bool)
    place = parameters[which], np.arange(len(which))
    held[place] = True
    values = best[parameters[which]] + offsets[side, which]
    starts = best[:, None] + profile.slopes[:, parameters[which]] * offsets[side, which]
    starts[place] = values
    fits = profile.fits(held, starts) if len(which) else empty_fits(len(best), 0)
    failed = np.flatnonzero(~np.isfinite(fits.deviance))
    if len(failed):  # far from the best fit, the linear response may be a point at which the data are impossible
        starts[:, failed] = np.where(held[:, failed], starts[:, failed], best[:, None])
        again = profile.fits(held[:, failed], starts[:, failed])
        for array, new in zip(fits, again, strict=True):
            array[..., failed] = new
    below = np.nan_to_num(profile.best.deviance - fits.deviance)
    status = np.where(widths > 0, "at_bound", "none") * np.ones((2, 1), object)
    return _changes(profile, fits, below, fits.deviance < np.inf, (side, which), status, stopped)


def shift_measurements(profile: Profile, measurements: np.ndarray, sizes: np.ndarray, lowest: np.ndarray) -> Shifts:
    """Shift each measurement by -+ a size, and fit all parameters; all fits are one batch.

    Args:
        profile: around the best fit.
        measurements: their indices in the data, shape (n,).
        sizes: of the shifts, shape (n,).
        lowest: smallest values that the measurements can have, shape (n,).
    """
    engine, best = profile.engine, profile.best
    values = profile.data[measurements]
    wanted = values + SIDES[:, None] * sizes
    offsets = np.maximum(wanted, lowest) - values
    stopped = abs(offsets - SIDES[:, None] * sizes) > AT_BOUND * sizes
    side, which = np.nonzero(abs(offsets) > LEAST_SHIFT * sizes)
    data = np.repeat(profile.data[:, None], len(which), axis=1)
    data[measurements[which], np.arange(len(which))] += offsets[side, which]
    fits = engine.fit(data, [best.parameters]) if len(which) else empty_fits(len(best.parameters), 0)
    with np.errstate(all="ignore"):
        start = np.repeat(best.parameters[:, None], len(which), axis=1)
        converged = fits.deviance <= engine.likelihood.deviance(start, data) + CONSISTENCY
        original = np.repeat(profile.data[:, None], len(which), axis=1)
        below = np.nan_to_num(best.deviance - engine.likelihood.deviance(fits.parameters, original))
    status = np.full((2, len(measurements)), "none", object)
    return _changes(profile, fits, below, converged, (side, which), status, stopped)


def _changes(
    profile: Profile,
    fits: Fits,
    below: np.ndarray,
    converged: np.ndarray,
    place: tuple[np.ndarray, np.ndarray],
    status: np.ndarray,
    stopped: np.ndarray,
) -> Shifts:
    """The changes of mu_hat by these fits, whose places in the shifts are given; the other shifts keep their status."""
    model = profile.engine.model
    low, high = model.bounds[model.poi]
    mu, margin = fits.parameters[model.poi], AT_BOUND * (high - low)
    with np.errstate(invalid="ignore"):
        inside = (mu > low + margin) & (mu < high - margin)
    found = np.where(inside, "ok", "at_bound").astype(object)
    found[below > CONSISTENCY] = "lower_minimum"
    found[~converged | ~np.isfinite(fits.deviance)] = "fit_failed"
    status = status.copy()
    status[place] = found
    change, by = np.full(status.shape, np.nan), np.zeros(status.shape)
    change[place] = mu - profile.best.parameters[model.poi]
    by[place] = np.maximum(below, 0.0)
    ok = status == "ok"
    return Shifts(np.where(ok, change, np.nan), status, stopped & (status != "none"), by)
