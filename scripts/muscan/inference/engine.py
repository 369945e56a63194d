"""The interface of what fits: every test statistic, toy and check asks an engine, whatever makes its fits."""

from abc import abstractmethod
from typing import Protocol

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model
from muscan.inference.fits import Fits


class Engine(Protocol):
    """Fits of one model to any number of data sets.

    Attributes:
        name: of the kind of engine, as the configuration has it.
        model: what is fitted; its bounds and fixed flags are obeyed.
        likelihood: of the model.
    """

    name: str
    model: Model
    likelihood: Likelihood

    @abstractmethod
    def fit(self, data: np.ndarray, starts: list[np.ndarray], mu: np.ndarray | None = None) -> Fits:
        """The lowest minimum of each data set.

        A fit that meets an upper bound which is only the default of a free factor is repeated without it: what the
        fit finds then depends neither on that bound nor on the scale in which the template is written.

        Args:
            data: main and auxiliary data, shape (nmain + naux, B).
            starts: starting points, each of shape (npar, B), or (npar,) for one that all fits have in common.
            mu: where the POI is held, nan where it is free, shape (B,); free everywhere if missing.

        Returns:
            B fits; nan where a fit found no minimum.

        Raises:
            FitError: if the numbers of the model differ by too many orders of magnitude.
        """

    @abstractmethod
    def starts(self) -> list[np.ndarray]:
        """Where the fits begin on which all tests of a signal depend: points of shape (npar,), always the same."""

    @abstractmethod
    def fit_both(self, data: np.ndarray, start: np.ndarray, mu: float) -> tuple[Fits, Fits, np.ndarray]:
        """Fits with the POI free and held at mu; a free fit that ends above the held one is repeated from there.

        Args:
            data: shape (nmain + naux, B).
            start: where all free fits begin, shape (npar,).
            mu: for the held fits, which begin at the free ones.

        Returns:
            the free fits, the held ones, and which of the free ones were repeated, shape (B,).
        """

    @abstractmethod
    def repeat_above(self, data: np.ndarray, free: Fits, held: Fits) -> np.ndarray:
        """Repeat free fits that end above the held ones from where these ended.

        Args:
            data: shape (nmain + naux, B).
            free: B fits; improved in place.
            held: fits of the same data with the POI held.

        Returns:
            which were repeated, shape (B,).
        """

    @abstractmethod
    def look_along_poi(self, data: np.ndarray, free: Fits) -> None:
        """Repeat the free fit of one data set if it ends above fits with the POI held elsewhere.

        Args:
            data: shape (nmain + naux, 1).
            free: one fit; improved in place.
        """

    @abstractmethod
    def with_model(self, model: Model) -> "Engine":
        """The same engine for the same model with other bounds or fixed parameters."""
