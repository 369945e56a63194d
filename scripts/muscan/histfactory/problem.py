"""Half the deviance of a model, as the problem that the optimiser minimises."""

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.optimize.problem import Derivatives
from muscan.optimize.walls import Walls


class DevianceProblem:
    """Half the deviance as a function of the parameters in the order of the layout, shape (P, B).

    Its data are those of `Likelihood.arranged`. Its conditions say that no bin expects fewer than zero events, and hold
    where nothing is observed; where something is, the deviance itself is infinite there.
    """

    def __init__(self, likelihood: Likelihood):
        layout, model = likelihood.layout, likelihood.model
        self._likelihood = likelihood
        self.low, self.high = (likelihood.places(bound[:, None]) for bound in model.bounds.T)
        self.centre = np.clip(likelihood.places(model.initial[:, None]), self.low, self.high)
        self.kinked = layout.kinked
        lines = layout.rows + len(layout.order) - layout.globals_ + len(layout.bins)
        self.elements = lines * layout.globals_ + sum(block.nominal.size for block in layout.blocks)

    def derivatives(self, theta: np.ndarray, data: np.ndarray, walls: Walls) -> Derivatives:
        """Return the derivatives of half the deviance."""
        return self._likelihood.derivatives(theta, data, walls)

    def conditions(self, theta: np.ndarray) -> np.ndarray:
        """Return the expected events of N bins, shape (N, B)."""
        return self._likelihood.expected_in_places(theta)

    def walled(self, data: np.ndarray) -> np.ndarray:
        """Return in which bins nothing is observed, shape (N, B)."""
        return data[: self._likelihood.model.nmain] == 0
