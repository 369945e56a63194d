"""Results of fits: minima of the deviance."""

from typing import NamedTuple

import numpy as np

from muscan.base.errors import FitError
from muscan.histfactory.model import Model

# Two deviances that differ by less than this count as equal.
SAME = 1e-8
# A parameter this close to a bound, in units of the distance of its bounds, is at the bound.
AT_BOUND = 1e-6


class Fit(NamedTuple):
    """A minimum of the deviance."""

    parameters: np.ndarray  # shape (npar,)
    deviance: float
    edm: float  # estimated distance to the minimum, in units of the deviance
    fitter: str  # "newton" or "minuit", which has found it


class Fits(NamedTuple):
    """Minima of the deviance for B data sets; nan where none was found."""

    parameters: np.ndarray  # shape (npar, B)
    deviance: np.ndarray  # shape (B,)
    edm: np.ndarray  # shape (B,)
    rescued: np.ndarray  # whether Minuit has found it, shape (B,)

    def some(self, which: np.ndarray) -> "Fits":
        """Return some of the fits, by their numbers or a mask."""
        return Fits(*(array[..., which] for array in self))

    def one(self, index: int) -> Fit:
        """Return a single fit.

        Raises:
            FitError: if it has found no minimum.
        """
        if not np.isfinite(self.deviance[index]):
            raise FitError("the fit did not converge, neither with Newton steps nor with Minuit")
        fitter = "minuit" if self.rescued[index] else "newton"
        return Fit(self.parameters[:, index], float(self.deviance[index]), float(self.edm[index]), fitter)


def bounds_met(model: Model, parameters: np.ndarray, among: np.ndarray | bool = True) -> dict[str, float]:
    """Return {name: bound} of the parameters, other than the POI, that a fit has left at a bound.

    Args:
        model: with the bounds.
        parameters: shape (npar,).
        among: which parameters are considered, shape (npar,); True for all.
    """
    low, high = model.bounds.T
    met = at_bound(model, parameters) & among
    met[model.poi] = False
    nearer = np.where(parameters - low < high - parameters, low, high)
    return {model.names[i]: float(nearer[i]) for i in np.flatnonzero(met)}


def empty_fits(npar: int, number: int) -> Fits:
    """Return fits that have found no minimum yet."""
    return Fits(np.full((npar, number), np.nan), *np.full((2, number), np.nan), np.zeros(number, bool))


def keep_lower(best: Fits, others: Fits, which: np.ndarray, margin: float = SAME) -> None:
    """Replace fits by others that end lower by more than a margin.

    Args:
        best: B fits; changed in place.
        others: n fits.
        which: numbers of their data sets, shape (n,), all different.
        margin: in -2 log L.
    """
    with np.errstate(invalid="ignore"):
        lower = ~(best.deviance[which] <= others.deviance + margin) & np.isfinite(others.deviance)
    best.parameters[:, which[lower]] = others.parameters[:, lower]
    for name in ("deviance", "edm", "rescued"):
        getattr(best, name)[which[lower]] = getattr(others, name)[lower]


def at_bound(model: Model, parameters: np.ndarray) -> np.ndarray:
    """Return which free parameters are at one of their bounds.

    Args:
        model: with the bounds.
        parameters: shape (..., npar).
    """
    low, high = model.known_bounds.T
    # Without an upper bound there is no scale for a margin; fits then end exactly on the lower bound.
    margin = np.where(np.isinf(high), 0.0, AT_BOUND * (high - low))
    return ~model.fixed & ((parameters <= low + margin) | (parameters >= high - margin))
