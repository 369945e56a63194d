"""The data and the best fit from which intervals, scans and rankings of a signal are made.

These are the observed data. In a blind analysis they are the Asimov data of mu = 1, with the other parameters as in the
fit with mu = 0, because the observed data must not be used.
"""

from typing import NamedTuple

import numpy as np

from muscan.base.words import shorten
from muscan.histfactory.poisson import WALL_WIDTH
from muscan.inference.engine import Engine
from muscan.inference.fits import Fit
from muscan.inference.hypotest import Prepared

# Expected events of an empty bin at the edge of the possible region, where fits end a little beside zero.
EDGE = 10 * WALL_WIDTH
EXPECTED_MU = 1.0  # signal strength of the predicted cross section


class Measured(NamedTuple):
    """Data of a signal and the best fit to them."""

    engine: Engine
    data: np.ndarray  # main and auxiliary data, shape (nmain + naux,)
    best: Fit  # all parameters are free


def measured(engine: Engine, prepared: Prepared, blinded: bool) -> Measured:
    """Return the data and the best fit of a signal.

    Args:
        engine: makes the fits.
        prepared: the fits that do not depend on mu.
        blinded: whether the analysis is blind.
    """
    if not blinded:
        return Measured(engine, engine.model.data, prepared.free)
    parameters = expected_parameters(engine, prepared)
    return Measured(engine, engine.likelihood.asimov(parameters), Fit(parameters, 0.0, 0.0, prepared.free.fitter))


def expected_parameters(engine: Engine, prepared: Prepared) -> np.ndarray:
    """Return the parameters of the Asimov data of a blind analysis, shape (npar,)."""
    parameters = prepared.reference.parameters.copy()
    parameters[engine.model.poi] = EXPECTED_MU
    return parameters


def bins_at_edge(found: Measured) -> list[str]:
    """Return the names of the bins without observed and without expected events: no fit can go beyond them."""
    engine, data, best = found
    model = engine.model
    expected = engine.likelihood.asimov(best.parameters)[: model.nmain]
    empty = (data[: model.nmain] == 0) & (expected <= EDGE)
    return [
        f"bin {number + 1} of channel {shorten(channel)}"
        for channel, bins in model.bins.items()
        for number in np.flatnonzero(empty[bins])
    ]
