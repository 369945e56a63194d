"""Fits to the measured data with mu held, and how far they rise above the best fit."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from muscan.base.errors import FitError
from muscan.inference.hypotest import CONSISTENCY
from muscan.inference.measured import Measured


class HeldMu(NamedTuple):
    """A fit with mu held."""

    parameters: np.ndarray  # shape (npar,)
    rise: float  # of -2 log L above the best fit; negative if it ends below that, by CONSISTENCY at most


def fits_with_held_mu(measured: Measured, reference: np.ndarray, mu: Sequence[float]) -> list[HeldMu | FitError]:
    """Fit the data with mu held at several values, all in one batch.

    Args:
        measured: data and best fit.
        reference: another starting point beside the best fit, shape (npar,).
        mu: the values, within the bounds of the fits.

    Returns:
        the result of each fit; the error instead, if it has failed or ends below the best fit.
    """
    engine, best = measured.engine, measured.best
    data = np.repeat(measured.data[:, None], len(mu), axis=1)
    fits = engine.fit(data, [best.parameters, reference], np.array(mu, dtype=float))
    found: list[HeldMu | FitError] = []
    for index, value in enumerate(mu):
        try:
            rise = fits.one(index).deviance - best.deviance
        except FitError as error:
            found.append(FitError(f"{engine.model.poi_name} = {value:g}: {error}"))
            continue
        found.append(HeldMu(fits.parameters[:, index], rise))
        if rise < -CONSISTENCY:
            found[-1] = FitError(
                f"the fit with {engine.model.poi_name} = {value:g} ends {-rise:.3g} below the best fit in -2 log L: "
                "the best fit is stuck in a local minimum"
            )
    return found
