"""Throw toys (pseudo-experiments) from a fit, and calculate their test statistics.

Main and auxiliary data fluctuate. Signal+background toys are thrown from the fit to the data with mu held at the tested
value, background-only toys from the fit with mu = 0. The latter are the same for every mu, so that their free fits are
made once. Toys come in blocks, each with a random stream of its own.
"""

import hashlib
import json
from typing import NamedTuple

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.inference.engine import Engine
from muscan.inference.fits import Fits, at_bound
from muscan.inference.test_statistics import VALUES

WITH_SIGNAL, BACKGROUND_ONLY = HYPOTHESES = ("signal", "background")  # signal+background, background-only
# q counts as negative where the deviance of the held fit is below that of the free fit by more than this.
NEGATIVE_Q = 1e-6
# Flags of a toy, as bits: see `ToyResults`.
RESCUED, BELOW_ZERO, AT_LOW, AT_HIGH, AT_STATED = 1, 2, 4, 8, 16


class ToyResults(NamedTuple):
    """The test statistic of B toys at one mu.

    Attributes:
        q: test statistic, nan where a fit failed, shape (B,).
        flags: bits, shape (B,). RESCUED: Minuit had to finish a fit. BELOW_ZERO: q was negative before the free fit was
            repeated. AT_LOW, AT_HIGH: the free fit ends at the lower or upper bound of the POI. AT_STATED: a fit ends
            at a bound of another parameter that the workspace states.
    """

    q: np.ndarray
    flags: np.ndarray


def concatenated(blocks: list[ToyResults]) -> ToyResults:
    """Return the results of several blocks of toys together; of none if there are no blocks."""
    empty = ToyResults(np.zeros(0), np.zeros(0, np.uint8))
    return ToyResults(*(np.concatenate(parts) for parts in zip(empty, *blocks, strict=True)))


class ToyCounts(NamedTuple):
    """Numbers of toys of one hypothesis at one mu; `thrown` is the sum of `converged`, `rescued` and `failed`.

    Attributes:
        thrown: all toys.
        converged: fitted by the engine alone.
        rescued: fitted with the help of Minuit.
        failed: without a fit.
        q_below_zero: whose q was negative before the free fit was repeated from the held one.
        poi_at_lower_bound: whose free fit ends at the lower bound of the POI.
        poi_at_upper_bound: whose free fit ends at the upper bound of the POI.
        at_stated_bound: one of whose fits ends at a bound of another parameter that the workspace states.
    """

    thrown: int
    converged: int
    rescued: int
    failed: int
    q_below_zero: int
    poi_at_lower_bound: int
    poi_at_upper_bound: int
    at_stated_bound: int


def stream(seed: int, model: str, hypothesis: str, mu: float, block: int) -> np.random.Generator:
    """Return the random numbers of one block; every combination of the arguments has its own stream.

    Args:
        seed: of the configuration.
        model: digest of the model.
        hypothesis: name of the stream, for toys one of HYPOTHESES.
        mu: the tested value of signal+background toys, 0 of background-only toys.
        block: number of the block.
    """
    key = json.dumps([seed, model, hypothesis, float(mu), block])
    return np.random.default_rng(np.random.SeedSequence(int.from_bytes(hashlib.sha256(key.encode()).digest())))


def throw(likelihood: Likelihood, parameters: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Return main and auxiliary data of toys, shape (nmain + naux, number).

    Args:
        likelihood: of the model.
        parameters: the point from which the toys are thrown, shape (npar,).
        number: of toys.
        rng: random numbers.
    """
    constraints, nmain = likelihood.model.constraints, likelihood.model.nmain
    expected = likelihood.asimov(parameters)[:, None]
    is_count = np.concatenate([np.ones(nmain, bool), constraints.is_poisson])
    toys = np.empty((len(expected), number))
    toys[is_count] = rng.poisson(np.maximum(expected[is_count], 0.0), (is_count.sum(), number))
    sigma = constraints.sigma[~constraints.is_poisson][:, None]
    toys[~is_count] = rng.normal(expected[~is_count], sigma, (len(sigma), number))
    return toys


def calculate_q(engine: Engine, data: np.ndarray, free: Fits, mu: float, test_statistic: str) -> ToyResults:
    """Calculate the test statistic of toys at mu from their free fits and from fits with mu held.

    Args:
        engine: fits the toys.
        data: the toys, shape (nmain + naux, B).
        free: their free fits, at which the held ones begin.
        mu: the tested signal strength.
        test_statistic: a key of VALUES.
    """
    model = engine.model
    free = Fits(*(array.copy() for array in free))
    good = np.flatnonzero(np.isfinite(free.deviance))
    results = ToyResults(np.full(data.shape[1], np.nan), np.zeros(data.shape[1], np.uint8))
    if not len(good):
        return results
    data, free = data[:, good], free.some(good)
    held = engine.fit(data, [free.parameters], np.full(len(good), mu))
    with np.errstate(invalid="ignore"):
        below = held.deviance < free.deviance - NEGATIVE_Q
    engine.repeat_above(data, free, held)
    poi = free.parameters[model.poi]
    results.q[good] = VALUES[test_statistic](mu, poi, held.deviance - free.deviance)
    poi_at_bound = at_bound(model, free.parameters.T)[:, model.poi]
    stated = model.stated & (np.arange(len(model.names)) != model.poi)
    at_stated = np.any([(at_bound(model, fits.parameters.T) & stated).any(axis=1) for fits in (free, held)], axis=0)
    low = poi_at_bound & (poi < model.bounds[model.poi].mean())
    flags = np.where(free.rescued | held.rescued, RESCUED, 0) + np.where(below, BELOW_ZERO, 0)
    results.flags[good] = flags + np.where(low, AT_LOW, 0) + np.where(poi_at_bound & ~low, AT_HIGH, 0)
    results.flags[good] += np.where(at_stated, AT_STATED, 0).astype(np.uint8)
    return results


def count(results: ToyResults) -> ToyCounts:
    """Count toys by the outcome of their fits."""
    fitted = np.isfinite(results.q)
    bits = (RESCUED, BELOW_ZERO, AT_LOW, AT_HIGH, AT_STATED)
    rescued, *flagged = (int((results.flags[fitted] & bit > 0).sum()) for bit in bits)
    thrown, good = len(fitted), int(fitted.sum())
    return ToyCounts(thrown, good - rescued, rescued, thrown - good, *flagged)
