"""Toys of an engine, and their lowest minima from many random starting points, without any proposal."""

import numpy as np

from muscan.inference.local_minima import local_minima
from muscan.inference.newton import Newton


def throw(engine: Newton, number: int, seed: int = 1, mu: float = 0.0) -> np.ndarray:
    """Toys at the nominal values of the nuisance parameters, main and auxiliary data, shape (nmain + naux, number)."""
    rng, model = np.random.default_rng(seed), engine.model
    parameters = model.initial.copy()
    parameters[model.poi] = mu
    expected = engine.likelihood.asimov(parameters)[:, None]
    gauss = np.concatenate([np.zeros(model.nmain, bool), ~model.constraints.is_poisson])
    width = np.concatenate([np.ones(model.nmain), model.constraints.sigma])[:, None]
    shape = (len(expected), number)
    counts = rng.poisson(np.where(gauss[:, None], 1.0, expected), shape)
    return np.where(gauss[:, None], rng.normal(expected, width, shape), counts)


def best_of_random_starts(engine: Newton, toys: np.ndarray, starts: int = 10) -> np.ndarray:
    """The lowest deviance of each toy, shape (B,)."""
    model, rng = engine.model, np.random.default_rng(6)
    widths = np.where(np.isnan(model.constrained_widths()), 0.3, model.constrained_widths())
    best = np.full(toys.shape[1], np.inf)
    for _ in range(starts):
        start = model.initial[:, None] + widths[:, None] * rng.normal(size=(len(model.names), toys.shape[1]))
        start = np.where(model.fixed[:, None], model.initial[:, None], start)
        found = local_minima(engine.likelihood, toys, start, model.fixed)
        best = np.minimum(best, np.where(found.converged, found.deviance, np.inf))
    return best
