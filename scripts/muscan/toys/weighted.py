"""Toys thrown from several fits together, and the weights that make them toys of any one of these fits, or another.

Tail probabilities of a few percent then need ten to a hundred times fewer toys than thrown from one fit alone: toys
thrown from the background are the signal+background toys that count, with the ratio of the two probabilities as
weight. The weights are those of the balance heuristic, which no toy of a fit among the thrown ones can exceed by more
than the inverse of its share (E. Veach, L. Guibas, SIGGRAPH 95 (1995) 419).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, xlogy

from muscan.histfactory.likelihood import Likelihood
from muscan.inference.fits import Fits
from muscan.toys import pseudo_data
from muscan.toys.tail_counts import SAME

REPLICATES = 200  # of the bootstrap: errors are known to 5 %
# CLs of fewer toys in the tail, counted with their weights, has no error that can be trusted.
FEWEST = 20.0
LEAST_ERROR = 1e-4  # relative, of CLs: where every toy in the tail has the same weight, fits are no better


class Source(NamedTuple):
    """A fit from which toys are thrown."""

    name: str  # of its random stream
    mu: float
    parameters: np.ndarray  # shape (npar,)
    number: int  # toys of each block


class CLs(NamedTuple):
    """CLs from toys at one mu; nan where too few toys are in the tail."""

    value: float
    error: float  # statistical, one standard deviation

    def known(self) -> bool:
        return bool(np.isfinite(self.value) and np.isfinite(self.error))

    def relative(self) -> float:
        return self.error / self.value if self.known() and self.value > 0 else np.inf


class WeightedToys:
    """Toys of several fits, in blocks; the test statistic at any mu.

    Args:
        engine: what fits, see `inference.engines`.
        sources: at least one.
        random: the random numbers of a source or of a bootstrap, from its name, its mu and the number of the block.
    """

    def __init__(self, engine, test_statistic: str, sources: list[Source], random):
        self.engine, self._statistic, self.sources, self._random = engine, test_statistic, sources, random
        self.blocks: list[tuple[np.ndarray, Fits]] = []  # data and free fits
        self._mixture: list[np.ndarray] = []  # log of the probability of each toy among all that are thrown
        self._q: dict[float, list[np.ndarray]] = {}

    def throw(self) -> None:
        """Add a block."""
        parts = []
        for source in self.sources:
            random = self._random(source.name, source.mu, len(self.blocks))
            data = pseudo_data.throw(self.engine.likelihood, source.parameters, source.number, random)
            parts.append((data, self.engine.fit(data, [source.parameters])))
        data = np.hstack([each for each, _ in parts])
        free = Fits(*(np.concatenate(each, axis=-1) for each in zip(*(fits for _, fits in parts), strict=True)))
        numbers = np.array([source.number for source in self.sources])
        logs = [log_probability(self.engine.likelihood, source.parameters, data) for source in self.sources]
        self._mixture.append(logsumexp(np.array(logs), axis=0, b=(numbers / numbers.sum())[:, None]))
        self.blocks.append((data, free))

    def thrown(self) -> int:
        return len(self.blocks) * sum(source.number for source in self.sources)

    def q(self, mu: float) -> np.ndarray:
        """The test statistic at mu of all toys, nan where a fit failed, shape (B,)."""
        known = self._q.setdefault(mu, [])
        for data, free in self.blocks[len(known) :]:
            known.append(pseudo_data.test(self.engine, data, free, mu, self._statistic).q)
        return np.concatenate(known)

    def failed(self) -> int:
        """The most toys whose fits failed, at any mu that was tested."""
        return max((int(np.isnan(np.concatenate(each)).sum()) for each in self._q.values()), default=0)

    def weights(self, parameters: np.ndarray) -> np.ndarray:
        """What each toy counts as a toy of the fit `parameters`, of shape (npar,); 1 on the average; shape (B,)."""
        likelihood = self.engine.likelihood
        logs = [log_probability(likelihood, parameters, data) for data, _ in self.blocks]
        return np.exp(np.concatenate(logs) - np.concatenate(self._mixture))

    def CLs(self, mu: float, signal: np.ndarray, background: np.ndarray, q_obs: float | None) -> CLs:
        """CLs at mu with its error.

        Args:
            signal, background: the fits whose toys make the two tails, shape (npar,).
            q_obs: the observed test statistic; None for the median of the background-only toys.
        """
        q = self.q(mu)
        found = ~np.isnan(q)
        order = np.flatnonzero(found)[np.argsort(-q[found], kind="stable")]
        q = q[order]
        weights = np.array([self.weights(each)[order] for each in (signal, background)])
        drawn = self._random("check bootstrap", mu, 0).poisson(1.0, (REPLICATES, len(q)))
        value, effective = _ratio(q, weights, q_obs)
        if effective < FEWEST:
            return CLs(np.nan, np.nan)
        values = np.array([_ratio(q, weights * each, q_obs)[0] for each in drawn])
        return CLs(float(value), max(float(np.std(values[np.isfinite(values)])), LEAST_ERROR * float(value)))


def _ratio(q: np.ndarray, weights: np.ndarray, q_obs: float | None) -> tuple[float, float]:
    """The ratio of the tail probabilities, and how many toys of the weight one the smaller of the two tails is worth.

    Args:
        q: descending, shape (B,).
        weights: for signal+background and for background-only, shape (2, B).
        q_obs: see `WeightedToys.CLs`.
    """
    sums = weights.cumsum(axis=1)
    threshold = q_obs
    if threshold is None:
        threshold = q[min(np.searchsorted(sums[1], 0.5 * sums[1, -1]), len(q) - 1)]
    inside = int(np.searchsorted(-q, -(threshold - min(SAME, threshold / 2)), side="right"))
    if not inside:
        return np.nan, 0.0
    tail = sums[:, inside - 1]
    with np.errstate(all="ignore"):
        effective = tail**2 / (weights[:, :inside] ** 2).sum(axis=1)
        return tail[0] / tail[1], np.nan_to_num(effective).min()


def log_probability(likelihood: Likelihood, parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
    """Log of the probability of main and auxiliary data, up to a term that does not depend on the parameters.

    Args:
        parameters: shape (npar,).
        data: shape (nmain + naux, B).

    Returns:
        shape (B,); -inf where events are seen of which none are expected.
    """
    constraints, nmain = likelihood.model.constraints, likelihood.model.nmain
    counts = np.concatenate([np.ones(nmain, bool), constraints.is_poisson])
    expected = likelihood.asimov(parameters)[:, None]
    events = np.maximum(expected[counts], 0.0)
    sigma = constraints.sigma[~constraints.is_poisson][:, None]
    pulls = (data[~counts] - expected[~counts]) / sigma
    return (xlogy(data[counts], events) - events).sum(axis=0) - 0.5 * (pulls**2).sum(axis=0)
