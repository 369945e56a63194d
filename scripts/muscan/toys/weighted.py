"""Toys thrown from several fits together, with weights that turn them into toys of any one of these fits, or another.

Tail probabilities of a few per cent then need ten to a hundred times fewer toys than if all were thrown from one fit:
the signal+background toys that matter look like background, and background-only toys with the ratio of the two
probabilities as weight provide them. The weights are those of the balance heuristic: if a fit is one of those from
which toys are thrown, no weight exceeds the inverse of its share of the toys (E. Veach, L. Guibas, SIGGRAPH 95 (1995)
419).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, xlogy

from muscan.histfactory.likelihood import Likelihood
from muscan.inference.engine import Engine
from muscan.inference.fits import Fits
from muscan.toys import pseudo_data
from muscan.toys.tail_counts import SAME_Q

REPLICATES = 200  # of the bootstrap: errors are known to 5 %
MIN_EFFECTIVE_TOYS = 20.0  # in each tail, counted with their weights; CLs from fewer has no error that can be trusted
# Least relative error of CLs: where all toys in the tail have the same weight, the precision of the fits limits it.
MIN_RELATIVE_ERROR = 1e-4


class ToySource(NamedTuple):
    """A fit from which toys are thrown.

    Attributes:
        name: of its random stream.
        mu: of its random stream.
        parameters: shape (npar,).
        number: toys of each block.
    """

    name: str
    mu: float
    parameters: np.ndarray
    number: int


class CLsEstimate(NamedTuple):
    """CLs from toys at one mu, with its statistical error (one standard deviation); nan if the toys are too few."""

    value: float
    error: float

    def is_known(self) -> bool:
        """Return whether there is a value with an error."""
        return bool(np.isfinite(self.value) and np.isfinite(self.error))

    def relative_error(self) -> float:
        """Return error / value; infinite if CLs is not known or zero."""
        return self.error / self.value if self.is_known() and self.value > 0 else np.inf


class WeightedToys:
    """Toys of several fits, in blocks, and their test statistics at any mu.

    Args:
        engine: fits the toys.
        test_statistic: "qtilde" or "q".
        sources: at least one.
        random: returns the random numbers for the name and mu of a source, or "check bootstrap", and a block.

    Attributes:
        engine: see above.
        sources: see above.
        blocks: data, of shape (nmain + naux, B), and free fits of each block.
    """

    def __init__(
        self,
        engine: Engine,
        test_statistic: str,
        sources: list[ToySource],
        random: Callable[[str, float, int], np.random.Generator],
    ):
        self.engine, self._statistic, self.sources, self._random = engine, test_statistic, sources, random
        self.blocks: list[tuple[np.ndarray, Fits]] = []
        self._log_mixture: list[np.ndarray] = []  # log of each toy's probability, averaged over the sources, by block
        self._q: dict[float, list[np.ndarray]] = {}

    def throw_block(self) -> None:
        """Throw and fit one more block of toys from each source."""
        parts = []
        for source in self.sources:
            random = self._random(source.name, source.mu, len(self.blocks))
            data = pseudo_data.throw(self.engine.likelihood, source.parameters, source.number, random)
            parts.append((data, self.engine.fit(data, [source.parameters])))
        data = np.hstack([data for data, _ in parts])
        free = Fits(*(np.concatenate(arrays, axis=-1) for arrays in zip(*(fits for _, fits in parts), strict=True)))
        numbers = np.array([source.number for source in self.sources])
        logs = [log_probability(self.engine.likelihood, source.parameters, data) for source in self.sources]
        self._log_mixture.append(logsumexp(np.array(logs), axis=0, b=(numbers / numbers.sum())[:, None]))
        self.blocks.append((data, free))

    def number_thrown(self) -> int:
        """Return the number of toys."""
        return len(self.blocks) * sum(source.number for source in self.sources)

    def number_failed(self) -> int:
        """Return the number of toys whose fits failed, at the mu with the most failures."""
        return max((int(np.isnan(np.concatenate(blocks)).sum()) for blocks in self._q.values()), default=0)

    def q(self, mu: float) -> np.ndarray:
        """Return the test statistic of all toys at mu, nan where a fit failed, shape (B,)."""
        blocks = self._q.setdefault(mu, [])
        for data, free in self.blocks[len(blocks) :]:
            blocks.append(pseudo_data.calculate_q(self.engine, data, free, mu, self._statistic).q)
        return np.concatenate(blocks)

    def weights(self, parameters: np.ndarray) -> np.ndarray:
        """Return the weights that turn the toys into toys of a fit, shape (B,); their mean is 1 on average.

        Args:
            parameters: the fit, shape (npar,).
        """
        likelihood = self.engine.likelihood
        logs = [log_probability(likelihood, parameters, data) for data, _ in self.blocks]
        return np.exp(np.concatenate(logs) - np.concatenate(self._log_mixture))

    def CLs(self, mu: float, signal: np.ndarray, background: np.ndarray, q_obs: float | None) -> CLsEstimate:
        """Return CLs at mu with its error, from a bootstrap of the toys.

        Args:
            mu: the tested signal strength.
            signal: the fit whose toys make the signal+background tail, shape (npar,).
            background: the fit whose toys make the background-only tail, shape (npar,).
            q_obs: the observed test statistic; None for the median of the background-only toys.
        """
        q = self.q(mu)
        fitted = ~np.isnan(q)
        order = np.flatnonzero(fitted)[np.argsort(-q[fitted], kind="stable")]
        q = q[order]
        weights = np.array([self.weights(parameters)[order] for parameters in (signal, background)])
        replicates = self._random("check bootstrap", mu, 0).poisson(1.0, (REPLICATES, len(q)))
        value, effective = _tail_ratio(q, weights, q_obs)
        if effective < MIN_EFFECTIVE_TOYS:
            return CLsEstimate(np.nan, np.nan)
        values = np.array([_tail_ratio(q, weights * times, q_obs)[0] for times in replicates])
        error = max(float(np.std(values[np.isfinite(values)])), MIN_RELATIVE_ERROR * float(value))
        return CLsEstimate(float(value), error)


def _tail_ratio(q: np.ndarray, weights: np.ndarray, q_obs: float | None) -> tuple[float, float]:
    """The ratio of the two tail probabilities, and the number of unweighted toys that the smaller tail is worth.

    Args:
        q: test statistics, descending, shape (B,).
        weights: for signal+background and for background-only, shape (2, B).
        q_obs: see `WeightedToys.CLs`.
    """
    sums = weights.cumsum(axis=1)
    threshold = q_obs
    if threshold is None:
        threshold = q[min(np.searchsorted(sums[1], 0.5 * sums[1, -1]), len(q) - 1)]
    inside = int(np.searchsorted(-q, -(threshold - min(SAME_Q, threshold / 2)), side="right"))
    if not inside:
        return np.nan, 0.0
    tail = sums[:, inside - 1]
    with np.errstate(all="ignore"):
        effective = tail**2 / (weights[:, :inside] ** 2).sum(axis=1)
        return tail[0] / tail[1], np.nan_to_num(effective).min()


def log_probability(likelihood: Likelihood, parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
    """Return the log probability of main and auxiliary data, up to a term that does not depend on the parameters.

    Args:
        likelihood: of the model.
        parameters: shape (npar,).
        data: shape (nmain + naux, B).

    Returns:
        shape (B,); -inf where events are seen of which none are expected.
    """
    constraints, nmain = likelihood.model.constraints, likelihood.model.nmain
    is_count = np.concatenate([np.ones(nmain, bool), constraints.is_poisson])
    expected = likelihood.asimov(parameters)[:, None]
    events = np.maximum(expected[is_count], 0.0)
    sigma = constraints.sigma[~constraints.is_poisson][:, None]
    pulls = (data[~is_count] - expected[~is_count]) / sigma
    return (xlogy(data[is_count], events) - events).sum(axis=0) - 0.5 * (pulls**2).sum(axis=0)
