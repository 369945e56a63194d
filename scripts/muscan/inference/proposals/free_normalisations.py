"""Other values of free normalisations that the data determine badly.

A free normalisation k whose template is interpolated in a parameter that makes up for k may have a second valley, in
which k is several times as large. In the Gaussian approximation at the initial values (see LinearResponse) k has the
error s_k, and a parameter a with a constraint of the width w follows k by C_ak / s_k per error of k. Where such a
parameter moves by a large part of w, the interpolation, which is not linear, may make another minimum. A fit begins
there, all parameters as they follow k, and is given up when k comes back over a border between the two valleys.
"""

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.inference.linear_response import LinearResponse
from muscan.inference.proposals.proposal import Border, FurtherStarts, Known, Proposal, Scope
from muscan.inference.proposals.ridges import may_have_ridges

# Normalisations with a larger expected error, in units of their initial value, are uncertain.
UNCERTAIN = 0.3
# A parameter makes up for one if it moves by at least this part of its constraint per error of the normalisation.
MADE_UP = 0.5
# Where the border is, and where a fit starts behind it, in errors of the normalisation above its initial value.
BORDER, HIGH = 1.25, 5.0
# All four were chosen with toys of 1Lbb, whose single top has such a valley: of 1000 toys at most one may end above the
# best of ten random starts (tests/inference/test_engine.py, `make study`).


class FreeNormalisations(Proposal):
    """On the other side of the border of each uncertain normalisation one start, in the first round."""

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
            made_up = (np.abs(covariance[shapes, index]) > MADE_UP * error * widths).any()
            border, high = initial + np.array([BORDER, HIGH]) * error
            if error > UNCERTAIN * abs(initial) and made_up and border < model.bounds[index, 1]:
                found.append((index, initial, border, high, covariance[:, index] / error**2))
        return found
