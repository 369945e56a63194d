"""What fits: muscan's own Newton steps, or pyhf's fits with Minuit for those who want the reference.

An engine has a name, a `model`, its `likelihood`, and `fit(data, starts, mu) -> Fits`.
"""

import numpy as np

from muscan.histfactory.model import Model
from muscan.inference.fits import Fits, nothing
from muscan.inference.newton import Newton


class Pyhf(Newton):
    """pyhf's model of the workspace, fitted by pyhf with Minuit; only the value at the minimum is calculated here."""

    name = "pyhf"
    scattered = 0

    def __init__(self, model: Model, workspace: dict):
        import pyhf

        super().__init__(model)
        self._pyhf, self._workspace = pyhf, workspace
        settings = {kind: {"interpcode": code} for kind, code in model.interpolation.items()}
        self._model = pyhf.Workspace(workspace).model(modifier_settings=settings)

    def with_model(self, model: Model) -> "Pyhf":
        return Pyhf(model, self._workspace)

    def _within_bounds(self, data: np.ndarray, starts: list[np.ndarray], mu: np.ndarray) -> Fits:
        number = data.shape[1]
        best = nothing(len(self.model.names), number)
        self._pyhf.set_backend("numpy", self._pyhf.optimize.minuit_optimizer(tolerance=1e-3, strategy=1))
        for index in range(number):
            for start in starts:
                begin = start.reshape(len(start), -1)
                found = self._one(data[:, index], begin[:, index % begin.shape[1]], mu[index])
                if found is not None and not best.deviance[index] <= found[1]:
                    best.parameters[:, index], best.deviance[index] = found
        best.edm[np.isfinite(best.deviance)] = 0.0
        return best

    def _one(self, data: np.ndarray, start: np.ndarray, mu: float) -> tuple[np.ndarray, float] | None:
        low, high = self.model.bounds.T
        start, fixed = np.clip(start, low, high), self.model.fixed.copy()
        start[fixed] = self.model.initial[fixed]
        if not np.isnan(mu):
            start[self.model.poi], fixed[self.model.poi] = mu, True
        parameters = start
        if not fixed.all():  # pyhf wants something to fit
            try:
                parameters = self._pyhf.infer.mle.fit(
                    data.tolist(), self._model, start.tolist(), self.model.bounds.tolist(), fixed.tolist()
                )
            except self._pyhf.exceptions.FailedMinimization:
                return None
        value = self.likelihood.deviance_of(np.asarray(parameters), data)
        return (np.asarray(parameters), value) if np.isfinite(value) else None


ENGINES = ("newton", "pyhf")


def engine(name: str, model: Model, workspace: dict | None = None):
    """The engine of this name; pyhf's needs the workspace."""
    return Newton(model) if name == "newton" else Pyhf(model, workspace)
