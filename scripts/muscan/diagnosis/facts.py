"""What several searches for problems need to know of a model."""

from collections.abc import Iterable
from functools import cached_property

import numpy as np

from muscan.base.words import join_items
from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model

# Relative changes of a template below this are rounding of the numbers in a workspace, not variations.
ROUNDING = 1e-4
LARGE_UNCERTAINTY = 1.0  # relative uncertainties above this are suspicious
# A signal counts as if it were as large as a limit allows: about so many standard deviations in its best bin.
LIMIT_SIGNAL = 2.0
# Changes smaller than this, in statistical standard deviations of all bins together, have no visible effect.
VISIBLE = 0.1
# Changes larger than this, in the same units, matter as much as the statistical uncertainty: limits depend on them.
DECISIVE = 1.0
# Numbers of places that a text lists.
MOST_TEMPLATES, MOST_BINS, MOST_CHANNELS, MOST_NAMES = 3, 6, 4, 8


class ModelFacts:
    """Properties of a model, and its parts in words.

    Arrays of "cells" have one entry for each bin of each sample, shape (nsamples, nmain).

    Attributes:
        model: the model.
        observed: observed events, shape (nmain,).
        channel: index of the channel of each bin, shape (nmain,).
        start: where the fits begin, shape (npar,).
        held: parameters that are fixed, or have no room between their bounds; never the POI, shape (npar,).
        constrained: parameters with an auxiliary measurement, shape (npar,).
        events: cells with events, if only in a variation.
        possible: cells with events that no parameter held at zero switches off.
    """

    def __init__(self, model: Model):
        self.model = model
        self.observed = model.data[: model.nmain]
        self.channel = np.repeat(np.arange(len(model.channels)), np.diff(model.edges))
        low, high = model.bounds.T
        self.start = np.where(model.fixed, model.initial, np.clip(model.initial, *model.known_bounds.T))
        self.held = model.fixed | (low == high)
        self.held[model.poi] = False  # its bounds follow the scan
        self.constrained = np.zeros(len(model.names), bool)
        self.constrained[model.constraints.parameter] = True
        changed = (model.histosys.down != 0) | (model.histosys.up != 0)
        self.events = model.nominal != 0
        self.events[model.histosys.sample[changed], model.histosys.bin[changed]] = True
        self.possible = self.events & ~self._switched_off()

    def _switched_off(self) -> np.ndarray:
        """Cells that are multiplied by a parameter held at zero."""
        off = np.zeros(self.model.nominal.shape, bool)
        zero = self.held & (self.start == 0)
        factors, bin_factors = self.model.factors, self.model.bin_factors
        for sample, channel in zip(*select_entries(factors, zero, "sample", "channel"), strict=True):
            off[sample, self.channel == channel] = True
        sample, bin_ = select_entries(bin_factors, zero, "sample", "bin")
        off[sample, bin_] = True
        return off

    @cached_property
    def likelihood(self) -> Likelihood:
        """The likelihood of the model."""
        return Likelihood(self.model)

    @cached_property
    def expected(self) -> np.ndarray:
        """Expected events of each cell where the fits begin."""
        return self.likelihood.expected_by_sample(self.start[:, None])[..., 0]

    @cached_property
    def signal_cells(self) -> np.ndarray:
        """Cells on which the POI acts."""
        model, poi = self.model, np.arange(len(self.model.names)) == self.model.poi
        cells = np.zeros(model.nominal.shape, bool)
        for entries in (model.factors, model.normsys):
            for sample, channel in zip(*select_entries(entries, poi, "sample", "channel"), strict=True):
                cells[sample, self.channel == channel] = True
        for entries in (model.bin_factors, model.histosys):
            sample, bin_ = select_entries(entries, poi, "sample", "bin")
            cells[sample, bin_] = True
        return cells

    @cached_property
    def effective(self) -> np.ndarray:
        """Parameters on which the expected events can depend, shape (npar,)."""
        model = self.model
        possible = self.by_channel(self.possible)
        norm, shift, factors, bin_factors = model.normsys, model.histosys, model.factors, model.bin_factors
        acts = [
            (factors.parameter, possible[factors.sample, factors.channel]),
            (bin_factors.parameter, self.possible[bin_factors.sample, bin_factors.bin]),
            (norm.parameter, possible[norm.sample, norm.channel] & ((norm.low != 1) | (norm.high != 1))),
            (shift.parameter, self.possible[shift.sample, shift.bin] & ((shift.down != 0) | (shift.up != 0))),
        ]
        effective = np.zeros(len(model.names), bool)
        for parameter, which in acts:
            effective[parameter[which]] = True
        return effective

    @cached_property
    def inverse_variance(self) -> np.ndarray:
        """Factor that turns the square of a change of a cell, in events, into statistical variances of its bin.

        The signal is scaled to the size that a limit excludes, so that the cross section of its template does not
        matter.
        """
        signal = np.where(self.signal_cells, self.model.nominal, 0.0).sum(axis=0)
        background = np.where(self.signal_cells, 0.0, self.model.nominal).sum(axis=0)
        variance = np.maximum(background, 1.0)
        best = (np.abs(signal) / np.sqrt(variance)).max(initial=0.0)
        return np.where(self.signal_cells, (LIMIT_SIGNAL / best) ** 2 if best else 0.0, 1.0) / variance

    def by_channel(self, cells: np.ndarray) -> np.ndarray:
        """Return whether any bin of a channel is among the cells, shape (nsamples, nchannels)."""
        return np.logical_or.reduceat(cells, self.model.edges[:-1], axis=1)

    def template_names(self, pairs: Iterable[tuple[int, int]], most: int = MOST_TEMPLATES) -> str:
        """Return pairs of a sample and a channel in words; each is named once."""
        model = self.model
        texts = [f"{model.channels[channel]!r} / {model.samples[sample]!r}" for sample, channel in dict.fromkeys(pairs)]
        return join_items(texts, most)

    def bin_names(self, bins: np.ndarray) -> str:
        """Return bins in words, by channel and numbered from 1."""
        texts = []
        for channel in np.unique(self.channel[bins]):
            first, end = self.model.edges[channel : channel + 2]
            numbers = [str(bin_ - first + 1) for bin_ in bins[self.channel[bins] == channel]]
            words = "the only bin" if end - first == 1 else f"{plural('bin', numbers)} {join_items(numbers, MOST_BINS)}"
            texts.append(f"channel {self.model.channels[channel]!r}, {words}")
        return join_items(texts, MOST_CHANNELS)

    def parameter_names(self, parameters: np.ndarray) -> str:
        """Return parameters in words, by their indices."""
        return join_items([repr(self.model.names[i]) for i in parameters], MOST_NAMES)


def select_entries(entries: tuple, parameters: np.ndarray, *columns: str) -> list[np.ndarray]:
    """Return columns of a table of modifiers for some parameters.

    Args:
        entries: such as `Model.factors`.
        parameters: whether the entries of a parameter are selected, shape (npar,).
        columns: names of the columns.
    """
    selected = parameters[entries.parameter]
    return [getattr(entries, column)[selected] for column in columns]


def plural(word: str, things) -> str:
    """Return the word, with an s unless there is one thing."""
    return word if len(things) == 1 else f"{word}s"
