"""The interface of proposals, which derive further starting points from fits and their data."""

from abc import ABC, abstractmethod
from enum import Enum
from typing import ClassVar, NamedTuple

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.inference.fits import Fits


class Scope(Enum):
    """The fits to which a proposal applies."""

    FIRST_STARTS = "the fits to the data on which all tests of a signal depend, before they begin"
    EVERY_FIT = "every fit, to data and to toys, in rounds until none becomes lower"
    FREE_FIT_OF_DATA = "the free fit to the data, after it has ended"
    BESIDE_HELD_FITS = "free fits, to data and to toys, where fits with the POI held are known"


class Border(NamedTuple):
    """A value of a parameter for each of T fits; a fit is abandoned as soon as the parameter crosses it."""

    parameter: np.ndarray  # index, shape (T,)
    value: np.ndarray  # shape (T,)


class FurtherStarts(NamedTuple):
    """Starting points of T further fits.

    Several results for one fit are compared with it in the order of their borders (parameter, then value), then in the
    order of the arrays.
    """

    fit: np.ndarray  # number of the known fit that each may improve, shape (T,)
    starts: list[np.ndarray]  # each of shape (npar, T), or (npar,) for a common one, see `Engine.fit`
    border: Border | None = None
    mu: np.ndarray | None = None  # values at which the POI is held, shape (T,); None: as in the known fit


class Known(NamedTuple):
    """What is known when the search requests starting points."""

    fits: Fits  # B fits, each of which has found a minimum
    data: np.ndarray  # their data, shape (nmain + naux, B)
    held: Fits | None = None  # fits of the same data with the POI held, if there are any
    first: bool = True  # whether this is the first round


class Proposal(ABC):
    """A method to find further starting points.

    Args:
        likelihood: of the model.

    Attributes:
        scope: the fits to which it applies.
        one_sided: whether its fits have borders. All proposals with borders are tried together, in one batch.
        possible: whether it can propose anything for the model.
    """

    scope: ClassVar[Scope]
    one_sided: ClassVar[bool] = False
    possible: bool = True

    def __init__(self, likelihood: Likelihood):
        self.likelihood, self.model = likelihood, likelihood.model

    @abstractmethod
    def starts(self, known: Known) -> FurtherStarts:
        """Return starting points of fits that may end lower than the known ones."""
