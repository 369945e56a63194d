"""What a proposal is: from fits and their data to further starting points."""

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
    """Each of T fits is given up as soon as a parameter crosses this value."""

    parameter: np.ndarray  # shape (T,)
    value: np.ndarray  # shape (T,)


class FurtherStarts(NamedTuple):
    """Where T further fits begin.

    Several of one fit are compared with it in the order of their borders (parameter, then value) and of the arrays.
    """

    fit: np.ndarray  # which of the known fits each may improve, shape (T,)
    starts: list[np.ndarray]  # each of shape (npar, T), or (npar,) for one that all have in common, see Engine.fit
    border: Border | None = None
    mu: np.ndarray | None = None  # where the POI is held, shape (T,); None: as in the fit that they may improve


class Known(NamedTuple):
    """What the search knows when it asks for starting points."""

    fits: Fits  # B fits, each of which has found a minimum
    data: np.ndarray  # their data, shape (nmain + naux, B)
    held: Fits | None = None  # fits of the same data with the POI held, where there are any
    first: bool = True  # whether this is the first round


class Proposal(ABC):
    """A way to find further starting points.

    Attributes:
        scope: the fits to which it applies.
        one_sided: whether its fits have borders. Proposals with borders are tried together, in one batch.
        possible: whether it may propose anything for this model.
    """

    scope: ClassVar[Scope]
    one_sided: ClassVar[bool] = False
    possible: bool = True

    def __init__(self, likelihood: Likelihood):
        self.likelihood, self.model = likelihood, likelihood.model

    @abstractmethod
    def starts(self, known: Known) -> FurtherStarts:
        """Starting points of fits that may end lower than the known ones."""
