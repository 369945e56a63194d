"""The events on which a limit rests: a check of asymptotic limits without toys.

Asymptotic formulae take the log of the likelihood ratio for normally distributed. In a counting experiment its skewness
is that of a Poisson number of events, 1 / sqrt(events). The number of events that gives the same skewness tells in any
model how far the formulae can be trusted.

The errors quoted here are the largest in a study of 500 limits of random models (`make study-check`).
"""

from typing import NamedTuple

import numpy as np

from muscan.histfactory.model import Model
from muscan.inference.engine import Engine
from muscan.inference.hypotest import Prepared

# Largest relative error of asymptotic limits that rest on fewer events than the key.
ERROR_BY_EVENTS = {3.0: 0.35, 10.0: 0.2, 30.0: 0.1}
# The same for limits where the fit with mu held scales the signal, within its uncertainties, by more than this.
SIGNAL_CHANGE, ERROR_BY_SIGNAL = 0.15, 0.2
ACCEPTED_ERROR = 0.1  # up to which there is no warning


class Sensitivity(NamedTuple):
    """What the sensitivity at a limit rests on.

    Attributes:
        events: effective number of events that carry it.
        signal: the fitted signal in units of the predicted one, at the same mu.
    """

    events: float
    signal: float

    def error_by_events(self) -> float:
        """Return how far the limit may be off, as a part of it, because it rests on few events; 0 if below 5 %."""
        return next((error for events, error in ERROR_BY_EVENTS.items() if self.events < events), 0.0)

    def error_by_signal(self) -> float:
        """Return how far the limit may be off, as a part of it, because the signal is uncertain; 0 if below 5 %."""
        return ERROR_BY_SIGNAL if abs(self.signal - 1) > SIGNAL_CHANGE else 0.0


def sensitivities(engine: Engine, prepared: Prepared, mu: list[float]) -> list[Sensitivity]:
    """Return what the sensitivity at each mu rests on.

    Args:
        engine: fits the data with mu held.
        prepared: the fits that do not depend on mu.
        mu: signal strengths above zero.

    Raises:
        FitError: if a fit to the data fails.
    """
    model = engine.model
    data, *starts = (
        np.repeat(values[:, None], len(mu), axis=1)
        for values in (model.data, prepared.free.parameters, prepared.reference.parameters)
    )
    fits = engine.fit(data, starts, np.array(mu))
    return [_sensitivity(engine, prepared, value, fits.one(i).parameters) for i, value in enumerate(mu)]


def _sensitivity(engine: Engine, prepared: Prepared, mu: float, held: np.ndarray) -> Sensitivity:
    """The same at one mu; `held` is the fit with mu held, shape (npar,)."""
    background = prepared.reference.parameters
    expected = engine.likelihood.asimov(held), engine.likelihood.asimov(background)
    change, mean = expected[0] - expected[1], (expected[0] + expected[1]) / 2
    events = _effective_events(engine.model, change, mean)
    return Sensitivity(events, _signal_scale(engine, mu, held, background, mean[: engine.model.nmain]))


def _effective_events(model: Model, change: np.ndarray, mean: np.ndarray) -> float:
    """The number of events of a counting experiment with the same skewness, or the same kurtosis if that is smaller.

    The log of the likelihood ratio of two hypotheses is about a sum of Poisson numbers n_i with the weights d_i / v_i
    (d_i: difference of their expectations, v_i: mean of the two) and of normal ones. Its cumulants are
    k_r = sum d_i^r / v_i^(r - 1), its skewness k3 / k2^1.5 and its kurtosis k4 / k2^2; in a counting experiment these
    are 1 / sqrt(events) and 1 / events.

    Args:
        model: of the data.
        change: d, main and auxiliary, shape (nmain + naux,).
        mean: v, shape (nmain + naux,).
    """
    is_count = np.concatenate([np.ones(model.nmain, bool), model.constraints.is_poisson])
    used = is_count & (mean > 0)
    normal = (change[~is_count] / model.constraints.sigma[~model.constraints.is_poisson]) ** 2
    second, third, fourth = ((change[used] ** r / mean[used] ** (r - 1)).sum() for r in (2, 3, 4))
    second += normal.sum()
    with np.errstate(all="ignore"):
        return float(np.nan_to_num(min(second**3 / third**2, second**2 / fourth), nan=0.0))


def _signal_scale(engine: Engine, mu: float, held: np.ndarray, background: np.ndarray, mean: np.ndarray) -> float:
    """The signal of the fit with mu held in units of the predicted one, averaged over bins by sensitivity.

    Args:
        engine: with the likelihood.
        mu: the signal strength.
        held: the fit with mu held, shape (npar,).
        background: the fit with mu = 0, whose other parameters give the prediction, shape (npar,).
        mean: expected events, averaged over the two, shape (nmain,).
    """
    predicted = _signal_events(engine, mu, background)
    weights = np.where(mean > 0, predicted / np.maximum(mean, 1e-9), 0.0)
    with np.errstate(all="ignore"):
        ratio = (weights @ _signal_events(engine, mu, held)) / (weights @ predicted)
        return float(np.nan_to_num(ratio, nan=1.0))


def _signal_events(engine: Engine, mu: float, parameters: np.ndarray) -> np.ndarray:
    """Expected events at mu above those without signal, with these other parameters, shape (nmain,)."""
    model = engine.model
    values = np.repeat(parameters[:, None], 2, axis=1)
    values[model.poi] = mu, 0.0
    return np.subtract(*engine.likelihood.expected(values).T[:, : model.nmain])
