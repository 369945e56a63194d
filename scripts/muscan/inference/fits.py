"""Results of fits: minima of the deviance."""

from typing import NamedTuple

import numpy as np

from muscan.base.errors import FitError
from muscan.histfactory.model import Model

# Two deviances closer than this are the same.
SAME = 1e-8
# A parameter this close to a bound, in units of the bound's distance, is reported to be at it.
AT_BOUND = 1e-6


class Fit(NamedTuple):
    """A minimum of the deviance."""

    parameters: np.ndarray  # shape (npar,)
    deviance: float
    edm: float  # estimated distance to the minimum, in units of the deviance
    fitter: str  # "newton" or "minuit", whoever found it


class Fits(NamedTuple):
    """Minima of B data sets; nan where nothing was found."""

    parameters: np.ndarray  # shape (npar, B)
    deviance: np.ndarray  # shape (B,)
    edm: np.ndarray  # shape (B,)
    rescued: np.ndarray  # found by Minuit, shape (B,)

    def some(self, which: np.ndarray) -> "Fits":
        """These fits."""
        return Fits(*(array[..., which] for array in self))

    def one(self, index: int) -> Fit:
        """A single fit.

        Raises:
            FitError: if it has found no minimum.
        """
        if not np.isfinite(self.deviance[index]):
            raise FitError("the fit did not converge, with Newton steps nor with Minuit")
        fitter = "minuit" if self.rescued[index] else "newton"
        return Fit(self.parameters[:, index], float(self.deviance[index]), float(self.edm[index]), fitter)


def bounds_met(model: Model, parameters: np.ndarray, among: np.ndarray | bool = True) -> dict[str, float]:
    """The bounds at which a fit has left parameters other than the POI, by their names.

    Args:
        parameters: shape (npar,).
        among: which of them count, shape (npar,).
    """
    low, high = model.bounds.T
    met = at_bound(model, parameters) & among
    met[model.poi] = False
    nearer = np.where(parameters - low < high - parameters, low, high)
    return {model.names[i]: float(nearer[i]) for i in np.flatnonzero(met)}


def nothing(npar: int, number: int) -> Fits:
    """Fits that have found nothing yet."""
    return Fits(np.full((npar, number), np.nan), *np.full((2, number), np.nan), np.zeros(number, bool))


def keep_lower(best: Fits, others: Fits, which: np.ndarray, margin: float = SAME) -> None:
    """Put in the fits that end lower than the best ones by more than a margin.

    Args:
        best: B fits; changed in place.
        others: n fits.
        which: to which data sets these belong, shape (n,); none twice.
        margin: in -2 log L.
    """
    with np.errstate(invalid="ignore"):
        wins = ~(best.deviance[which] <= others.deviance + margin) & np.isfinite(others.deviance)
    best.parameters[:, which[wins]] = others.parameters[:, wins]
    for name in ("deviance", "edm", "rescued"):
        getattr(best, name)[which[wins]] = getattr(others, name)[wins]


def at_bound(model: Model, parameters: np.ndarray) -> np.ndarray:
    """Which free parameters sit at one of their bounds, shape (npar,)."""
    low, high = model.known_bounds.T
    # A factor without an upper bound has no scale to be close in; fits end on its lower bound exactly.
    margin = np.where(np.isinf(high), 0.0, AT_BOUND * (high - low))
    return ~model.fixed & ((parameters <= low + margin) | (parameters >= high - margin))
