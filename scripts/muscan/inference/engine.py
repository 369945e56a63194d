"""The interface of engines, which make the fits of all test statistics, toys and checks."""

from abc import abstractmethod
from typing import Protocol

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model
from muscan.inference.fits import Fits


class Engine(Protocol):
    """Fits of one model to any number of data sets.

    Attributes:
        name: of the kind of engine, as in the configuration.
        model: to be fitted; its bounds and fixed parameters are respected.
        likelihood: of the model.
    """

    name: str
    model: Model
    likelihood: Likelihood

    @abstractmethod
    def fit(self, data: np.ndarray, starts: list[np.ndarray], mu: np.ndarray | None = None) -> Fits:
        """Find the lowest minimum of the deviance for each data set.

        A fit in which a free factor meets its default upper bound is repeated without that bound. The minimum then
        depends neither on that bound nor on the normalisation of the template.

        Args:
            data: main and auxiliary data, shape (nmain + naux, B).
            starts: starting points, each of shape (npar, B), or (npar,) for a common one of all fits.
            mu: values at which the POI is held, nan where it is free, shape (B,); None if it is free in all fits.

        Returns:
            B fits; nan where no minimum was found.

        Raises:
            FitError: if the numbers of the model differ by too many orders of magnitude.
        """

    @abstractmethod
    def fit_held(self, data: np.ndarray, starts: np.ndarray, held: np.ndarray) -> Fits:
        """Find the lowest minimum of the deviance for each data set, with any parameters held in each fit.

        Args:
            data: main and auxiliary data, shape (nmain + naux, B).
            starts: one starting point for each fit, shape (npar, B).
            held: which parameters keep their starting values, shape (npar, B).

        Returns:
            B fits; nan where no minimum was found.
        """

    @abstractmethod
    def starts(self) -> list[np.ndarray]:
        """Return the starting points of the fits on which all tests of a signal depend, each of shape (npar,)."""

    @abstractmethod
    def fit_both(self, data: np.ndarray, start: np.ndarray, mu: float) -> tuple[Fits, Fits, np.ndarray]:
        """Fit with the POI free and with the POI held at mu.

        A free fit that ends above the held one is repeated from the end of the held one.

        Args:
            data: shape (nmain + naux, B).
            start: starting point of all free fits, shape (npar,).
            mu: value of the POI in the held fits, which begin where the free ones end.

        Returns:
            the free fits, the held fits, and which free fits were repeated, shape (B,).
        """

    @abstractmethod
    def repeat_above(self, data: np.ndarray, free: Fits, held: Fits) -> np.ndarray:
        """Repeat free fits that end above the held ones from the ends of these.

        Args:
            data: shape (nmain + naux, B).
            free: B fits; improved in place.
            held: fits of the same data with the POI held.

        Returns:
            which free fits were repeated, shape (B,).
        """

    @abstractmethod
    def look_along_poi(self, data: np.ndarray, free: Fits) -> None:
        """Repeat the free fit of one data set if it ends above fits with the POI held at other values.

        Args:
            data: shape (nmain + naux, 1).
            free: one fit; improved in place.
        """

    @abstractmethod
    def with_model(self, model: Model) -> "Engine":
        """Return this engine for the same model with other bounds or fixed parameters."""
