"""Toys: pseudo-data thrown from a fit, in blocks with a random stream of their own, and their test statistics.

Main and auxiliary data fluctuate. Signal+background toys come from the fit to the data with mu held at the tested
value, background-only toys from that with mu = 0; the latter are the same for every mu and are fitted freely once.
"""

import hashlib
import json
from typing import NamedTuple

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.inference.fits import Fits, at_bound
from muscan.inference.test_statistics import TEST_STATISTICS

WITH_SIGNAL, BACKGROUND_ONLY = HYPOTHESES = ("signal", "background")  # signal+background, background-only
# A held fit that ends below the free one by more than this, in -2 log L, makes q negative.
NEGATIVE = 1e-6
# What is said of a toy, as bits.
RESCUED, BELOW_ZERO, AT_LOW, AT_HIGH, AT_STATED = 1, 2, 4, 8, 16


class Toys(NamedTuple):
    """The test statistic of B toys at one mu."""

    q: np.ndarray  # nan where a fit failed, shape (B,)
    # RESCUED by Minuit, q BELOW_ZERO before the free fit was repeated, POI AT a bound, another AT_STATED bound; (B,)
    flags: np.ndarray


class Counts(NamedTuple):
    """What became of the toys of one hypothesis at one mu; all but the last four add up to `thrown`."""

    thrown: int
    converged: int  # in the batch
    rescued: int  # by Minuit
    failed: int
    q_below_zero: int  # before the free fit was repeated from the held one
    poi_at_lower_bound: int
    poi_at_upper_bound: int
    at_stated_bound: int  # another parameter, in either fit, at a bound that the workspace states


def stream(seed: int, model: str, hypothesis: str, mu: float, block: int) -> np.random.Generator:
    """The random numbers of one block; every combination has its own.

    Args:
        model: digest of the model.
        mu: the tested value of signal toys, 0 of background-only toys.
    """
    key = json.dumps([seed, model, hypothesis, float(mu), block])
    return np.random.default_rng(np.random.SeedSequence(int.from_bytes(hashlib.sha256(key.encode()).digest())))


def throw(likelihood: Likelihood, parameters: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Main and auxiliary data around what `parameters`, of shape (npar,), expect; shape (nmain + naux, number)."""
    constraints, nmain = likelihood.model.constraints, likelihood.model.nmain
    expected = likelihood.asimov(parameters)[:, None]
    counts = np.concatenate([np.ones(nmain, bool), constraints.is_poisson])
    toys = np.empty((len(expected), number))
    toys[counts] = rng.poisson(np.maximum(expected[counts], 0.0), (counts.sum(), number))
    sigma = constraints.sigma[~constraints.is_poisson][:, None]
    toys[~counts] = rng.normal(expected[~counts], sigma, (len(sigma), number))
    return toys


def test(engine, data: np.ndarray, free: Fits, mu: float, test_statistic: str) -> Toys:
    """The test statistic at mu of toys that are fitted freely already.

    Args:
        engine: what fits, see `inference.engines`.
        data: the toys, shape (nmain + naux, B).
        free: their free fits, where the held ones begin.
    """
    model = engine.model
    free = Fits(*(array.copy() for array in free))
    good = np.flatnonzero(np.isfinite(free.deviance))
    toys = Toys(np.full(data.shape[1], np.nan), np.zeros(data.shape[1], np.uint8))
    if not len(good):
        return toys
    data, free = data[:, good], free.some(good)
    held = engine.fit(data, [free.parameters], np.full(len(good), mu))
    with np.errstate(invalid="ignore"):
        below = held.deviance < free.deviance - NEGATIVE
    engine.repeat_above(data, free, held)
    poi = free.parameters[model.poi]
    toys.q[good] = TEST_STATISTICS[test_statistic].value(mu, poi, held.deviance - free.deviance)
    on_bound = at_bound(model, free.parameters.T)[:, model.poi]
    stated = model.stated & (np.arange(len(model.names)) != model.poi)
    on_stated = np.any([(at_bound(model, fits.parameters.T) & stated).any(axis=1) for fits in (free, held)], axis=0)
    low = on_bound & (poi < model.bounds[model.poi].mean())
    flags = np.where(free.rescued | held.rescued, RESCUED, 0) + np.where(below, BELOW_ZERO, 0)
    toys.flags[good] = flags + np.where(low, AT_LOW, 0) + np.where(on_bound & ~low, AT_HIGH, 0)
    toys.flags[good] += np.where(on_stated, AT_STATED, 0).astype(np.uint8)
    return toys


def count(toys: Toys) -> Counts:
    found = np.isfinite(toys.q)
    bits = (RESCUED, BELOW_ZERO, AT_LOW, AT_HIGH, AT_STATED)
    rescued, *others = (int((toys.flags[found] & bit > 0).sum()) for bit in bits)
    number, good = len(found), int(found.sum())
    return Counts(number, good - rescued, rescued, number - good, *others)
