"""Other values of free normalisations that the data constrain weakly.

A free normalisation k whose template is interpolated in a parameter that can compensate for k may have a second valley,
in which k is several times as large. In the Gaussian approximation at the initial values (see `LinearResponse`), k has
the error s_k, and a parameter a with a constraint of width w changes by C_ak / s_k, with their covariance C_ak, when k
changes by its error. If this is a large part of w, the interpolation, which is not linear, may cause another minimum. A
fit begins at such a value of k, with all other parameters changed accordingly, and is abandoned when k crosses the
border between the two valleys.
"""

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.inference.linear_response import LinearResponse
from muscan.inference.proposals.proposal import Border, FurtherStarts, Known, Proposal, Scope
from muscan.inference.proposals.ridges import may_have_ridges

# Normalisations with a larger expected error, in units of their initial value, are uncertain.
UNCERTAIN = 0.3
# A parameter compensates for k if it changes by at least this fraction of its constraint per error of k.
COMPENSATED = 0.5
# The border and the starting point behind it, in errors of the normalisation above its initial value.
BORDER, HIGH = 1.25, 5.0
# The single top of 1Lbb has such a valley. `make study` (tests/inference/test_engine.py) requires that of 1000 of its
# toys at most one ends above the best of ten random starts.


class FreeNormalisations(Proposal):
    """One starting point on the other side of the border of each uncertain normalisation, in the first round."""

    scope = Scope.EVERY_FIT
    one_sided = True

    def __init__(self, likelihood: Likelihood):
        super().__init__(likelihood)
        self._uncertain = self._uncertain_normalisations() if may_have_ridges(self.model) else []
        self.possible = len(self._uncertain) > 0

    def starts(self, known: Known) -> FurtherStarts:
        parameters = known.fits.parameters
        fits = parameters.shape[1]
        found = []
        for index, low, border, high, response in self._uncertain if known.first else ():
            value = parameters[index]
            target = np.where(value < border, high, low)
            start = parameters + response[:, None] * (target - value)
            found.append((np.arange(fits), np.full(fits, index), np.full(fits, border), start))
        if not found:
            return FurtherStarts(np.zeros(0, int), [parameters[:, :0]], Border(np.zeros(0, int), np.zeros(0)))
        fit, parameter, border, start = (np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True))
        return FurtherStarts(fit, [start], Border(parameter, border))

    def _uncertain_normalisations(self) -> list[tuple[int, float, float, float, np.ndarray]]:
        """(parameter, initial value, border, high value, response of all parameters to a change of it)."""
        model = self.model
        fixed = model.fixed.copy()
        fixed[model.poi] = True
        covariance = LinearResponse(self.likelihood, model.initial, fixed).covariance
        shapes = np.union1d(model.normsys.parameter, model.histosys.parameter).astype(int)
        widths = model.constrained_widths()[shapes]
        found = []
        for index in np.setdiff1d(model.factors.parameter, [*model.constraints.parameter, *np.flatnonzero(fixed)]):
            error, initial = np.sqrt(covariance[index, index]), model.initial[index]
            compensated = (np.abs(covariance[shapes, index]) > COMPENSATED * error * widths).any()
            border, high = initial + np.array([BORDER, HIGH]) * error
            if error > UNCERTAIN * abs(initial) and compensated and border < model.bounds[index, 1]:
                found.append((index, initial, border, high, covariance[:, index] / error**2))
        return found
